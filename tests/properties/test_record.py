"""Whatever is appended, in whatever order it is folded, is read back once and as it was said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings, strategies
from hypothesis.strategies import DrawFn, composite

from carerecord import database
from carerecord.database import Database
from carerecord.model import Heading, OriginalReference, Standing, Statement, StoredStatement
from carerecord.record import fold
from carerecord.record.append import LogRow, append
from carerecord.record.chunk import Said, code_hash, pack, pack_folded, unpack, unpack_folded, version
from carerecord.record.types import NUMBERS
from carerecord.settings import Settings

instants = strategies.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=strategies.just(UTC))
instants = instants.map(lambda at: at.replace(fold=0))
keys = count(1)
AT = datetime(2101, 1, 1, tzinfo=UTC)


@composite
def statements(draw: DrawFn) -> Statement:
    return Statement(
        resource_type=draw(strategies.sampled_from(sorted(NUMBERS))),
        local_id=draw(strategies.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)),
        heading=draw(strategies.sampled_from(Heading)),
        code=draw(strategies.none() | strategies.text(max_size=20)),
        happened_at=draw(strategies.none() | instants),
        said_at=draw(instants),
        standing=draw(strategies.sampled_from(Standing)),
        sensitivity=draw(strategies.integers(0, 2**32 - 1)),
        body=draw(strategies.binary(max_size=300)) * draw(strategies.sampled_from((1, 1, 1, 200))),
    )


@composite
def rows(draw: DrawFn) -> LogRow:
    return LogRow(
        patient_key=0,
        identity_key=draw(strategies.integers(1, 3)),
        source=draw(strategies.sampled_from(("barts", "gstt", "é"))),
        original=OriginalReference(draw(strategies.dates(date(1990, 1, 1))), draw(strategies.integers(0, 2**63 - 1))),
        received_at=draw(instants),
        statements=draw(strategies.lists(statements(), min_size=1, max_size=4)),
    )


def as_stored(row: LogRow, patient_key: int) -> list[StoredStatement]:
    return [
        StoredStatement(
            local_id=s.local_id,
            version=version(s.body),
            resource_type=s.resource_type,
            heading=s.heading,
            standing=s.standing,
            happened_at=s.happened_at,
            said_at=s.said_at,
            received_at=row.received_at,
            source=row.source,
            patient_key=patient_key,
            identity_key=row.identity_key,
            sensitivity=s.sensitivity,
            code_hash=code_hash(s.code),
            original=row.original,
            body=s.body,
        )
        for s in row.statements
    ]


@given(row=rows())
def test_a_row_of_the_log_gives_back_what_was_said(row: LogRow) -> None:
    header, body = pack(row.statements)
    said = Said(row.identity_key, row.source, row.original, row.received_at)
    assert unpack(header, body, patient_key=5, said=said) == as_stored(row, 5)


@given(batch=strategies.lists(rows(), max_size=8))
def test_a_chunk_gives_back_what_was_said_in_the_order_it_was_said(batch: list[LogRow]) -> None:
    expected = [statement for row in batch for statement in as_stored(row, 5)]
    assert unpack_folded(*pack_folded(expected), patient_key=5) == expected


@given(batches=strategies.lists(strategies.lists(rows(), max_size=5), max_size=5))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_every_statement_is_there_once_however_it_was_folded(
    settings: Settings, batches: list[list[LogRow]]
) -> None:
    patient_key = next(keys)
    expected: list[StoredStatement] = []
    async with database.connect(settings, "owner") as db:
        for batch in batches:
            kept = [
                LogRow(
                    patient_key=patient_key,
                    identity_key=row.identity_key,
                    source=row.source,
                    original=row.original,
                    received_at=row.received_at,
                    statements=row.statements,
                )
                for row in batch
            ]
            async with db.transaction() as connection:
                await append(connection, kept)
            expected += [statement for row in kept for statement in as_stored(row, patient_key)]
            assert _counted(await _kept(db, patient_key)) == _counted(expected)
            await fold.fold_some(db, patients_max=9, at=AT + timedelta(days=1), rows_min=1)
            assert _counted(await _kept(db, patient_key)) == _counted(expected)
            assert await db.fetchval("select count(*) from record.log where patient_key = $1", patient_key) == 0


async def _kept(db: Database, patient_key: int) -> list[StoredStatement]:
    found: list[StoredStatement] = []
    for header, body in await db.fetch("select header, body from record.chunk where patient_key = $1", patient_key):
        found += unpack_folded(header, body, patient_key=patient_key)
    for identity_key, source, day, seq, received_at, header, body in await db.fetch(
        """select identity_key, source, original_day, original_seq, received_at, header, body
        from record.log where patient_key = $1""",
        patient_key,
    ):
        said = Said(identity_key, source, OriginalReference(day, seq), received_at)
        found += unpack(header, body, patient_key=patient_key, said=said)
    return found


def _counted(found: list[StoredStatement]) -> list[str]:
    return sorted(map(repr, found))
