"""What a person is told of the looks at their record: who in which role, when, why, at what; nobody by name. Pure."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec


class HoldKind(StrEnum):
    """What is kept from a person's own ledger. Stored: only add."""

    LEDGER = "ledger"  # the whole ledger of one person, until somebody has spoken with them
    ORGANISATION = "organisation"  # the looks of one organisation at one person
    STAFF = "staff"  # the looks of one member of staff: at one person, or at anybody
    NAME = "name"  # the name of one member of staff, which the desk gives to nobody then


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One hold, as the privacy desk set it. `patient_key` 0: of a member of staff, whoever they looked at."""

    patient_key: int
    id: int
    kind: HoldKind
    value: str  # ODS code or user id; "" for the whole ledger
    because: str
    set_by: str
    set_at: datetime
    lifted_at: datetime | None = None
    organisation: str = ""  # whose desk set it, and lifts it

    @property
    def stands(self) -> bool:
        return self.lifted_at is None


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the person asked about one look, and what the desk of that organisation answered."""

    asked_at: datetime
    words: str
    answered_at: datetime | None = None
    answer: str = ""
    answered_by: str = ""  # the organisation


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was shown or sent. `ref` names its event in this ledger, and nowhere else."""

    ref: str
    at: datetime
    what: str  # summary, receipt, original, document, patient, everything, file, paper


class Look(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reader at this record, in one session. `ref` is that of its first step."""

    ref: str
    at: datetime  # of its first step
    until: datetime  # of its last
    is_sent: bool  # to a program: nobody has looked, as far as is known here
    organisation: str  # ODS code
    organisation_name: str
    role: str  # "Clinical Practitioner"; the program's name where it was sent
    purpose: str  # HL7 v3 PurposeOfUse
    evidence: str  # what showed that they are involved: encounter, appointment, ..., emergency
    route: str  # launch, sign-in, fhir, push
    is_emergency: bool = False
    reason: str = ""  # of an emergency: its code
    told_at: datetime | None = None  # when the person was told of an emergency
    headings: tuple[str, ...] = ()  # kinds of information that this role could see then
    steps: tuple[Step, ...]
    question: Question | None = None


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """How many looks, and how often something was sent, in one month."""

    first: date
    seen: int
    sent: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which looks."""

    is_sent: bool = False  # what was sent to programs, instead of what people saw
    organisation: str = ""
    months: int = 12
    page: int = 1


class LedgerPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of looks, newest first. Every count is of looks that are shown: nothing else can be told from it."""

    looks: tuple[Look, ...]
    seen: int  # looks by people that fit what was wanted
    sent: int  # the same, sent to programs
    page: int
    pages: int
    months: tuple[Month, ...]
    organisations: tuple[tuple[str, str], ...]  # (ODS code, name) to choose from
    own: tuple[datetime, ...]  # when the person read this themselves
    news: int = 0  # emergencies that the person is told of here for the first time
    stewards: tuple[Look, ...] = ()  # who looks after the record looked too: not for care


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A step's own proof, or a sentence why there is none yet."""

    file: bytes = b""
    sentence: str = ""
