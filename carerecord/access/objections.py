"""What an objection to sharing takes from a decision. It only ever takes away. UK GDPR Article 21."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, Protocol

import msgspec

from carerecord.access.matrix import read_toml
from carerecord.access.questions import Decision
from carerecord.model import Heading


class Objection(Protocol):
    """`scope` is whole, organisation or heading; `value` an ODS code or the name of a heading."""

    @property
    def scope(self) -> str: ...
    @property
    def value(self) -> str: ...


class ObjectionPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    emergency: Literal["overridable", "stands"]
    basis: str
    review: date
    sentence: str
    told_in_emergency: str


def read_objection_policy(text: str) -> ObjectionPolicy:
    return read_toml("objections.toml", text, ObjectionPolicy)


def narrow_under(
    policy: ObjectionPolicy, decision: Decision, objections: Iterable[Objection], *, organisation: str | None = None
) -> Decision:
    """The decision with what the person's objections take from it.

    `organisation` is the reader's: only objections to that one count. Without it every objection to an organisation
    counts. A scope that is not known closes the record: an objection is never lost to a word.
    """
    standing = [each for each in objections if _concerns(each, organisation)]
    if not standing or decision.kind == "deny":
        return decision
    may_override = policy.emergency == "overridable"
    if may_override and decision.kind == "permit" and decision.evidence_strength == "emergency":
        return msgspec.structs.replace(decision, reasons=(*decision.reasons, policy.told_in_emergency))
    if may_override and decision.kind == "emergency-needed":
        return decision
    gone = {each.value for each in standing if each.scope == "heading"}
    closes = any(each.scope != "heading" or each.value not in Heading.__members__ for each in standing)
    headings = {heading: bits for heading, bits in decision.headings.items() if heading.name not in gone}
    if closes or (decision.headings and not headings):
        return msgspec.structs.replace(
            decision,
            kind="deny",
            headings={},
            reasons=(policy.sentence,),
            limits=(),
            basis=(policy.basis,),
            policies=("objection",),
            may_declare_emergency=decision.may_declare_emergency and may_override,
        )
    return msgspec.structs.replace(decision, headings=headings)


def _concerns(objection: Objection, organisation: str | None) -> bool:
    return objection.scope != "organisation" or organisation is None or objection.value == organisation
