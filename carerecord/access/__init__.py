"""May this person see this, now, for this purpose?

In: a Question (role, agreement, route, evidence, purpose, strength of sign-in). Out: a Decision that carries its
reasons as sentences. Invariant: whatever is not permitted without an error is denied. The policies are read and checked
when this room is imported, so a typo in one stops the start and never reaches a reader.
"""

from carerecord.access.decide import SHIPPED, adopt, decide, decide_for, in_force, may_work, narrow, policy_version
from carerecord.access.guardian import guardian, matrix, reviews_due
from carerecord.access.labels import Label
from carerecord.access.matrix import PolicyDoesNotFit
from carerecord.access.objections import Objection
from carerecord.access.policies import Policies, read_policies
from carerecord.access.questions import Decision, Question

__all__ = [
    "SHIPPED",
    "Decision",
    "Label",
    "Objection",
    "Policies",
    "PolicyDoesNotFit",
    "Question",
    "adopt",
    "decide",
    "decide_for",
    "guardian",
    "in_force",
    "matrix",
    "may_work",
    "narrow",
    "policy_version",
    "read_policies",
    "reviews_due",
]
