"""Everything that the invented region says, in by the real doors, and each line of the page against the truth."""

from __future__ import annotations

from datetime import date

from benchmarks.harness import ground, receiving
from benchmarks.joining import SEED, Score, opened, score, take_in
from carerecord import clock
from demo.messages import history
from demo.people import generate

PEOPLE = 120
UNTIL = date(2026, 11, 20)


async def scored() -> Score:
    people = list(generate(SEED, PEOPLE, until=UNTIL))
    async with ground() as on:
        async with receiving(on) as taking:
            became = await take_in(taking, on.region, (history(person) for person in people))
        assert set(became) <= {"recorded", "waiting"}, became
        assert became["waiting"] <= 2, "only the strangers' results, which contradict the number that they bear"
        async with opened(on) as (door, owner):
            return await score(people, door, owner, until=UNTIL, at=clock.now())


async def test_every_promise_about_joining_is_kept() -> None:
    told = await scored()
    assert told.wrong_joins == 0
    assert told.identities > PEOPLE
    assert told.expected > 400
    assert told.precision >= 0.97, told.wrong
    assert told.recall >= 0.95, told.wrong
    assert told.statements > 10_000
    assert told.out_of_reach == 0, told.wrong
    assert told.conflicts >= 10
    assert told.conflicts_not_shown == 0, told.wrong
