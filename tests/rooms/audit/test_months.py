"""A year of events is twelve tables, and whatever time an event is of, it is kept, found and in its chain."""

from __future__ import annotations

from datetime import UTC, datetime

from carerecord import audit, database
from carerecord.settings import Settings
from tests.rooms.audit.test_witness import event


async def test_events_of_any_year_are_kept_and_a_month_takes_up_what_waited_for_it(settings: Settings) -> None:
    days = [datetime(year, month, 28, tzinfo=UTC) for year in (2019, 2026, 2031) for month in (1, 2, 11, 12)]
    times = iter(days)
    async with database.connect(settings, "serve") as db, audit.Writer.open(db, clock=lambda: next(times)) as writer:
        for number in range(len(days)):
            await writer.witness(event(number))
    async with database.connect(settings, "work") as work, database.connect(settings, "owner") as owner:
        waiting = await owner.fetchval("select count(*) from only audit.event_default")
        assert await database.make_partitions(work, today=days[-1].date()) == 6
        assert await owner.fetchval("select count(*) from only audit.event_default") == waiting - 1
        assert await owner.fetchval("select count(*) from audit.event_2031_12") == 1
        assert [each.recorded_at for each in await audit.read_events(work)] == days
    async with database.connect(settings, "witness") as db:
        assert (await audit.verify(db)).is_sound


async def test_no_function_opens_every_month_to_find_a_witness_of_this_minute(settings: Settings) -> None:
    """A bound that is asked of the clock within the query leaves every month open."""
    async with database.connect(settings, "owner") as owner:
        found = await owner.fetch(
            "select proname from pg_proc where prosrc ~ 'audit\\.event' and prosrc ~ 'between clock_timestamp'"
        )
    assert [row["proname"] for row in found] == []
