"""May this person see this, now, for this purpose?

In: a Question (role, agreement, route, evidence, purpose). Out: a Decision that carries its reasons as sentences.
Invariant: whatever is not permitted without an error is denied. The policies are read and checked when this room is
imported, so a typo in one stops the start and never reaches a reader.
"""

from carerecord.access.decide import SHIPPED, decide, decide_for, matrix, may_work, policy_version
from carerecord.access.labels import Label
from carerecord.access.policies import Policies, PolicyDoesNotFit, read_policies
from carerecord.access.questions import Decision, Question

__all__ = [
    "SHIPPED",
    "Decision",
    "Label",
    "Policies",
    "PolicyDoesNotFit",
    "Question",
    "decide",
    "decide_for",
    "matrix",
    "may_work",
    "policy_version",
    "read_policies",
]
