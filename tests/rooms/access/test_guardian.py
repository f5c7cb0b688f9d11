"""What a Caldicott Guardian reads is made from decisions, is whole, and says what is due."""

import json
from datetime import date

import msgspec
import pytest

from carerecord import access
from carerecord.access import SHIPPED, PolicyDoesNotFit
from carerecord.access.policies import compile_texts, shipped_texts
from carerecord.model import EvidenceClass, Heading, Purpose
from carerecord.routing import DESKS

ON = date(2026, 11, 22)
TEXTS = shipped_texts()


def test_every_role_has_a_cell_for_every_heading_and_every_desk_is_worked_at() -> None:
    reading = access.guardian(on=ON)
    assert all(len(row.cells) == len(Heading) == len(reading.headings) for row in reading.roles)
    assert {desk for row in reading.desks for desk in row.desks} == set(DESKS)
    assert {row.role for row in reading.roles} | {row.role for row in reading.desks} == set(SHIPPED.matrix.role)


def test_cells_say_what_is_shown_and_what_an_emergency_adds() -> None:
    clinician = next(row for row in access.guardian(on=ON).roles if row.role == "clinician")
    letters = next(cell for cell in clinician.cells if cell.heading == "LETTERS")
    assert letters.is_shown
    assert "sealed" in letters.in_an_emergency
    assert letters.words.startswith("shown, with third-party; in an emergency also ")


def test_every_policy_written_by_hand_is_listed_with_its_sentence_and_basis() -> None:
    reading = access.guardian(on=ON)
    ids = {row.id for row in reading.policies}
    assert {"agreement-missing", "relationship-none", "emergency-declared", "desk-opens-no-record"} <= ids
    assert not any(name.startswith("matrix-") for name in ids)
    assert all(row.sentence.endswith(".") and row.basis for row in reading.policies)


def test_bars_are_closed_as_shipped_and_reviews_fall_due() -> None:
    reading = access.guardian(on=ON)
    assert {row.label for row in reading.bars} == {"gender-history", "assisted-conception", "adoption"}
    assert all(not row.let_through and row.source.startswith("https://www.legislation.gov.uk") for row in reading.bars)
    assert reading.reviews_due == ()
    late = access.reviews_due(on=date(2027, 6, 2))
    assert len(late) == 7
    assert late[0] == (
        "The review of the matrix (policy.toml) was due on 01-Jun-2027: the Guardian confirms or changes it."
    )


def test_it_is_plain_values_that_a_program_can_read() -> None:
    assert json.loads(msgspec.json.encode(access.guardian(on=ON)))["version"] == access.policy_version()


OPEN = 'let_through = { roles = ["gp"], purposes = ["TREAT"], agreed_by = "M. Castell", agreed_on = 2026-11-01 }'
SHUT = 'let_through = { roles = [], purposes = [], agreed_by = "" }'


def with_gender_history(route: str) -> dict[str, str]:
    assert SHUT in TEXTS["legal_bars.toml"]
    return {**TEXTS, "legal_bars.toml": TEXTS["legal_bars.toml"].replace(SHUT, route, 1)}


def asked(role: str, *, purpose: Purpose = Purpose.TREAT) -> access.Question:
    evidence = EvidenceClass.EMERGENCY if purpose is Purpose.BTG else EvidenceClass.ENCOUNTER
    return access.Question(
        role=role, organisation_in_agreement=True, route="launch", evidence=evidence, purpose=purpose
    )


def test_the_guardians_route_lets_through_whom_it_names_for_what_it_names_and_nobody_else() -> None:
    policies = compile_texts(with_gender_history(OPEN))
    label = access.Label.GENDER_HISTORY
    assert access.decide_for(policies, asked("gp")).may_show(Heading.PROBLEMS, label)
    assert not access.decide_for(policies, asked("gp", purpose=Purpose.BTG)).may_show(Heading.PROBLEMS, label)
    assert not access.decide_for(policies, asked("clinician")).may_show(Heading.PROBLEMS, label)
    row = next(row for row in access.guardian(on=ON, policies=policies).bars if row.label == label.word)
    assert row.let_through == "gp for TREAT, agreed by M. Castell on 01-Nov-2026"


@pytest.mark.parametrize(
    ("said", "unsaid"),
    [('roles = ["gp"]', "roles = []"), ('agreed_by = "M. Castell"', 'agreed_by = ""'),
     (", agreed_on = 2026-11-01", ""), ('purposes = ["TREAT"]', "purposes = []")],
)  # fmt: skip
def test_a_route_that_is_half_said_lets_nobody_through(said: str, unsaid: str) -> None:
    assert said in OPEN
    policies = compile_texts(with_gender_history(OPEN.replace(said, unsaid)))
    assert not access.decide_for(policies, asked("gp")).may_show(Heading.PROBLEMS, access.Label.GENDER_HISTORY)


@pytest.mark.parametrize(("role", "said"), [("admin", "not clinical"), ("doctor", "role doctor")])
def test_a_route_for_a_role_that_is_not_clinical_stops_the_start(role: str, said: str) -> None:
    with pytest.raises(PolicyDoesNotFit, match=said):
        compile_texts(with_gender_history(OPEN.replace('"gp"', f'"{role}"')))
