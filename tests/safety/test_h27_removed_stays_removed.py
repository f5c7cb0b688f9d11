"""H27: what was lawfully removed comes back, or what should stay goes with it."""

from __future__ import annotations

import random

import pytest

from carerecord import database
from carerecord.model import StoredStatement
from carerecord.settings import Settings
from carerecord.stewardship import removal
from carerecord.stewardship.removal_plan import Target
from tests.rooms.stewardship.removals import complete, held, prove, the, withdraw
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    Ward,
    but,
    found,
    letter,
    open_ward,
    order,
    visit,
    wrote,
)

AT_LABORATORY = but(JOAN, number="L1000")
STORY = [
    wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin"),
    wrote("ADT^A08", visit("V1"), "AL1|1|DA|^Penicillin", at="20261110130000"),
    *(
        wrote(
            "ORU^R01",
            order(f"L{number}"),
            found(POTASSIUM, f"4.{number}"),
            found("NA^Sodium", f"13{number}"),
            by=PATHOLOGY,
            about=AT_LABORATORY,
            at=f"202611{number + 1:02}080000",
        )
        for number in range(8)
    ),
    *(letter(f"D{number}", f"Letter {number}: continue as before, seen again in a month.") for number in range(8)),
]


def wording(statement: StoredStatement) -> tuple[str, str]:
    return statement.local_id, statement.version


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_removed_is_gone_and_nothing_else_is(settings: Settings, seed: int) -> None:
    """Removals at random among a story that is told twice, folded now and then: the set that is left is exact."""
    chance = random.Random(seed)
    async with open_ward(settings) as ward:
        await _tell(ward, STORY, chance)
        key = await ward.key_of(JOAN)
        gone: set[tuple[str, str]] = set()
        for _ in range(4):
            statements = [each for each in await held(ward, key) if wording(each) not in gone]
            one = chance.choice(statements)
            if chance.random() < 0.5:
                await withdraw(settings, the(one))
                gone |= {wording(each) for each in statements if each.local_id == one.local_id}
            else:
                await withdraw(settings, Target(kind="original", original=one.original))
                elsewhere = {wording(each) for each in statements if each.original != one.original}
                gone |= {wording(each) for each in statements if each.original == one.original} - elsewhere
            if chance.random() < 0.5:
                await complete(settings)
        before = {wording(each) for each in await held(ward, key)} - gone
        await complete(settings)
        assert {wording(each) for each in await held(ward, key)} == before
        await _tell(ward, STORY, chance)  # the whole story again: every message is known
        async with database.connect(settings, "work") as work:
            await removal.Returned().remove(work)
        assert {wording(each) for each in await held(ward, key)} == before
        assert (await prove(settings)).holds


async def _tell(ward: Ward, story: list[bytes], chance: random.Random) -> None:
    for message in story:
        await ward.told(message)
        if chance.random() < 0.2:
            await ward.fold()
