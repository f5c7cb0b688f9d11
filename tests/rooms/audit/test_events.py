"""The audit can be read: by person, by time and by kind, and followed as it grows without losing or repeating any."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from carerecord import audit, database
from carerecord.audit import Kind
from carerecord.model import EvidenceClass
from carerecord.settings import Settings
from tests.rooms.audit.test_witness import AT, STAFF, event


async def test_an_event_comes_back_as_it_was_said(settings: Settings) -> None:
    async with (
        database.connect(settings, "serve") as db,
        audit.Writer.open(db, clock=lambda: AT) as writer,
        database.connect(settings, "work") as work,
    ):
        opened = await writer.witness(event(decision={"kind": "permit", "policy_version": "7"}))
        await writer.witness(event(kind="shown", about=opened, snapshot=b"\x01"))
        first, second = await audit.read_events(work, patient_key=1001)
        assert (first.kind, first.staff, first.place, first.recorded_at) == (Kind.OPENED, STAFF, (1, 1), AT)
        assert first.evidence is not None
        assert first.evidence.kind is EvidenceClass.ENCOUNTER
        assert first.decision == {"kind": "permit", "policy_version": "7"}
        assert (second.about, second.snapshot) == ((1, 1), b"\x01")
        assert await audit.find_event(work, stream=1, seq=2) == second
        assert await audit.find_event(work, stream=1, seq=3) is None


async def test_what_was_written_by_nobody_or_long_ago_is_read_too(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        await writer.witness(event(staff=None, evidence=None, decision="permit"))
        await writer.witness(event(staff={"user_id": "only"}, evidence={"kind": "no longer known"}, decision={}))
        async with database.connect(settings, "work") as work:
            first, second = await audit.read_events(work)
    assert (first.staff, first.evidence, first.decision) == (None, None, {"words": "permit"})
    assert (second.staff, second.evidence, second.decision) == (None, None, {})


async def test_events_are_chosen_by_person_time_and_kind(settings: Settings) -> None:
    times = iter(AT + timedelta(hours=hour) for hour in range(8))
    async with (
        database.connect(settings, "serve") as db,
        audit.Writer.open(db, clock=lambda: next(times)) as writer,
        database.connect(settings, "work") as work,
    ):
        for number in range(8):
            await writer.witness(event(number % 2, kind="opened" if number < 4 else "refused"))
        assert [one.seq for one in await audit.read_events(work, patient_key=1000)] == [1, 3, 5, 7]
        assert [one.seq for one in await audit.read_events(work, patient_key=1000, kinds=[Kind.REFUSED])] == [5, 7]
        since = AT + timedelta(hours=3)
        assert [one.seq for one in await audit.read_events(work, since=since)] == [4, 5, 6, 7, 8]
        until = AT + timedelta(hours=5)
        assert [one.seq for one in await audit.read_events(work, since=since, until=until)] == [4, 5]
        assert [one.seq for one in await audit.read_events(work, limit=3)] == [1, 2, 3]
        assert await audit.read_events(work, kinds=[]) == []


async def test_whoever_follows_meets_every_event_of_every_stream_exactly_once(settings: Settings) -> None:
    async with (
        database.connect(settings, "serve") as db,
        database.connect(settings, "work") as work,
        audit.Writer.open(db) as one,
        audit.Writer.open(db) as other,
    ):
        marks: dict[int, int] = {}
        met: Counter[tuple[int, int]] = Counter()
        for count in (1, 30, 0, 7):
            for number in range(count):
                await one.witness(event(number))
                await other.witness(event(number))
            while events := await audit.follow(work, after=marks, limit=4):
                assert events == sorted(events, key=lambda each: (each.recorded_at, *each.place))
                met.update(each.place for each in events)
                marks = audit.advance(marks, events)
        assert marks == {1: 38, 2: 38} == await audit.read_marks(work)
        assert set(met.values()) == {1}
        assert len(met) == 76
