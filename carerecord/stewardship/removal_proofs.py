"""The proofs that were made of removals: kept, so that a desk shows what a command found. No content."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from carerecord import database
from carerecord.stewardship.proof import Proof

if TYPE_CHECKING:
    from carerecord.database import Database

QUERIES = database.queries(__package__)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One proof: of which removal, made of what, by whom."""

    removal: int
    at: datetime
    of: str  # "the record", or a backup by the name of its file
    by: str
    holds: bool
    proof: Proof


async def keep(db: Database, found: Proof, *, removal: int, of: str, by: str, at: datetime) -> Kept:
    written = msgspec.json.encode(found).decode()
    await db.execute(QUERIES["keep_removal_proof"], removal, at, of, by, found.holds, written)
    return Kept(removal=removal, at=at, of=of, by=by, holds=found.holds, proof=found)


async def list_kept(db: Database, *, limit: int = 500) -> list[Kept]:
    """Newest first."""
    return [
        Kept(
            removal=row["removal"],
            at=row["at"],
            of=row["of"],
            by=row["by"],
            holds=row["holds"],
            proof=msgspec.json.decode(row["proof"], type=Proof),
        )
        for row in await db.fetch(QUERIES["list_removal_proofs"], limit)
    ]


async def bytes_to_decode(db: Database) -> int:
    """How much a proof would have to read."""
    return int(await db.fetchval(QUERIES["bytes_to_decode"]))
