"""Results: what stands on one line, what is struck through, and in which words."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import Mark, ResultEntry, receipt, reconcile
from tests.said import NAMES, day, report, result, said


def listed(*statements: StoredStatement, since: date | None = None) -> tuple[ResultEntry, ...]:
    return reconcile(statements, region_names=NAMES, since=since).results


def test_values_of_one_laboratory_are_one_line_newest_first() -> None:
    (line,) = listed(
        result("Potassium", "4.1", happened=day(1)),
        result("Potassium", "6.10", happened=day(9), flag="HH", limits=("3.5", "5.3")),
        result("Potassium", "5.0", happened=day(5)),
    )
    assert [value.text for value in line.values] == ["6.10", "5.0", "4.1"]
    assert line.detail == "6.10 mmol/L critically high (3.5-5.3)"
    assert (line.latest.number, line.latest.low, line.latest.high) == (6.1, 3.5, 5.3)


@pytest.mark.parametrize(
    "different",
    [
        {"laboratory": "Royal Free laboratory"},
        {"unit": "mg/dL"},
        {"specimen": "plasma"},
        {"method": "ion selective electrode"},
        {"source": "royal-free"},
        {"code": "K2"},
    ],
    ids=lambda different: next(iter(different)),
)
def test_nothing_is_joined_across_laboratory_unit_specimen_method_source_or_code(different: dict[str, str]) -> None:
    one = result("Troponin", "12", code="K1", happened=day(1))
    other = result("Troponin", "14", happened=day(2), **{"code": "K1", **different})  # type: ignore[arg-type]
    assert len(listed(one, other)) == 2


@pytest.mark.parametrize("digits", ["5", "5.0", "5.00", "0.5", "1200", "0.0000001", "-2.50", "12345678901234567890.5"])
def test_a_number_keeps_the_senders_own_digits(digits: str) -> None:
    assert listed(result("X", digits))[0].latest.text == digits


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("H", "high"),
        ("L", "low"),
        ("HH", "critically high"),
        ("A", "abnormal"),
        ("N", ""),
        ("S", "susceptible"),
        ("**", "**"),
    ],
)
def test_a_flag_is_a_word(flag: str, words: str) -> None:
    assert listed(result("X", "5", flag=flag))[0].latest.flag == words


def test_a_corrected_value_is_struck_through_beside_its_correction() -> None:
    wrong = result("Potassium", "7.9", own_id="k", at=day(9, 6))
    right = result("Potassium", "4.9", own_id="k", at=day(9, 9), standing=Standing.CORRECTED)
    (line,) = listed(wrong, right)
    corrected, struck = line.values
    assert (corrected.text, corrected.superseded_by) == ("4.9", None)
    assert (struck.text, struck.superseded_by) == ("7.9", corrected.statement_id)
    assert line.latest == corrected
    assert line.marks == (Mark.CORRECTED,)
    assert len(line.statement_ids) == 2


def test_a_final_value_takes_the_place_of_its_preliminary_without_calling_it_a_correction() -> None:
    early = result("Culture", "No growth so far", own_id="c", at=day(9, 6), standing=Standing.PRELIMINARY)
    assert listed(early)[0].marks == (Mark.PRELIMINARY,)
    (line,) = listed(early, result("Culture", "Staphylococcus aureus", own_id="c", at=day(9, 9)))
    assert [value.text for value in line.values] == ["Staphylococcus aureus"]
    assert line.marks == ()
    sayings = receipt([early], line, region_names=NAMES)
    assert [saying.statement_id for saying in sayings] == [line.id]


def test_a_late_copy_of_an_older_saying_does_not_win() -> None:
    right = result("Potassium", "4.9", own_id="k", at=day(9, 9), standing=Standing.CORRECTED)
    wrong = result("Potassium", "7.9", own_id="k", at=day(9, 6))
    assert listed(right, wrong)[0].latest.text == listed(wrong, right)[0].latest.text == "4.9"


def test_a_cancelled_test_does_not_hide_the_value_that_stands() -> None:
    stands = result("Potassium", "4.1", happened=day(1))
    cancelled = result("Potassium", "4.2", happened=day(5), standing=Standing.CANCELLED)
    (line,) = listed(stands, cancelled)
    assert (line.latest.text, line.is_current, line.marks) == ("4.1", True, ())
    (alone,) = listed(cancelled)
    assert (alone.is_current, alone.marks) == (False, (Mark.CANCELLED,))


def test_a_cancelled_test_without_a_value_says_so() -> None:
    absent = said(
        "Observation",
        "x",
        {"code": {"text": "Potassium"}, "dataAbsentReason": {"coding": [{"code": "not-performed"}]}},
        standing=Standing.CANCELLED,
    )
    assert listed(absent)[0].latest.text == "cancelled"


def test_a_report_in_words_is_shown_in_full() -> None:
    words = "Chest X-ray\nThe heart is not enlarged.\n" + "The lungs are clear. " * 40
    (line,) = listed(result("Chest X-ray", words))
    assert line.is_text
    assert line.latest.text == words
    assert line.detail == ""


def test_a_panel_keeps_the_order_of_its_report_and_the_newest_panel_comes_first() -> None:
    sodium = result("Sodium", "140", happened=day(5))
    potassium = result("Potassium", "4.1", happened=day(5))
    haemoglobin = result("Haemoglobin", "104", unit="g/L", happened=day(9))
    lines = listed(
        potassium,
        sodium,
        haemoglobin,
        report("Urea and electrolytes", [sodium, potassium], happened=day(5)),
        report("Full blood count", [haemoglobin], happened=day(9)),
    )
    assert [(line.panel, line.what) for line in lines] == [
        ("Full blood count", "Haemoglobin"),
        ("Urea and electrolytes", "Sodium"),
        ("Urea and electrolytes", "Potassium"),
    ]


def test_a_report_with_words_of_its_own_is_a_line_of_its_own() -> None:
    sodium = result("Sodium", "140")
    lines = listed(sodium, report("Urea and electrolytes", [sodium], text="Haemolysed: please repeat."))
    assert {line.what: line.latest.text for line in lines} == {
        "Sodium": "140",
        "Urea and electrolytes": "Haemolysed: please repeat.",
    }


def test_a_report_that_has_no_result_yet_is_shown() -> None:
    (line,) = listed(report("Blood culture", [], standing=Standing.PRELIMINARY))
    assert (line.what, line.detail, line.marks) == ("Blood culture", "No values were sent", (Mark.PRELIMINARY,))


def test_what_the_laboratory_wrote_beside_a_value_stays_beside_it() -> None:
    assert listed(result("Potassium", "6.9", note="Haemolysed"))[0].latest.note == "Haemolysed"


def test_who_signed_a_result_is_no_laboratory() -> None:
    signed = said(
        "Observation",
        "x",
        {"code": {"text": "K"}, "performer": [{"type": "Practitioner", "display": "Dr B Lam"}], "valueString": "1"},
    )
    assert listed(signed)[0].latest.laboratory == "Barts Health"


def test_a_result_since_our_last_contact_is_new() -> None:
    old, new = result("A", "1", happened=day(2)), result("B", "1", happened=day(9))
    assert {line.what: line.marks for line in listed(old, new, since=date(2026, 11, 5))} == {"A": (), "B": (Mark.NEW,)}


def test_a_value_of_any_kind_is_shown() -> None:
    kinds: dict[str, tuple[dict[str, Any], str]] = {
        "range": ({"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}, "1–2"),
        "titre": ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1:128"),
        "coded": ({"valueCodeableConcept": {"coding": [{"code": "260385009", "display": "Negative"}]}}, "Negative"),
        "less": ({"valueQuantity": {"value": 5, "comparator": "<", "unit": "ng/L"}}, "<5"),
        "yes": ({"valueBoolean": True}, "yes"),
        "day": ({"valueDateTime": "2026-11-01"}, "2026-11-01"),
        "odd": ({"valueQuantity": "seven"}, "This value could not be read: open the original message"),
    }
    lines = listed(*(said("Observation", name, {"code": {"text": name}, **body}) for name, (body, _) in kinds.items()))
    assert {line.what: line.latest.text for line in lines} == {name: text for name, (_, text) in kinds.items()}
