"""Every allow, partial and refusal says why, on what evidence, on which basis, and what to do next."""

import itertools

import pytest

from carerecord import access
from carerecord.access import Question
from carerecord.model import EvidenceClass, Purpose


def question(role: str, evidence: EvidenceClass, *, route: str = "launch") -> Question:
    purpose = Purpose.BTG if evidence is EvidenceClass.EMERGENCY else Purpose.TREAT
    return Question(role=role, organisation_in_agreement=True, route=route, evidence=evidence, purpose=purpose)


@pytest.mark.parametrize("route", ["launch", "sign-in", "fhir", "print", "card", "desk", "anything"])
def test_every_decision_is_explained_in_sentences(route: str) -> None:
    for role, evidence in itertools.product([*access.in_force().matrix.role, "unknown"], EvidenceClass):
        asked = question(role, evidence, route=route)
        said = access.explain(access.decide(asked), asked)
        assert said.why
        sentences = (said.what, *said.why, said.evidence, said.strength, said.what_next, *said.limits)
        assert all(sentence.endswith(".") for sentence in sentences)
        assert all(policy.sentence and policy.basis for policy in said.policies)
        assert bool(said.shows) == (said.kind == "permit")


def test_a_refusal_names_its_policy_its_basis_and_whom_to_ask() -> None:
    asked = question("admin", EvidenceClass.NONE, route="sign-in")
    said = access.explain(access.decide(asked), asked)
    assert said.what == "The record does not open."
    assert [policy.id for policy in said.policies] == ["relationship-none", "emergency-not-yours"]
    assert "Ask a clinician" in said.why[1]


def test_a_partial_view_says_what_the_role_does_not_show() -> None:
    asked = question("social-worker", EvidenceClass.CASELOAD)
    said = access.explain(access.decide(asked), asked)
    assert said.strength == "Strong evidence: nothing is asked."
    assert "does not show: Investigation results" in said.limits[0]
    assert "social-care" in next(shown.labels for shown in said.shows if shown.heading == "Social care")
