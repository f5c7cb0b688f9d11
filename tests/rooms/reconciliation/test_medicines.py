"""Medicines: joined only where nothing differs, no dose chosen, every disagreement in words."""

from __future__ import annotations

import pytest

from carerecord.model import StoredStatement
from carerecord.reconciliation import Mark, receipt, reconcile
from carerecord.reconciliation.entries import MedicineEntry
from carerecord.reconciliation.high_risk import kind_of
from carerecord.reconciliation.medicine_words import read_words, route_of, tidy
from tests.said import NAMES, day, medicine, said


def lines(*statements: StoredStatement) -> tuple[MedicineEntry, ...]:
    return reconcile(statements, region_names=NAMES, since=None).medicines


BISOPROLOL = "Bisoprolol 2.5mg tablets"


@pytest.mark.parametrize(
    "other",
    [
        medicine("BISOPROLOL TABS 2.5 MG", source="gp"),
        medicine("Bisoprolol 2500 micrograms tablet", source="gp"),
        medicine("A brand of it", code="318590006", system="http://snomed.info/sct", route="oral", source="gp"),
    ],
)
def test_the_same_medicine_in_other_words_or_by_its_code_is_one_line(other: StoredStatement) -> None:
    (line,) = lines(medicine(BISOPROLOL, code="318590006", route="oral"), other)
    assert set(line.sources) == {"Barts Health", "The GP"}
    assert line.conflict is None


@pytest.mark.parametrize(
    "other",
    [
        medicine("Bisoprolol 5mg tablets", source="gp"),  # strength
        medicine("Bisoprolol 2.5mg capsules", source="gp"),  # form
        medicine("Bisoprolol 2.5mg modified-release tablets", source="gp"),  # release
        medicine("Bisoprolol fumarate 2.5mg tablets", source="gp"),  # salt: a source may mean another
        medicine("Nebivolol 2.5mg tablets", source="gp"),  # ingredient
        medicine(BISOPROLOL, route="sublingual", source="gp"),  # route
        medicine(BISOPROLOL, code="999", route="oral", source="gp"),  # the same words with another code
        medicine("Bisoprolol", source="gp"),  # no strength, no form: it may be any
    ],
)
def test_what_differs_in_ingredient_strength_form_or_route_is_never_joined(other: StoredStatement) -> None:
    assert len(lines(medicine(BISOPROLOL, code="318590006", route="oral"), other)) == 2


def test_two_of_unknown_strength_are_never_joined() -> None:
    assert len(lines(medicine("Warfarin"), medicine("Warfarin", source="gp"))) == 2


def test_sources_that_write_another_dose_are_both_quoted_and_none_is_chosen() -> None:
    (line,) = lines(
        medicine(BISOPROLOL, "2.5mg each morning", at=day(12)), medicine(BISOPROLOL, "1.25mg", source="gp", at=day(2))
    )
    assert line.conflict == (
        "Barts Health says 2.5 mg each morning, 12-Nov-2026; The GP says 1.25 mg, 02-Nov-2026: check with the patient"
    )
    assert line.detail == "doses differ"
    assert Mark.SOURCES_DIFFER in line.marks


def test_the_same_dose_in_other_spacing_is_no_disagreement() -> None:
    (line,) = lines(medicine(BISOPROLOL, "2.5mg  Daily."), medicine(BISOPROLOL, "2.5 mg daily", source="gp"))
    assert line.conflict is None
    assert line.detail in ("2.5 mg Daily.", "2.5 mg daily")


def test_stopped_by_one_and_taken_for_another_is_current_and_disputed() -> None:
    (line,) = lines(
        medicine(BISOPROLOL, "ONE daily", status="stopped", at=day(12)),
        medicine(BISOPROLOL, "ONE daily", source="gp", at=day(2)),
    )
    assert line.is_current
    assert line.conflict == (
        "Barts Health says stopped, 12-Nov-2026; The GP lists it as taken, 02-Nov-2026: check with the patient"
    )


def test_a_source_that_stopped_one_course_and_began_another_does_not_contradict_itself() -> None:
    (line,) = lines(medicine(BISOPROLOL, status="stopped", own_id="old"), medicine(BISOPROLOL, own_id="new"))
    assert (line.is_current, line.conflict) == (True, None)


@pytest.mark.parametrize(
    ("status", "is_current"),
    [("active", True), ("on-hold", True), ("unknown", True), ("stopped", False), ("completed", False)],
)
def test_what_is_taken_or_on_hold_is_current(status: str, is_current: bool) -> None:
    (line,) = lines(medicine(BISOPROLOL, status=status))
    assert line.is_current is is_current


