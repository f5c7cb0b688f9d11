"""The one door out: decide, witness, gather, reconcile, withhold.

In: a Looking (who, whose record, by which route, resting on what). Out: finished values, or a Refusal in sentences.
Invariant: nothing is read before its witness is committed, nothing leaves before a second witness says what leaves, and
what this reader may not see leaves no trace in anything that does.
"""

from carerecord.disclosure.disclose import Door
from carerecord.disclosure.replay import NothingToReplay, Replay, Replays
from carerecord.disclosure.values import (
    PLACE,
    PRINT,
    Answer,
    Banner,
    Document,
    Found,
    Looking,
    Receipt,
    Refusal,
    ShownOriginal,
    SourceAnswer,
    Summary,
)
from carerecord.disclosure.who_saw import NobodyToAsk, Saw, Target, WhoSaw
from carerecord.reconciliation.entries import (
    AlertEntry,
    AllergyEntry,
    AppointmentEntry,
    AssessmentEntry,
    ContactEntry,
    Entry,
    LetterEntry,
    Mark,
    MedicineEntry,
    PlanEntry,
    Record,
    ReferralEntry,
    ResultEntry,
    ResultValue,
    Saying,
    StayEntry,
)
from carerecord.reconciliation.pathway import Pathway, Step, Waiting

__all__ = [
    "PLACE",
    "PRINT",
    "AlertEntry",
    "AllergyEntry",
    "Answer",
    "AppointmentEntry",
    "AssessmentEntry",
    "Banner",
    "ContactEntry",
    "Document",
    "Door",
    "Entry",
    "Found",
    "LetterEntry",
    "Looking",
    "Mark",
    "MedicineEntry",
    "NobodyToAsk",
    "NothingToReplay",
    "Pathway",
    "PlanEntry",
    "Receipt",
    "Record",
    "ReferralEntry",
    "Refusal",
    "Replay",
    "Replays",
    "ResultEntry",
    "ResultValue",
    "Saw",
    "Saying",
    "ShownOriginal",
    "SourceAnswer",
    "StayEntry",
    "Step",
    "Summary",
    "Target",
    "Waiting",
    "WhoSaw",
]
