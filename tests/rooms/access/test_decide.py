"""Who may open a record and see what, case by case, under the shipped policies."""

import time
from typing import Any

import msgspec
import pytest

from carerecord import access
from carerecord.access import Label, Question
from carerecord.model import Evidence, EvidenceClass, Heading, Purpose, Staff
from carerecord.routing import DESKS


def question(
    role: str = "clinician",
    *,
    agreement: bool = True,
    route: str = "launch",
    evidence: EvidenceClass = EvidenceClass.ENCOUNTER,
    purpose: Purpose = Purpose.TREAT,
    **more: Any,
) -> Question:
    return Question(
        role=role, organisation_in_agreement=agreement, route=route, evidence=evidence, purpose=purpose, **more
    )


def emergency(role: str = "clinician", *, route: str = "launch", **more: Any) -> Question:
    return question(role, route=route, evidence=EvidenceClass.EMERGENCY, purpose=Purpose.BTG, **more)


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


@pytest.mark.parametrize(
    "evidence", ["encounter", "appointment", "referral", "caseload", "registration", "incident", "residency"]
)
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
@pytest.mark.parametrize(
    "role", ["clinician", "gp", "pharmacist", "paramedic", "mental-health-clinician", "care-home-nurse"]
)
def test_no_evidence_at_all_is_emergency_access_and_never_a_dead_end_for_a_clinician(route: str, role: str) -> None:
    decision = access.decide(question(role, route=route, evidence=EvidenceClass.NONE))
    assert decision.kind == "emergency-needed"
    assert decision.headings == {}
    assert decision.policies == ("relationship-none", "emergency-by-role")
    assert decision.evidence_strength == "none"


@pytest.mark.parametrize("role", ["admin", "social-worker"])
def test_who_may_not_declare_an_emergency_is_told_whom_to_ask(role: str) -> None:
    decision = access.decide(question(role, route="sign-in", evidence=EvidenceClass.NONE))
    assert decision.kind == "deny"
    assert not decision.may_declare_emergency
    assert any("Ask a clinician" in reason for reason in decision.reasons)


@pytest.mark.parametrize("route", ["launch", "sign-in"])
def test_a_reason_declared_on_weak_evidence_opens_the_record_and_is_said(route: str) -> None:
    decision = access.decide(question(route=route, evidence=EvidenceClass.DECLARED, behind=EvidenceClass.LAUNCH))
    assert decision.evidence_strength == "weak"
    assert decision.kind == "permit"
    assert decision.reasons == ("You gave the reason yourself. It is kept with your name and may be checked.",)


def test_a_reason_declared_on_nothing_does_not_stand_in_for_an_emergency() -> None:
    asked = Question.of(
        staff(),
        evidence=Evidence(kind=EvidenceClass.DECLARED, reason="Seeing this person in clinic today"),
        organisation_in_agreement=True,
        route="sign-in",
        purpose=Purpose.TREAT,
    )
    assert access.decide(asked).kind == "emergency-needed"


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


@pytest.mark.parametrize("evidence", list(EvidenceClass))
def test_urgent_care_is_treated_as_care(evidence: EvidenceClass) -> None:
    urgent = access.decide(question(evidence=evidence, purpose=Purpose.ETREAT))
    usual = access.decide(question(evidence=evidence))
    assert (urgent.kind, urgent.headings, urgent.policies) == (usual.kind, usual.headings, usual.policies)


@pytest.mark.parametrize("purpose", [Purpose.PATRQT, Purpose.PATADMIN, Purpose.HRESCH])
@pytest.mark.parametrize("evidence", list(EvidenceClass))
def test_no_purpose_but_care_opens_a_record(purpose: Purpose, evidence: EvidenceClass) -> None:
    for role in access.in_force().matrix.role:
        assert access.decide(question(role, evidence=evidence, purpose=purpose)).kind == "deny"


def test_research_is_told_of_its_own_way() -> None:
    decision = access.decide(question(purpose=Purpose.HRESCH))
    assert any("National Data Opt-Out" in reason for reason in decision.reasons)


# --- Emergency access -------------------------------------------------------------------------------------------------


def test_a_declared_emergency_opens_the_record_and_shows_what_is_sealed() -> None:
    decision = access.decide(emergency())
    assert decision.kind == "permit"
    assert decision.policies == ("emergency-declared",)
    assert decision.evidence_strength == "emergency"
    for label in (Label.SEALED, Label.SENSITIVE, Label.MENTAL_HEALTH, Label.SEXUAL_HEALTH, Label.TERMINATION):
        assert decision.may_show(Heading.LETTERS, label)
        assert not access.decide(question()).may_show(Heading.LETTERS, label)


@pytest.mark.parametrize("label", [Label.DISSENT, Label.ASSISTED_CONCEPTION, Label.GENDER_HISTORY, Label.ADOPTION])
def test_no_emergency_overrides_dissent_or_what_a_statute_bars(label: Label) -> None:
    for role in access.in_force().matrix.role:
        for asked in (emergency(role), emergency(role, may_declare=True), question(role)):
            assert not any(access.decide(asked).may_show(heading, label) for heading in Heading)


@pytest.mark.parametrize("role", ["pharmacist", "care-home-nurse"])
def test_an_emergency_of_some_roles_stands_in_for_a_relationship_and_shows_no_more(role: str) -> None:
    assert access.decide(emergency(role)).headings == access.decide(question(role)).headings


@pytest.mark.parametrize("role", ["admin", "social-worker", "program", "privacy-officer", "unknown"])
def test_a_role_that_may_not_declare_an_emergency_opens_nothing_by_saying_so(role: str) -> None:
    for route in ("launch", "sign-in", "fhir"):
        assert access.decide(emergency(role, route=route)).kind == "deny"