def test_a_mistaken_statement_stands_behind_its_line_and_gives_it_neither_words_nor_life() -> None:
    wrong = medicine(BISOPROLOL, "TEN daily", status="entered-in-error", at=day(20))
    (line,) = lines(wrong, medicine(BISOPROLOL, "ONE daily", source="gp", status="stopped", at=day(1)))
    assert (line.is_current, line.conflict) == (False, None)
    assert "TEN" not in line.detail
    assert len(line.statement_ids) == 2


def test_a_dispensing_alone_is_listed_with_its_day_and_closes_nothing() -> None:
    body = {"medicationCodeableConcept": {"text": BISOPROLOL}, "status": "completed", "whenHandedOver": "2026-11-02"}
    (line,) = lines(said("MedicationDispense", "1", body))
    assert (line.is_current, line.status) == (True, "dispensed 02-Nov-2026")


def test_an_order_that_points_to_a_medicine_sent_apart_or_inside_is_named_by_it() -> None:
    substance = said("Medication", "m", {"code": {"text": "Apixaban 5mg tablets"}})
    apart = {"medicationReference": {"reference": f"Medication/{substance.local_id}"}, "status": "active"}
    inside = {
        "contained": [{"resourceType": "Medication", "id": "x", "code": {"text": "Warfarin 1mg tablets"}}],
        "medicationReference": {"reference": "#x"},
        "status": "active",
    }
    shown = lines(substance, said("MedicationRequest", "1", apart), said("MedicationRequest", "2", inside))
    assert [line.what for line in shown] == ["Apixaban 5 mg tablets", "Warfarin 1 mg tablets"]


def test_the_line_is_tidy_and_the_receipt_is_word_for_word() -> None:
    sent = medicine("Levothyroxine 50mcg tablets", "50.0mcg OM")
    (line,) = lines(sent)
    assert (line.what, line.detail) == ("Levothyroxine 50 micrograms tablets", "50 micrograms OM")
    (saying,) = receipt([sent], line, region_names=NAMES)
    told = [text for _, text in saying.lines]
    assert "Levothyroxine 50mcg tablets" in told
    assert "50.0mcg OM" in told


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("5.0mg", "5 mg"),
        (".5 mg", "0.5 mg"),
        ("2.50 mg", "2.5 mg"),
        ("100mcg", "100 micrograms"),
        ("10U at night", "10 units at night"),
        ("1,000 units", "1,000 units"),
        ("10.05 mg", "10.05 mg"),
        ("100 mg", "100 mg"),
        ("ONE tablet", "ONE tablet"),
        ("as INR 2.0 to 3.0", "as INR 2.0 to 3.0"),
    ],
)
def test_units_are_written_as_the_guidance_writes_them_and_nothing_else_is_touched(written: str, shown: str) -> None:
    assert tidy(written) == shown
    assert tidy(shown) == shown


def test_words_are_read_whole_or_not_at_all() -> None:
    read = read_words("Salbutamol 100micrograms/dose inhaler CFC free")
    assert (read.ingredient, read.form, read.route, read.is_whole) == (
        "salbutamol",
        "inhaler cfc free",
        "inhaled",
        True,
    )
    assert not read_words("Aspirin").is_whole
    assert route_of("Oral route", ()) == route_of("", ("26643006",)) == "oral"
    assert route_of("Into the left knee", ()) == "into the left knee"


@pytest.mark.parametrize(
    ("name", "route", "kind"),
    [
        ("Warfarin 1mg tablets", "oral", "anticoagulant"),
        ("Insulin glargine 100units/ml", "", "insulin"),
        ("Hydrocortisone 10mg tablets", "oral", "steroid"),
        ("Hydrocortisone 1% cream", "skin", ""),
        ("Lithium carbonate 400mg tablets", "oral", "lithium"),
        ("Clozapine 25mg tablets", "oral", "clozapine"),
        ("Paracetamol 500mg tablets", "oral", ""),
    ],
)
def test_a_high_risk_medicine_is_marked_by_a_word_of_its_name(name: str, route: str, kind: str) -> None:
    assert kind_of(name, route) == kind


def test_what_is_high_risk_or_given_by_the_hospital_alone_comes_first() -> None:
    hospital = said(
        "MedicationStatement",
        "h",
        {
            "status": "active",
            "category": {"coding": [{"code": "hospital-only"}]},
            "medicationCodeableConcept": {"text": "Zoledronic acid 5mg infusion"},
        },
    )
    shown = lines(medicine("Amlodipine 5mg tablets"), medicine("Warfarin 1mg tablets"), hospital)
    assert [line.what.split()[0] for line in shown] == ["Warfarin", "Zoledronic", "Amlodipine"]
    assert shown[1].is_hospital_only
