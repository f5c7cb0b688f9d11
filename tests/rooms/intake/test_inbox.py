"""What was kept but is not in the record: listed, shown, replayed. Everyone here is invented."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec

from carerecord import database, intake
from carerecord.intake import Intake, Replayed, ReplayRefused
from carerecord.model import OriginalReference, Outcome
from carerecord.organisations import Organisation, Region
from carerecord.organisations.region import SourceEntry
from carerecord.settings import Settings

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EASTMERE = SourceEntry(id="eastmere", organisation="Y9001", name="Eastmere Hospital", sending=("EPR|EASTMERE",))
NORTHGATE = SourceEntry(id="northgate", organisation="Y9001", name="Northgate Hospital", sending=("PAS|NORTHGATE",))
REGION = Region(
    name="Nowhere",
    title="Nowhere Care Record",
    phone="01632 960000",
    organisations=(Organisation(ods_code="Y9001", name="Eastmere Hospital"),),
    sources=(EASTMERE,),
)
WIDER = msgspec.structs.replace(REGION, sources=(EASTMERE, NORTHGATE))
_keys = itertools.count(1 << 61)


def random_key() -> int:
    return next(_keys)


def message(control_id: str, *, mrn: str = "A1", given: str = "Isolde", sender: str = "EPR|EASTMERE") -> bytes:
    return (
        f"MSH|^~\\&|{sender}|RECORD|REGION|20260304115500||ADT^A01|{control_id}|P|2.4\rEVN|A01|20260304115500\r"
        f"PID|1||{mrn}^^^HOSP^MR~9990000018^^^NHS^NH||Marlowe^{given}||19790517|F\r"
        f"PV1|1|I|WARD7^^^EASTMERE||||||||||||||||V{control_id}\r"
    ).encode()


@asynccontextmanager
async def opened(settings: Settings, region: Region = REGION) -> AsyncIterator[tuple[Intake, database.Database]]:
    async with database.connect(settings, "operate") as db:
        room = Intake(db, region, settings, clock=lambda: NOON, random_key=random_key)
        yield room, db
        await room.close()


async def test_the_inbox_lists_what_is_not_in_the_record_oldest_first(settings: Settings) -> None:
    async with opened(settings) as (room, db):
        await room.receive(message("M1"), received_at=NOON)
        waiting = await room.receive(message("M2", mrn="A2", given="Perdita"), received_at=NOON)
        unknown = await room.receive(message("M3", sender="PAS|NORTHGATE"), received_at=NOON + timedelta(hours=1))
        listed = await intake.list_unsettled(db)
        assert [(each.reference, each.outcome) for each in listed] == [
            (waiting.reference, Outcome.WAITING),
            (unknown.reference, Outcome.REFUSED),
        ]
        assert listed[0].problems[0].rule == "demographics contradict"
        assert [each.source for each in await intake.list_unsettled(db, outcome=Outcome.REFUSED)] == ["unknown"]
        assert [each.source for each in await intake.list_unsettled(db, source="eastmere")] == ["eastmere"]
        assert len(await intake.list_unsettled(db, since=NOON + timedelta(minutes=1))) == 1
        assert len(await intake.list_unsettled(db, limit=1)) == 1


async def test_an_unknown_senders_message_is_recorded_once_it_is_registered(settings: Settings) -> None:
    content = message("M1", sender="PAS|NORTHGATE")
    async with opened(settings) as (room, db):
        receipt = await room.receive(content, received_at=NOON)
        for region, outcome in ((REGION, Outcome.REFUSED), (WIDER, Outcome.RECORDED)):
            (answer,) = await intake.replay(db, region, settings, [receipt.reference], at=NOON, random_key=random_key)
            assert isinstance(answer, Replayed)
            assert answer.outcome is outcome
        shown = await intake.show(db, receipt.reference)
        assert shown is not None
        assert (shown.content, shown.first_outcome, shown.outcome) == (content, Outcome.REFUSED, Outcome.RECORDED)
        assert [(replay.attempt, replay.outcome) for replay in shown.replays] == [
            (1, Outcome.REFUSED),
            (2, Outcome.RECORDED),
        ]
        assert await intake.list_unsettled(db) == []
        (again,) = await intake.replay(db, WIDER, settings, [receipt.reference], at=NOON, random_key=random_key)
        assert isinstance(again, ReplayRefused)
        assert "in the record already" in again.sentence
    async with opened(settings, WIDER) as (room, _):
        repeat = await room.receive(content, received_at=NOON + timedelta(days=1))
    assert (repeat.is_repeat, repeat.code, repeat.reference) == (True, "AA", receipt.reference)
    async with database.connect(settings, "owner") as db:
        (log,) = await db.fetch("select source, original_seq, identity_key from record.log")
        assert (log["source"], log["original_seq"]) == ("northgate", receipt.reference.seq)


async def test_a_replay_does_not_double_what_came_again_meanwhile(settings: Settings) -> None:
    content = message("M1", sender="PAS|NORTHGATE")
    async with opened(settings) as (room, _):
        refused = await room.receive(content, received_at=NOON)
    async with opened(settings, WIDER) as (room, db):
        recorded = await room.receive(content, received_at=NOON + timedelta(days=1))
        assert not recorded.is_repeat
        (answer,) = await intake.replay(db, WIDER, settings, [refused.reference], at=NOON, random_key=random_key)
        assert isinstance(answer, ReplayRefused)
        assert str(recorded.reference) in answer.sentence


async def test_one_that_waits_still_waits_until_something_has_changed(settings: Settings) -> None:
    async with opened(settings) as (room, db):
        await room.receive(message("M1"), received_at=NOON)
        waiting = await room.receive(message("M2", mrn="A2", given="Perdita"), received_at=NOON)
        (answer,) = await intake.replay(db, REGION, settings, [waiting.reference], at=NOON, random_key=random_key)
        assert isinstance(answer, Replayed)
        assert answer.outcome is Outcome.WAITING
        (listed,) = await intake.list_unsettled(db)
        assert listed.attempts == 1


async def test_a_reference_that_is_not_there_is_refused(settings: Settings) -> None:
    reference = OriginalReference(NOON.date(), 99)
    async with opened(settings) as (_, db):
        assert await intake.show(db, reference) is None
        (answer,) = await intake.replay(db, REGION, settings, [reference], at=NOON, random_key=random_key)
    assert isinstance(answer, ReplayRefused)
