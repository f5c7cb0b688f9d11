"""When one NHS number with two demographics is one person: a table that anyone can read and correct.

Everyone here is invented.
"""

from datetime import date

import pytest

from carerecord.model import Subject
from carerecord.patient_index import rules
from carerecord.patient_index.rules import Verdict

THE_MOTHER = Subject(
    family="Okonkwo-Hale",
    given=("Josephine", "Adaeze"),
    birth_date=date(1986, 4, 3),
    gender="female",
    postcode="ZZ99 3WZ",
)


def like_the_mother(**changes: object) -> Subject:
    said = {field: getattr(THE_MOTHER, field) for field in Subject.__struct_fields__}
    return Subject(**{**said, **changes})


TABLE = [
    # what the other message says differently                                 what it is
    ("nothing", {}, "agree"),
    ("the name in capitals", {"family": "OKONKWO-HALE", "given": ("JOSEPHINE",)}, "agree"),
    ("a space for the hyphen", {"family": "Okonkwo Hale"}, "agree"),
    ("accents and apostrophes", {"family": "Ökonkwó-Hale", "given": ("Joséphine",)}, "agree"),
    ("half of a double name", {"family": "Hale"}, "agree"),
    ("a slip in the family name", {"family": "Okonkwo-Hael"}, "agree"),
    ("married: another family name", {"family": "Brightwater"}, "agree"),
    ("married, and says so", {"family": "Brightwater", "former_names": ("Josephine Okonkwo-Hale",)}, "agree"),
    ("a short form", {"given": ("Jo",), "family": "Okonkwo-Hale"}, "contradict"),  # two letters are too few
    ("a longer short form", {"given": ("Josie",)}, "contradict"),  # not listed: a person must look
    ("a slip in the given name", {"given": ("Josephin",)}, "agree"),
    ("known by the middle name", {"given": ("Adaeze",)}, "agree"),
    ("an initial", {"given": ("J",)}, "agree"),
    ("an initial and another family name", {"given": ("J",), "family": "Brightwater"}, "contradict"),
    ("no given name", {"given": ()}, "agree"),
    ("no given name, another family name", {"given": (), "family": "Brightwater"}, "too little"),
    ("no name at all", {"given": (), "family": None}, "too little"),
    ("another gender, the same names", {"gender": "male"}, "agree"),
    ("another postcode", {"postcode": "ZZ99 9ZZ"}, "agree"),
    # The birth date.
    ("no birth date", {"birth_date": None}, "too little"),
    ("a birth date that systems fill in", {"birth_date": date(1900, 1, 1)}, "too little"),
    ("day and month exchanged", {"birth_date": date(1986, 3, 4)}, "agree"),
    ("another day", {"birth_date": date(1986, 4, 5)}, "agree"),
    ("a slip in the year", {"birth_date": date(1985, 4, 3)}, "agree"),
    (
        "a slip in the year and another family name",
        {"birth_date": date(1985, 4, 3), "family": "Brightwater"},
        "contradict",
    ),
    ("another day and only an initial", {"birth_date": date(1986, 4, 5), "given": ("J",)}, "too little"),
    ("a mother's birthday, a generation apart", {"birth_date": date(2011, 4, 3)}, "contradict"),
    ("another birth date, the same names", {"birth_date": date(1990, 11, 27)}, "contradict"),
    # Twins share all but the given name.
    ("the twin sister", {"given": ("Rosamund",)}, "contradict"),
    ("the twin brother with nearly the same name", {"given": ("Joseph",), "gender": "male"}, "contradict"),
    ("the twin who rhymes", {"given": ("Yosephine",)}, "contradict"),
    # Someone else altogether.
    ("another name", {"family": "Brightwater", "given": ("Rosamund",)}, "contradict"),
    ("another person", {"family": "Brightwater", "given": ("Rosamund",), "birth_date": date(1950, 1, 2)}, "contradict"),
]


@pytest.mark.parametrize(("what", "changes", "verdict"), TABLE, ids=[row[0] for row in TABLE])
def test_one_number_with_two_demographics(what: str, changes: dict[str, object], verdict: str) -> None:
    other = like_the_mother(**changes)
    assert rules.agreement(THE_MOTHER, other).verdict == verdict
    assert rules.agreement(other, THE_MOTHER).verdict == verdict, "whoever came first"


NAMES = [
    ("O'Malley-Finch", "OMALLEY FINCH", "equal"),
    ("MacTavish", "Mac Tavish", "equal"),
    ("Łukasiewicz", "Lukasiewicz", "equal"),
    ("Straße", "Strasse", "equal"),
    ("Fenwick", "Fenwikc", "similar"),
    ("Fenwick", "Fenick", "similar"),
    ("Lee", "Li", "different"),
    ("Ng", "No", "different"),
    ("Fenwick", "Harwood", "different"),
    ("UNKNOWN", "Harwood", "unknown"),
]


