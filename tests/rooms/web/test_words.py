"""Dates, times and names as the NHS writes them."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from carerecord.disclosure import Mark
from carerecord.model import Heading, Standing
from carerecord.web import words
from tests import samples


def test_a_date_has_its_month_in_letters() -> None:
    assert words.day(date(1948, 3, 2)) == "02-Mar-1948"


def test_a_time_is_that_of_clocks_in_the_region_in_winter_and_summer() -> None:
    assert words.moment(datetime(2026, 1, 5, 23, 30, tzinfo=UTC)) == "05-Jan-2026 23:30"
    assert words.moment(datetime(2026, 7, 5, 23, 30, tzinfo=UTC)) == "06-Jul-2026 00:30"


def test_a_day_without_a_time_is_shown_without_one() -> None:
    assert words.moment(datetime(2026, 7, 4, 23, 0, tzinfo=UTC)) == "05-Jul-2026"


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (datetime(2026, 11, 14, 9, tzinfo=UTC), datetime(2026, 11, 20, 9, tzinfo=UTC), "14–20-Nov-2026"),
        (datetime(2026, 10, 30, 9, tzinfo=UTC), datetime(2026, 11, 2, 9, tzinfo=UTC), "30-Oct-2026 to 02-Nov-2026"),
        (datetime(2025, 11, 14, 9, tzinfo=UTC), datetime(2026, 11, 20, 9, tzinfo=UTC), "14-Nov-2025 to 20-Nov-2026"),
        (datetime(2026, 11, 14, 9, tzinfo=UTC), datetime(2026, 11, 14, 17, tzinfo=UTC), "14-Nov-2026"),
        (datetime(2026, 11, 14, 9, tzinfo=UTC), None, "since 14-Nov-2026"),
        (None, datetime(2026, 11, 14, 9, tzinfo=UTC), "until 14-Nov-2026"),
        (None, None, "date not sent"),
    ],
)
def test_a_period_is_as_short_as_it_can_be_without_a_doubt(
    start: datetime | None, end: datetime | None, said: str
) -> None:
    assert words.period(start, end) == said


def test_the_newest_source_is_named_and_the_others_are_counted() -> None:
    assert words.names(()) == ""
    assert words.names(("Barts",)) == "Barts"
    assert words.names(("Barts", "GP", "Guy's")) == "Barts +2"


def test_every_heading_standing_and_mark_has_its_words() -> None:
    assert set(words.TITLES) == set(Heading)
    assert set(words.STANDINGS) == set(Standing)
    assert set(words.MARKS) == set(Mark)


@pytest.mark.parametrize("said", ["high", "low", "critically high", "critically low", "abnormal", "resistant"])
def test_an_arrow_never_stands_without_its_word(said: str) -> None:
    value = msgspec.structs.replace(samples.record().results[0].latest, flag=said)
    assert said in words.flag(value)[1]


def test_an_empty_heading_says_who_was_heard() -> None:
    assert words.none_recorded(1) == "None recorded by 1 source that sent anything about this person."
    assert words.none_recorded(0).startswith("None recorded: no source has sent anything")
