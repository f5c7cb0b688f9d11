"""A feed is late by its own rhythm, not by anybody's guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from carerecord import database, sources
from carerecord.settings import Settings
from carerecord.sources.rules import Hour, health, learn

LONDON = "Europe/London"
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday


def heard(source: str, at: datetime, *, messages: int = 60, quiet: int = 60) -> Hour:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return Hour(source=source, hour=hour, messages=messages, last_at=at, longest_quiet_seconds=quiet)


def weeks_of(source: str, *, quiet_by_day: int, quiet_by_night: int, days: int = 28) -> list[Hour]:
    listed = []
    for days_ago in range(1, days + 1):
        for hour in range(24):
            at = (NOON - timedelta(days=days_ago)).replace(hour=hour)
            listed.append(heard(source, at, quiet=quiet_by_day if 7 <= hour <= 20 else quiet_by_night))
    return listed


def judged(hours: list[Hour], *, last: datetime | None, at: datetime, agreed: float | None = None) -> str:
    return health(
        "barts",
        last_heard_at=last,
        rhythm=learn(hours, timezone=LONDON).get("barts"),
        expected_every_seconds=agreed,
        at=at,
        timezone=LONDON,
    ).kind


def test_the_same_silence_is_late_at_noon_and_usual_at_night() -> None:
    hours = weeks_of("barts", quiet_by_day=120, quiet_by_night=3000)
    quarter = timedelta(minutes=15)
    assert judged(hours, last=NOON, at=NOON + quarter) == "late"
    night = NOON.replace(hour=2)
    assert judged(hours, last=night, at=night + quarter) == "well"


def test_a_feed_that_stays_away_is_silent() -> None:
    hours = weeks_of("barts", quiet_by_day=120, quiet_by_night=3000)
    assert judged(hours, last=NOON, at=NOON + timedelta(hours=3)) == "silent"


def test_a_nightly_batch_is_not_late_all_day() -> None:
    hours = [
        heard("barts", (NOON - timedelta(days=days)).replace(hour=2), messages=400, quiet=86_000)
        for days in range(1, 20)
        if (NOON - timedelta(days=days)).weekday() < 5
    ]
    last = NOON.replace(hour=2, minute=5)
    assert judged(hours, last=last, at=last + timedelta(hours=22)) == "well"
    assert judged(hours, last=last, at=last + timedelta(hours=34)) == "late"


def test_one_outage_does_not_teach_the_rhythm() -> None:
    hours = weeks_of("barts", quiet_by_day=120, quiet_by_night=3000)
    outage = heard("barts", NOON - timedelta(days=3), quiet=6 * 3600)
    assert judged([*hours, outage], last=NOON, at=NOON + timedelta(minutes=15)) == "late"


def test_what_was_agreed_speaks_until_the_rhythm_is_known() -> None:
    assert judged([], last=NOON, at=NOON + timedelta(hours=1)) == "unknown"
    assert judged([], last=NOON, at=NOON + timedelta(minutes=10), agreed=300) == "late"
    assert judged([], last=NOON, at=NOON + timedelta(minutes=40), agreed=300) == "silent"
    assert judged([], last=None, at=NOON, agreed=300) == "unheard"


def test_a_quiet_first_day_teaches_nothing() -> None:
    assert judged([heard("barts", NOON, messages=3)], last=NOON, at=NOON + timedelta(hours=5)) == "unknown"


def test_a_backlog_loaded_in_a_burst_is_no_rhythm() -> None:
    """After the first load every source would be called late at once, two minutes later."""
    burst = [heard("barts", NOON, messages=700, quiet=1)]
    assert judged(burst, last=NOON, at=NOON + timedelta(minutes=15)) == "well"
    assert judged(burst, last=NOON, at=NOON + timedelta(minutes=25)) == "late"


@given(quiet=st.integers(1, 80_000), waited=st.floats(0, 1))
def test_a_silence_no_longer_than_usual_is_never_called_late(quiet: int, waited: float) -> None:
    hours = weeks_of("barts", quiet_by_day=quiet, quiet_by_night=quiet, days=10)
    assert judged(hours, last=NOON, at=NOON + timedelta(seconds=quiet * waited)) == "well"


async def test_what_is_heard_is_noted_and_read_again(settings: Settings) -> None:
    async with database.connect(settings, "listen") as listening, database.connect(settings, "serve") as serving:
        hearing = sources.Hearing(listening)
        await hearing.recall()
        for minute in (0, 1, 2, 30):
            hearing.heard("barts", at=NOON + timedelta(minutes=minute))
        hearing.heard("barts", at=NOON + timedelta(minutes=29))  # Said late: it changes no silence.
        await hearing.note(at=NOON + timedelta(minutes=31))
        await hearing.note(at=NOON + timedelta(minutes=32))
        feeds = sources.Feeds(serving)
        told = await feeds.read({"barts": 600.0, "uclh": None}, at=NOON + timedelta(minutes=31))
        assert told["barts"].kind == "well"
        assert told["barts"].last_heard_at == NOON + timedelta(minutes=30)
        assert told["uclh"].kind == "unheard"
        (row,) = await serving.fetch("select * from sources.heard")
        assert (row["messages"], row["longest_quiet_seconds"]) == (5, 28 * 60)


async def test_a_silence_over_a_restart_counts(settings: Settings) -> None:
    async with database.connect(settings, "listen") as listening:
        before = sources.Hearing(listening)
        before.heard("barts", at=NOON)
        await before.note(at=NOON)
        after = sources.Hearing(listening)
        await after.recall()
        after.heard("barts", at=NOON + timedelta(hours=2))
        await after.note(at=NOON + timedelta(hours=2))
        rows = await listening.fetch("select hour, longest_quiet_seconds from sources.heard order by hour")
        assert [row["longest_quiet_seconds"] for row in rows] == [7200, 0]
