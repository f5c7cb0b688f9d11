"""Subject access: what is held about a person, worked through by people, and handed over as paper, FHIR and JSON.

In: a person's request (UK GDPR Article 15). Out: one ZIP file, once every doubtful item was decided by somebody.
Invariant: what was redacted or withheld stands in no file of the ZIP, in no form; the hand-over is witnessed first.
"""

from carerecord.stewardship.subject_access.at_desk import SubjectAccessDesk
from carerecord.stewardship.subject_access.desk import SubjectAccess
from carerecord.stewardship.subject_access.due_rules import Standing, in_order, may_extend, standing
from carerecord.stewardship.subject_access.making import Files, keep_making
from carerecord.stewardship.subject_access.redact import passages, taken_out
from carerecord.stewardship.subject_access.values import (
    Choice,
    Decided,
    File,
    FileState,
    Ground,
    Item,
    Request,
    Undecided,
    Worklist,
)

__all__ = [
    "Choice",
    "Decided",
    "File",
    "FileState",
    "Files",
    "Ground",
    "Item",
    "Request",
    "Standing",
    "SubjectAccess",
    "SubjectAccessDesk",
    "Undecided",
    "Worklist",
    "in_order",
    "keep_making",
    "may_extend",
    "passages",
    "standing",
    "taken_out",
]
