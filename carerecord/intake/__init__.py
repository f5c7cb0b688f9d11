"""The one door in: keep the original, translate, attribute, append.

In: the bytes of one message, push or document, and when they came. Out: what its sender is told: a Receipt, an Answer.
Invariant: the original and its outcome are one commit, and nothing is acknowledged before it; what is sent twice is
kept once.
"""

from carerecord.intake.inbox import (
    UNKNOWN_SOURCE,
    KeptMessage,
    Replayed,
    ReplayRefused,
    Unsettled,
    find_identity,
    find_patient,
    list_unsettled,
    replay,
    show,
)
from carerecord.intake.intake import Intake, NotKept
from carerecord.intake.labelling import note_lists
from carerecord.intake.pushes import Answer, Pushed, PushedResource
from carerecord.intake.values import Receipt

__all__ = [
    "UNKNOWN_SOURCE",
    "Answer",
    "Intake",
    "KeptMessage",
    "NotKept",
    "Pushed",
    "PushedResource",
    "Receipt",
    "ReplayRefused",
    "Replayed",
    "Unsettled",
    "find_identity",
    "find_patient",
    "list_unsettled",
    "note_lists",
    "replay",
    "show",
]
