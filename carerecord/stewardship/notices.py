"""Notices: what organisations are told, by a reference and never by who it is about.

A notice waits in an outbox until its organisation reads it. Who it is about is asked for by the reference, witnessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord import database

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What one organisation is told. `sentence` names no patient: it may be sent by any way, and be read by anybody."""

    patient_key: int
    id: int  # random: stands in the reference
    organisation: str  # ODS code of who is told
    kind: str  # objection, recall, ...
    about: str  # what it is about, once for each organisation: "objection 17 weighed"
    sentence: str
    detail: dict[str, Any] = {}  # for whoever read it by its reference: no body, no NHS number
    created_at: datetime
    read_at: datetime | None = None
    read_by: str = ""

    @property
    def reference(self) -> str:
        return reference_of(self.id)


def reference_of(number: int) -> str:
    """As it is written and said on the phone: "07F3-1A2B-3C4D-5E6F"."""
    digits = f"{number:016X}"
    return "-".join(digits[place : place + 4] for place in range(0, 16, 4))


def parse_reference(text: str) -> int | None:
    """The number behind a reference, however it was typed; None where it is none."""
    digits = "".join(text.split()).replace("-", "")
    try:
        return int(digits, 16) if len(digits) == 16 else None
    except ValueError:
        return None


async def tell(database: Database | Connection, notices: Sequence[Notice]) -> list[Notice]:
    """Puts each in the outbox, once for its organisation and what it is about; returns those that are new."""
    told = []
    for notice in notices:
        row = await database.fetchrow(
            QUERIES["tell"],
            notice.patient_key,
            notice.id,
            notice.organisation,
            notice.kind,
            notice.about,
            notice.sentence,
            msgspec.json.encode(notice.detail).decode(),
            notice.created_at,
        )
        if row is not None:
            told.append(notice)
    return told


async def list_notices(
    database: Database, *, organisation: str | None = None, is_read: bool | None = False, limit: int = 200
) -> list[Notice]:
    """What organisations were told, newest first; by default what nobody has read yet."""
    return [_notice(row) for row in await database.fetch(QUERIES["list_notices"], organisation, is_read, limit)]


async def find_notice(database: Database, *, reference: str) -> Notice | None:
    """The notice with this reference. Whoever shows whom it is about witnesses `examined` first."""
    number = parse_reference(reference)
    row = await database.fetchrow(QUERIES["find_notice"], number) if number is not None else None
    return _notice(row) if row else None


async def mark_read(database: Database, notice: Notice, *, by: str, at: datetime) -> bool:
    """False if somebody had read it before."""
    return bool(await database.fetchval(QUERIES["mark_read"], notice.patient_key, notice.id, by, at))


def _notice(row: asyncpg.Record) -> Notice:
    return Notice(
        patient_key=row["patient_key"],
        id=row["id"],
        organisation=row["organisation"],
        kind=row["kind"],
        about=row["about"],
        sentence=row["sentence"],
        detail=msgspec.json.decode(row["detail"]),
        created_at=row["created_at"],
        read_at=row["read_at"],
        read_by=row["read_by"],
    )
