"""Verify the audit: walk every chain and name what was changed, taken out, put in, moved or cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from carerecord import database
from carerecord.audit.chain import Row
from carerecord.audit.walk import Finding, Head, Walk
from carerecord.database import Database

QUERIES = database.queries(__package__)

ROWS_AT_ONCE: Final = 5_000


class Report(msgspec.Struct, frozen=True, kw_only=True):
    streams: int
    events: int
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        return not self.findings


async def verify(db: Database, *, stream: int | None = None, progress: Callable[[int], None] | None = None) -> Report:
    """Reads the audit as it stood at one instant; `progress` is told now and then how many events were walked."""
    events = 0
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        heads = await connection.fetch(QUERIES["read_heads"], stream)
        walks = {head["stream"]: Walk(head["stream"], Head(head["head_seq"], head["head_hash"])) for head in heads}
        cursor = await connection.cursor(QUERIES["read_events"], stream)
        while rows := await cursor.fetch(ROWS_AT_ONCE):
            for record in rows:
                row = Row._make(record[:14])
                walk = walks.get(row.stream) or walks.setdefault(row.stream, Walk(row.stream, None))
                walk.take(row, record[14])
            events += len(rows)
            if progress:
                progress(events)
    findings = [finding for _, walk in sorted(walks.items()) for finding in walk.end()]
    return Report(streams=len(walks), events=events, findings=tuple(findings))
