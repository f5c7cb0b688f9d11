"""H31: a page is passed off as what was seen and is not, or a recall misses somebody who saw it."""

from __future__ import annotations

import random

from carerecord import audit, clock, database
from carerecord.audit.events import stored_event
from carerecord.disclosure import Replays, Target
from carerecord.model import OriginalReference
from carerecord.settings import Settings
from carerecord.stewardship.recall import Recalls
from carerecord.web import again
from tests.house import OXFORD
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    ROYAL,
    Ward,
    but,
    found,
    letter,
    open_ward,
    order,
    visit,
    wrote,
)

LAB = but(JOAN, number="L1")
WRONG = "77.7"


def result(number: int, value: str) -> bytes:
    return wrote("ORU^R01", order(f"L{number}"), found(POTASSIUM, value), by=PATHOLOGY, about=LAB)


def something(number: int) -> bytes:
    """What else a region says meanwhile."""
    return (
        result(number, f"4.{number % 10}"),
        letter(f"D{number}", f"Seen again, number {number}."),
        wrote("ADT^A08", visit("V1"), about=but(JOAN, address=f"{number} New Street^^Oxford^^OX4 1AA")),
        wrote("ADT^A01", visit(f"R{number}"), by=ROYAL, about=but(JOAN, number="R1")),
    )[number % 4]


async def looked(ward: Ward, number: int) -> tuple[audit.StoredEvent, bytes]:
    page = await (await ward.open(sub=f"reader-{number}")).get()
    rows = await ward.owner.fetch("select * from audit.event where kind = 'shown' order by recorded_at desc, seq desc")
    return stored_event(rows[0]), page.content


async def test_everyone_on_whose_page_it_stood_is_listed_and_nobody_else(settings: Settings) -> None:
    """The pages themselves, as browsers got them, are the oracle."""
    chance = random.Random(31)
    async with (
        open_ward(settings) as ward,
        database.connect(settings, "steward") as db,
        audit.Writer.open(db) as writer,
    ):
        await ward.hear(wrote("ADT^A01", visit("V1")), result(900, "3.9"))
        seen, wrong = [], None
        for number in range(14):
            if number == 6:
                await ward.hear(result(901, WRONG))
                row = await ward.owner.fetchrow("select day, seq from intake.original order by seq desc limit 1")
                assert row is not None
                wrong = OriginalReference(row["day"], row["seq"])
            elif chance.random() < 0.8:
                await ward.hear(something(number))
            if number == 9:
                await ward.fold()
            seen.append(await looked(ward, number))
        assert wrong is not None
        recalled = await Recalls(db, writer, ward.parts.region, random_key=clock.random_key).recall(
            Target(original=wrong), by=OXFORD, because="wrong result", session="desk", at=clock.now()
        )
        told = {(saw.stream, saw.seq) for saw in recalled.saw}
        assert told == {event.place for event, page in seen if WRONG.encode() in page}
        assert 0 < len(told) < len(seen)
        assert recalled.is_proven
        replays = Replays(db, writer, ward.parts.region)
        for event, page in seen:
            replay = await replays.replay(
                stream=event.stream, seq=event.seq, by=OXFORD, because="complaint", session="desk", at=clock.now()
            )
            drawn = again.draw(replay)
            assert drawn is not None, replay.reasons
            assert drawn.content == page


async def test_a_page_that_cannot_be_proven_is_not_handed_out(settings: Settings) -> None:
    """A row is gone from the database, and no removal says so: no page is made of what is left."""
    async with (
        open_ward(settings) as ward,
        database.connect(settings, "steward") as db,
        audit.Writer.open(db) as writer,
    ):
        await ward.hear(wrote("ADT^A01", visit("V1")), result(901, "4.4"))
        event, _ = await looked(ward, 1)
        await ward.owner.execute("delete from record.log where source = 'nel-pathology'")
        replay = await Replays(db, writer, ward.parts.region).replay(
            stream=event.stream, seq=event.seq, by=OXFORD, because="complaint", session="desk", at=clock.now()
        )
        assert replay.page is None
        assert replay.is_alarm
        assert again.draw(replay) is None
