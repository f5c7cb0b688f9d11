"""Many statements, one readable list, hiding nothing. Pure.

In: the statements of one person that a reader may see. Out: a Record of entries, and the receipt behind each entry.
Invariant: every statement stands behind exactly one entry of its heading, whatever the order in which they came.
"""

from carerecord.reconciliation.entries import (
    AllergyEntry,
    Entry,
    LetterEntry,
    Mark,
    Record,
    ResultEntry,
    ResultValue,
    Saying,
    StayEntry,
)
from carerecord.reconciliation.reconcile import every_entry, reconcile
from carerecord.reconciliation.sayings import receipt

__all__ = [
    "AllergyEntry",
    "Entry",
    "LetterEntry",
    "Mark",
    "Record",
    "ResultEntry",
    "ResultValue",
    "Saying",
    "StayEntry",
    "every_entry",
    "receipt",
    "reconcile",
]
