"""Why a decision was made, in sentences: for a page, a program or a command."""

from __future__ import annotations

import msgspec

from carerecord.access.decide import in_force
from carerecord.access.labels import Label
from carerecord.access.policies import Policies
from carerecord.access.questions import Decision, Question
from carerecord.model import EvidenceClass, Heading

WHAT = {
    "permit": "The record opens.",
    "reason-needed": "The record opens once you say why you need it.",
    "emergency-needed": "The record opens only if you declare an emergency.",
    "deny": "The record does not open.",
}
NEXT = {
    "permit": "Nothing more is needed. What you open is kept with your name, and the person can see that you did.",
    "reason-needed": "Choose the reason, or write it in a few words.",
    "emergency-needed": "If it is an emergency, declare it and say why. If not, open the record from your own system, "
    "where the person's encounter, appointment, referral or caseload is known.",
    "deny": "Do what the sentences above say. Care does not wait: ask the person, and phone whoever cares for them.",
}
EVIDENCE = {
    EvidenceClass.ENCOUNTER: "An encounter with the reader's organisation.",
    EvidenceClass.APPOINTMENT: "An appointment with the reader's organisation.",
    EvidenceClass.REFERRAL: "A referral to the reader's organisation.",
    EvidenceClass.CASELOAD: "A caseload of the reader's organisation.",
    EvidenceClass.REGISTRATION: "Registration with the reader's organisation.",
    EvidenceClass.INCIDENT: "An incident that the reader's organisation attends.",
    EvidenceClass.RESIDENCY: "A place in a home of the reader's organisation.",
    EvidenceClass.DECLARED: "A reason that the reader gave.",
    EvidenceClass.LAUNCH: "The reader's own system opened this person's record, and named nothing more.",
    EvidenceClass.AGREEMENT: "The data sharing agreement of a program's organisation.",
    EvidenceClass.EMERGENCY: "An emergency that the reader declared.",
    EvidenceClass.NONE: "Nothing.",
}
STRENGTH = {
    "strong": "Strong evidence: nothing is asked.",
    "weak": "Weak evidence: a reason is asked for.",
    "emergency": "Emergency access: the privacy desk looks at it afterwards.",
    "agreement": "Agreed between organisations.",
    "none": "No evidence: only an emergency opens the record.",
}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that decided."""

    id: str
    sentence: str
    basis: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    heading: str
    labels: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Finished plain values. It tells of a kind of reader, never of one patient."""

    kind: str
    what: str
    why: tuple[str, ...]
    evidence: str
    strength: str
    policies: tuple[Said, ...]
    shows: tuple[Shown, ...]
    limits: tuple[str, ...]
    what_next: str
    may_declare_emergency: bool
    policy_version: str


def explain(decision: Decision, question: Question, *, policies: Policies | None = None) -> Explanation:
    """Why, on what evidence, by which policies on which legal basis, and what to do next.

    Give it the decision as it came from `decide` or `narrow`: what an objection took away is not told apart here.
    """
    held = policies or in_force()
    known = [name for name in decision.policies if name in held.annotations]
    return Explanation(
        kind=decision.kind,
        what=WHAT[decision.kind],
        why=decision.reasons,
        evidence=EVIDENCE[question.evidence],
        strength=STRENGTH[question.strength],
        policies=tuple(
            Said(id=name, sentence=held.annotations[name].sentence, basis=held.annotations[name].basis)
            for name in known
        ),
        shows=tuple(
            Shown(
                heading=held.matrix.heading[heading.name].name,
                labels=tuple(label.word for label in Label if label & decision.headings[heading]),
            )
            for heading in Heading
            if heading in decision.headings
        ),
        limits=decision.limits,
        what_next=NEXT[decision.kind],
        may_declare_emergency=decision.may_declare_emergency,
        policy_version=decision.policy_version,
    )
