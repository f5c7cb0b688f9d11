"""Who may open a record and see what, case by case, under the shipped policies."""

import time

import pytest

from carerecord import access
from carerecord.access import Label, Question
from carerecord.model import Evidence, EvidenceClass, Heading, Purpose, Staff
from carerecord.routing import DESKS

CLINICAL = set(Heading) - {Heading.DEMOGRAPHICS}


def question(
    role: str = "clinician",
    *,
    agreement: bool = True,
    route: str = "launch",
    evidence: EvidenceClass = EvidenceClass.ENCOUNTER,
    purpose: Purpose = Purpose.TREAT,
) -> Question:
    return Question(role=role, organisation_in_agreement=agreement, route=route, evidence=evidence, purpose=purpose)


def staff(role: str = "clinician") -> Staff:
    return Staff(
        user_id="555000000001",
        name="Amara Okafor",
        role_code="S8000:G8000:R8000",
        role=role,
        role_name="Clinical Practitioner",
        organisation="RTH",
        organisation_name="Oxford University Hospitals",
    )


@pytest.mark.parametrize("evidence", ["encounter", "appointment", "referral", "caseload", "registration", "incident"])
def test_named_evidence_opens_the_record_silently(evidence: str) -> None:
    decision = access.decide(question(evidence=EvidenceClass(evidence)))
    assert decision.kind == "permit"
    assert decision.policies == (f"relationship-{evidence}",)
    assert set(decision.headings) == set(Heading)
    assert decision.reasons[0].endswith(".")
    assert decision.basis
    assert decision.limits == ()


def test_a_launch_with_nothing_named_asks_for_a_reason() -> None:
    decision = access.decide(question(evidence=EvidenceClass.LAUNCH))
    assert decision.kind == "reason-needed"
    assert decision.headings == {}
    assert "Say why you need it" in decision.reasons[0]


@pytest.mark.parametrize("route", ["launch", "sign-in"])
def test_no_evidence_at_all_asks_for_a_reason(route: str) -> None:
    decision = access.decide(question(route=route, evidence=EvidenceClass.NONE))
    assert decision.kind == "reason-needed"
    assert decision.policies == ("relationship-none",)


def test_a_declared_reason_opens_the_record_and_is_said() -> None:
    decision = access.decide(question(route="sign-in", evidence=EvidenceClass.DECLARED))
    assert decision.kind == "permit"
    assert decision.reasons == ("You gave the reason yourself. It is kept with your name and may be checked.",)


def test_a_declaration_without_a_reason_counts_as_a_bare_launch() -> None:
    asked = Question.of(
        staff(),
        evidence=Evidence(kind=EvidenceClass.DECLARED, reason="  "),
        organisation_in_agreement=True,
        route="launch",
        purpose=Purpose.TREAT,
    )
    assert asked.evidence is EvidenceClass.LAUNCH
    assert access.decide(asked).kind == "reason-needed"


@pytest.mark.parametrize("evidence", list(EvidenceClass))
def test_an_organisation_without_agreement_is_denied_whatever_it_names(evidence: EvidenceClass) -> None:
    decision = access.decide(question(agreement=False, evidence=evidence))
    assert decision.kind == "deny"
    assert decision.headings == {}
    assert decision.reasons[0].startswith("Your organisation has no agreement")


def test_a_role_that_nobody_listed_is_denied() -> None:
    decision = access.decide(question("unknown"))
    assert decision.kind == "deny"
    assert "Your role is not one that this record knows" in decision.reasons[0]


def test_a_role_cannot_smuggle_in_policy_text() -> None:
    assert access.decide(question('clinician", Role::"gp')).kind == "deny"


def test_an_administrator_sees_who_the_person_is_and_nothing_clinical() -> None:
    decision = access.decide(question("admin"))
    assert decision.kind == "permit"
    assert set(decision.headings) == {Heading.DEMOGRAPHICS, Heading.CONTACTS}
    assert not decision.may_show(Heading.ALLERGIES, 0)
    assert decision.limits == (
        "Your role (administrator) shows who the person is and how to reach them."
        " Clinical headings, allergies included, need a clinical role.",
    )


def test_a_social_worker_is_told_which_headings_the_role_does_not_show() -> None:
    decision = access.decide(question("social-worker", evidence=EvidenceClass.CASELOAD))
    assert Heading.RESULTS not in decision.headings
    assert decision.limits == (
        "Your role (social worker) does not show: Investigation results, Letters and documents, Imaging reports, "
        "Procedures, Immunisations, Observations, Family history, Other entries.",
    )
    assert decision.may_show(Heading.PROBLEMS, Label.SOCIAL_CARE)


