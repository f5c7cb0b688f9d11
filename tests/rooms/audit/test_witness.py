"""Events are durable and linked, many in one commit, and whatever breaks, the chain goes on."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from carerecord import audit, database
from carerecord.audit import witness as writing
from carerecord.database import Database
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.settings import Settings

TERMINATE = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = 1635083369"
AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
STAFF = Staff(
    user_id="555021935107",
    name="Dr Ruth Fenwick",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Clinical practitioner",
    organisation="RTH",
    organisation_name="Oxford University Hospitals",
)


def event(number: int = 1, **changed: Any) -> audit.Event:
    return audit.Event(
        **{
            "kind": "opened",
            "patient_key": 1000 + number,
            "staff": STAFF,
            "purpose": Purpose.TREAT,
            "evidence": Evidence(kind=EvidenceClass.ENCOUNTER, id="V1"),
            "decision": "permit",
            "detail": {"b": 1, "a": ["x", None]},
            "route": "launch",
            "session": f"session-{number}",
            "at": AT,
            **changed,
        }
    )


async def verified(settings: Settings) -> audit.Report:
    async with database.connect(settings, "witness") as db:
        return await audit.verify(db)


async def test_an_event_is_there_when_its_witness_is_given(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db, clock=lambda: AT) as writer:
        opened = await writer.witness(event())
        shown = await writer.witness(event(kind="shown", about=opened, snapshot=b"\x01\x00"))
        async with database.connect(settings, "witness") as reader:
            rows = await reader.fetch("select * from audit.event order by seq")
    assert (opened.stream, opened.seq, opened.recorded_at, opened.patient_key) == (1, 1, AT, 1001)
    assert (shown.stream, shown.seq) == (1, 2)
    assert (rows[0]["detail"], rows[0]["asked_at"]) == ('{"a":["x",null],"b":1}', AT)
    assert rows[0]["evidence"] == '{"id":"V1","kind":"encounter"}'
    assert '"user_id":"555021935107"' in rows[0]["staff"]
    assert (rows[1]["about_seq"], rows[1]["snapshot"]) == (1, b"\x01\x00")
    assert rows[1]["about_stream"] == 1
    assert (await verified(settings)).is_sound


async def test_sixty_four_writers_make_one_chain(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:

        async def write_ten(number: int) -> list[audit.Witness]:
            return [await writer.witness(event(number)) for _ in range(10)]

        witnesses = [w for some in await asyncio.gather(*map(write_ten, range(64))) for w in some]
    assert sorted(w.seq for w in witnesses) == list(range(1, 641))
    report = await verified(settings)
    assert (report.events, report.streams, report.findings) == (640, 1, ())


async def test_each_process_has_a_stream_and_the_next_continues_it(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        async with audit.Writer.open(db) as first, audit.Writer.open(db) as second:
            assert ((await first.witness(event())).stream, (await second.witness(event())).stream) == (1, 2)
        async with audit.Writer.open(db) as third:
            witness = await third.witness(event())
    assert (witness.stream, witness.seq) == (1, 2)
    assert (await verified(settings)).is_sound


async def test_a_connection_lost_in_the_middle_refuses_those_who_wait_and_then_continues(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(database.connect(settings, "serve"))
        owner = await stack.enter_async_context(database.connect(settings, "owner"))
        writer = await stack.enter_async_context(audit.Writer.open(db))
        kept = 0
        for _ in range(3):
            kept += len(await asyncio.gather(*(writer.witness(event(n)) for n in range(40))))
            async with owner.transaction() as holding:
                await holding.execute("select from audit.stream for update")  # Now the next commit cannot end.
                waiting = [asyncio.ensure_future(writer.witness(event(n))) for n in range(40)]
                await asyncio.sleep(0.02)
                assert await owner.fetch(TERMINATE)
                outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {audit.WitnessUnavailable}
        await writer.witness(event())
        assert await owner.fetchval("select count(*) from audit.event") == kept + 1
    assert (await verified(settings)).is_sound


async def test_a_connection_lost_while_nobody_waits_refuses_nobody(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        await writer.witness(event())
        async with database.connect(settings, "owner") as owner:
            assert await owner.fetch(TERMINATE)
        assert writer._lease is not None
        while not writer._lease.connection.is_closed():
            await asyncio.sleep(0.01)
        witnesses = await asyncio.gather(*(writer.witness(event(n)) for n in range(5)))
        assert len(witnesses) == 5
    assert (await verified(settings)).is_sound


async def test_a_commit_that_was_not_answered_is_not_lost_from_the_chain(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is there but the answer never came: the reader sees nothing, and the chain goes on behind that row."""
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        await writer.witness(event())
        commit = writing.Writer._commit

        async def lose_the_answer(self: audit.Writer, events: list[Any]) -> Any:
            await commit(self, events)
            self._seq, self._hash = self._seq - 1, b"\0" * 32  # As it was before: the answer never came.
            raise OSError

        monkeypatch.setattr(writing.Writer, "_commit", lose_the_answer)
        with pytest.raises(audit.WitnessUnavailable):
            await writer.witness(event())
        monkeypatch.undo()
        assert (await writer.witness(event())).seq == 3
    report = await verified(settings)
    assert (report.events, report.findings) == (3, ())


