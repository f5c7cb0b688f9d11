"""Problems: one line for each, by any shared code or the same words, and never across a broader or narrower term."""

from __future__ import annotations

from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import Mark, reconcile
from carerecord.reconciliation.entries import Entry
from tests.said import NAMES, condition, day, problem, said

ICD_10 = "http://hl7.org/fhir/sid/icd-10"


def lines(*statements: StoredStatement) -> tuple[Entry, ...]:
    return reconcile(statements, region_names=NAMES, since=None).problems


def test_any_shared_code_joins_also_through_a_third() -> None:
    both = {
        "code": {
            "text": "AF",
            "coding": [
                {"system": "http://snomed.info/sct", "code": "49436004"},
                {"system": ICD_10, "code": "I48.9"},
            ],
        }
    }
    (line,) = lines(
        condition("Atrial fibrillation", "49436004", source="gp"),
        said("Condition", "both", both, source="royal-free"),
        condition("Atrial fibrillation and flutter", "I489", system=ICD_10),
    )
    assert len(line.statement_ids) == 3
    assert "also written" in line.detail
    assert line.rule == "Joined because the problem has the same code."


def test_the_same_words_join_unless_their_codes_say_otherwise() -> None:
    assert len(lines(condition("Asthma", "195967001"), problem("asthma", source="gp"))) == 1
    assert len(lines(condition("Fracture", "1"), condition("Fracture", "2", source="gp"))) == 2
    # Which of two a third without a code means cannot be known: it stands alone, whatever the order.
    three = (
        condition("Fracture", "1"),
        condition("Fracture", "2", source="gp"),
        problem("Fracture", source="royal-free"),
    )
    assert len(lines(*three)) == len(lines(*reversed(three))) == 3


def test_a_narrower_term_is_another_problem() -> None:
    assert (
        len(lines(condition("Diabetes mellitus", "73211009"), condition("Type 2 diabetes mellitus", "44054006"))) == 2
    )


def test_active_for_one_and_resolved_for_another_is_current_and_disputed() -> None:
    (line,) = lines(
        condition("Gout", clinical="resolved", at=day(12)), condition("Gout", clinical="active", source="gp", at=day(2))
    )
    assert line.is_current
    assert Mark.SOURCES_DIFFER in line.marks
    assert line.conflict == (
        "Barts Health lists it as resolved, 12-Nov-2026; The GP lists it as active, 02-Nov-2026: check with the patient"
    )


def test_a_diagnosis_once_made_takes_no_side_against_one_who_says_it_is_over() -> None:
    (line,) = lines(problem("Pneumonia"), condition("Pneumonia", clinical="resolved", source="gp"))
    assert (line.is_current, line.conflict) == (False, None)
    (alone,) = lines(problem("Pneumonia"))
    assert alone.is_current
    assert alone.detail == ""


def test_what_is_refuted_or_mistaken_makes_nothing_current() -> None:
    (line,) = lines(
        condition("Epilepsy", clinical="active", verification="refuted"),
        condition("Epilepsy", clinical="active", source="gp", standing=Standing.ENTERED_IN_ERROR),
    )
    assert not line.is_current
    assert len(line.statement_ids) == 2
