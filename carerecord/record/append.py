"""Append what messages said to the log of their patients, inside the transaction that keeps the originals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import msgspec

from carerecord import database
from carerecord.model import OriginalReference, Statement
from carerecord.record.chunk import pack_each

if TYPE_CHECKING:
    import asyncpg

QUERIES = database.queries(__package__)

ROW_STATEMENTS_MAX: Final = 1000  # A message with more becomes several rows: one row must stay cheap to move.


class LogRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one original said of one identity, and under which key it is kept."""

    patient_key: int
    identity_key: int
    source: str
    original: OriginalReference
    received_at: datetime
    statements: Sequence[Statement]


async def append(connection: asyncpg.Connection[asyncpg.Record], rows: Iterable[LogRow]) -> None:
    """All rows of a batch in one statement."""
    if packed := pack_rows(rows):
        await connection.execute(QUERIES["append_rows"], packed)


def pack_rows(rows: Iterable[LogRow]) -> list[tuple[object, ...]]:
    """What the log is given, in the order of its keys; a row without statements is none.

    By patient, so that each leaf of the index is touched once; sorting keeps the order of one patient's rows.
    """
    parts = [
        (row, row.statements[first : first + ROW_STATEMENTS_MAX])
        for row in sorted(rows, key=_patient_key)
        for first in range(0, len(row.statements), ROW_STATEMENTS_MAX)
    ]
    return [
        (
            row.patient_key,
            row.identity_key,
            row.source,
            row.original.day,
            row.original.seq,
            row.received_at,
            len(part),
            *packed,
        )
        for (row, part), packed in zip(parts, pack_each([part for _, part in parts]), strict=True)
    ]


_patient_key = attrgetter("patient_key")