async def test_a_writer_whose_head_was_moved_writes_nothing_and_says_so(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        database.connect(settings, "serve") as db,
        database.connect(settings, "owner") as owner,
        audit.Writer.open(db) as writer,
    ):
        await writer.witness(event())
        await owner.execute("update audit.stream set head_seq = 7")
        with pytest.raises(audit.WitnessUnavailable):
            await writer.witness(event())
        assert '"WITNESS_BROKEN"' in capsys.readouterr().err
        assert await owner.fetchval("select count(*) from audit.event") == 1


async def test_a_reader_who_goes_away_does_not_stop_the_others(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        waiting = [asyncio.ensure_future(writer.witness(event(n))) for n in range(20)]
        await asyncio.sleep(0)
        for gone in waiting[::2]:
            gone.cancel()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(outcome, audit.Witness) for outcome in outcomes) == 10
        assert (await writer.witness(event())).seq == 21  # Whoever went away had asked: it stays witnessed.
    assert (await verified(settings)).is_sound


async def test_an_event_that_cannot_be_written_fails_alone(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        unwritable = (
            event(kind="looked"),
            event(session="a\0b"),
            event(route=None),
            event(purpose="\ud800"),
            event(patient_key=2**63),
            event(detail={"a": object()}),
        )
        outcomes = await asyncio.gather(
            *(writer.witness(e) for e in (event(), *unwritable, event())), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes[1:-1]] == [audit.UnwritableEvent] * 6
        assert isinstance(outcomes[0], audit.Witness)
        assert isinstance(outcomes[-1], audit.Witness)


async def test_without_a_database_nothing_is_witnessed_and_the_reader_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        await writer._drop_lease()

        async def gone(self: Database) -> None:
            raise database.DatabaseLost

        monkeypatch.setattr(Database, "dedicated", gone)
        with pytest.raises(audit.WitnessUnavailable, match="phone"):
            await writer.witness(event())
        monkeypatch.undo()
        assert (await writer.witness(event())).seq == 1


async def test_no_role_can_rewrite_the_audit_and_the_serving_one_cannot_read_it(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        await writer.witness(event())
        for statement in (
            "update audit.event set session = 'x'",
            "update audit.entry set staff = 'x'",
            "update audit.text set said = array['x']",
            "delete from audit.event",
            "delete from audit.entry",
            "delete from audit.text",
            "truncate audit.entry",
            "select * from audit.entry",
            "select * from audit.text",
            "delete from audit.stream",
            "select staff from audit.event",
            "select * from audit.event",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)
    for role in ("witness", "listen", "work", "operate"):
        async with database.connect(settings, role) as other:
            for statement in (
                "update audit.event set session = 'x'",
                "update audit.text set said = array['x']",
                "delete from audit.event",
                "delete from audit.text",
                "delete from audit.stream",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await other.execute(statement)


async def test_the_time_of_recording_is_the_clock_at_the_commit(settings: Settings) -> None:
    times = iter([AT, AT + timedelta(seconds=5)])
    async with (
        database.connect(settings, "serve") as db,
        audit.Writer.open(db, clock=lambda: next(times)) as writer,
    ):
        first, second = await writer.witness(event()), await writer.witness(event())
    assert (first.recorded_at, second.recorded_at) == (AT, AT + timedelta(seconds=5))
