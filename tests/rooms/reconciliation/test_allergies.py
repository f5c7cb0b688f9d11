"""Little tables of who said what about allergies: a pharmacist should be able to read and correct them."""

from __future__ import annotations

from datetime import date

import pytest

from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import AllergyEntry, Mark, reconcile
from tests.said import NAMES, SNOMED, allergy, day

B, R, G = "barts", "royal-free", "gp"


def listed(*statements: StoredStatement, since: date | None = None) -> tuple[AllergyEntry, ...]:
    return reconcile(statements, region_names=NAMES, since=since).allergies


# Who said what (source, words, SNOMED code or "")                     -> the lines that stand on the page
SAME_OR_NOT: list[tuple[str, list[tuple[str, str, str]], list[str]]] = [
    ("one source", [(B, "Penicillin", "")], ["Penicillin (Barts Health)"]),
    ("same words", [(B, "Penicillin", ""), (R, "penicillin ", "")], ["Penicillin (Barts Health, Royal Free)"]),
    (
        "same frame",
        [(B, "Penicillin", ""), (R, "Allergy to penicillin", "")],
        ["Penicillin (Barts Health, Royal Free)"],
    ),
    (
        "same code, other words",
        [(B, "Penicillin", "91936005"), (R, "Penicillin allergy (disorder)", "91936005")],
        ["Penicillin; also written Penicillin allergy (disorder) (Barts Health, Royal Free)"],
    ),
    (
        "a member of a class is not the class",
        [(B, "Penicillin", "91936005"), (R, "Amoxicillin", "294505008")],
        ["Amoxicillin (Royal Free)", "Penicillin (Barts Health)"],
    ),
    (
        "a part is not the whole",
        [(B, "Co-amoxiclav", ""), (R, "Amoxicillin", ""), (G, "Clavulanic acid", "")],
        ["Amoxicillin (Royal Free)", "Clavulanic acid (The GP)", "Co-amoxiclav (Barts Health)"],
    ),
    (
        "a brand is not its substance",
        [(B, "Nurofen", ""), (R, "Ibuprofen", "")],
        ["Ibuprofen (Royal Free)", "Nurofen (Barts Health)"],
    ),
    (
        "words join what codes do not",
        [(B, "Latex", "300916003"), (R, "Latex", "")],
        ["Latex (Barts Health, Royal Free)"],
    ),
]


@pytest.mark.parametrize(("name", "said", "lines"), SAME_OR_NOT, ids=[row[0] for row in SAME_OR_NOT])
def test_the_same_substance_is_one_line_and_no_other(
    name: str, said: list[tuple[str, str, str]], lines: list[str]
) -> None:
    statements = [
        allergy(words, code=code, source=source, at=day(20 - place)) for place, (source, words, code) in enumerate(said)
    ]
    shown = [
        f"{entry.what}{f'; {entry.detail}' if entry.detail else ''} ({', '.join(entry.sources)})"
        for entry in listed(*statements)
    ]
    assert shown == lines


def test_a_code_of_one_source_says_nothing_about_the_same_code_of_another() -> None:
    one = allergy("Penicillin", code="A1", system="LOCAL", source=B)
    other = allergy("Peanut", code="A1", system="LOCAL", source=R)
    assert [entry.what for entry in listed(one, other)] == ["Peanut", "Penicillin"]


# What is known to be absent              what another source lists, and its kind    -> does it disagree?
ABSENCES = [
    ("No known allergies", "", "Penicillin", "", True),
    ("NKA", "", "Penicillin", "medication", True),
    ("No known allergy", "716186003", "Peanut", "food", True),
    ("No known drug allergies", "409137002", "Peanut", "food", False),
    ("NKDA", "", "Penicillin", "medication", True),
    ("NKDA", "", "Penicillin", "", True),
    ("No known food allergy", "429625007", "Penicillin", "medication", False),
    ("Nil known allergies", "", "Latex", "environment", True),
]


@pytest.mark.parametrize(("absent", "code", "substance", "kind", "disagrees"), ABSENCES)
def test_no_known_allergies_disagrees_with_a_listed_one_of_that_kind(
    absent: str, code: str, substance: str, kind: str, disagrees: bool
) -> None:
    none = allergy(absent, code=code, source=R, at=day(12))
    one = allergy(substance, category=kind, source=B, at=day(10))
    listed_one, listed_none = listed(none, one)
    assert (listed_one.what, listed_one.is_absence) == (substance, False)
    assert (listed_none.what, listed_none.is_absence) == (absent, True)
    assert (listed_one.conflict is not None) is disagrees
    assert (listed_none.conflict is not None) is disagrees
    assert (Mark.SOURCES_DIFFER in listed_one.marks) is disagrees


