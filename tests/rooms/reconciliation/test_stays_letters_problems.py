"""Stays, letters and problems: one line each, nothing joined, and what is over in the closed group."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from carerecord.model import Standing
from carerecord.reconciliation import Mark, receipt, reconcile
from tests.said import NAMES, day, letter, problem, stay


def test_a_visit_is_one_line_as_its_source_last_said_it() -> None:
    admitted = stay("V1", start=day(3), place="Ward 4", consultant="Dr P Rao", at=day(3))
    moved = stay("V1", start=day(3), place="Ward 9", consultant="Dr P Rao", at=day(5))
    home = stay(
        "V1", start=day(3), end=day(9), place="Ward 9", consultant="Dr P Rao", at=day(9), standing=Standing.RESOLVED
    )
    (line,) = reconcile([moved, home, admitted], region_names=NAMES, since=None).stays
    assert (line.kind, line.place, line.start, line.end) == ("In hospital", "Ward 9", day(3), day(9))
    assert (line.detail, line.consultant, line.is_current) == ("Ended", "Dr P Rao", True)
    assert line.marks == ()
    assert len(line.statement_ids) == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [("IMP", "In hospital"), ("EMER", "Emergency department"), ("AMB", "Outpatient clinic"), ("SS", "Day stay")],
)
def test_the_kind_of_a_stay_is_in_plain_words(code: str, words: str) -> None:
    assert reconcile([stay("V1", kind=code)], region_names=NAMES, since=None).stays[0].kind == words


@pytest.mark.parametrize(
    ("standing", "detail", "is_current"),
    [
        (Standing.CURRENT, "Current", True),
        (Standing.PLANNED, "Planned", True),
        (Standing.RESOLVED, "Ended", True),
        (Standing.CANCELLED, "Cancelled", False),
        (Standing.ENTERED_IN_ERROR, "Entered in error", False),
    ],
)
def test_a_stay_says_whether_it_is_current_ended_or_planned(standing: Standing, detail: str, is_current: bool) -> None:
    (line,) = reconcile([stay("V1", standing=standing)], region_names=NAMES, since=None).stays
    assert (line.detail, line.is_current) == (detail, is_current)


def test_stays_come_newest_first_and_visits_of_two_sources_stay_two() -> None:
    first, second = stay("V1", start=day(1)), stay("V1", start=day(8), source="royal-free")
    lines = reconcile([first, second], region_names=NAMES, since=date(2026, 11, 5)).stays
    assert [line.sources for line in lines] == [("Royal Free",), ("Barts Health",)]
    assert [line.marks for line in lines] == [(Mark.NEW,), ()]


def test_another_consultant_is_news() -> None:
    before = stay("V1", start=day(3), consultant="Dr P Rao", at=day(3))
    after = stay("V1", start=day(3), consultant="Dr L Ito", at=day(8))
    assert reconcile([before, after], region_names=NAMES, since=date(2026, 11, 6)).stays[0].marks == (Mark.CHANGED,)


def test_a_letter_shows_its_words_and_a_file_is_opened_on_its_own() -> None:
    words = letter("Clinic letter", "Dear Doctor,\nShe is well.", happened=day(3))
    file = letter("Discharge summary", b"%PDF-1.7", content_type="application/pdf", happened=day(9))
    newest, oldest = reconcile([words, file], region_names=NAMES, since=None).letters
    assert (newest.what, newest.has_document, newest.text) == ("Discharge summary", True, "")
    assert (oldest.text, oldest.author, oldest.has_document) == ("Dear Doctor,\nShe is well.", "Dr A Osei", False)


def test_a_letter_that_another_replaces_is_closed_and_still_there() -> None:
    first = letter("Letter", "Take 5 mg.", own_id="1", happened=day(3))
    second = letter("Letter", "Take 2.5 mg.", own_id="2", replaces=first, happened=day(4))
    newer, older = reconcile([first, second], region_names=NAMES, since=None).letters
    assert (newer.text, newer.is_current) == ("Take 2.5 mg.", True)
    assert (older.text, older.is_current, older.detail) == ("Take 5 mg.", False, "Replaced by a newer letter")


def test_a_letter_entered_in_error_replaces_nothing() -> None:
    first = letter("Letter", "Take 5 mg.", own_id="1")
    wrong = letter("Letter", "Not hers.", own_id="2", replaces=first, standing=Standing.ENTERED_IN_ERROR)
    lines = reconcile([first, wrong], region_names=NAMES, since=None).letters
    assert {line.text: line.is_current for line in lines} == {"Take 5 mg.": True, "Not hers.": False}


def test_problems_are_a_list_in_which_the_same_words_stand_once() -> None:
    here, there = problem("Asthma"), problem("Asthma", source="gp")
    over = problem("Fracture", standing=Standing.RESOLVED)
    lines = reconcile([here, there, over], region_names=NAMES, since=None).problems
    assert sorted((line.what, line.is_current) for line in lines) == [
        ("Asthma", True),
        ("Fracture", False),
    ]


def test_a_receipt_holds_every_saying_word_for_word_with_its_original() -> None:
    before = letter("Letter", "Take 5 mg.", own_id="1", at=day(3))
    after = letter("Letter", "Take 2.5 mg.", own_id="1", at=day(4))
    (line,) = reconcile([before, after], region_names=NAMES, since=None).letters
    now, then = receipt([before, after], line, region_names=NAMES)
    assert (now.is_superseded, then.is_superseded) == (False, True)
    assert ("Text", "Take 2.5 mg.") in now.lines
    assert ("Text", "Take 5 mg.") in then.lines
    assert (now.original, then.original) == (after.original, before.original)
    assert now.statement_id == line.id
    assert then.statement_id == f"{line.id}.{before.version}"


@pytest.mark.parametrize(
    ("code", "own", "words"),
    [
        ("EMER", "999 call, taken to hospital", "999 call, taken to hospital"),
        ("AMB", "GP consultation", "GP consultation"),
        ("HH", "Home visit", "Home visit"),
        ("EMER", "", "Emergency department"),
        ("IMP", "Elective", "In hospital"),
    ],
)
def test_a_visit_is_called_what_its_source_calls_it(code: str, own: str, words: str) -> None:
    """The class says in what manner only: an ambulance at a station is not an emergency department (H25)."""
    said_so = stay("V1", kind=code)
    body = msgspec.json.decode(said_so.body) | ({"type": [{"text": own}]} if own else {})
    told = msgspec.structs.replace(said_so, body=msgspec.json.encode(body))
    assert reconcile([told], region_names=NAMES, since=None).stays[0].kind == words
