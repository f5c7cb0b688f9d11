"""What was asked of the policies, counted by kind of question and never by patient, to replay under other policies."""

from __future__ import annotations

from datetime import datetime

import msgspec

from carerecord import database

QUERIES = database.queries(__package__)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of question that was decided, and how many looks asked it."""

    role: str
    organisation: str
    assurance: int
    activities: tuple[str, ...]
    evidence: str
    purpose: str
    route: str
    was_opened: bool
    looks: int


async def list_asked(db: database.Database, *, since: datetime, until: datetime) -> list[Asked]:
    """Every kind of question of that time, the most frequent first. As `witness`."""
    rows = await db.fetch(QUERIES["list_asked"], since, until)
    return [Asked(**{**dict(row), "activities": tuple(row["activities"])}) for row in rows]
