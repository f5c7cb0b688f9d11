"""What leaves by the door out: finished, plain values that can be shown without asking anything more."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from carerecord.model import Evidence, EvidenceClass, Heading, OriginalReference, Purpose, Staff
from carerecord.reconciliation.entries import Entry, Record, Saying
from carerecord.reconciliation.pathway import Pathway

PLACE, PRINT = "place", "print"  # forms of a look


class Looking(msgspec.Struct, frozen=True, kw_only=True):
    """Who is looking, by which route, resting on what: the request that every interaction of the door starts from."""

    staff: Staff
    patient_key: int
    evidence: Evidence
    purpose: Purpose
    route: str  # "launch", "sign-in", "fhir"
    session: str  # id of the session or token, never its secret
    at: datetime
    form: str = ""  # PLACE: a line opened inside the page that it stands on; PRINT: asked for as paper


class Banner(msgspec.Struct, frozen=True, kw_only=True):
    """Who this is, in the order and words of the NHS patient banner."""

    name: str  # "HARTLEY, Joan (Mrs)"
    birth_date: date | None
    age: str  # "78y", "14m", "3w"; at death for the deceased
    gender: str  # "Female", "Not known"
    nhs_number: str | None  # 3-3-4
    nhs_number_verified: bool
    deceased_on: date | None
    is_deceased: bool
    address: str
    phone: str
    gp_practice: str
    allergy_title: (
        Literal["Known allergies", "No known allergies", "Allergies not recorded", "Allergies unavailable"] | None
    )
    allergies: tuple[str, ...]  # "penicillin (anaphylaxis)"
    said_by: str  # which source's demographics these are
    said_at: datetime
    alerts: tuple[str, ...] = ()  # what a source marks as a danger, the severe first
    decisions: tuple[str, ...] = ()  # "ReSPECT 03-Oct-2026: for full treatment, not for CPR"
    needs: tuple[str, ...] = ()  # "Interpreter: Igbo"
    is_restricted: bool = False  # the whereabouts are protected: no place is shown anywhere


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of truth about what this record does not hold, or holds late."""

    kind: Literal["outside-region", "not-connected", "withheld-by-source", "late", "silent"]
    sentence: str
    heading: Heading | None = None


class SourceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A source that contributed, and when it last said anything about this person."""

    source: str
    name: str
    phone: str | None
    last_said_at: datetime | None
    statement_count: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The record of one person as this reader may see it; `record` holds no more than `headings`."""

    title: str  # the region's name for itself: "London Care Record"
    banner: Banner
    answers: tuple[Answer, ...]
    sources: tuple[SourceAnswer, ...]
    record: Record | None
    headings: tuple[Heading, ...]  # those this reader may see
    opened_from: str  # "Opened from Oxford University Hospitals, outpatient clinic, today 09:12"
    why: tuple[str, ...]  # why this reader may see this, in sentences
    limits: tuple[str, ...]  # what this reader may not see because of their role, in sentences ("Your role is…")
    evidence: EvidenceClass = EvidenceClass.NONE  # what it rests on that this reader may see this
    basis: tuple[str, ...] = ()  # the legal basis of the policies that decided
    policies: tuple[str, ...] = ()  # their ids
    policy_version: str = ""
    cautions: tuple[str, ...] = ()  # what the reader must check before acting, in sentences
    since: date | None  # our last contact: the default of "new"
    patient_id: str
    role: str = "clinician"  # of the reader: the order of headings follows it
    pathway: Pathway | None = None
    is_clinical: bool = True  # False: a role that sees who the person is and how to reach them, and no more


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One line opened: what each source said, word for word."""

    banner: Banner
    entry: Entry
    sayings: tuple[Saying, ...]


class ShownOriginal(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an original that made one statement (decoded for reading; the bytes are kept as they came).

    Everybody is shown the part alone, and never of what type the message was: to be refused the whole of one, or to
    find a line missing, would tell that it holds something hidden. `is_whole`: of a look made again from before.
    """

    banner: Banner
    reference: OriginalReference
    source_name: str
    received_at: datetime
    lines: tuple[str, ...]
    is_whole: bool = False


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document's own bytes: a PDF letter."""

    content_type: str
    content: bytes
    title: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is shown, and why: what happened, what it means for care now, what to do next."""

    kind: Literal["not-allowed", "reason-needed", "emergency-needed", "not-found", "unavailable"]
    sentences: tuple[str, ...]
    phone: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One person found by NHS number and date of birth together, before anything of the record is shown."""

    patient_key: int
    name: str
    birth_date: date | None
    nhs_number: str | None
