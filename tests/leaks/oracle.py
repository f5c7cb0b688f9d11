"""Who may see what, written a second time by hand: from the field's own table and the decisions, not the policies.

Sources: the starting matrix of shared care records (role by category: ● full, ◐ in part, ○ none, ⚿ in an emergency)
with its corrections; docs/decisions 0015 (administrators, protected people) and 0021 (evidence, emergencies,
objections, bars); docs/divergences.md, "The matrix beside an independent reading of it". Nothing here imports the
record, so that a slip in the policies and a slip here would have to be the same slip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

HEADINGS = [
    "DEMOGRAPHICS",
    "ALLERGIES",
    "RESULTS",
    "STAYS",
    "LETTERS",
    "PROBLEMS",
    "MEDICINES",
    "IMAGING",
    "PROCEDURES",
    "IMMUNISATIONS",
    "APPOINTMENTS",
    "REFERRALS",
    "PLANS",
    "ALERTS",
    "NEEDS",
    "SOCIAL_CARE",
    "CONTACTS",
    "OBSERVATIONS",
    "ASSESSMENTS",
    "SAFEGUARDING",
    "FAMILY_HISTORY",
    "DEVICES",
    "OTHER",
]
LABELS = [
    "mental-health",
    "safeguarding",
    "sensitive",
    "sealed",
    "social-care",
    "sexual-health",
    "termination",
    "assisted-conception",
    "gender-history",
    "adoption",
    "third-party",
    "dissent",
]
EVERY = " ".join(HEADINGS)

# What a role sees nothing of, labelled or not: the ○ of the table, and for letters the ◐ that cannot be done in part.
NEVER: dict[str, str] = {
    "clinician": "",
    "gp": "",
    "paramedic": "",
    "mental-health-clinician": "",
    "pharmacist": "SOCIAL_CARE SAFEGUARDING",
    "care-home-nurse": "SAFEGUARDING",
    "social-worker": "RESULTS IMAGING LETTERS PROCEDURES IMMUNISATIONS OBSERVATIONS FAMILY_HISTORY OTHER",
    "admin": " ".join(heading for heading in HEADINGS if heading not in ("DEMOGRAPHICS", "CONTACTS")),
    "program": "SAFEGUARDING",  # a flag is for somebody who reads it
}
# Under which headings a role sees what bears a label.
_BRIEF = (
    "ALERTS PLANS PROBLEMS STAYS APPOINTMENTS REFERRALS CONTACTS"  # that there is care, by whom, for what, when next
)
_CRISIS = "ALERTS PLANS PROBLEMS CONTACTS"
_COUNCIL = "ALERTS PLANS NEEDS SOCIAL_CARE CONTACTS DEVICES"  # a package of care, and who brings it
LABELLED: dict[str, dict[str, str]] = {
    "clinician": {
        "mental-health": _BRIEF,
        "social-care": _COUNCIL,
        "safeguarding": "ALERTS",
        "third-party": EVERY,
    },
    "gp": {"mental-health": _BRIEF, "social-care": _COUNCIL, "safeguarding": EVERY, "third-party": EVERY},
    "pharmacist": {},
    "paramedic": {"mental-health": _CRISIS, "social-care": _COUNCIL, "safeguarding": "ALERTS"},
    "mental-health-clinician": {
        "mental-health": EVERY,
        "social-care": _COUNCIL,
        "safeguarding": EVERY,
        "third-party": EVERY,
    },
    "social-worker": {
        "mental-health": "ALERTS PLANS CONTACTS",
        "social-care": EVERY,
        "safeguarding": EVERY,
        "third-party": EVERY,
    },
    "care-home-nurse": {"social-care": _COUNCIL},
    "admin": {},
    "program": {},
}
# Correction 4: a medicine, allergy or result that is hidden harms today. Only these words hide one.
HARMFUL_TO_HIDE = ("ALLERGIES", "MEDICINES", "RESULTS")
HIDES_EVEN_THOSE = ("sealed", "dissent", "assisted-conception", "gender-history", "adoption")
# ⚿: whose emergency opens labels too; who may declare one at all; and what no emergency opens.
EMERGENCY_OPENS_LABELS = ("clinician", "gp", "paramedic", "mental-health-clinician")
MAY_DECLARE = (*EMERGENCY_OPENS_LABELS, "pharmacist", "care-home-nurse")
NO_EMERGENCY_OPENS = ("dissent", "assisted-conception", "gender-history", "adoption")
# Where two people opened a route through a statute's bar: label -> the roles let through, and for what.
Routes = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
NO_ROUTE: Routes = {}
OPENED: Routes = {"gender-history": (("gp",), ("TREAT",))}  # what the campaign opens

CLINICAL = tuple(role for role in NEVER if role not in ("admin", "program"))
AT_WORK = (*CLINICAL, "admin")
Relationship = Literal["strong", "known", "weak", "weak-declared", "none", "none-declared", "emergency", "agreement"]


class Circumstances(NamedTuple):
    """Who asks, resting on what. `is_session_live`: signed in now, and to this person."""

    role: str
    relationship: Relationship
    organisation: str = "RTH"
    purpose: str = "TREAT"
    has_agreement: bool = True
    is_session_live: bool = True
    is_password_alone: bool = False
    has_override_activity: bool = False  # a national activity by which a clinical role may declare


class Objection(NamedTuple):
    scope: Literal["whole", "organisation", "heading"]
    value: str = ""


def opens(asks: Circumstances, objections: Iterable[Objection] = (), *, is_known: bool = False) -> bool:
    """Whether the record of this person opens at all. `is_known`: the record knows the organisation's involvement."""
    if not (asks.is_session_live and asks.has_agreement) or asks.is_password_alone:
        return False
    if asks.purpose not in ("TREAT", "ETREAT", "BTG"):
        return False  # The National Data Opt-Out and the person's own requests have doors of their own.
    if asks.role == "program":
        return asks.relationship == "agreement" and not _is_closed(asks, objections)
    if asks.role not in AT_WORK:
        return False
    if asks.relationship == "emergency":
        may = asks.role in MAY_DECLARE or (asks.has_override_activity and asks.role in CLINICAL)
        return may and asks.purpose == "BTG"
    if asks.purpose == "BTG" or _is_closed(asks, objections):
        return False
    return asks.relationship in ("strong", "weak-declared") or is_known


