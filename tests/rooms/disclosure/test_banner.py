"""The banner: the NHS's own form of name, age, gender and allergy title."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from carerecord.disclosure.banner import age_words, banner
from carerecord.model import Heading, Person, Standing, StoredStatement, Subject
from carerecord.reconciliation import Record, reconcile
from tests.house import AT, REGION
from tests.rich import flag
from tests.said import NAMES, allergy

JOAN = Person(
    patient_key=1,
    identities={2: 1},
    subject=Subject(
        nhs_number="9990123454",
        family="Hartley",
        given=("Joan", "Mary"),
        prefix="Mrs",
        birth_date=date(1948, 3, 12),
        gender="female",
        address=("4 Mill Row", "Oxford"),
        postcode="OX4 1AA",
        gp_practice="K84001",
        gp_name="Dr F Bell",
    ),
    said_by="barts",
    said_at=AT,
    nhs_number_verified=True,
)


def joan(**said: object) -> Person:
    return msgspec.structs.replace(JOAN, subject=msgspec.structs.replace(JOAN.subject, **said))


def test_who_this_is_in_the_order_and_form_of_the_guidance() -> None:
    shown = banner(JOAN, region=REGION, record=Record(), at=AT)
    assert (shown.name, shown.age, shown.gender) == ("HARTLEY, Joan Mary (Mrs)", "78y", "Female")
    assert (shown.nhs_number, shown.nhs_number_verified) == ("999 012 3454", True)
    assert shown.address == "4 Mill Row, Oxford, OX4 1AA"
    assert shown.gp_practice == "Dr F Bell, Cowley Road Practice"
    assert shown.said_by == "Barts Health"


@pytest.mark.parametrize(
    ("birth_date", "age"),
    [
        (date(2026, 11, 22), "0d"),
        (date(2026, 11, 17), "5d"),
        (date(2026, 10, 26), "27d"),
        (date(2026, 10, 25), "4w"),
        (date(2025, 11, 23), "52w"),
        (date(2025, 11, 22), "12m"),
        (date(2025, 9, 22), "14m"),
        (date(2024, 11, 23), "23m"),
        (date(2024, 11, 22), "2y"),
        (date(2020, 8, 20), "6y 3m"),
        (date(2010, 11, 23), "15y 11m"),
        (date(2010, 11, 22), "16y"),
        (date(1948, 11, 23), "77y"),
        (date(1948, 11, 22), "78y"),
        (date(2027, 1, 1), ""),
    ],
)
def test_an_age_is_in_the_unit_that_matters_at_that_age(birth_date: date, age: str) -> None:
    assert age_words(birth_date, date(2026, 11, 22)) == age


def test_the_deceased_have_the_age_at_which_they_died() -> None:
    at_death = banner(joan(deceased_at=datetime(2020, 3, 11, tzinfo=UTC)), region=REGION, record=Record(), at=AT)
    assert (at_death.age, at_death.is_deceased, at_death.deceased_on) == ("71y", True, date(2020, 3, 11))
    unknown = banner(joan(deceased=True), region=REGION, record=Record(), at=AT)
    assert (unknown.age, unknown.is_deceased, unknown.deceased_on) == ("", True, None)


def test_someone_of_whom_little_is_known_is_still_named() -> None:
    little = msgspec.structs.replace(JOAN, subject=Subject(), nhs_number_verified=False)
    shown = banner(little, region=REGION, record=Record(), at=AT)
    assert (shown.name, shown.age, shown.gender, shown.nhs_number) == ("Name not known", "", "Not known", None)


@pytest.mark.parametrize(
    ("said", "title", "words"),
    [
        ([], "Allergies not recorded", ()),
        ([allergy("Penicillin", reaction="Rash")], "Known allergies", ("Penicillin (Rash)",)),
        ([allergy("Penicillin", severity="severe")], "Known allergies", ("Penicillin (severe)",)),
        ([allergy("No known allergies")], "No known allergies", ("No known allergies",)),
        ([allergy("NKDA")], "No known allergies", ("NKDA",)),
        ([allergy("No known allergies", source="gp"), allergy("Latex")], "Known allergies", ("Latex",)),
        ([allergy("Penicillin", standing=Standing.RESOLVED)], "Allergies not recorded", ()),
        ([allergy("Penicillin", standing=Standing.ENTERED_IN_ERROR)], "Allergies not recorded", ()),
    ],
)
def test_the_allergy_title_is_exactly_one_of_four(
    said: list[StoredStatement], title: str, words: tuple[str, ...]
) -> None:
    record = reconcile(said, region_names=NAMES, since=None)
    shown = banner(JOAN, region=REGION, record=record, at=AT)
    assert (shown.allergy_title, shown.allergies) == (title, words)


def test_an_allergy_that_could_kill_is_never_the_one_that_a_short_line_cuts() -> None:
    listed = [
        allergy("Latex", reaction="Contact dermatitis", severity="mild"),
        allergy("Aspirin"),
        allergy("Peanut", reaction="Anaphylaxis"),
        allergy("Penicillin", severity="severe"),
    ]
    shown = banner(JOAN, region=REGION, record=reconcile(listed, region_names=NAMES, since=None), at=AT)
    assert [words.partition(" (")[0] for words in shown.allergies[2:]] == ["Aspirin", "Latex"]
    assert {words.partition(" (")[0] for words in shown.allergies[:2]} == {"Peanut", "Penicillin"}


def test_a_reader_who_may_not_see_allergies_sees_no_title_either() -> None:
    record = reconcile([allergy("Latex")], region_names=NAMES, since=None)
    shown = banner(JOAN, region=REGION, record=record, shows_allergies=False, at=AT)
    assert (shown.allergy_title, shown.allergies) == (None, ())


@pytest.mark.parametrize(
    ("given", "name"),
    [(("EFUA",), "HARTLEY, Efua (Mrs)"), (("JP",), "HARTLEY, JP (Mrs)"), (("Mary-Ann",), "HARTLEY, Mary-Ann (Mrs)")],
)
def test_capitals_are_for_the_family_name(given: tuple[str, ...], name: str) -> None:
    """A system that writes every name in capitals hides which of them is the family name."""
    assert banner(joan(given=given), region=REGION, record=Record(), at=AT).name == name


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("Somali", ("Interpreter needed (Somali)",)),
        ("Somali, interpreter needed", ("Interpreter needed (Somali)",)),
        ("so", ("Interpreter needed",)),
        (None, ("Interpreter needed",)),
    ],
)
def test_an_interpreter_is_of_a_language_where_one_is_known(language: str | None, words: tuple[str, ...]) -> None:
    record = reconcile([flag("Interpreter needed", heading=Heading.NEEDS)], region_names=NAMES, since=None)
    assert banner(joan(language=language), region=REGION, record=record, at=AT).needs == words
