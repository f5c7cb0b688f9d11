"""Remove by decoding and rewriting: the one way by which a statement ever leaves the record. Stewardship's alone.

A lawful removal is the only exception to "append-only": it is decided by two, witnessed, withdrawn from every reader at
once (`withdraw`), and then taken out (`rewrite`): everything under the person's key is decoded, what is withdrawn is
left out, and the rest is written again, log rows folded with it, in one transaction. After a crash it is done again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from carerecord import database
from carerecord.model import OriginalReference, StoredStatement
from carerecord.record import dictionary
from carerecord.record.chunk import Said, pack_folded, unpack, unpack_folded, version
from carerecord.record.fold import Part, arrange
from carerecord.record.withdrawn import Item, Withdrawn, pack_items, read_items

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
ROWS_AT_ONCE = 200


class Rewritten(msgspec.Struct, frozen=True):
    """What one rewriting took out, and from where it had come."""

    removed: int
    kept: int
    originals: tuple[OriginalReference, ...]
    was: tuple[bytes, ...] = ()  # as the rows were stored, and as those are that took their place
    now: tuple[bytes, ...] = ()


async def withdraw(connection: Connection, patient_key: int, removal: int, items: Sequence[Item]) -> None:
    """From its commit on no reader is given any of this, on any route. The same removal twice is one."""
    await connection.execute(QUERIES["withdraw"], patient_key, removal, pack_items(items))


async def hold(connection: Connection, patient_key: int) -> None:
    """Until the caller's transaction ends nothing under this key is folded or rewritten; what arrives is appended."""
    await connection.execute(QUERIES["wait_for_patient"], patient_key)


async def find_withdrawn(connection: Connection, patient_key: int) -> Withdrawn:
    packed = await connection.fetchval(QUERIES["read_withdrawn"], patient_key)
    return Withdrawn(read_items(packed or b""))


async def read_all(connection: Connection, patient_key: int) -> list[StoredStatement]:
    """Everything kept under a key, withdrawn or not: for those who decide what is to be removed, once witnessed."""
    return _all(*await _read(connection, patient_key))


async def rewrite(connection: Connection, patient_key: int) -> Rewritten:
    """Takes out everything withdrawn under this key, inside the caller's transaction. Nothing withdrawn: no change."""
    await connection.execute(QUERIES["wait_for_patient"], patient_key)
    withdrawn = await find_withdrawn(connection, patient_key)
    parts, rows = await _read(connection, patient_key)
    held = _all(parts, rows)
    # What does not read back as it was written is not moved: an error here leaves all as it was.
    if any(version(statement.body) != statement.version for statement in held):
        raise dictionary.Unreadable
    left = withdrawn.left(held)
    gone = [statement for statement in held if withdrawn.holds(statement)]
    was: tuple[bytes, ...] = ()
    now: tuple[bytes, ...] = ()
    if gone:
        was = await _stored(connection, patient_key)
        # Exactly the rows that were read: what is appended meanwhile is never lost.
        await connection.execute(QUERIES["clear_patient"], patient_key, list(rows))
        await _write(connection, patient_key, list(arrange({}, left)))
        now = await _stored(connection, patient_key)
    originals = tuple(sorted({statement.original for statement in gone}))
    return Rewritten(removed=len(gone), kept=len(left), originals=originals, was=was, now=now)


async def _stored(connection: Connection, patient_key: int) -> tuple[bytes, ...]:
    """The values of every row under a key as the database keeps them."""
    rows = [*await connection.fetch(QUERIES["read_chunks"], patient_key)]
    rows += await connection.fetch(QUERIES["read_log"], patient_key)
    return tuple(value for row in rows for value in (row["header"], row["body"]))


async def count_held(connection: Connection | Database) -> dict[int, int]:
    """How many statements are kept under each key of which anything is withdrawn: it grows when one is sent again."""
    return {row["patient_key"]: row["held"] for row in await connection.fetch(QUERIES["count_held"])}


async def every_chunk(connection: Connection) -> AsyncIterator[list[StoredStatement]]:
    """Each chunk of the record, decoded: for a proof that something is in none. Within a transaction."""
    async for patient_key, header, body in connection.cursor(QUERIES["every_chunk"], prefetch=ROWS_AT_ONCE):
        yield unpack_folded(header, body, patient_key=patient_key)


async def every_log_row(connection: Connection) -> AsyncIterator[list[StoredStatement]]:
    """Each row of the log, decoded. Within a transaction."""
    async for row in connection.cursor(QUERIES["every_log_row"], prefetch=ROWS_AT_ONCE):
        yield _unpack_row(row, row["patient_key"])


Parts = list[list[StoredStatement]]
Rows = dict[int, list[StoredStatement]]  # by the number of each row of the log


def _all(parts: Parts, rows: Rows) -> list[StoredStatement]:
    """In the order in which they came."""
    return [statement for some in (*parts, *rows.values()) for statement in some]


async def _read(connection: Connection, patient_key: int) -> tuple[Parts, Rows]:
    try:
        return await _decode(connection, patient_key)
    except dictionary.UnknownDictionary:
        await dictionary.load(connection)
        return await _decode(connection, patient_key)


async def _decode(connection: Connection, patient_key: int) -> tuple[Parts, Rows]:
    chunks = await connection.fetch(QUERIES["read_chunks"], patient_key)
    pending = await connection.fetch(QUERIES["read_log"], patient_key)
    parts = [unpack_folded(header, body, patient_key=patient_key) for header, body in chunks]
    return parts, {row["seq"]: _unpack_row(row, patient_key) for row in pending}


def _unpack_row(row: asyncpg.Record, patient_key: int) -> list[StoredStatement]:
    original = OriginalReference(row["original_day"], row["original_seq"])
    said = Said(row["identity_key"], row["source"], original, row["received_at"])
    return unpack(row["header"], row["body"], patient_key=patient_key, said=said)


async def _write(connection: Connection, patient_key: int, parts: Sequence[Part]) -> None:
    packed = [pack_folded(part.statements) for part in parts]
    await connection.execute(
        QUERIES["write_parts"],
        patient_key,
        [part.place.heading for part in parts],
        [part.place.period for part in parts],
        [part.number for part in parts],
        [len(part.statements) for part in parts],
        [header for header, _ in packed],
        [body for _, body in packed],
    )
