"""Whatever is said, by whom, in any order: nothing is hidden, nothing is doubled, and the order makes no difference."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carerecord.model import Heading, Standing, StoredStatement
from carerecord.reconciliation import every_entry, receipt, reconcile
from tests.said import NAMES, NOON, allergy, letter, problem, report, result, said, stay

SOURCES = st.sampled_from(["barts", "royal-free", "gp"])
STANDINGS = st.sampled_from(list(Standing))
TIMES = st.integers(0, 6).map(lambda days: NOON + timedelta(days=days))
OWN_IDS = st.sampled_from(["1", "2", "3"])
SUBSTANCES = st.sampled_from(["Penicillin", "penicillin allergy", "Latex", "No known allergies", "NKDA", ""])
CODES = st.sampled_from(["", "91936005", "716186003"])


@st.composite
def statements(draw: st.DrawFn) -> StoredStatement:
    common: dict[str, Any] = {"source": draw(SOURCES), "at": draw(TIMES), "standing": draw(STANDINGS)}
    own_id, when = draw(OWN_IDS), draw(st.one_of(st.none(), TIMES))
    kind = draw(st.sampled_from(["allergy", "result", "report", "stay", "letter", "problem", "broken"]))
    if kind == "allergy":
        words, code = draw(SUBSTANCES), draw(CODES)
        return allergy(
            words, code=code, own_id=own_id, severity=draw(st.sampled_from(["", "mild", "severe"])), **common
        )
    if kind == "result":
        return result(
            draw(st.sampled_from(["Sodium", "Potassium"])),
            draw(st.sampled_from(["4.1", "4.10", "No growth", "", None])),
            own_id=own_id,
            laboratory=draw(st.sampled_from(["A", "B"])),
            happened=when or NOON,
            **common,
        )
    if kind == "report":
        held = [
            result("Sodium", "1", own_id=each, source=common["source"]) for each in draw(st.lists(OWN_IDS, max_size=3))
        ]
        return report("Panel", held, own_id=own_id, text=draw(st.sampled_from(["", "Repeat."])), **common)
    if kind == "stay":
        return stay(own_id, start=when or NOON, place=draw(st.sampled_from(["", "Ward 1"])), **common)
    if kind == "letter":
        return letter("Letter", draw(st.text(max_size=9)), own_id=own_id, **common)
    if kind == "problem":
        return problem(draw(st.sampled_from(["Asthma", "Gout"])), **common)
    resource = draw(
        st.sampled_from(["AllergyIntolerance", "Observation", "Encounter", "DocumentReference", "Condition"])
    )
    return said(resource, own_id, draw(st.one_of(st.binary(max_size=12), st.just(b'{"code":7,"period":[]}'))), **common)


RECORDS = st.lists(statements(), max_size=24)
SINCE = st.one_of(st.none(), st.integers(8, 18).map(lambda day: date(2026, 11, day)))


@given(RECORDS, SINCE)
def test_every_statement_stands_behind_exactly_one_line(said_by_all: list[StoredStatement], since: date | None) -> None:
    record = reconcile(said_by_all, region_names=NAMES, since=since)
    behind = Counter(
        saying.original for entry in every_entry(record) for saying in receipt(said_by_all, entry, region_names=NAMES)
    )
    assert behind == Counter(statement.original for statement in said_by_all)


@given(RECORDS)
def test_the_ids_of_a_line_are_the_ids_of_its_sayings(said_by_all: list[StoredStatement]) -> None:
    record = reconcile(said_by_all, region_names=NAMES, since=None)
    seen: Counter[str] = Counter()
    for entry in every_entry(record):
        sayings = receipt(said_by_all, entry, region_names=NAMES)
        assert set(entry.statement_ids) == {saying.statement_id for saying in sayings}
        assert entry.id in entry.statement_ids
        seen.update(entry.statement_ids)
    assert set(seen.values()) <= {1}


@given(RECORDS, SINCE, st.randoms(use_true_random=False))
def test_the_order_in_which_things_came_makes_no_difference(
    said_by_all: list[StoredStatement], since: date | None, chance: object
) -> None:
    shuffled = list(said_by_all)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one = reconcile(said_by_all, region_names=NAMES, since=since)
    assert reconcile(shuffled, region_names=NAMES, since=since) == one


@given(RECORDS)
def test_the_same_thing_said_again_in_the_same_words_changes_no_line(said_by_all: list[StoredStatement]) -> None:
    once = reconcile(said_by_all, region_names=NAMES, since=None)
    twice = reconcile([*said_by_all, *said_by_all], region_names=NAMES, since=None)
    assert twice == once


@given(RECORDS)
def test_a_listed_allergy_is_never_shown_without_its_contradiction(said_by_all: list[StoredStatement]) -> None:
    current = [entry for entry in reconcile(said_by_all, region_names=NAMES, since=None).allergies if entry.is_current]
    absences = [entry for entry in current if entry.is_absence]
    listed = [entry for entry in current if not entry.is_absence]
    if absences and listed:
        assert all(entry.conflict for entry in current)


@given(RECORDS)
def test_no_line_speaks_for_two_headings(said_by_all: list[StoredStatement]) -> None:
    record = reconcile(said_by_all, region_names=NAMES, since=None)
    assert {entry.heading for entry in record.allergies} <= {Heading.ALLERGIES}
    assert {entry.heading for entry in record.results} <= {Heading.RESULTS}
    assert {value.unit for entry in record.results for value in entry.values if entry.latest.unit != value.unit} <= {
        value.unit for entry in record.results for value in entry.values if value.superseded_by
    }
