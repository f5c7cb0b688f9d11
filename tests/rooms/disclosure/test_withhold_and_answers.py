"""What is withheld leaves nothing behind; what is missing from the record is said in a sentence."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carerecord.access import Decision
from carerecord.disclosure.answers import answers, last_contact, opened_from, source_answers
from carerecord.disclosure.programs import everything_bundle
from carerecord.disclosure.withhold import withhold
from carerecord.model import Evidence, EvidenceClass, Heading, Standing, StoredStatement, Subject
from tests.house import AT, OXFORD, PROGRAM, REGION, looking
from tests.rooms.disclosure.test_banner import JOAN
from tests.said import allergy, day, letter, report, result, said, stay

SEES = Decision(kind="permit", headings=dict.fromkeys(Heading, 1), policy_version="1")


def test_a_label_that_is_not_allowed_is_withheld_and_one_that_is_allowed_is_not() -> None:
    seen = withhold([allergy("A", sensitivity=1), allergy("B", sensitivity=3), allergy("C")], SEES)
    assert len(seen.shown) == 2
    assert seen.kinds == {"ALLERGIES": 1}


def test_a_heading_that_is_not_allowed_is_withheld_whole() -> None:
    narrow = Decision(kind="permit", headings={Heading.STAYS: 0}, policy_version="1")
    seen = withhold([allergy("A"), stay("1")], narrow)
    assert [statement.heading for statement in seen.shown] == [Heading.STAYS]


def test_a_panel_all_of_whose_results_are_withheld_goes_with_them() -> None:
    hidden, plain = result("HIV", "reactive", sensitivity=4), result("Sodium", "140")
    seen = withhold([hidden, plain, report("HIV screen", [hidden]), report("U and E", [plain])], SEES)
    assert len(seen.shown) == 2
    assert seen.kinds == {"RESULTS": 2}


def test_of_two_sayings_of_one_message_neither_is_shown_where_one_may_not_be() -> None:
    plain = letter("L", "Seen in clinic.", own_id="1")
    sealed = letter("L", "Seen at the Jefferiss Wing.", own_id="1", sensitivity=4)
    together = msgspec.structs.replace(sealed, original=plain.original)
    assert withhold([plain, together], SEES).shown == []
    corrected = msgspec.structs.replace(plain, said_at=plain.said_at + timedelta(days=1))
    assert withhold([together, corrected], SEES).shown == [corrected]


def test_a_list_of_panels_that_all_went_goes_too_and_so_does_what_is_about_that_list() -> None:
    hidden = result("HIV", "reactive", sensitivity=4)
    panel = report("HIV screen", [hidden])
    entry = [{"item": {"reference": f"DiagnosticReport/{panel.local_id}"}}]
    screens = said("List", "l", {"title": "HIV", "entry": entry}, heading=Heading.OTHER)
    task = said("Task", "t", {"focus": {"reference": f"List/{screens.local_id}"}}, heading=Heading.OTHER)
    assert withhold([task, screens, panel, hidden], SEES).shown == []
    assert len(withhold([task, screens, panel, result("HIV", "reactive", sensitivity=1)], SEES).shown) == 4


def test_of_words_that_were_labelled_again_the_earlier_copy_is_withheld_too_though_a_newer_version_is_shown() -> None:
    told = result("Sodium", "140", own_id="1", at=day(3))
    again = msgspec.structs.replace(told, sensitivity=4, received_at=told.received_at + timedelta(days=9))
    newer = result("Sodium", "139", own_id="1", at=day(5))
    for order in ([told, again, newer], [newer, again, told]):
        assert withhold(order, SEES).shown == [newer]
    lowered = [msgspec.structs.replace(told, sensitivity=4), msgspec.structs.replace(again, sensitivity=0)]
    assert withhold(lowered, SEES).shown == lowered[1:]


def test_a_bundle_says_nothing_of_what_is_withheld() -> None:
    hidden, plain = result("HIV", "reactive", sensitivity=4), result("Sodium", "140")
    mixed = report("Bloods", [plain, hidden])
    with_encounter = said(
        "Observation", "e", {"code": {"text": "K"}, "encounter": {"reference": f"Encounter/{hidden.local_id}"}}
    )
    seen = withhold([hidden, plain, mixed, with_encounter], SEES)
    bundle = everything_bundle(
        JOAN,
        seen.shown,
        answers=(),
        base="https://record.example/fhir",
        at=AT,
    )
    assert hidden.local_id.encode() not in bundle
    assert plain.local_id.encode() in bundle
    assert b"null" not in bundle


STATEMENTS = st.lists(
    st.builds(
        lambda own, sensitivity, at: letter("L", own + str(at), own_id=own, sensitivity=sensitivity, at=day(at)),
        st.sampled_from("abc"),
        st.sampled_from([0, 1, 2, 3]),
        st.integers(1, 9),
    ),
    max_size=12,
)


@given(STATEMENTS)
def test_nothing_is_shown_that_the_decision_does_not_allow(statements: list[StoredStatement]) -> None:
    seen = withhold(statements, SEES)
    assert all(SEES.may_show(statement.heading, statement.sensitivity) for statement in seen.shown)
    assert len(seen.shown) + sum(seen.kinds.values()) == len(statements)


@given(STATEMENTS)
def test_an_older_version_never_stands_in_for_a_newer_one_that_is_withheld(statements: list[StoredStatement]) -> None:
    for statement in withhold(statements, SEES).shown:
        versions = [each for each in statements if each.local_id == statement.local_id]
        newest = max(versions, key=lambda each: (each.said_at, each.received_at, each.original))
        assert SEES.may_show(newest.heading, newest.sensitivity)


@given(STATEMENTS)
def test_a_narrower_decision_never_shows_more(statements: list[StoredStatement]) -> None:
    narrow = Decision(kind="permit", headings=dict.fromkeys(Heading, 0), policy_version="1")
    wide = {statement.original for statement in withhold(statements, SEES).shown}
    assert {statement.original for statement in withhold(statements, narrow).shown} <= wide


@pytest.mark.parametrize(
    ("practice", "sentence"),
    [
        ("K84001", "GP record: the practice is outside London and not part of this record"),
        ("Z99999", "GP record: the practice is outside London and not part of this record"),
        ("F84001", "GP record: Mile End Practice is not connected to this record"),
        (None, "GP record: no practice is known for this person"),
    ],
)
def test_what_the_reader_would_miss_is_said(practice: str | None, sentence: str) -> None:
    assert [answer.sentence for answer in answers(Subject(gp_practice=practice), REGION)] == [sentence]


def test_sources_are_named_with_whom_to_phone_and_when_they_last_spoke() -> None:
    (barts, free) = source_answers([allergy("A"), allergy("B", at=day(12)), stay("1", source="royal-free")], REGION)
    assert (barts.name, barts.phone, barts.last_said_at, barts.statement_count) == (
        "Barts Health",
        "020 7946 0001",
        day(12),
        2,
    )
    assert free.name == "Royal Free"


@pytest.mark.parametrize(
    ("statements", "since"),
    [
        ([], None),
        ([stay("1", start=day(3), end=day(9))], date(2026, 11, 3)),
        ([stay("1", start=day(3)), stay("2", start=day(8))], date(2026, 11, 8)),
        ([stay("1", start=day(3)), stay("2", start=day(8), standing=Standing.CANCELLED)], date(2026, 11, 3)),
        ([stay("1", start=day(3)), stay("2", start=day(22))], date(2026, 11, 3)),
        ([letter("L", "x", happened=day(12))], date(2026, 11, 12)),
        ([letter("L", "x", happened=day(12)), stay("1", start=day(3))], date(2026, 11, 3)),
    ],
)
def test_new_means_since_the_last_contact(statements: list[StoredStatement], since: date | None) -> None:
    assert last_contact(statements, at=AT) == since


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (
            Evidence(kind=EvidenceClass.ENCOUNTER, start="2026-11-22T09:12:00Z", place="outpatient clinic"),
            "Opened from Oxford University Hospitals, outpatient clinic, today 09:12",
        ),
        (
            Evidence(kind=EvidenceClass.REFERRAL, start="2026-11-02"),
            "Opened from Oxford University Hospitals, a referral, 02-Nov-2026",
        ),
        (Evidence(kind=EvidenceClass.LAUNCH, start="soon"), "Opened from Oxford University Hospitals"),
        (
            Evidence(kind=EvidenceClass.DECLARED, reason="in clinic now"),
            "Opened from Oxford University Hospitals; reason given: in clinic now",
        ),
    ],
)
def test_the_page_says_from_where_it_was_opened(evidence: Evidence, words: str) -> None:
    assert opened_from(looking(1, staff=OXFORD, evidence=evidence)) == words


def test_a_program_is_named_as_a_program() -> None:
    assert opened_from(looking(1, staff=PROGRAM)) == "Asked for by Renal Registry, Renal Registry"


def test_times_of_the_summer_are_those_of_the_summer() -> None:
    summer = datetime.fromisoformat("2026-07-01T23:30:00+00:00")
    evidence = Evidence(kind=EvidenceClass.ENCOUNTER, start="2026-07-02T08:30:00Z", place="ward")
    assert opened_from(looking(1, evidence=evidence, at=summer)).endswith("ward, today 09:30")
