"""Decides, once for each kind of question: yes, yes with a reason, yes in an emergency, or no; and what may be shown.

Asking Cedar costs milliseconds, so an answer is remembered: nothing in a question is about one patient.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import cedarpy

from carerecord.access.labels import Label
from carerecord.access.matrix import NO_LABEL
from carerecord.access.objections import Objection, narrow_under
from carerecord.access.paper import on_paper_under
from carerecord.access.policies import Policies, read_policies
from carerecord.access.questions import Decision, Question
from carerecord.model import EvidenceClass, Heading, Purpose

SHIPPED = read_policies()  # A typo in a policy stops the start here.

NOT_A_ROLE = "Your role is not one that this record knows. Ask your registration authority, or choose another role."
NOTHING_PERMITS = "Nothing in the record's policy permits this. Open it from your own system, or sign in."
FAULT = "The record could not decide whether you may see this, so it shows nothing. Tell those who run the record."
OPENING = tuple((action, "Record", "patient", None) for action in ("open", "declare", "declare-emergency"))
_force = [SHIPPED]


class Verdict(NamedTuple):
    is_allowed: bool
    is_faulty: bool
    policies: tuple[str, ...]  # ids of the policies that decided


def in_force() -> Policies:
    """The policies under which this process decides: the shipped ones, as the region narrowed them."""
    return _force[0]


def adopt(policies: Policies) -> None:
    """Decide under these from now on; what was remembered is forgotten."""
    _force[0] = policies
    decide.cache_clear()
    may_work.cache_clear()


def policy_version() -> str:
    return in_force().version


@lru_cache(maxsize=8192)
def decide(question: Question) -> Decision:
    """The decision under the policies in force, remembered: what it returns is shared, so do not change it."""
    return decide_for(in_force(), question)


@lru_cache(maxsize=256)
def may_work(role: str, desk: str) -> bool:
    """Whether somebody in this role may work at this desk (`routing.DESKS`)."""
    return may_work_under(in_force(), role, desk)


def narrow(decision: Decision, objections: Iterable[Objection], *, organisation: str | None = None) -> Decision:
    """The decision with what the person's objections take from it: never more than before. See `objections`."""
    return narrow_under(in_force().objections, decision, objections, organisation=organisation)


def on_paper(decision: Decision) -> Decision:
    """The decision with what is never put on paper taken from it."""
    return on_paper_under(in_force().bars, decision)


def may_work_under(policies: Policies, role: str, desk: str) -> bool:
    at_a_desk = Question(
        role=role,
        organisation_in_agreement=True,
        route="desk",
        evidence=EvidenceClass.NONE,
        purpose=Purpose.PATADMIN,
    )
    return _ask(policies, at_a_desk, "work", [("work", "Desk", desk, None)])[0].is_allowed


def decide_for(policies: Policies, question: Question) -> Decision:
    """The decision under `policies`. Anything but an Allow without an error is a denial."""
    verdicts = _ask(policies, question, "open", OPENING)
    if any(verdict.is_faulty for verdict in verdicts):
        return Decision(kind="deny", reasons=(FAULT,), policy_version=policies.version)
    opening, declaring, emergency = verdicts
    may = {"may_declare_emergency": emergency.is_allowed}
    if opening.is_allowed:
        headings = _headings(policies, question)
        limits = _limits(policies, question.role, headings)
        return _decision(policies, question, "permit", opening.policies, headings=headings, limits=limits, **may)
    if declaring.is_allowed:
        return _decision(policies, question, "reason-needed", opening.policies, **may)
    if emergency.is_allowed:
        return _decision(policies, question, "emergency-needed", opening.policies + emergency.policies, **may)
    return _denial(policies, question, verdicts)


def decide_again(policies: Policies, question: Question) -> Decision:
    """As `decide_for`, remembered with those policies: for what asks the same of them many times."""
    found = policies.decided.get(question)
    if found is None:
        found = policies.decided[question] = decide_for(policies, question)
    return found