def test_a_disagreement_says_who_when_and_what_to_do() -> None:
    one, none = listed(allergy("No known allergies", source=R, at=day(12)), allergy("Penicillin", source=B, at=day(10)))
    assert one.conflict == "Royal Free says no known allergies, 12-Nov-2026: check with the patient"
    assert none.conflict == "Barts Health lists Penicillin, 10-Nov-2026: check with the patient"


def test_sources_that_differ_about_severity_are_both_heard() -> None:
    (entry,) = listed(
        allergy("Penicillin", reaction="Rash", severity="mild", source=B, at=day(11)),
        allergy("Penicillin", reaction="Anaphylaxis", severity="severe", source=R, at=day(10)),
    )
    assert entry.reaction == "Rash, Anaphylaxis"
    assert Mark.SOURCES_DIFFER in entry.marks
    assert entry.conflict == (
        "Barts Health says mild, 11-Nov-2026; Royal Free says severe, 10-Nov-2026: check with the patient"
    )


def test_what_was_entered_in_error_never_joins_what_stands() -> None:
    wrong = allergy("Penicillin", source=B, standing=Standing.ENTERED_IN_ERROR)
    right = allergy("Penicillin", source=R)
    standing, closed = listed(wrong, right)
    assert (standing.sources, standing.is_current, standing.conflict) == (("Royal Free",), True, None)
    assert (closed.sources, closed.is_current, closed.marks) == (("Barts Health",), False, (Mark.ENTERED_IN_ERROR,))
    assert closed.detail == "entered in error"


def test_an_allergy_that_one_source_calls_resolved_still_stands_where_another_lists_it() -> None:
    over = allergy("Penicillin", source=B, at=day(11), standing=Standing.RESOLVED)
    standing, closed = listed(over, allergy("Penicillin", source=R))
    assert standing.conflict == "Barts Health lists it as resolved, 11-Nov-2026: check with the patient"
    assert not closed.is_current


def test_a_source_that_says_it_again_is_one_line_with_every_saying_behind_it() -> None:
    sayings = [allergy("Penicillin", source=B, at=day(number)) for number in (3, 5, 9)]
    (entry,) = listed(*sayings)
    assert entry.said_at == day(9)
    assert entry.marks == ()


def test_what_a_source_changed_since_our_last_contact_is_marked() -> None:
    before = allergy("Penicillin", reaction="Rash", source=B, at=day(3))
    after = allergy("Penicillin", reaction="Anaphylaxis", source=B, at=day(9))
    assert listed(before, after, since=date(2026, 11, 5))[0].marks == (Mark.CHANGED,)
    assert listed(before, after, since=date(2026, 11, 10))[0].marks == ()
    assert listed(after, since=date(2026, 11, 5))[0].marks == (Mark.NEW,)


def test_an_allergy_that_cannot_be_read_is_a_line_that_says_so() -> None:
    whole = allergy("Penicillin")
    broken = allergy("Latex", own_id="broken")
    unreadable = type(broken)(**{name: getattr(broken, name) for name in broken.__struct_fields__} | {"body": b"\xff{"})
    lines = listed(whole, unreadable)
    assert [entry.what for entry in lines] == [
        "An allergy that could not be read: open the original message",
        "Penicillin",
    ]


def test_a_severity_in_the_sources_own_word_is_kept() -> None:
    own = allergy("Penicillin", reaction="Rash")
    body = own.body.replace(
        b'"reaction":[{',
        b'"reaction":[{"extension":[{"url":"urn:carerecord:severity-as-sent","valueString":"Life threat"}],',
    )
    (entry,) = listed(type(own)(**{n: getattr(own, n) for n in own.__struct_fields__} | {"body": body}))
    assert entry.severity == "Life threat"


def test_codes_are_compared_with_their_system() -> None:
    one = allergy("A", code="1", system=SNOMED, source=B)
    other = allergy("B", code="1", system="http://loinc.org", source=R)
    assert len(listed(one, other)) == 2
