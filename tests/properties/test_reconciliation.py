"""Whatever is said, by whom, in any order: nothing is hidden, nothing is doubled, and the order makes no difference."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carerecord.fhir.references import local_id
from carerecord.model import Heading, Standing, StoredStatement
from carerecord.reconciliation import every_entry, receipt, reconcile
from tests.said import HEADINGS, NAMES, NOON, SNOMED, allergy, letter, medicine, problem, report, result, said, stay

SOURCES = st.sampled_from(["barts", "royal-free", "gp"])
STANDINGS = st.sampled_from(list(Standing))
TIMES = st.integers(0, 6).map(lambda days: NOON + timedelta(days=days))
OWN_IDS = st.sampled_from(["1", "2", "3"])
SUBSTANCES = st.sampled_from(["Penicillin", "penicillin allergy", "Latex", "No known allergies", "NKDA", ""])
CODES = st.sampled_from(["", "91936005", "716186003"])

CONCEPT = {"text": "Something", "coding": [{"system": SNOMED, "code": "1"}, {"system": "urn:own", "code": "x"}]}
BROKEN = st.one_of(st.binary(max_size=12), st.just(b'{"code":7,"period":[]}'))
SHAPES: list[dict[str, Any]] = [
    {},
    {"status": "active", "code": CONCEPT, "category": [CONCEPT], "period": {"start": "2026", "end": "2020-01-01"}},
    {"status": "completed", "code": CONCEPT, "performedDateTime": "2026-11-03", "occurrenceDateTime": "2026-11-03"},
    {"status": "completed", "vaccineCode": CONCEPT, "occurrenceDateTime": "2026-11-03T09:00:00Z"},
    {
        "status": "inactive",
        "title": "A plan",
        "replaces": [{"reference": f"CarePlan/{local_id('gp', 'CarePlan', '1')}"}],
    },
    {"status": "active", "component": [{"code": CONCEPT, "valueQuantity": {"value": 1}}], "category": CONCEPT},
    {"name": [{"family": "X"}], "telecom": [{"value": "1"}], "relationship": [CONCEPT], "active": False},
    {"item": [{"text": "Q", "answer": [{"valueString": "A"}], "item": [{"linkId": "2"}]}], "status": "final"},
    {"medicationReference": {"reference": "Medication/1"}, "status": "active", "dosage": {"text": "x"}},
    {"participant": [{"actor": {"display": "Dr X"}}], "start": "2026-11-30T09:00:00Z", "status": "booked"},
]


@st.composite
def statements(draw: st.DrawFn) -> StoredStatement:
    common: dict[str, Any] = {"source": draw(SOURCES), "at": draw(TIMES), "standing": draw(STANDINGS)}
    own_id, when = draw(OWN_IDS), draw(st.one_of(st.none(), TIMES))
    kind = draw(
        st.sampled_from(["allergy", "result", "report", "stay", "letter", "problem", "medicine", "any", "broken"])
    )
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
    if kind == "medicine":
        return draw(medicines(own_id, common))
    # Any resource under any heading, in a shape that fits or does not: none is lost, whatever a source sends.
    resource, heading = draw(st.sampled_from(sorted(HEADINGS))), draw(st.sampled_from(list(Heading)))
    body = draw(st.sampled_from(SHAPES)) if kind == "any" else draw(BROKEN)
    return said(resource, own_id, body, heading=draw(st.sampled_from([HEADINGS[resource], heading])), **common)


@st.composite
def medicines(draw: st.DrawFn, own_id: str, common: dict[str, Any]) -> StoredStatement:
    return medicine(
        draw(
            st.sampled_from(
                ["Bisoprolol 2.5mg tablets", "BISOPROLOL TABS 2.5 MG", "Bisoprolol 5mg tablets", "Warfarin"]
            )
        ),
        draw(st.sampled_from(["", "ONE daily", "one  daily.", "TWO daily"])),
        code=draw(st.sampled_from(["", "318590006", "318591005"])),
        route=draw(st.sampled_from(["", "oral", "Oral route", "intravenous"])),
        status=draw(st.sampled_from(["active", "stopped", "on-hold", "completed", "entered-in-error", ""])),
        kind=draw(st.sampled_from(["MedicationStatement", "MedicationRequest", "MedicationDispense"])),
        own_id=own_id,
        happened=draw(st.one_of(st.none(), TIMES)),
        **common,
    )


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
    fields = {"requests": Heading.RESULTS} | {heading.name.lower(): heading for heading in Heading}
    for field, heading in fields.items():
        assert {entry.heading for entry in getattr(record, field)} <= {heading}
    assert {value.unit for entry in record.results for value in entry.values if entry.latest.unit != value.unit} <= {
        value.unit for entry in record.results for value in entry.values if value.superseded_by
    }
