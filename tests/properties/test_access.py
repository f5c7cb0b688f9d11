"""Whatever is asked: restrictions never reveal more, administrators see nothing clinical, and any fault denies."""

import itertools
from types import SimpleNamespace
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carerecord import access
from carerecord.access import SHIPPED, Decision, Question
from carerecord.access.decide import decide_for
from carerecord.access.policies import compile_texts, shipped_texts
from carerecord.model import EvidenceClass, Heading, Purpose

TEXTS = shipped_texts()
MATRIX = TEXTS["policy.toml"]
OPENNESS = {"deny": 0, "emergency-needed": 1, "reason-needed": 2, "permit": 3}

roles = st.one_of(st.sampled_from(sorted(SHIPPED.matrix.role)), st.text(max_size=12))
routes = st.one_of(st.sampled_from(["launch", "sign-in", "fhir", "print", "card", "desk"]), st.text(max_size=8))
questions = st.builds(
    Question,
    role=roles,
    organisation_in_agreement=st.booleans(),
    route=routes,
    evidence=st.sampled_from(EvidenceClass),
    behind=st.sampled_from(EvidenceClass),
    purpose=st.sampled_from(Purpose),
    assurance=st.integers(-1, 4),
    may_declare=st.booleans(),
)


def reveals_no_more(narrow: Decision, wide: Decision) -> bool:
    """Opens no more easily, and shows no heading and no label that the other does not."""
    return OPENNESS[narrow.kind] <= OPENNESS[wide.kind] and all(
        heading in wide.headings and bits & ~wide.headings[heading] == 0 for heading, bits in narrow.headings.items()
    )


@given(questions)
@settings(max_examples=150, deadline=None)
def test_every_decision_says_why_and_shows_only_when_it_permits(question: Question) -> None:
    decision = access.decide(question)
    assert decision.reasons
    assert all(reason.endswith(".") for reason in decision.reasons)
    assert decision.kind == "permit" or not decision.headings


@given(questions.map(lambda asked: Question(**{**as_dict(asked), "role": "admin"})))
@settings(max_examples=100, deadline=None)
def test_an_administrator_never_sees_a_clinical_heading(question: Question) -> None:
    assert set(access.decide(question).headings) <= {Heading.DEMOGRAPHICS, Heading.CONTACTS}


def test_an_administrator_sees_nothing_clinical_even_if_the_matrix_is_mistaken() -> None:
    mistaken = MATRIX.replace('sees = ["DEMOGRAPHICS", "CONTACTS"]', 'sees = ["DEMOGRAPHICS", "ALLERGIES", "RESULTS"]')
    assert mistaken != MATRIX
    policies = compile_texts({**TEXTS, "policy.toml": mistaken})
    for evidence, route in itertools.product(EvidenceClass, ("launch", "sign-in", "fhir")):
        asked = Question(
            role="admin", organisation_in_agreement=True, route=route, evidence=evidence, purpose=Purpose.TREAT
        )
        assert set(decide_for(policies, asked).headings) <= {Heading.DEMOGRAPHICS}


