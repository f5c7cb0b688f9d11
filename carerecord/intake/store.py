"""Originals, their keys and their replays in the database: the only module of this room that speaks SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from carerecord import database
from carerecord.intake.values import Heard, Kept
from carerecord.model import OriginalReference, Outcome, Problem
from carerecord.patient_index import NOTHING_REPLACED, Replaced
from carerecord.record.dictionary import ORIGINALS, compress

if TYPE_CHECKING:
    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
FORMATS = {"hl7v2": 1, "fhir": 2, "document": 3}  # Stored: only add.
_read_problems = msgspec.json.Decoder(tuple[Problem, ...]).decode
_encode = msgspec.json.Encoder().encode


class SentBefore(Exception):
    """Some of a batch were kept before: nothing of it was kept now, and those are answered from the first."""


def read_problems(stored: bytes | None) -> tuple[Problem, ...]:
    return _read_problems(stored) if stored else ()


async def take_numbers(db: Database, count: int) -> list[int]:
    return [row["seq"] for row in await db.fetch(QUERIES["take_numbers"], count)]


async def keep(
    connection: Connection,
    batch: Sequence[tuple[Heard, Kept]],
    *,
    newer: Sequence[tuple[object, ...]],
    replaced: Replaced = NOTHING_REPLACED,
    appended: Sequence[tuple[object, ...]],
    involved: Sequence[tuple[object, ...]],
) -> None:
    """Keeps a batch whole or not at all. Raises SentBefore if the key of any of them is there already."""
    # One after the other while the compressor's tables are near: apart from each other it takes twice as long.
    packed = [heard.packed or compress(heard.content, dictionary=ORIGINALS) for heard, _ in batch]
    arriving = [
        (
            kept.reference.day,
            kept.reference.seq,
            heard.source,
            heard.control_id,
            FORMATS[heard.format],
            content,
            heard.content_hash,
            heard.received_at,
            kept.outcome.value,
            heard.message_type,
            _encode(kept.problems) if kept.problems else None,
            kept.patient_key,
            kept.identity_key,
        )
        for (heard, kept), content in zip(batch, packed, strict=True)
    ]
    try:
        await connection.execute(QUERIES["keep"], arriving, newer, appended, *replaced, involved)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "message_key_pkey":
            raise SentBefore from error
        raise


async def involve(connection: Connection, involved: Sequence[tuple[object, ...]]) -> None:
    await connection.execute(QUERIES["involve"], involved)


async def find_first(connection: Connection, batch: Sequence[Heard]) -> dict[tuple[str, str, bytes], Kept]:
    rows = await connection.fetch(
        QUERIES["find_first"],
        [heard.source for heard in batch],
        [heard.control_id for heard in batch],
        [heard.content_hash for heard in batch],
    )
    return {
        (row["source"], row["control_id"], row["content_hash"]): Kept(
            reference=OriginalReference(row["day"], row["seq"]),
            outcome=Outcome(row["outcome"]),
            problems=read_problems(row["problems"]),
            patient_key=row["patient_key"],
            identity_key=row["identity_key"],
            received_at=row["received_at"],
            is_repeat=True,
        )
        for row in rows
    }


async def list_unsettled(
    db: Database, outcome: str | None, source: str | None, since: datetime | None, limit: int
) -> list[asyncpg.Record]:
    return await db.fetch(QUERIES["list_unsettled"], outcome, source, since, limit)


async def find_original(connection: Connection | Database, reference: OriginalReference) -> asyncpg.Record | None:
    return await connection.fetchrow(QUERIES["find_original"], reference.day, reference.seq)


async def find_patient(db: Database, reference: OriginalReference) -> int | None:
    found: int | None = await db.fetchval(QUERIES["find_patient"], reference.day, reference.seq)
    return found


async def find_identity(db: Database, reference: OriginalReference) -> tuple[int, int] | None:
    row = await db.fetchrow(QUERIES["find_patient"], reference.day, reference.seq)
    return (row["patient_key"], row["identity_key"]) if row and row["identity_key"] is not None else None


async def list_replays(connection: Connection | Database, reference: OriginalReference) -> list[asyncpg.Record]:
    return await connection.fetch(QUERIES["list_replays"], reference.day, reference.seq)


async def lock_original(connection: Connection, reference: OriginalReference) -> None:
    await connection.execute(QUERIES["lock_original"], reference.day, reference.seq)


async def keep_key(connection: Connection, heard: Heard, reference: OriginalReference) -> OriginalReference:
    """The original that holds this key: the one given, unless the message has come again under that source."""
    if await connection.fetchrow(QUERIES["keep_key"], *heard.key, reference.day, reference.seq):
        return reference
    held = await connection.fetchrow(QUERIES["find_key"], *heard.key)
    return OriginalReference(held["day"], held["seq"]) if held else reference


async def insert_replay(connection: Connection, kept: Kept, *, attempt: int, at: datetime) -> None:
    await connection.execute(
        QUERIES["insert_replay"],
        kept.reference.day,
        kept.reference.seq,
        attempt,
        at,
        kept.outcome.value,
        _encode(kept.problems) if kept.problems else None,
        kept.patient_key,
        kept.identity_key,
    )
