"""The question put to the policies, and the decision that comes back."""

from __future__ import annotations

from typing import Literal

import msgspec

from carerecord.access import activities
from carerecord.model import STRONG_EVIDENCE, Evidence, EvidenceClass, Heading, Purpose, Staff

Strength = Literal["strong", "weak", "emergency", "agreement", "none"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision depends on, and nothing of any one patient: so that decisions can be remembered."""

    role: str
    organisation_in_agreement: bool  # on the day of the look
    route: str  # launch, sign-in, fhir, print, card, desk, ledger, export
    evidence: EvidenceClass
    behind: EvidenceClass = EvidenceClass.NONE  # of a declared reason: what it was declared on top of
    purpose: Purpose
    assurance: int = 0  # 1 to 3; 0: the reader's own system did not say
    may_declare: bool = False  # one of the reader's national activities lets them declare an emergency

    @classmethod
    def of(
        cls,
        staff: Staff,
        *,
        evidence: Evidence,
        organisation_in_agreement: bool,
        route: str,
        purpose: Purpose,
        behind: EvidenceClass | None = None,
        may_declare: bool | None = None,
    ) -> Question:
        """`behind` is the weak evidence that a declared reason stands on. A launch names one person, so it is weak
        evidence by itself; signing in and searching is none, unless the record knows of something.

        A reason or an emergency that says nothing counts for nothing.
        """
        if may_declare is None:
            may_declare = activities.may_declare(activities.SHIPPED, staff.activities)
        if behind is None:
            behind = EvidenceClass.LAUNCH if route == "launch" else EvidenceClass.NONE
        kind = evidence.kind
        if kind in (EvidenceClass.DECLARED, EvidenceClass.EMERGENCY) and not (evidence.reason or "").strip():
            kind = behind
        return cls(
            role=staff.role,
            organisation_in_agreement=organisation_in_agreement,
            route=route,
            evidence=kind,
            behind=behind if kind is EvidenceClass.DECLARED else EvidenceClass.NONE,
            purpose=purpose,
            assurance=staff.assurance or 0,
            may_declare=may_declare,
        )

    @property
    def strength(self) -> Strength:
        """Strong evidence is silent, weak asks for a reason, none is emergency access."""
        if self.evidence in STRONG_EVIDENCE:
            return "strong"
        if self.evidence is EvidenceClass.LAUNCH or (
            self.evidence is EvidenceClass.DECLARED and self.behind is EvidenceClass.LAUNCH
        ):
            return "weak"
        if self.evidence is EvidenceClass.EMERGENCY:
            return "emergency"
        return "agreement" if self.evidence is EvidenceClass.AGREEMENT else "none"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Yes, yes with a reason, yes in an emergency, or no; always with sentences.

    `headings` holds the headings that may be shown, each with the label bits that may be shown under it.
    """

    kind: Literal["permit", "reason-needed", "emergency-needed", "deny"]
    headings: dict[Heading, int] = {}
    reasons: tuple[str, ...] = ()  # why this reader may, or may not, open the record
    limits: tuple[str, ...] = ()  # what this role never shows, whoever the patient is
    basis: tuple[str, ...] = ()  # the legal basis of the policies that decided
    policies: tuple[str, ...] = ()  # their ids
    policy_version: str
    evidence_strength: Strength = "none"
    may_declare_emergency: bool = False  # offered on every page of this reader, whoever the patient is

    def may_show(self, heading: Heading, sensitivity: int) -> bool:
        """Fails closed: a heading that is not listed, or a label bit that nobody knows, is not shown."""
        allowed = self.headings.get(heading)
        return allowed is not None and not sensitivity & ~allowed
