"""Append, read with a witness, fold: every statement is there once, and nothing is given without a witness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import asyncpg
import msgspec
import pytest

from carerecord import audit, database
from carerecord.database import Database
from carerecord.model import Heading, OriginalReference, Person, Standing, Statement, StoredStatement, Subject
from carerecord.record import chunk, dictionary, fold
from carerecord.record.append import ROW_STATEMENTS_MAX, LogRow, append
from carerecord.record.read import NotWitnessed, read_original, read_statements
from carerecord.settings import Settings
from scripts.train_dictionaries import said

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
KEY, IDENTITY, OTHER_KEY, OTHER_IDENTITY = 11, 101, 12, 102
MESSAGE = next(content for content, _ in said(1, seed=3))
BODIES = [statement.body for _, statements in said(12, seed=3) for statement in statements]


def statement(number: int, *, days: int = 0, body: bytes | None = None) -> Statement:
    made = body or BODIES[number % len(BODIES)]
    local_id = msgspec.json.decode(BODIES[number % len(BODIES)])["id"]
    return Statement(
        resource_type="Observation",
        local_id=local_id,
        heading=Heading.RESULTS,
        code=None,
        happened_at=AT - timedelta(days=days),
        said_at=AT - timedelta(days=days),
        standing=Standing.CURRENT,
        body=made,
    )


def row(number: int, *statements: Statement, key: int = KEY, identity: int = IDENTITY) -> LogRow:
    return LogRow(
        patient_key=key,
        identity_key=identity,
        source="barts",
        original=OriginalReference(date(2026, 11, 22), number),
        received_at=AT + timedelta(seconds=number),
        statements=statements or (statement(number),),
    )


def person(**identities: int) -> Person:
    return Person(
        patient_key=KEY,
        identities={int(name[1:]): key for name, key in identities.items()} or {IDENTITY: KEY},
        subject=Subject(family="Hartley"),
        said_by="barts",
        said_at=AT,
    )


OPEN, OTHERS = bytes(32), bytes([1] * 32)  # The keys of two open sessions, one of each patient.


def event(kind: str = "opened", patient_key: int = KEY, session: str = "s") -> audit.Event:
    return audit.Event(
        kind=kind,
        patient_key=patient_key,
        staff={"user_id": "1"},
        purpose="TREAT",
        evidence={},
        decision="permit",
        route="launch",
        session=session,
    )


class Spine:
    """The database as each process has it."""

    def __init__(
        self, owner: Database, listen: Database, work: Database, serve: Database, writer: audit.Writer
    ) -> None:
        self.owner, self.listen, self.work, self.serve, self.writer = owner, listen, work, serve, writer

    async def append(self, *rows: LogRow) -> None:
        async with self.listen.transaction() as connection:
            await append(connection, rows)

    async def join(self, identity: int = IDENTITY, home: int = KEY, key: int = KEY) -> None:
        await self.owner.execute("insert into patient_index.member values ($1, $2, $3)", key, identity, home)

    async def read(self, of: Person | None = None) -> list[StoredStatement]:
        witness = await self.writer.witness(event())
        return await read_statements(self.serve, witness=witness, person=of or person())

    async def fold(self, **limits: int) -> int:
        return await fold.fold_some(self.work, **{"patients_max": 100, "rows_min": 1, **limits}, at=AT)  # type: ignore[arg-type]

    async def chunks(self) -> list[tuple[object, ...]]:
        return [tuple(r) for r in await self.owner.fetch("select * from record.chunk order by 1, 2, 3, 4")]


@asynccontextmanager
async def spine(settings: Settings) -> AsyncIterator[Spine]:
    async with (
        database.connect(settings, "owner") as owner,
        database.connect(settings, "listen") as listen,
        database.connect(settings, "work") as work,
        database.connect(settings, "serve") as serve,
        audit.Writer.open(serve) as writer,
    ):
        made = Spine(owner, listen, work, serve, writer)
        await made.join()
        for key, patient_key in ((OPEN, KEY), (OTHERS, OTHER_KEY)):
            await owner.execute(
                "insert into signin.session (token_hash, id, staff, patient_key, evidence, purpose, route, created_at,"
                " expires_at, used_at) values ($1, $2, '{}', $3, '{}', 'TREAT', 'launch', now(), now(), now())",
                key,
                "s" if key is OPEN else "t",
                patient_key,
            )
        database.show_key(OPEN)
        yield made


async def test_what_was_appended_is_read_before_and_after_a_fold(settings: Settings) -> None:
    async with spine(settings) as it:
        rows = [row(n, statement(n), statement(n + 50, days=400)) for n in range(9)]
        await it.append(*rows[:5])
        before = await it.read()
        assert {s.body for s in before} == {s.body for r in rows[:5] for s in r.statements}
        assert await it.fold() == 1
        assert await it.owner.fetchval("select count(*) from record.log") == 0
        assert _sorted(await it.read()) == _sorted(before)
        await it.append(*rows[5:])
        assert len(await it.read()) == 18


async def test_folding_at_once_or_little_by_little_makes_the_same_chunks(settings: Settings) -> None:
    async with spine(settings) as it:
        large = [body[:-1] + b',"note":"%b"}' % (b"n" * 9000) for body in BODIES[:60]]
        rows = [row(n, statement(n, days=n, body=large[n])) for n in range(60)]
        await it.append(*rows)
        await it.fold()
        at_once = await it.chunks()
        await it.owner.execute("delete from record.chunk")
        for number in range(0, 60, 7):
            await it.append(*rows[number : number + 7])
            await it.fold()
        assert await it.chunks() == at_once
        assert max(part[3] for part in at_once) > 0  # type: ignore[type-var]  # It took more than one part.


async def test_an_exact_repeat_is_kept_as_often_as_it_was_said(settings: Settings) -> None:
    async with spine(settings) as it:
        await it.append(row(1, statement(1)), row(2, statement(1)))
        await it.fold()
        assert len(await it.read()) == 2


async def test_a_message_of_very_many_statements_is_kept_whole(settings: Settings) -> None:
    async with spine(settings) as it:
        many = tuple(statement(n) for n in range(ROW_STATEMENTS_MAX + 5))
        await it.append(row(1, *many), row(2, *()))
        assert len(await it.read()) == ROW_STATEMENTS_MAX + 6
        assert await it.owner.fetchval("select count(*) from record.log") == 3


async def test_a_row_without_statements_is_no_row(settings: Settings) -> None:
    async with spine(settings) as it:
        await it.append(msgspec.structs.replace(row(1), statements=()))
        assert await it.owner.fetchval("select count(*) from record.log") == 0


async def test_nothing_is_given_without_a_witness_of_this_patient(settings: Settings) -> None:
    async with spine(settings) as it:
        await it.append(row(1))
        await it.join(OTHER_IDENTITY, OTHER_KEY, OTHER_KEY)
        witness = await it.writer.witness(event())
        others = await it.writer.witness(event(patient_key=OTHER_KEY))
        refused = await it.writer.witness(event("refused"))
        for wrong in (
            others,
            refused,
            msgspec.structs.replace(witness, seq=witness.seq + 7),
            msgspec.structs.replace(others, patient_key=KEY),
        ):
            with pytest.raises(NotWitnessed):
                await read_statements(it.serve, witness=wrong, person=person())
        # A witness of this patient does not open what is kept under a key that is not theirs.
        with pytest.raises(NotWitnessed):
            await read_statements(it.serve, witness=witness, person=person(_101=OTHER_KEY))


async def test_nothing_is_given_without_the_key_of_this_patients_session(settings: Settings) -> None:
    async with spine(settings) as it:
        await it.append(row(1))
        witness = await it.writer.witness(event())
        by_others = await it.writer.witness(event(session="t"))
        assert await read_statements(it.serve, witness=witness, person=person())
        for key, event_of in ((OTHERS, witness), (OTHERS, by_others), (OPEN, by_others), (b"", witness)):
            database.show_key(key)
            with pytest.raises(NotWitnessed):
                await read_statements(it.serve, witness=event_of, person=person())
        database.show_key(OPEN)
        await it.owner.execute("update signin.session set closed_at = now()")
        with pytest.raises(NotWitnessed):
            await read_statements(it.serve, witness=witness, person=person())


async def test_a_witness_is_good_for_a_minute(settings: Settings) -> None:
    async with spine(settings) as it:
        witness = await it.writer.witness(event())
        for seconds in (-61, 11):
            await it.owner.execute("update audit.event set recorded_at = now() + $1", timedelta(seconds=seconds))
            with pytest.raises(NotWitnessed):
                await read_statements(it.serve, witness=witness, person=person())


async def test_an_empty_record_is_empty_and_not_refused(settings: Settings) -> None:
    async with spine(settings) as it:
        assert await it.read() == []


async def test_the_serving_role_cannot_reach_the_record_past_its_function(settings: Settings) -> None:
    async with spine(settings) as it:
        for table in ("record.log", "record.chunk", "intake.original"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await it.serve.fetch(f"select * from {table}")
        for role in (it.listen, it.work):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await role.fetch("select record.read_witnessed(11, 1, 1, 11, '')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await it.listen.fetch("select * from record.log")


async def test_a_person_of_two_keys_is_read_whole_and_no_one_else_with_them(settings: Settings) -> None:
    async with spine(settings) as it:
        await it.join(OTHER_IDENTITY, OTHER_KEY)
        await it.append(
            row(1),
            row(2, key=OTHER_KEY, identity=OTHER_IDENTITY),
            row(3, key=OTHER_KEY, identity=999),
            row(4, identity=998),
        )
        both = person(_101=KEY, _102=OTHER_KEY)
        unfolded = await it.read(both)
        assert {(s.patient_key, s.original.seq) for s in unfolded} == {(KEY, 1), (OTHER_KEY, 2)}
        await it.fold()
        assert _sorted(await it.read(both)) == _sorted(unfolded)


async def test_what_is_appended_while_folding_is_not_lost(settings: Settings) -> None:
    async with spine(settings) as it:
        for start in range(0, 60, 6):
            await asyncio.gather(it.append(*[row(n) for n in range(start, start + 6)]), it.fold(), it.fold(), it.read())
        await it.fold()
        statements = await it.read()
        assert sorted(s.original.seq for s in statements) == list(range(60))


async def test_a_fold_that_dies_halfway_changes_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with spine(settings) as it:
        await it.append(*[row(n) for n in range(5)])
        before = _sorted(await it.read())

        async def die(*arguments: object) -> None:
            raise asyncio.CancelledError

        monkeypatch.setattr(fold, "_write", die)
        with pytest.raises(asyncio.CancelledError):
            await it.fold()
        assert _sorted(await it.read()) == before
        monkeypatch.undo()
        await it.fold()
        assert _sorted(await it.read()) == before


async def test_a_damaged_row_stays_where_it_is_and_others_are_folded(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async with spine(settings) as it:
        await it.append(row(1), row(2, key=OTHER_KEY))
        other = chunk.pack([statement(1, body=BODIES[1][::-1])])  # as long, but not what was written
        await it.owner.execute("update record.log set body = $1 where patient_key = $2", other.body, KEY)
        assert await it.fold() == 1
        assert await it.owner.fetchval("select array_agg(patient_key) from record.log") == [KEY]
        assert "FOLD_FAILED" in capsys.readouterr().err


async def test_only_those_who_have_many_rows_or_waited_long_are_folded(settings: Settings) -> None:
    async with spine(settings) as it:
        await it.append(row(1), *[row(n, key=OTHER_KEY) for n in range(2, 5)])
        assert await it.fold(rows_min=9) == 0
        assert await it.fold(rows_min=3) == 1
        assert await it.owner.fetchval("select array_agg(patient_key) from record.log") == [KEY]
        assert await fold.fold_some(it.work, patients_max=9, at=AT + timedelta(hours=7)) == 1


async def test_an_original_is_given_to_its_patient_alone_and_byte_for_byte(settings: Settings) -> None:
    async with spine(settings) as it:
        message = MESSAGE
        keep = """insert into intake.original
            (day, seq, source, control_id, format, content, content_hash, received_at, outcome, message_type,
            patient_key, identity_key)
            values ($1, $2, 'barts', 'c', 1, $3, decode(repeat('00', 16), 'hex'), $4, 'recorded', 'ADT^A01',
            $5, $6)"""
        content = dictionary.compress(message, dictionary=dictionary.ORIGINALS)
        for number, identity in ((1, IDENTITY), (2, OTHER_IDENTITY)):
            await it.owner.execute(keep, date(2026, 11, 22), number, content, AT, KEY, identity)
        witness = await it.writer.witness(event())
        mine, theirs = (OriginalReference(date(2026, 11, 22), n) for n in (1, 2))
        kept = await read_original(it.serve, witness=witness, person=person(), reference=mine)
        assert kept is not None
        assert (kept.content, kept.source, kept.message_type, kept.received_at) == (message, "barts", "ADT^A01", AT)
        assert await read_original(it.serve, witness=witness, person=person(), reference=theirs) is None
        stale = msgspec.structs.replace(witness, seq=99)
        assert await read_original(it.serve, witness=stale, person=person(), reference=mine) is None


def _sorted(statements: list[StoredStatement]) -> list[StoredStatement]:
    return sorted(statements, key=lambda s: (s.patient_key, s.original, s.local_id, s.body))


async def test_each_look_goes_on_where_the_last_one_ended_until_all_are_folded(settings: Settings) -> None:
    async with spine(settings) as it:
        keys = [KEY + each for each in range(20)]
        await it.append(*[row(number, key=key) for number, key in enumerate(keys)])
        going = fold.Round()
        left = []
        while len(left) < 100:
            await fold.fold_some(it.work, patients_max=3, at=AT, rows_min=1, stretch_rows=5, going=going)
            left.append(await it.owner.fetchval("select count(*) from record.log"))
            if not left[-1]:
                break
        assert left == [17, 14, 11, 8, 5, 2, 0]  # never more than three at once, and nobody twice or passed over


async def test_who_is_not_due_does_not_hold_up_who_is(settings: Settings) -> None:
    async with spine(settings) as it:
        await it.append(*[row(number, key=KEY + each) for number, each in enumerate(range(10))])
        await it.append(*[row(number, key=KEY + 10) for number in range(10, 14)])
        going, folded = fold.Round(), []
        for _ in range(4):
            folded.append(await fold.fold_some(it.work, patients_max=9, at=AT, rows_min=4, stretch_rows=3, going=going))
        assert folded == [0, 0, 1, 0]