@pytest.mark.parametrize(("one", "other", "match"), NAMES)
def test_two_family_names(one: str, other: str, match: str) -> None:
    assert rules.features.family(Subject(family=one), Subject(family=other)).value == match


GIVEN = [
    (("William",), ("Bill",), "similar"),
    (("Mohammed",), ("Muhammad",), "similar"),
    (("Alexandra",), ("Alex",), "similar"),
    (("Mary Ann",), ("Mary",), "equal"),
    (("Lucy", "Marie"), ("Ella", "Marie"), "different"),  # twins with one middle name
    (("Ella",), ("Ellie",), "different"),
    (("Tim",), ("Tom",), "different"),
    (("BABY",), ("Oliver",), "unknown"),
    (("Baby", "Boy"), ("Oliver",), "unknown"),
    (("Twin One",), ("Twin Two",), "different"),
    (("Twin One",), ("Oliver",), "unknown"),
]


@pytest.mark.parametrize(("one", "other", "match"), GIVEN)
def test_two_given_names(one: tuple[str, ...], other: tuple[str, ...], match: str) -> None:
    assert rules.features.given(Subject(given=one), Subject(given=other)).value == match


def test_reasons_are_sentences_without_anything_of_the_patient() -> None:
    told = rules.agreement(THE_MOTHER, like_the_mother(given=("Rosamund",)))
    said = " ".join(told.reasons)
    assert all(reason.endswith(".") for reason in told.reasons)
    assert not any(word in said for word in ("Okonkwo", "Josephine", "Rosamund", "1986", "ZZ99"))


SOMEONE_ELSE = [
    ("a new name only", {"family": "Brightwater", "given": ("Rosamund",)}, False),
    ("a corrected birth date only", {"birth_date": date(1950, 1, 2)}, False),
    ("a birth date put right and a new family name", {"birth_date": date(1986, 3, 4), "family": "Brightwater"}, False),
    ("another birth date and another given name", {"birth_date": date(1950, 1, 2), "given": ("Rosamund",)}, True),
    ("another birth date and family name", {"birth_date": date(1950, 1, 2), "family": "Brightwater"}, True),
    (
        "near birth date, both names other",
        {"birth_date": date(1986, 4, 9), "family": "Dunn", "given": ("Rosamund",)},
        True,
    ),
]


@pytest.mark.parametrize(("what", "changes", "is_other"), SOMEONE_ELSE, ids=[row[0] for row in SOMEONE_ELSE])
def test_a_number_used_again_is_noticed(what: str, changes: dict[str, object], is_other: bool) -> None:
    assert rules.is_someone_else(THE_MOTHER, like_the_mother(**changes)) is is_other


def test_an_unknown_person_may_be_given_a_name() -> None:
    unknown = Subject(family="UNKNOWN", given=("Male",), birth_date=date(1900, 1, 1))
    assert not rules.is_someone_else(unknown, THE_MOTHER)


def test_an_empty_field_takes_nothing_away_and_a_new_address_takes_the_old_postcode_with_it() -> None:
    before = Subject(family="Hale", given=("Jo",), phone="020 7946 0000", address=("1 Old Lane",), postcode="ZZ99 3WZ")
    after = rules.updated(before, Subject(family="Hale", given=("Jo",), address=("2 New Lane",)))
    assert (after.phone, after.address, after.postcode) == ("020 7946 0000", ("2 New Lane",), None)


def test_a_number_alone_never_verifies() -> None:
    assert not rules.may_verify(Subject(nhs_number="9990000018"))
    assert not rules.may_verify(Subject(nhs_number="9990000018", birth_date=date(1986, 4, 3)))
    assert rules.may_verify(Subject(nhs_number="9990000018", birth_date=date(1986, 4, 3), family="Hale"))
    doubted = Subject(nhs_number="9990000018", birth_date=date(1986, 4, 3), family="Hale", nhs_number_status="05")
    assert not rules.may_verify(doubted)


def test_live_a_test_number_is_not_a_patients_number() -> None:
    said = Subject(nhs_number="9990000018", family="Hale")
    heard, problem = rules.as_heard(said, live=True)
    assert heard.nhs_number is None
    assert problem is not None
    assert "9990000018" not in problem.sentence
    assert rules.as_heard(said, live=False) == (said, None)


def test_a_number_that_fails_its_check_digit_is_no_number() -> None:
    heard, _ = rules.as_heard(Subject(nhs_number="1234567890"), live=False)
    assert heard.nhs_number is None


def test_verdicts_are_the_three() -> None:
    assert set(Verdict) == {"agree", "contradict", "too little"}