def test_a_national_activity_lets_a_clinical_role_declare_and_no_other() -> None:
    holder = msgspec.structs.replace(staff("social-worker"), activities=("B0264", "B0083"))
    asked = Question.of(
        holder,
        evidence=Evidence(kind=EvidenceClass.NONE),
        organisation_in_agreement=True,
        route="sign-in",
        purpose=Purpose.TREAT,
    )
    assert access.decide(asked).kind == "emergency-needed"
    assert access.decide(emergency("social-worker", may_declare=True)).kind == "permit"
    assert access.decide(emergency("admin", may_declare=True)).kind == "deny"
    assert access.decide(emergency("program", may_declare=True)).kind == "deny"


def test_an_emergency_that_says_no_reason_is_none() -> None:
    asked = Question.of(
        staff(),
        evidence=Evidence(kind=EvidenceClass.EMERGENCY, reason=" "),
        organisation_in_agreement=True,
        route="sign-in",
        purpose=Purpose.BTG,
    )
    assert asked.evidence is EvidenceClass.NONE
    assert access.decide(asked).kind == "emergency-needed"


def test_emergency_access_is_kept_under_its_own_purpose_and_no_other_evidence_uses_it() -> None:
    assert access.decide(question(evidence=EvidenceClass.EMERGENCY)).kind != "permit"
    for evidence in set(EvidenceClass) - {EvidenceClass.EMERGENCY}:
        assert access.decide(question(evidence=evidence, purpose=Purpose.BTG)).kind != "permit"


def test_emergency_access_is_offered_to_a_role_whatever_the_evidence() -> None:
    of_staff = set(EvidenceClass) - {EvidenceClass.AGREEMENT}
    offered = {access.decide(question(evidence=evidence)).may_declare_emergency for evidence in of_staff}
    assert offered == {True}


# --- Sign-in, paper and cards -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("evidence", list(EvidenceClass))
def test_who_signed_in_with_a_password_alone_opens_nothing(evidence: EvidenceClass) -> None:
    for purpose in (Purpose.TREAT, Purpose.BTG):
        decision = access.decide(question(route="sign-in", evidence=evidence, purpose=purpose, assurance=1))
        assert decision.kind == "deny"
        assert decision.reasons == (
            "You signed in with a password alone, which opens no record. "
            "Sign in again with your smartcard, passkey or authenticator.",
        )
        assert not decision.may_declare_emergency


@pytest.mark.parametrize("assurance", [0, 2, 3])
def test_two_factors_or_a_system_that_vouches_are_enough(assurance: int) -> None:
    assert access.decide(question(assurance=assurance)).kind == "permit"


@pytest.mark.parametrize("route", ["print", "card"])
def test_safeguarding_never_leaves_the_screen(route: str) -> None:
    for role in ("gp", "mental-health-clinician", "social-worker"):
        decision = access.decide(question(role, route=route))
        assert decision.kind == "permit"
        assert Heading.SAFEGUARDING not in decision.headings
        assert not any(decision.may_show(heading, Label.SAFEGUARDING) for heading in Heading)


def test_a_card_that_nobody_asked_for_says_nothing_on_weak_evidence() -> None:
    for evidence in (EvidenceClass.LAUNCH, EvidenceClass.NONE):
        assert access.decide(question(route="card", evidence=evidence)).kind == "deny"
    declared = question(route="card", evidence=EvidenceClass.DECLARED, behind=EvidenceClass.LAUNCH)
    assert access.decide(declared).kind == "deny"


# --- Headings and labels ----------------------------------------------------------------------------------------------


def test_no_class_of_care_hides_a_medicine_an_allergy_or_a_result() -> None:
    """A hidden antiretroviral is an interaction missed."""
    classes = [label for label in Label if label.word in access.in_force().matrix.always_shown.labels]
    assert {Label.SEXUAL_HEALTH, Label.TERMINATION, Label.MENTAL_HEALTH, Label.SENSITIVE} <= set(classes)
    for role in access.in_force().matrix.role:
        headings = access.decide(question(role)).headings
        for heading in headings.keys() & {Heading.MEDICINES, Heading.ALLERGIES, Heading.RESULTS}:
            assert headings[heading] == sum(classes)


def test_mental_health_in_brief_is_that_there_is_care_and_the_plan_but_no_letter() -> None:
    decision = access.decide(question("clinician"))
    for heading in (Heading.ALERTS, Heading.PLANS, Heading.STAYS, Heading.PROBLEMS):
        assert decision.may_show(heading, Label.MENTAL_HEALTH)
    for heading in (Heading.LETTERS, Heading.ASSESSMENTS, Heading.OBSERVATIONS, Heading.OTHER):
        assert not decision.may_show(heading, Label.MENTAL_HEALTH)


def test_safeguarding_is_a_flag_for_acute_staff_and_nothing_for_pharmacists() -> None:
    for role in ("clinician", "paramedic"):
        decision = access.decide(question(role))
        assert decision.may_show(Heading.ALERTS, Label.SAFEGUARDING)
        assert not decision.may_show(Heading.SAFEGUARDING, Label.SAFEGUARDING)
    assert not access.decide(question("pharmacist")).may_show(Heading.ALERTS, Label.SAFEGUARDING)


def test_what_a_council_writes_under_social_care_is_shown_to_clinicians() -> None:
    assert access.decide(question("clinician")).may_show(Heading.SOCIAL_CARE, Label.SOCIAL_CARE)
    assert not access.decide(question("clinician")).may_show(Heading.LETTERS, Label.SOCIAL_CARE)


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
