"""The one door in: keep the original, translate, attribute, append.

In: the bytes of one message and when they came. Out: a Receipt with the acknowledgement to send. Invariant: the
original and its outcome are one commit, and there is no acknowledgement before it; a message sent twice is kept once.
"""

from carerecord.intake.inbox import KeptMessage, Replayed, ReplayRefused, Unsettled, list_unsettled, replay, show
from carerecord.intake.intake import Intake, NotKept
from carerecord.intake.values import Receipt

__all__ = [
    "Intake",
    "KeptMessage",
    "NotKept",
    "Receipt",
    "ReplayRefused",
    "Replayed",
    "Unsettled",
    "list_unsettled",
    "replay",
    "show",
]
