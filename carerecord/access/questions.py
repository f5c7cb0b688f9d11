"""The question put to the policies, and the decision that comes back."""

from __future__ import annotations

from typing import Literal

import msgspec

from carerecord.model import Evidence, EvidenceClass, Heading, Purpose, Staff


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision depends on, and nothing of any one patient: so that decisions can be remembered."""

    role: str
    organisation_in_agreement: bool
    route: str
    evidence: EvidenceClass
    purpose: Purpose

    @classmethod
    def of(
        cls, staff: Staff, *, evidence: Evidence, organisation_in_agreement: bool, route: str, purpose: Purpose
    ) -> Question:
        """A relationship declared without a reason counts as arriving with nothing named."""
        kind = evidence.kind
        if kind is EvidenceClass.DECLARED and not (evidence.reason or "").strip():
            kind = EvidenceClass.LAUNCH
        return cls(
            role=staff.role,
            organisation_in_agreement=organisation_in_agreement,
            route=route,
            evidence=kind,
            purpose=purpose,
        )


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Yes, yes with a reason, or no; always with sentences.

    `headings` holds the headings that may be shown, each with the label bits that may be shown under it.
    """

    kind: Literal["permit", "reason-needed", "deny"]
    headings: dict[Heading, int] = {}
    reasons: tuple[str, ...] = ()  # why this reader may, or may not, open the record
    limits: tuple[str, ...] = ()  # what this role never shows, whoever the patient is
    basis: tuple[str, ...] = ()  # the legal basis of the policies that decided
    policies: tuple[str, ...] = ()  # their ids
    policy_version: str

    def may_show(self, heading: Heading, sensitivity: int) -> bool:
        """Fails closed: a heading that is not listed, or a label bit that nobody knows, is not shown."""
        allowed = self.headings.get(heading)
        return allowed is not None and not sensitivity & ~allowed
