"""The only module of this folder that speaks SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord import database
from carerecord.stewardship.in_force.rules import Row
from carerecord.stewardship.notices import reference_of

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)


async def read_number(db: Database | Connection) -> int:
    """Of the newest row: while it is the same, nothing was agreed."""
    number: int = await db.fetchval(QUERIES["last_number"])
    return number


async def read_standing(db: Database | Connection, *, at: datetime | None = None) -> list[Row]:
    """What stands, or stood at that instant: the newest row of each kind and name."""
    return [_row(row) for row in await db.fetch(QUERIES["read_standing"], at)]


async def list_past(db: Database | Connection, *, most: int) -> list[Row]:
    """Everything that was ever put in force or ended, newest first."""
    return [_row(row) for row in await db.fetch(QUERIES["list_past"], most)]


async def put_in_force(
    connection: Connection, *, proposal: int, kind: str, name: str, content: Mapping[str, Any], is_in_force: bool = True
) -> int:
    """In the commit that agrees: the database refuses what two people did not agree."""
    written = msgspec.json.encode(content).decode()
    number: int = await connection.fetchval(QUERIES["put_in_force"], proposal, kind, name, is_in_force, written)
    return number


async def close_route(
    db: Database | Connection, *, bar: str, because: str, user_id: str, name: str, at: datetime
) -> None:
    await db.fetchval(QUERIES["close_route"], bar, because, user_id, name, at)


async def note_key_uses(db: Database, used: Mapping[tuple[str, str], datetime]) -> None:
    if used:
        whose, kids = zip(*used, strict=True)
        await db.execute(QUERIES["note_key_uses"], list(whose), list(kids), list(used.values()))


async def read_key_uses(db: Database) -> dict[tuple[str, str], datetime]:
    return {(row["whose"], row["kid"]): row["last_at"] for row in await db.fetch(QUERIES["list_key_uses"])}


def _row(row: asyncpg.Record) -> Row:
    return Row(
        number=row["number"],
        kind=row["kind"],
        name=row["name"],
        is_in_force=row["is_in_force"],
        content=msgspec.json.decode(row["content"]),
        because=row["because"],
        asked_by_name=row["asked_by_name"],
        agreed_by_name=row["agreed_by_name"],
        reference=reference_of(row["proposal"]) if row["proposal"] is not None else "",
        at=row["at"],
    )
