"""Decides, once for each kind of question: yes, yes with a reason, or no, and which headings and labels may be shown.

Asking Cedar costs about 2 ms for one question, so an answer is remembered: nothing in a question is about one patient.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import cedarpy

from carerecord.access.labels import Label
from carerecord.access.policies import NO_LABEL, Policies, read_policies
from carerecord.access.questions import Decision, Question
from carerecord.model import EvidenceClass, Heading, Purpose
from carerecord.routing import DESKS

SHIPPED = read_policies()  # A typo in a policy stops the start here.

NOT_A_ROLE = "Your role is not one that this record knows. Ask your registration authority, or choose another role."
NOTHING_PERMITS = "Nothing in the record's policy permits this. Open it from your own system, or sign in."
FAULT = "The record could not decide whether you may see this, so it shows nothing. Tell those who run the record."


class Verdict(NamedTuple):
    is_allowed: bool
    is_faulty: bool
    policies: tuple[str, ...]  # ids of the policies that decided


@lru_cache(maxsize=8192)
def decide(question: Question) -> Decision:
    """The decision under the shipped policies, remembered: what it returns is shared, so do not change it."""
    return decide_for(SHIPPED, question)


@lru_cache(maxsize=256)
def may_work(role: str, desk: str) -> bool:
    """Whether somebody in this role may work at this desk (`routing.DESKS`)."""
    return may_work_under(SHIPPED, role, desk)


def may_work_under(policies: Policies, role: str, desk: str) -> bool:
    at_a_desk = Question(
        role=role,
        organisation_in_agreement=True,
        route="desk",
        evidence=EvidenceClass.NONE,
        purpose=Purpose.PATADMIN,
    )
    return _ask(policies, at_a_desk, [("work", "Desk", desk, None)])[0].is_allowed


def policy_version() -> str:
    return SHIPPED.version


def decide_for(policies: Policies, question: Question) -> Decision:
    """The decision under `policies`. Anything but an Allow without an error is a denial."""
    opening, declaring = _ask(
        policies, question, [("open", "Record", "patient", None), ("declare", "Record", "patient", None)]
    )
    if opening.is_faulty or declaring.is_faulty:
        return Decision(kind="deny", reasons=(FAULT,), policy_version=policies.version)
    if opening.is_allowed:
        headings = _headings(policies, question)
        limits = _limits(policies, question.role, headings)
        return _decision(policies, "permit", opening.policies, headings=headings, limits=limits)
    if declaring.is_allowed:
        return _decision(policies, "reason-needed", opening.policies)
    if declaring.policies:
        return _decision(policies, "deny", declaring.policies)
    reason = NOTHING_PERMITS if question.role in policies.matrix.role else NOT_A_ROLE
    return Decision(kind="deny", reasons=(reason,), policy_version=policies.version)


def _decision(policies: Policies, kind: Any, decided_by: tuple[str, ...], **more: Any) -> Decision:
    said = [policies.annotations[name] for name in decided_by]
    return Decision(
        kind=kind,
        reasons=tuple(dict.fromkeys(annotation.sentence for annotation in said)),
        basis=tuple(dict.fromkeys(annotation.basis for annotation in said)),
        policies=decided_by,
        policy_version=policies.version,
        **more,
    )


def _headings(policies: Policies, question: Question) -> dict[Heading, int]:
    """Each heading × label asked once. A heading counts only when its statements without a label may be shown."""
    asked = [(heading, label) for heading in Heading for label in (None, *Label)]
    verdicts = _ask(
        policies,
        question,
        [("see", "Heading", heading.name, label.word if label else NO_LABEL) for heading, label in asked],
    )
    allowed = {pair for pair, verdict in zip(asked, verdicts, strict=True) if verdict.is_allowed}
    return {
        heading: sum(int(label) for label in Label if (heading, label) in allowed)
        for heading in Heading
        if (heading, None) in allowed
    }


def _limits(policies: Policies, role_id: str, headings: dict[Heading, int]) -> tuple[str, ...]:
    """What this role never shows. Constant for a role, so that nothing about one patient can be read from it."""
    role = policies.matrix.role[role_id]
    if role.limit:
        return (role.limit,)
    absent = [policies.matrix.heading[heading.name].name for heading in Heading if heading not in headings]
    return (f"Your role ({role.name}) does not show: {', '.join(absent)}.",) if absent else ()


def _ask(policies: Policies, question: Question, asked: list[tuple[str, str, str, str | None]]) -> list[Verdict]:
    context = {
        "organisation_in_agreement": question.organisation_in_agreement,
        "route": question.route,
        "evidence": str(question.evidence),
        "purpose": str(question.purpose),
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
    answers = cedarpy.is_authorized_batch(requests, policies.policy_set, policies.entities, policies.schema)
    return [_verdict(answer) for answer in answers]


def _verdict(answer: Any) -> Verdict:
    """Cedar's answer, read so that any error and any doubt is a denial."""
    is_faulty = bool(answer.diagnostics.errors) or answer.decision is cedarpy.Decision.NoDecision
    return Verdict(
        is_allowed=answer.decision is cedarpy.Decision.Allow and not is_faulty,
        is_faulty=is_faulty,
        policies=tuple(sorted(answer.diagnostics.id_annotations_by_reason.values())),
    )


def matrix(policies: Policies = SHIPPED) -> str:
    """Roles by headings as a Markdown table, made from the decisions themselves."""
    names = [policies.matrix.heading[heading.name].name for heading in Heading]
    lines = ["| Role | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for role_id, role in policies.matrix.role.items():
        if role.desks:
            continue
        is_program = role.kind == "program"
        question = Question(
            role=role_id,
            organisation_in_agreement=True,
            route="fhir" if is_program else "launch",
            evidence=EvidenceClass.AGREEMENT if is_program else EvidenceClass.ENCOUNTER,
            purpose=Purpose.TREAT,
        )
        headings = decide_for(policies, question).headings
        lines.append(f"| {role.name} | " + " | ".join(_cell(headings.get(heading)) for heading in Heading) + " |")
    lines += ["", "| Role | works at the desks |", "| --- | --- |"]
    for role_id, role in policies.matrix.role.items():
        if desks := [desk for desk in DESKS if may_work_under(policies, role_id, desk)]:
            lines.append(f"| {role.name} | {', '.join(desks)} |")
    return "\n".join(lines)


def _cell(bits: int | None) -> str:
    if bits is None:
        return "not shown"
    labels = [label.word for label in Label if label & bits]
    return "shown" + (f", with {', '.join(labels)}" if labels else "")
