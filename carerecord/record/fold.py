"""Fold: move statements from the log into chunks that lie together, so that a whole record is a few reads.

Only the working process folds. Folding moves: it takes rows out of the log and puts their statements into chunks in one
transaction, so a crash leaves them where they were. A patient's statements stand in the order they came; a full part is
never opened again. So the same rows make the same chunks, byte for byte, however many folds they took.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg

from carerecord import database, logs
from carerecord.database import Database
from carerecord.model import OriginalReference, StoredStatement
from carerecord.record import dictionary
from carerecord.record.chunk import Packed, Said, pack_folded, unpack, unpack_folded, version

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)

# A fold costs twenty appends, and a view reads sixteen pending rows in less than half a millisecond.
ROWS_MIN: Final = 16
AGE_SECONDS_MIN: Final = 6 * 3600
ROWS_MAX: Final = 500  # rows of one patient in one transaction; the rest wait for the next
STRETCH_ROWS: Final = 50_000  # rows of the log that are looked over at once for who is due
_FIRST_KEY, _LAST_KEY = -(2**63), 2**63 - 1

# What a part may weigh, in bytes expected on disk: no fold rewrites much more than this for one new statement. A view
# pays for each part that it reads, a fold for what it opens again: some hundred statements together suit both.
PART_WEIGHT_MAX: Final = 32_000
_LARGE: Final = 16_384  # a body of this size is mostly a document that is compressed already
_LARGE_PART_WEIGHT_MAX: Final = 96_000


class Round:
    """How far the log has been looked over, in the order of patients: each look costs the same, however much waits."""

    def __init__(self) -> None:
        self.after = _FIRST_KEY


class Place(NamedTuple):
    """Where parts follow one another: one place for all of a person's statements, and others for their documents."""

    heading: int  # 0: all of them
    period: int  # year; 0: all of them


_TOGETHER: Final = Place(0, 0)


class Part(NamedTuple):
    place: Place
    number: int
    statements: list[StoredStatement]


async def fold_some(
    db: Database,
    *,
    patients_max: int,
    at: datetime,
    rows_min: int = ROWS_MIN,
    age_seconds_min: int = AGE_SECONDS_MIN,
    stretch_rows: int = STRETCH_ROWS,
    going: Round | None = None,
) -> int:
    """Fold those who have many rows pending or one that has waited long. Answers how many patients were folded.

    Looks over one stretch of the log; who calls again with the same Round goes on where this ended, round and round.
    """
    going = going or Round()
    waiting_since = at - timedelta(seconds=age_seconds_min)
    folded = 0
    for patient_key in await _pick(db, going, rows_min, waiting_since, patients_max, stretch_rows):
        try:
            folded += await _fold(db, patient_key)
        except dictionary.UnknownDictionary:
            await dictionary.load(db)  # The next fold knows it.
        except (dictionary.Unreadable, asyncpg.PostgresError) as error:
            # One patient's rows that cannot be moved must not keep the others waiting; they stay readable in the log.
            logs.say(logs.Line.FOLD_FAILED, kind=type(error).__name__)
    return folded


async def _pick(
    db: Database, going: Round, rows_min: int, waiting_since: datetime, patients_max: int, stretch_rows: int
) -> list[int]:
    end = await db.fetchval(QUERIES["find_stretch_end"], going.after, stretch_rows)
    until = _LAST_KEY if end is None else end
    found = await db.fetch(QUERIES["pick_patients"], rows_min, waiting_since, patients_max, going.after, until)
    picked = [row["patient_key"] for row in found]
    if len(picked) == patients_max:
        going.after = picked[-1]  # There may be more in this stretch.
    else:
        going.after = _FIRST_KEY if end is None else end
    return picked


async def _fold(db: Database, patient_key: int) -> bool:
    async with db.transaction() as connection:
        locked, _ = await connection.fetchrow(QUERIES["lock_patient"], patient_key) or (False, None)
        if not locked:
            return False
        pending = await _take(connection, patient_key)
        if not pending:
            return False
        parts = await _read_open_parts(connection, patient_key, sorted({place(s) for s in pending}))
        await _write(connection, patient_key, list(arrange(parts, pending)))
    return True


async def _take(connection: Connection, patient_key: int) -> list[StoredStatement]:
    statements: list[StoredStatement] = []
    for row in await connection.fetch(QUERIES["take_rows"], patient_key, ROWS_MAX):
        original = OriginalReference(row["original_day"], row["original_seq"])
        said = Said(row["identity_key"], row["source"], original, row["received_at"])
        statements += unpack(row["header"], row["body"], patient_key=patient_key, said=said)
    # What does not read back as it was written is not moved: an error here rolls the taking back.
    if any(version(statement.body) != statement.version for statement in statements):
        raise dictionary.Unreadable
    return statements


async def _read_open_parts(connection: Connection, patient_key: int, places: Sequence[Place]) -> dict[Place, Part]:
    headings, periods = [p.heading for p in places], [p.period for p in places]
    parts: dict[Place, Part] = {}
    for heading, period, part, header, body in await connection.fetch(
        QUERIES["read_open_parts"], patient_key, headings, periods
    ):
        here = Place(heading, period)
        parts[here] = Part(here, part, unpack_folded(header, body, patient_key=patient_key))
    return parts


async def _write(connection: Connection, patient_key: int, parts: Sequence[Part]) -> None:
    packed: list[Packed] = [pack_folded(part.statements) for part in parts]
    await connection.execute(
        QUERIES["write_parts"],
        patient_key,
        [part.place.heading for part in parts],
        [part.place.period for part in parts],
        [part.number for part in parts],
        [len(part.statements) for part in parts],
        [p.header for p in packed],
        [p.body for p in packed],
    )


def arrange(open_parts: dict[Place, Part], pending: Sequence[StoredStatement]) -> Iterator[Part]:
    """The parts that must be written: the open part of each place, grown until it is full, then new ones. Pure."""
    arriving: dict[Place, list[StoredStatement]] = {}
    for statement in pending:
        arriving.setdefault(place(statement), []).append(statement)
    for here, statements in sorted(arriving.items()):
        part = open_parts.get(here) or Part(here, 0, [])
        weight_max = PART_WEIGHT_MAX if here == _TOGETHER else _LARGE_PART_WEIGHT_MAX
        held, has_grown = sum(map(weight, part.statements)), False
        for statement in statements:
            if part.statements and held + weight(statement) > weight_max:
                if has_grown:
                    yield part
                part, held = Part(here, part.number + 1, []), 0
            part.statements.append(statement)
            held, has_grown = held + weight(statement), True
        yield part


def place(statement: StoredStatement) -> Place:
    """Documents apart, by heading and year: to write them again for each new result would be dear."""
    if len(statement.body) <= _LARGE:
        return _TOGETHER
    return Place(statement.heading, (statement.happened_at or statement.said_at).year)


def weight(statement: StoredStatement) -> int:
    """About what a statement takes on disk. From its length alone, so that the same statements always part alike."""
    length = len(statement.body)
    return 40 + (length if length > _LARGE else length // 4)
