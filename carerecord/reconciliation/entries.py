"""What reconciliation makes: one readable line for each clinical fact, holding every statement it was made from."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from carerecord.model import Heading, OriginalReference, Standing, at_hand


@at_hand
class Mark(StrEnum):
    """Words that stand beside a line; never a symbol alone."""

    NEW = "new"
    CHANGED = "changed"
    CORRECTED = "corrected"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered in error"
    PRELIMINARY = "preliminary"
    SOURCES_DIFFER = "sources differ"


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """What one source said, word for word: the receipt behind a line."""

    statement_id: str  # logical id
    source: str  # source id
    source_name: str
    said_at: datetime
    happened_at: datetime | None
    standing: Standing
    lines: tuple[
        tuple[str, str], ...
    ]  # (label, text as the source wrote it): "Substance" "Penicillin", "Code" "SNOMED CT 91936005", "Author" ...
    original: OriginalReference
    is_superseded: bool = False  # the same source has since said something else about the same thing


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list. `statement_ids` is every statement it stands for: nothing is hidden by joining."""

    id: str  # logical id of its newest statement: opens the receipt
    heading: Heading
    what: str
    detail: str = ""  # how much, or status
    happened_at: datetime | None = None
    dated: str = ""  # "recorded" where that day is when it was written down, and not when it began
    said_at: datetime
    sources: tuple[str, ...]  # names, newest statement first
    marks: tuple[Mark, ...] = ()
    conflict: str | None = None  # "Royal Free says no known allergies, 12-Nov-2026: check with the patient"
    is_current: bool = True  # False: the closed group (stopped, resolved, cancelled, entered in error)
    statement_ids: tuple[str, ...]
    rule: str = ""  # which rule joined them, in words


class AllergyEntry(Entry, frozen=True, kw_only=True):
    reaction: str = ""
    severity: str = ""  # the source's own word
    is_absence: bool = False  # "No known allergies" said by a source
    absence_scope: str = ""  # of what none is known: "any", "drug", "food", "environmental"


class ResultValue(msgspec.Struct, frozen=True, gc=False):
    """One value of one analyte: keeps its own range, specimen, time, status and laboratory (correction 11).

    Not by keywords only, and nothing for the collector: a view makes hundreds.
    """

    statement_id: str
    text: str  # value as the source wrote it, unit apart
    number: float | None
    unit: str
    low: float | None
    high: float | None
    range_text: str
    flag: str  # "", "high", "low", "abnormal", "critically high", ...
    happened_at: datetime | None
    specimen: str
    laboratory: str
    standing: Standing
    superseded_by: str | None = None  # statement id of the correction: this one is struck through
    note: str = ""  # what the laboratory wrote beside the value: "haemolysed"


class ResultEntry(Entry, frozen=True, kw_only=True):
    """One analyte of one laboratory, unit and method, its values newest first; never joined across those."""

    panel: str  # "Urea and electrolytes"
    latest: ResultValue
    values: tuple[ResultValue, ...]
    is_text: bool = False  # a report in words: shown in full


class StayEntry(Entry, frozen=True, kw_only=True):
    kind: str  # "In hospital", "Emergency department", "Outpatient clinic", ...
    place: str
    start: datetime | None
    end: datetime | None
    consultant: str = ""
    reason: str = ""
    discharged_to: str = ""


class LetterEntry(Entry, frozen=True, kw_only=True):
    author: str = ""
    text: str = ""  # the letter's words when it came as text
    content_type: str = "text/plain"
    has_document: bool = False  # a PDF or other file, opened on its own


class MedicineEntry(Entry, frozen=True, kw_only=True):
    """One ingredient, strength, form and route. No dose is chosen: where sources differ, `conflict` quotes each."""

    dose: str = ""
    route: str = ""
    status: str = ""  # "on hold", "stopped"; "" where it is simply taken
    since: str = ""
    high_risk: str = ""  # "anticoagulant", "insulin", ...: a word, not a judgement
    is_hospital_only: bool = False


class PlanEntry(Entry, frozen=True, kw_only=True):
    """A plan or a decision in its own words: whether it holds is what its source says, never worked out from dates."""

    kind: str = ""  # "ReSPECT", "CPR decision", "Advance decision (ADRT)", "Lasting power of attorney", "" for a plan
    is_decision: bool = False
    is_resuscitation: bool = False
    words: tuple[str, ...] = ()
    author: str = ""
    place: str = ""
    made: str = ""  # "03-Oct-2026"
    review: str = ""


class AlertEntry(Entry, frozen=True, kw_only=True):
    is_severe: bool = False  # its source gave it a high priority


class AppointmentEntry(Entry, frozen=True, kw_only=True):
    start: datetime | None = None
    place: str = ""
    seen_by: str = ""


class ReferralEntry(Entry, frozen=True, kw_only=True):
    to: str = ""
    priority: str = ""
    is_open: bool = True  # nobody has closed it


class ContactEntry(Entry, frozen=True, kw_only=True):
    """One of the person's own people, or a team or programme that cares for them."""

    phones: tuple[str, ...] = ()
    is_team: bool = False
    has_parental_responsibility: bool = False
    members: tuple[str, ...] = ()


class AssessmentEntry(Entry, frozen=True, kw_only=True):
    answers: tuple[tuple[str, str], ...] = ()  # (question, answer)
    author: str = ""


class TaskEntry(Entry, frozen=True, kw_only=True):
    """What a source coded as still to be done, and for whom."""

    owner: str = ""
    is_open: bool = True


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Every line of every heading this reader may see. Imaging holds reports in words and studies alike."""

    allergies: tuple[AllergyEntry, ...] = ()
    results: tuple[ResultEntry, ...] = ()
    stays: tuple[StayEntry, ...] = ()
    letters: tuple[LetterEntry, ...] = ()
    problems: tuple[Entry, ...] = ()
    medicines: tuple[MedicineEntry, ...] = ()
    imaging: tuple[Entry, ...] = ()
    procedures: tuple[Entry, ...] = ()
    immunisations: tuple[Entry, ...] = ()
    appointments: tuple[AppointmentEntry, ...] = ()
    referrals: tuple[ReferralEntry, ...] = ()
    plans: tuple[PlanEntry, ...] = ()
    alerts: tuple[AlertEntry, ...] = ()
    needs: tuple[Entry, ...] = ()
    social_care: tuple[PlanEntry, ...] = ()
    contacts: tuple[ContactEntry, ...] = ()
    observations: tuple[ResultEntry, ...] = ()
    assessments: tuple[AssessmentEntry, ...] = ()
    safeguarding: tuple[Entry, ...] = ()
    family_history: tuple[Entry, ...] = ()
    devices: tuple[Entry, ...] = ()
    other: tuple[Entry, ...] = ()
    requests: tuple[Entry, ...] = ()  # tests asked for, under the heading of results
    demographics: tuple[Entry, ...] = ()  # who each source says this is