def _denial(policies: Policies, question: Question, verdicts: Iterable[Verdict]) -> Decision:
    """What stands against every way in is said alone; otherwise why it does not open, and whom to ask."""
    opening, declaring, emergency = verdicts
    everywhere = set(opening.policies) & set(declaring.policies) & set(emergency.policies)
    if everywhere:
        return _decision(policies, question, "deny", tuple(sorted(everywhere)))
    if question.role not in policies.matrix.role:
        return Decision(kind="deny", reasons=(NOT_A_ROLE,), policy_version=policies.version)
    if opening.policies or (question.evidence is EvidenceClass.EMERGENCY and emergency.policies):
        return _decision(policies, question, "deny", tuple(dict.fromkeys(opening.policies + emergency.policies)))
    return Decision(kind="deny", reasons=(NOTHING_PERMITS,), policy_version=policies.version)


def _decision(policies: Policies, question: Question, kind: Any, decided_by: tuple[str, ...], **more: Any) -> Decision:
    said = [policies.annotations[name] for name in decided_by]
    return Decision(
        kind=kind,
        reasons=tuple(dict.fromkeys(annotation.sentence for annotation in said)),
        basis=tuple(dict.fromkeys(annotation.basis for annotation in said)),
        policies=decided_by,
        policy_version=policies.version,
        evidence_strength=question.strength,
        **more,
    )


def _headings(policies: Policies, question: Question) -> dict[Heading, int]:
    """Each heading × label asked once. A heading counts only when its statements without a label may be shown.

    Nothing but data permits a label to be seen, so what the data does not name for this role is not asked for.
    """
    plain = _see(policies, question, [(heading, None) for heading in Heading])
    seen = [heading for heading, _ in plain]
    labelled = _see(
        policies, question, [pair for heading in seen for pair in _labels_to_ask(policies, question, heading)]
    )
    return {heading: sum(int(label) for label in Label if (heading, label) in labelled) for heading in seen}


def _labels_to_ask(policies: Policies, question: Question, heading: Heading) -> list[tuple[Heading, Label | None]]:
    named = policies.matrix.labels_at_most(question.role, heading.name, purpose=question.purpose)
    named |= policies.bars.let_through_of(question.role)
    return [(heading, label) for label in Label if label.word in named]


def _see(
    policies: Policies, question: Question, asked: list[tuple[Heading, Label | None]]
) -> dict[tuple[Heading, Label | None], None]:
    if not asked:
        return {}
    requests = [("see", "Heading", heading.name, label.word if label else NO_LABEL) for heading, label in asked]
    verdicts = _ask(policies, question, "see", requests)
    return {pair: None for pair, verdict in zip(asked, verdicts, strict=True) if verdict.is_allowed}


def _limits(policies: Policies, role_id: str, headings: dict[Heading, int]) -> tuple[str, ...]:
    """What this role never shows. Constant for a role, so that nothing about one patient can be read from it."""
    role = policies.matrix.role[role_id]
    if role.limit:
        return (role.limit,)
    absent = [policies.matrix.heading[heading.name].name for heading in Heading if heading not in headings]
    return (f"Your role ({role.name}) does not show: {', '.join(absent)}.",) if absent else ()


def _ask(
    policies: Policies, question: Question, group: str, asked: Iterable[tuple[str, str, str, str | None]]
) -> list[Verdict]:
    context = {
        "organisation_in_agreement": question.organisation_in_agreement,
        "route": question.route,
        "evidence": str(question.evidence),
        "behind": str(question.behind),
        "purpose": str(question.purpose),
        "assurance": question.assurance,
        "may_declare": question.may_declare,
    }
    requests = [
        {
            "principal": {"type": "Role", "id": question.role},
            "action": {"type": "Action", "id": action},
            "resource": {"type": kind, "id": name},
            "context": context if label is None else {**context, "label": label},
        }
        for action, kind, name, label in asked
    ]
    policy_set = policies.set_for(question.role, group)
    answers = cedarpy.is_authorized_batch(requests, policy_set, policies.entities, policies.schema)
    return [_verdict(answer) for answer in answers]


def _verdict(answer: Any) -> Verdict:
    """Cedar's answer, read so that any error and any doubt is a denial."""
    is_faulty = bool(answer.diagnostics.errors) or answer.decision is cedarpy.Decision.NoDecision
    return Verdict(
        is_allowed=answer.decision is cedarpy.Decision.Allow and not is_faulty,
        is_faulty=is_faulty,
        policies=tuple(sorted(answer.diagnostics.id_annotations_by_reason.values())),
    )