restrictions = st.lists(
    st.sampled_from(
        [
            'principal, action == Action::"open", resource',
            'principal, action == Action::"declare", resource',
            'principal, action == Action::"see", resource',
            'principal, action == Action::"see", resource == Heading::"RESULTS"',
            'principal == Role::"clinician", action, resource',
            'principal in Kind::"staff", action == Action::"see", resource in HeadingKind::"clinical"',
            'principal, action == Action::"see", resource) when { context.label == "mental-health" }; //',
            'principal, action, resource) when { context.evidence == "referral" }; //',
        ]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@given(questions, restrictions)
@settings(max_examples=60, deadline=None)
def test_adding_restrictions_never_reveals_more(question: Question, scopes: list[str]) -> None:
    more = "\n".join(
        f'@id("restriction-{number}") @sentence("Restricted.") @basis("Test") forbid ({scope}\n'
        if scope.endswith("//")
        else f'@id("restriction-{number}") @sentence("Restricted.") @basis("Test") forbid ({scope});\n'
        for number, scope in enumerate(scopes)
    )
    narrowed = compile_texts({**TEXTS, "zz.cedar": more})
    assert reveals_no_more(decide_for(narrowed, question), decide_for(SHIPPED, question))


PERMITS = [
    (name, f"@id({part}")
    for name in ("relationship.cedar", "emergency.cedar")
    for part in TEXTS[name].split("@id(")[1:]
    if "\npermit (" in part
]


@pytest.mark.parametrize(("name", "permit"), PERMITS, ids=[part.split('"')[1] for _, part in PERMITS])
def test_removing_a_permit_never_reveals_more(name: str, permit: str) -> None:
    policies = compile_texts({**TEXTS, name: TEXTS[name].replace(permit, "")})
    for role, route, evidence in itertools.product(
        ("clinician", "admin", "program"), ("launch", "sign-in", "fhir"), EvidenceClass
    ):
        asked = Question(
            role=role, organisation_in_agreement=True, route=route, evidence=evidence, purpose=Purpose.TREAT
        )
        assert reveals_no_more(decide_for(policies, asked), access.decide(asked))


@given(questions, st.sampled_from(["Allow", "Deny", "NoDecision"]), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_any_error_while_deciding_denies(question: Question, said: str, faulty: int) -> None:
    """Cedar skips a policy that fails and may then allow: an Allow with an error is no Allow."""

    def fails(requests: list[dict[str, Any]], *_: Any) -> list[Any]:
        return [
            SimpleNamespace(
                decision=cedarpy.Decision[said if number == faulty % len(requests) else "Allow"],
                diagnostics=SimpleNamespace(
                    errors=["evaluation failed"] if number == faulty % len(requests) else [],
                    id_annotations_by_reason={"policy0": "relationship-encounter"},
                ),
            )
            for number, _ in enumerate(requests)
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cedarpy, "is_authorized_batch", fails)
        decision = decide_for(SHIPPED, question)
    assert decision.kind == "deny"
    assert not decision.headings


def test_an_error_inside_a_real_policy_denies() -> None:
    """An integer overflow fits the schema and fails when evaluated: Cedar skips the forbid, and yet nothing opens."""
    faulty = (
        '@id("faulty") @sentence("Never.") @basis("Test") forbid (principal, action == Action::"open", resource)\n'
        "when { 9223372036854775807 + 1 == 0 };"
    )
    policies = compile_texts({**TEXTS, "zz.cedar": faulty})
    asked = Question(
        role="clinician",
        organisation_in_agreement=True,
        route="launch",
        evidence=EvidenceClass.ENCOUNTER,
        purpose=Purpose.TREAT,
    )
    decision = decide_for(policies, asked)
    assert decision.kind == "deny"
    assert decision.reasons[0].startswith("The record could not decide")


def as_dict(question: Question) -> dict[str, Any]:
    return {name: getattr(question, name) for name in question.__struct_fields__}


# --- Emergency access, labels and bars --------------------------------------------------------------------------------

NEVER = (access.Label.DISSENT, access.Label.ASSISTED_CONCEPTION, access.Label.GENDER_HISTORY, access.Label.ADOPTION)


def asked_for_care(question: Question) -> Question:
    return Question(**{**as_dict(question), "evidence": EvidenceClass.ENCOUNTER, "purpose": Purpose.TREAT})


def asked_in_an_emergency(question: Question) -> Question:
    return Question(**{**as_dict(question), "evidence": EvidenceClass.EMERGENCY, "purpose": Purpose.BTG})


@given(questions)
@settings(max_examples=150, deadline=None)
def test_nothing_ever_shows_dissent_or_what_a_statute_bars(question: Question) -> None:
    decision = access.decide(question)
    assert not any(decision.may_show(heading, label) for heading in Heading for label in NEVER)


@given(questions)
@settings(max_examples=100, deadline=None)
def test_an_emergency_shows_all_that_care_shows_and_besides_only_the_emergency_set(question: Question) -> None:
    emergency = access.decide(asked_in_an_emergency(question))
    if emergency.kind != "permit":
        assert not emergency.headings
        return
    care = access.decide(asked_for_care(question))
    besides = sum(label for label in access.Label if label.word in SHIPPED.matrix.emergency.labels)
    assert emergency.headings.keys() == care.headings.keys()
    for heading, bits in emergency.headings.items():
        assert care.headings[heading] & ~bits == 0
        assert bits & ~care.headings[heading] & ~besides == 0


@given(questions)
@settings(max_examples=150, deadline=None)
def test_only_a_clinical_role_opens_in_an_emergency_and_only_under_its_purpose(question: Question) -> None:
    decision = access.decide(question)
    if decision.kind == "permit" and EvidenceClass.EMERGENCY in (question.evidence, decision.evidence_strength):
        assert question.purpose is Purpose.BTG
        assert SHIPPED.matrix.role[question.role].kind == "clinical"
        assert question.assurance != 1


@given(questions)
@settings(max_examples=150, deadline=None)
def test_a_weaker_sign_in_or_no_agreement_or_no_activity_never_reveals_more(question: Question) -> None:
    decision = access.decide(question)
    for less in ({"assurance": 1}, {"organisation_in_agreement": False}, {"may_declare": False}):
        assert reveals_no_more(access.decide(Question(**{**as_dict(question), **less})), decision)


@given(
    st.builds(
        Question,
        role=st.text(max_size=20),
        organisation_in_agreement=st.booleans(),
        route=st.text(max_size=20),
        evidence=st.sampled_from(EvidenceClass),
        behind=st.sampled_from(EvidenceClass),
        purpose=st.sampled_from(Purpose),
        assurance=st.integers(-(2**62), 2**62),
        may_declare=st.booleans(),
    )
)
@settings(max_examples=150, deadline=None)
def test_words_that_nobody_wrote_into_a_policy_open_nothing(question: Question) -> None:
    decision = access.decide(question)
    assert decision.kind == "deny" or question.role in SHIPPED.matrix.role
    assert not decision.headings or question.role in SHIPPED.matrix.role