def _is_closed(asks: Circumstances, objections: Iterable[Objection]) -> bool:
    return any(
        each.scope == "whole" or (each.scope == "organisation" and each.value == asks.organisation)
        for each in objections
    )


def may_see(
    asks: Circumstances,
    heading: str,
    labels: Iterable[str],
    *,
    resource_type: str,
    objections: Iterable[Objection] = (),
    routes: Routes = NO_ROUTE,
) -> bool:
    """Whether one statement is due to who opened the record; every label that it bears must be."""
    if heading in NEVER[asks.role].split():
        return False
    if asks.role == "admin" and resource_type != "RelatedPerson":
        return False  # Who cares for somebody, and who sent a record of them, tells for what (decision 0015).
    is_emergency = asks.relationship == "emergency"
    if not is_emergency and any(each.scope == "heading" and each.value == heading for each in objections):
        return False
    return all(
        _is_let_through(asks, label, routes) or _label_is_shown(asks.role, heading, label, is_emergency=is_emergency)
        for label in labels
    )


def _is_let_through(asks: Circumstances, label: str, routes: Routes) -> bool:
    roles, purposes = routes.get(label, ((), ()))
    return asks.role in roles and asks.purpose in purposes


def _label_is_shown(role: str, heading: str, label: str, *, is_emergency: bool) -> bool:
    if heading in HARMFUL_TO_HIDE and label not in HIDES_EVEN_THOSE:
        return True
    if is_emergency and role in EMERGENCY_OPENS_LABELS and label not in NO_EMERGENCY_OPENS:
        return True
    return heading in LABELLED[role].get(label, "").split()
