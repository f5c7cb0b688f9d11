"""Two policies side by side: who would gain or lose what, counted by the looks that people really took. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

import msgspec

from carerecord.access.activities import may_declare
from carerecord.access.decide import decide_again
from carerecord.access.labels import Label
from carerecord.access.narrowing import OPENNESS, every_question
from carerecord.access.policies import Policies
from carerecord.access.questions import Decision, Question
from carerecord.model import EvidenceClass, Heading, Purpose

EVIDENCE = {member.value: member for member in EvidenceClass}
USUALLY = {("launch", EvidenceClass.ENCOUNTER), ("launch", EvidenceClass.EMERGENCY), ("fhir", EvidenceClass.AGREEMENT)}
PURPOSES = {member.value: member for member in Purpose}


class Asked(Protocol):
    """One kind of question as the audit holds it, and how often it was asked. Of no one patient."""

    @property
    def role(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def assurance(self) -> int: ...
    @property
    def activities(self) -> tuple[str, ...]: ...
    @property
    def evidence(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def route(self) -> str: ...
    @property
    def was_opened(self) -> bool: ...
    @property
    def looks(self) -> int: ...


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one kind of reader would gain or lose. `looks`: how many real decisions it would have changed."""

    role: str
    organisation: str = ""  # "": on paper; nobody asked so in that time
    evidence: str
    purpose: str
    route: str
    before: str
    after: str
    looks: int = 0
    headings_gained: tuple[str, ...] = ()
    headings_lost: tuple[str, ...] = ()
    labels_gained: dict[str, tuple[str, ...]] = {}
    labels_lost: dict[str, tuple[str, ...]] = {}
    emergency: str = ""  # "gained" or "lost": whether they may declare one

    @property
    def gains(self) -> bool:
        opens = OPENNESS[self.after] > OPENNESS[self.before]
        return bool(opens or self.headings_gained or self.labels_gained or self.emergency == "gained")

    @property
    def loses(self) -> bool:
        closes = OPENNESS[self.after] < OPENNESS[self.before]
        return bool(closes or self.headings_lost or self.labels_lost or self.emergency == "lost")


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    before: str  # versions of the policy
    after: str
    looks: int  # decisions that were replayed
    kinds: int  # of different questions among them
    looks_changed: int
    looks_gaining: int
    looks_losing: int
    unlike_the_audit: int  # looks that the first policy decides otherwise than the audit says it was decided
    by_readers: tuple[Difference, ...]  # the most looks first
    on_paper: tuple[Difference, ...]  # every role, also where nobody asked


def compare(
    asked: Iterable[Asked],
    before: Policies,
    after: Policies,
    *,
    in_agreement: Callable[[str], bool],
    in_full: Collection[str] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> WhatIf:
    """Replays each kind of question under both. On paper it asks for `in_full` (None: every role) in every way, and for
    the others as they usually come and in an emergency."""
    found: list[Difference] = []
    looks = kinds = unlike = 0
    for number, each in enumerate(asked, start=1):
        kinds, looks = number, looks + each.looks
        first, second = _decided(before, each, in_agreement), _decided(after, each, in_agreement)
        if (first.kind == "permit") != each.was_opened:
            unlike += each.looks
        about = {"role": each.role, "organisation": each.organisation, "evidence": each.evidence}
        about |= {"purpose": each.purpose, "route": each.route}
        if difference := differing(first, second, looks=each.looks, **about):
            found.append(difference)
        progress(number)
    return WhatIf(
        before=before.version,
        after=after.version,
        looks=looks,
        kinds=kinds,
        looks_changed=sum(each.looks for each in found),
        looks_gaining=sum(each.looks for each in found if each.gains),
        looks_losing=sum(each.looks for each in found if each.loses),
        unlike_the_audit=unlike,
        by_readers=tuple(sorted(found, key=lambda each: (-each.looks, each.role, each.organisation, each.evidence))),
        on_paper=tuple(_on_paper(before, after, in_full)),
    )


def differing(first: Decision, second: Decision, *, looks: int, **about: str) -> Difference | None:
    """None when nothing is gained or lost."""
    gained: dict[str, tuple[str, ...]] = {}
    lost: dict[str, tuple[str, ...]] = {}
    for heading in first.headings.keys() & second.headings.keys():
        more, fewer = second.headings[heading], first.headings[heading]
        if words := _words(more & ~fewer):
            gained[heading.name] = words
        if words := _words(fewer & ~more):
            lost[heading.name] = words
    emergency = ""
    if first.may_declare_emergency != second.may_declare_emergency:
        emergency = "gained" if second.may_declare_emergency else "lost"
    headings_gained = _names(second.headings.keys() - first.headings.keys())
    headings_lost = _names(first.headings.keys() - second.headings.keys())
    if first.kind == second.kind and not (headings_gained or headings_lost or gained or lost or emergency):
        return None
    return Difference(
        **about,
        before=first.kind,
        after=second.kind,
        looks=looks,
        headings_gained=headings_gained,
        headings_lost=headings_lost,
        labels_gained=dict(sorted(gained.items())),
        labels_lost=dict(sorted(lost.items())),
        emergency=emergency,
    )


def _decided(policies: Policies, asked: Asked, in_agreement: Callable[[str], bool]) -> Decision:
    """Words of the audit that are not known any more are denied."""
    if asked.evidence not in EVIDENCE or asked.purpose not in PURPOSES:
        return Decision(kind="deny", policy_version=policies.version)
    evidence, purpose = EVIDENCE[asked.evidence], PURPOSES[asked.purpose]
    behind = EvidenceClass.NONE
    if evidence is EvidenceClass.DECLARED and (asked.route == "launch" or asked.was_opened):
        behind = EvidenceClass.LAUNCH  # Where it opened the record, it stood on something: the audit holds no more.
    return decide_again(
        policies,
        Question(
            role=asked.role,
            organisation_in_agreement=in_agreement(asked.organisation),
            route=asked.route,
            evidence=evidence,
            behind=behind,
            purpose=purpose,
            assurance=asked.assurance,
            may_declare=may_declare(policies.activities, asked.activities),
        ),
    )


def _on_paper(before: Policies, after: Policies, in_full: Collection[str] | None) -> Iterator[Difference]:
    for role in {**before.matrix.role, **after.matrix.role}:
        for asked in every_question(role):
            if in_full is not None and role not in in_full and (asked.route, asked.evidence) not in USUALLY:
                continue
            about = {"role": role, "evidence": str(asked.evidence), "purpose": str(asked.purpose)}
            about["route"] = asked.route
            first, second = decide_again(before, asked), decide_again(after, asked)
            if difference := differing(first, second, looks=0, **about):
                yield difference


def _names(headings: Iterable[Heading]) -> tuple[str, ...]:
    return tuple(heading.name for heading in sorted(headings))


def _words(bits: int) -> tuple[str, ...]:
    return tuple(label.word for label in Label if label & bits)
