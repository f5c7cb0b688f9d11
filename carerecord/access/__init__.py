"""May this person see this, now, for this purpose?

In: a Question (role, agreement, route, evidence, purpose, strength of sign-in). Out: a Decision that carries its
reasons as sentences. Invariant: whatever is not permitted without an error is denied. The policies are read and checked
when this room is imported, so a typo in one stops the start and never reaches a reader.
"""

from carerecord.access.activities import may_declare
from carerecord.access.agreed import Agreed, AgreedHidden, Hidden, Route, check_hidden, check_route
from carerecord.access.decide import (
    SHIPPED,
    adopt,
    decide,
    decide_for,
    in_force,
    may_work,
    narrow,
    on_paper,
    policy_version,
)
from carerecord.access.explain import Explanation, explain
from carerecord.access.guardian import Reading, guardian, matrix, reviews_due
from carerecord.access.labels import Label
from carerecord.access.matrix import PolicyDoesNotFit
from carerecord.access.narrowing import read_in_force, read_narrowed
from carerecord.access.objections import Objection
from carerecord.access.policies import Policies, read_policies, with_agreed
from carerecord.access.questions import Decision, Question
from carerecord.access.what_if import Difference, WhatIf, compare

__all__ = [
    "SHIPPED",
    "Agreed",
    "AgreedHidden",
    "Decision",
    "Difference",
    "Explanation",
    "Hidden",
    "Label",
    "Objection",
    "Policies",
    "PolicyDoesNotFit",
    "Question",
    "Reading",
    "Route",
    "WhatIf",
    "adopt",
    "check_hidden",
    "check_route",
    "compare",
    "decide",
    "decide_for",
    "explain",
    "guardian",
    "in_force",
    "matrix",
    "may_declare",
    "may_work",
    "narrow",
    "on_paper",
    "policy_version",
    "read_in_force",
    "read_narrowed",
    "read_policies",
    "reviews_due",
    "with_agreed",
]
