"""Whatever comes, in whatever order: no two verified numbers in one person, nobody in two, nothing moved."""

import itertools
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from carerecord.model import Identifier, Merge, Outcome, Subject
from carerecord.patient_index import Claim, Identified
from carerecord.patient_index.book import Book
from carerecord.patient_index.identify import decide

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NUMBERS = ["9990000018", "9990000026", "9990000034"]
FAMILIES = ["Marlowe", "Marlow", "Cornwall", None]
GIVENS = [("Isolde",), ("Perdita",), ("I",), ()]
BIRTH_DATES = [date(1979, 5, 17), date(1979, 5, 18), date(1950, 1, 9), None]


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    local = tuple(
        Identifier("HOSP", value) for value in draw(st.lists(st.sampled_from("ABCD"), max_size=2, unique=True))
    )
    superseded = draw(st.none() | st.sampled_from("ABCDE"))
    at = NOON + timedelta(minutes=draw(st.integers(0, 600)))
    return Claim(
        source=draw(st.sampled_from(["eastmere", "northgate"])),
        subject=Subject(
            local=local,
            nhs_number=draw(st.none() | st.sampled_from(NUMBERS)),
            family=draw(st.sampled_from(FAMILIES)),
            given=draw(st.sampled_from(GIVENS)),
            birth_date=draw(st.sampled_from(BIRTH_DATES)),
        ),
        said_at=at,
        received_at=at,
        merge=Merge(superseded=(Identifier("HOSP", superseded),)) if superseded else None,
        updates_demographics=draw(st.booleans()),
    )


def new_book() -> Book:
    counter = itertools.count(1)
    return Book(lambda: next(counter))


@settings(max_examples=150, deadline=None)
@given(st.lists(claims(), max_size=25))
def test_the_index_never_holds_what_it_must_not(said: list[Claim]) -> None:
    book = new_book()
    homes: dict[int, int] = {}
    for one in said:
        before = {key: known.person_key for key, known in book.identities.items()}
        answer = decide(book, one)
        for key, known in book.identities.items():
            assert homes.setdefault(key, known.home_key) == known.home_key, "rows never move"
            assert known.identity_key in book.people[known.person_key]
        everyone = [key for members in book.people.values() for key in members]
        assert sorted(everyone) == sorted(book.identities), "everyone is in one person, and in one only"
        for person_key in book.people:
            assert len(book.verified_numbers(person_key)) <= 1, "two verified numbers never become one person"
        for number in NUMBERS:
            assert len(book.verified_holders(number)) <= 1, "a verified number is one person's"
        if isinstance(answer, Identified):
            assert homes[answer.identity_key] == answer.patient_key
        else:
            assert answer.outcome in {Outcome.WAITING, Outcome.REFUSED}
            assert {key: known.person_key for key, known in book.identities.items()} == before, "no trace of it"


@settings(max_examples=75, deadline=None)
@given(st.lists(claims(), max_size=25))
def test_every_link_has_its_judgement(said: list[Claim]) -> None:
    book = new_book()
    for one in said:
        decide(book, one)
    last = {judgement.identity_key: judgement for judgement in book.judgements}
    assert set(last) == set(book.identities)
    for key, known in book.identities.items():
        assert last[key].to_person_key == known.person_key
        assert last[key].reasons
        trail = [judgement for judgement in book.judgements if judgement.identity_key == key]
        assert trail[0].from_person_key is None
        for earlier, later in itertools.pairwise(trail):
            assert later.from_person_key == earlier.to_person_key


@settings(max_examples=75, deadline=None)
@given(st.lists(claims(), max_size=20))
def test_what_was_said_last_is_what_is_known(said: list[Claim]) -> None:
    """The instant known never goes back."""
    book = new_book()
    for one in said:
        before = {key: known.said_at for key, known in book.identities.items()}
        decide(book, one)
        assert all(book.identities[key].said_at >= said_at for key, said_at in before.items())
