"""Whoever can write to the tables cannot rewrite the audit unseen: every change is named by its row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest

from carerecord import audit, database
from carerecord.audit.chain import Row, link
from carerecord.database import Database
from carerecord.settings import Settings

COLUMNS = {
    "patient_key": "patient_key + 1",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "kind": "'refused'",
    "purpose": "purpose || 'X'",
    "about_seq": "coalesce(about_seq, 0) + 1",
    "snapshot": "coalesce(snapshot, '') || '\\x00'",
    "detail": "'{\"changed\":true}'",
    "route": "'fhir'",
    "session": "''",
    "asked_at": "coalesce(asked_at, now()) + interval '1 microsecond'",
    "about_stream": "coalesce(about_stream, 0) + 1",
    "manner": "(select other.manner from audit.entry other where other.seq = entry.seq % 10 + 1 and other.stream = 1)",
    "grounds": "sha256(coalesce(grounds, ''))",
    "hash": "sha256(hash)",
}
# What stands beside many events, put into one of them instead: its digest tells.
TEXTS = {"staff": "'nobody'", "decision": "'permit'", "evidence": "'{}'", "is_own": "is_own is null"}
COUNT = 10


@asynccontextmanager
async def written(settings: Settings, *, count: int = COUNT) -> AsyncIterator[Database]:
    """Ten events in one stream, and the owner of the tables, who can do anything."""
    async with database.connect(settings, "serve") as serve, audit.Writer.open(serve) as writer:
        for number in range(1, count + 1):
            await writer.witness(
                audit.Event(
                    kind="opened",
                    patient_key=number % 3,
                    staff={"user_id": str(number)},
                    purpose="TREAT",
                    evidence={"kind": "encounter", "id": f"V{number % 3}", "place": "x" * 60},
                    decision={"kind": "permit"},
                    detail={"number": number},
                    route="launch",
                    session="s",
                )
            )
        async with database.connect(settings, "owner") as owner:
            yield owner


async def findings(settings: Settings) -> list[tuple[str, int]]:
    async with database.connect(settings, "witness") as db:
        report = await audit.verify(db)
    for finding in report.findings:
        assert finding.sentence.endswith(".")
        assert finding.stream in (1, 2)
    return [(finding.fault.value, finding.seq) for finding in report.findings]


@pytest.mark.parametrize("seq", [1, 5, COUNT])
async def test_a_change_of_any_column_is_found_by_its_row(settings: Settings, seq: int) -> None:
    async with written(settings) as owner:
        for column, value in (COLUMNS | TEXTS).items():
            async with database.connect(settings, "owner") as other, other.connection() as connection:
                before = await connection.fetchrow("select * from audit.entry where seq = $1", seq)
                assert before is not None
                await connection.execute(f"update audit.entry set {column} = {value} where seq = $1", seq)
                found = await findings(settings)
                assert found == [("text" if column in TEXTS else "changed", seq)], column
                await connection.execute("delete from audit.entry where seq = $1", seq)
                await _put(connection, before)
        assert await findings(settings) == []
        assert await owner.fetchval("select count(*) from audit.entry") == COUNT


async def test_an_event_moved_to_another_stream_is_found_in_both(settings: Settings) -> None:
    async with written(settings) as owner:
        await owner.execute("update audit.entry set stream = 2 where seq = 4")
        assert await findings(settings) == [("missing", 4), ("missing", 1), ("head", 4)]


async def test_an_event_taken_out_is_named(settings: Settings) -> None:
    async with written(settings) as owner:
        await owner.execute("delete from audit.entry where seq in (4, 5)")
        assert await findings(settings) == [("missing", 4)]


async def test_the_first_event_taken_out_is_named(settings: Settings) -> None:
    async with written(settings) as owner:
        await owner.execute("delete from audit.entry where seq = 1")
        assert await findings(settings) == [("missing", 1)]


async def test_a_tail_cut_off_is_named(settings: Settings) -> None:
    async with written(settings) as owner:
        await owner.execute("delete from audit.entry where seq > 7")
        assert await findings(settings) == [("cut", 8)]


async def test_a_whole_stream_taken_out_is_named(settings: Settings) -> None:
    async with written(settings) as owner:
        await owner.execute("delete from audit.entry")
        assert await findings(settings) == [("cut", 1)]


async def test_a_tail_cut_off_with_its_head_set_back_is_named_unless_the_hash_is_too(settings: Settings) -> None:
    async with written(settings) as owner:
        await owner.execute("delete from audit.entry where seq > 7")
        await owner.execute("update audit.stream set head_seq = 7")
        assert await findings(settings) == [("head", 7)]


async def test_a_head_set_back_or_taken_out_is_named(settings: Settings) -> None:
    async with written(settings) as owner:
        await owner.execute("update audit.stream set head_seq = 7")
        assert await findings(settings) == [("head", 7)]
        await owner.execute("delete from audit.stream")
        assert await findings(settings) == [("head", COUNT)]


@pytest.mark.parametrize(("one", "other"), [(3, 4), (2, 8), (1, COUNT), (9, COUNT)])
async def test_two_events_exchanged_are_named_with_where_they_belong(settings: Settings, one: int, other: int) -> None:
    async with written(settings) as owner:
        swap = "update audit.entry set seq = case seq when $1 then -$2 else -$1 end where seq in ($1, $2)"
        await owner.execute(swap.replace("$1", str(one)).replace("$2", str(other)))
        await owner.execute("update audit.entry set seq = -seq where seq < 0")
        assert await findings(settings) == [("moved", one), ("moved", other)]


async def test_an_event_moved_behind_the_end_is_named_with_where_it_belongs(settings: Settings) -> None:
    async with written(settings) as owner:
        await owner.execute("update audit.entry set seq = 50 where seq = 5")
        assert set(await findings(settings)) == {("missing", 5), ("inserted", 50), ("moved", 50)}


@pytest.mark.parametrize("patient_key", [-5, 500])
async def test_an_event_put_in_beside_another_is_named(settings: Settings, patient_key: int) -> None:
    async with written(settings) as owner, owner.connection() as connection:
        copied = await connection.fetchrow("select * from audit.entry where seq = 6")
        assert copied is not None
        await _put(connection, [patient_key, *list(copied)[1:]])
        assert await findings(settings) == [("inserted", 6)]


async def test_an_event_put_in_at_the_end_is_named(settings: Settings) -> None:
    async with written(settings) as owner, owner.connection() as connection:
        copied = await connection.fetchrow("select * from audit.entry where seq = 6")
        assert copied is not None
        await _put(connection, [copied[0], 1, COUNT + 1, *list(copied)[3:]])
        assert ("changed", COUNT + 1) in await findings(settings)


async def test_a_change_that_was_linked_anew_is_found_at_the_next_event(settings: Settings) -> None:
    async with written(settings) as owner, owner.connection() as connection:
        previous = await connection.fetchval("select hash from audit.entry where seq = 4")
        row = await audit.find_row(connection, stream=1, seq=5)
        assert row is not None
        changed = row._replace(session="another")
        await connection.execute(
            "update audit.entry set session = $1, hash = $2 where seq = 5", changed.session, link(previous, changed)
        )
        assert await findings(settings) == [("changed", 6)]


async def test_many_changes_are_each_named(settings: Settings) -> None:
    async with written(settings, count=60) as owner:
        await owner.execute("update audit.entry set detail = '[]' where seq between 10 and 49")
        assert await findings(settings) == [("changed", seq) for seq in range(10, 50)]


async def test_one_stream_alone_can_be_verified_and_progress_is_told(settings: Settings) -> None:
    told: list[int] = []
    async with written(settings), database.connect(settings, "witness") as db:
        report = await audit.verify(db, stream=1, progress=told.append)
        assert (report.streams, report.events, report.is_sound, told) == (1, COUNT, True, [COUNT])
        assert (await audit.verify(db, stream=2)).events == 0


async def test_a_text_that_is_changed_is_named_once_with_the_first_event_that_says_it(settings: Settings) -> None:
    async with written(settings) as owner:
        for where, count, column in (
            ('said[1] like \'%"user_id":"4"%\'', 1, "staff"),
            ("patient_key = 2", 3, "evidence"),
        ):
            before = await owner.fetch(f"select * from audit.text where {where}")
            assert len(before) == 1
            for tamper, how in (
                (f"update audit.text set said[1] = said[1] || ' ' where {where}", "was changed"),
                (f"delete from audit.text where {where}", "was taken out"),
            ):
                await owner.execute(tamper)
                async with database.connect(settings, "witness") as db:
                    (finding,) = (await audit.verify(db)).findings
                assert (finding.fault, finding.seq, finding.column) == ("text", 4 if column == "staff" else 2, column)
                assert how in finding.sentence
                assert (f"{count - 1} more say the same" in finding.sentence) == (count > 1)
                await owner.execute("delete from audit.text where digest = $1", before[0]["digest"])
                await owner.execute("insert into audit.text values ($1, $2, $3, $4, $5)", *before[0].values())
        assert await findings(settings) == []


async def test_two_texts_exchanged_are_both_named(settings: Settings) -> None:
    async with written(settings) as owner:
        one, other = [await owner.fetchval("select manner from audit.entry where seq = $1", seq) for seq in (4, 7)]
        said = [await owner.fetchval("select said from audit.text where digest = $1", each) for each in (one, other)]
        for digest, exchanged in ((one, said[1]), (other, said[0])):
            await owner.execute("update audit.text set said = $1 where digest = $2", exchanged, digest)
        assert await findings(settings) == [("text", 4), ("text", 7)]


async def test_what_was_written_before_texts_were_kept_once_is_verified_and_read_as_it_was(settings: Settings) -> None:
    async with written(settings) as owner, owner.connection() as connection:
        head = await connection.fetchrow("select head_seq, head_hash from audit.stream where stream = 1")
        assert head is not None
        at = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
        detail = '{"about_stream":1,"at":"2026-11-22T09:12:00Z","what":"summary"}'
        row = Row(
            7,
            1,
            COUNT + 1,
            at,
            "shown",
            '{"a":1}',
            "TREAT",
            "null",
            '{"kind":"permit"}',
            3,
            b"\1",
            detail,
            "launch",
            "s",
        )
        hash_ = link(head["head_hash"], row)
        names = (*row._fields[:14], "hash")
        await connection.execute(
            f"insert into audit.entry ({', '.join(names)}) values ({', '.join(f'${n + 1}' for n in range(15))})",
            *(*row[:14], hash_),
        )
        await connection.execute("update audit.stream set head_seq = $1, head_hash = $2", COUNT + 1, hash_)
        assert await findings(settings) == []
        read = await audit.find_event(connection, stream=1, seq=COUNT + 1)
        assert read is not None
        assert (read.about, read.detail["at"], read.decision) == ((1, 3), "2026-11-22T09:12:00Z", {"kind": "permit"})
        for column, value in (COLUMNS | TEXTS).items():
            if column in ("manner", "is_own"):
                continue
            await connection.execute(f"update audit.entry set {column} = {value} where seq = $1", COUNT + 1)
            assert await findings(settings) == [("changed", COUNT + 1)], column
            await connection.execute("delete from audit.entry where seq = $1", COUNT + 1)
            await connection.execute(
                f"insert into audit.entry ({', '.join(names)}) values ({', '.join(f'${n + 1}' for n in range(15))})",
                *(*row[:14], hash_),
            )


def test_no_two_rows_are_encoded_alike() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    row = Row(1, 1, 1, at, "opened", "ab", "c", "", "", None, None, "", "", "")
    alike = (
        row._replace(staff="a", purpose="bc"),
        row._replace(staff="", purpose="abc"),
        row._replace(snapshot=b""),
        row._replace(about_seq=0),
        row._replace(decision="ab", staff=""),
        row._replace(stream=0, seq=2**32 + 1),
    )
    assert len({link(b"", other) for other in (row, *alike)}) == 7
    named = row._replace(manner=b"m" * 32, evidence="e")
    alike = (
        row,
        named._replace(grounds=b"g" * 32),
        named._replace(manner=b"n" * 32),
        named._replace(evidence="f"),
        named._replace(purpose="", route="c"),
        named._replace(snapshot=b""),
        named._replace(about_seq=0),
        named._replace(about_stream=0),
        named._replace(asked_at=datetime(1970, 1, 1, tzinfo=UTC)),
        named._replace(session="\u00e9"),
        row._replace(asked_at=at),
    )
    assert len({link(b"", other) for other in (named, *alike)}) == 12
    assert link(b"", named) == link(b"", named._replace(staff="another", decision="another")), "the manner says them"


async def _put(connection: asyncpg.Connection[asyncpg.Record], values: Sequence[object]) -> None:
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await connection.execute(f"insert into audit.entry values ({places})", *values)