def test_a_program_asks_under_its_agreement_and_by_fhir_only() -> None:
    by_fhir = question("program", route="fhir", evidence=EvidenceClass.AGREEMENT)
    assert access.decide(by_fhir).kind == "permit"
    assert access.decide(question("program", route="launch", evidence=EvidenceClass.AGREEMENT)).kind == "deny"
    assert access.decide(question("program", route="launch")).kind == "deny"
    assert access.decide(question("clinician", route="fhir", evidence=EvidenceClass.AGREEMENT)).kind == "deny"
    assert access.decide(question("clinician", route="launch", evidence=EvidenceClass.AGREEMENT)).kind == "deny"


@pytest.mark.parametrize("purpose", [Purpose.ETREAT, Purpose.BTG])
def test_a_purpose_other_than_treatment_is_denied_until_it_is_offered(purpose: Purpose) -> None:
    assert access.decide(question(purpose=purpose)).kind == "deny"


def test_a_way_in_that_nobody_listed_is_denied() -> None:
    assert access.decide(question(route="export")).kind == "deny"


def test_a_clinician_sees_statements_without_a_label_and_no_sealed_ones() -> None:
    decision = access.decide(question())
    assert all(decision.may_show(heading, 0) for heading in Heading)
    assert not any(decision.may_show(heading, Label.SEALED) for heading in Heading)
    assert not decision.may_show(Heading.LETTERS, Label.MENTAL_HEALTH)


def test_a_hidden_allergy_would_be_a_hazard_so_labels_do_not_hide_it() -> None:
    for role in ("clinician", "gp", "pharmacist", "paramedic", "mental-health-clinician", "care-home-nurse"):
        decision = access.decide(question(role))
        assert decision.may_show(Heading.ALLERGIES, Label.MENTAL_HEALTH | Label.SENSITIVE | Label.SOCIAL_CARE)


def test_a_mental_health_clinician_sees_mental_health_letters() -> None:
    decision = access.decide(question("mental-health-clinician"))
    assert decision.may_show(Heading.LETTERS, Label.MENTAL_HEALTH)
    assert not decision.may_show(Heading.LETTERS, Label.MENTAL_HEALTH | Label.SENSITIVE)


def test_a_label_that_nobody_knows_hides_a_statement_from_everyone() -> None:
    decision = access.decide(question("mental-health-clinician"))
    assert not decision.may_show(Heading.RESULTS, 1 << 20)


def test_a_decision_is_remembered_and_costs_next_to_nothing() -> None:
    asked = question(evidence=EvidenceClass.REFERRAL)
    assert access.decide(asked) is access.decide(question(evidence=EvidenceClass.REFERRAL))
    best = min(_seconds_of_a_thousand(asked) for _ in range(5)) / 1000
    assert best < 2e-6


def _seconds_of_a_thousand(asked: Question) -> float:
    begun = time.perf_counter()
    for _ in range(1000):
        access.decide(asked)
    return time.perf_counter() - begun


def test_the_matrix_is_printed_from_the_decisions_themselves() -> None:
    lines = access.matrix().splitlines()
    assert lines.index("") == 2 + 9
    administrator = next(line for line in lines if line.startswith("| administrator"))
    shown = ["shown" if heading in (Heading.DEMOGRAPHICS, Heading.CONTACTS) else "not shown" for heading in Heading]
    assert administrator == f"| administrator | {' | '.join(shown)} |"


def test_the_version_is_short_and_stands_in_every_decision() -> None:
    assert len(access.policy_version()) == 12
    assert access.decide(question()).policy_version == access.policy_version()


@pytest.mark.parametrize(
    ("role", "desks"),
    [
        ("privacy-officer", {"privacy"}),
        ("caldicott-guardian", {"guardian", "privacy"}),
        ("records-manager", {"records"}),
        ("local-administrator", {"administration"}),
        ("safety-officer", {"safety"}),
        ("clinician", set()),
        ("admin", set()),
        ("program", set()),
        ("unknown", set()),
    ],
)
def test_each_desk_is_worked_at_by_its_own_roles_only(role: str, desks: set[str]) -> None:
    assert {desk for desk in DESKS if access.may_work(role, desk)} == desks
    assert not access.may_work(role, "unknown")
    assert not access.may_work(role, "")


@pytest.mark.parametrize("route", ["launch", "sign-in", "fhir", "desk"])
@pytest.mark.parametrize("evidence", list(EvidenceClass))
def test_a_role_of_a_desk_opens_no_record(route: str, evidence: EvidenceClass) -> None:
    decision = access.decide(question("privacy-officer", route=route, evidence=evidence))
    assert decision.kind == "deny"
    assert decision.headings == {}


def test_who_works_at_a_desk_is_told_why_no_record_opens() -> None:
    decision = access.decide(question("privacy-officer", route="sign-in", evidence=EvidenceClass.NONE))
    assert any("works at a desk" in reason for reason in decision.reasons)
