"""Verify the audit: hold every event against its chain and its seal, and name what does not fit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from carerecord import database
from carerecord.audit.chain import COLUMNS, Row, unsaid
from carerecord.audit.keys import Jwk
from carerecord.audit.sealed import Sealed, check_seals
from carerecord.audit.sealed_walk import SealedWalk
from carerecord.audit.seals import Folder, SignedSeal, seals_within
from carerecord.audit.walk import Fault, Finding, Head
from carerecord.database import Database

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)

ROWS_AT_ONCE: Final = 5_000
WIDTH: Final = len(COLUMNS)  # behind which the hash stands


class Report(msgspec.Struct, frozen=True, kw_only=True):
    streams: int
    events: int
    seals: int = 0
    sealed_events: int = 0
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        return not self.findings


class _Unsaid(NamedTuple):
    """The first event that says a text which is not there as it was said, and how many say it."""

    row: Row
    column: str
    events: int


class Verification:
    """Rows in, in order of stream and number; a report out. Knows no database, so that it works on an export too."""

    def __init__(self, sealed: Sealed, heads: Mapping[int, Head], *, stream: int | None = None) -> None:
        self._sealed = sealed
        self._heads = heads
        self._events = 0
        self._streams = {*heads, *sealed.streams}
        if stream is not None:
            self._streams &= {stream}
        self._walks: dict[int, SealedWalk] = {}
        self._unsaid: dict[tuple[object, ...], _Unsaid] = {}  # by the text that is not there
        for each in self._streams:
            self._walk(each)

    def take(self, rows: Iterable[tuple[Row, bytes]]) -> int:
        """Gives how many events were taken so far."""
        walks, count = self._walks, 0
        for row, stored in rows:
            walk = walks.get(row.stream) or self._walk(row.stream)
            walk.take(row, stored)
            if row.manner is not None and (column := unsaid(row)):
                self._miss(row, column)
            count += 1
        self._events += count
        return self._events

    def report(self, findings: Iterable[Finding] = ()) -> Report:
        walks = [walk for _, walk in sorted(self._walks.items())]
        places = [place for walk in walks for place in walk.close()]
        found = [finding for walk in walks for finding in walk.findings(places)]
        # Of an event that was itself changed or moved, that its texts are not where it stands now says nothing more.
        named = {(finding.stream, finding.seq) for finding in found}
        missed = [each for each in self._unsaid.values() if each.events > 1 or (each.row[1:3] not in named)]
        found += [_text_finding(each) for each in missed]
        return Report(
            streams=len(walks),
            events=self._events,
            seals=self._sealed.seals,
            sealed_events=self._sealed.events,
            findings=(*findings, *found),
        )

    def _miss(self, row: Row, column: str) -> None:
        """A text stands once, and so is named once, with the first event that says it."""
        digest = row.manner if column == "staff" else (row.patient_key, row.grounds)
        key = row.stream, row.recorded_at.year, row.recorded_at.month, digest
        before = self._unsaid.get(key)
        self._unsaid[key] = before._replace(events=before.events + 1) if before else _Unsaid(row, column, 1)

    def _walk(self, stream: int) -> SealedWalk:
        sealed = self._sealed
        walk = SealedWalk(sealed.stream(stream), self._heads.get(stream), all_before=sealed.all_before)
        made = self._walks[stream] = walk
        return made


async def verify(
    db: Database,
    *,
    stream: int | None = None,
    seals: Folder | None = None,
    trusted: Sequence[Jwk] = (),
    known: Iterable[SignedSeal] = (),
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Reads the audit as it stood at one instant; `progress` is told now and then how many events were walked.

    Without `seals` only the chains are walked, which whoever may write to the database can make anew. `known` are seals
    that were given out earlier, and must stand there still.
    """
    # Seals are made meanwhile. What the database knows of them is asked before the folder is read, and events after it:
    # what comes later may then know more, and never less.
    copy = await db.fetchrow(QUERIES["read_last_seal"]) if seals else None
    copies = seals_within(copy["signed"].encode()) if copy else []
    sealed, findings = check_seals(seals, trusted, known=[*known, *copies]) if seals else (Sealed(), [])
    if copy and [each.seal.number for each in copies] != [copy["number"]]:
        sentence = "The database's copy of this seal is none: it was changed."
        findings.append(Finding(fault=Fault.SEAL, stream=0, seq=copy["number"], sentence=sentence))
    async with instant(db) as connection:
        heads = {
            head["stream"]: Head(head["head_seq"], head["head_hash"])
            for head in await connection.fetch(QUERIES["read_heads"], stream)
        }
        verification = Verification(sealed, heads, stream=stream)
        cursor = await connection.cursor(QUERIES["read_events"], stream)
        while records := await cursor.fetch(ROWS_AT_ONCE):
            events = verification.take((Row._make(record[:WIDTH]), record[WIDTH]) for record in records)
            if progress:
                progress(events)
    return verification.report(findings)


def _text_finding(missed: _Unsaid) -> Finding:
    row, column, events = missed
    what = "its staff or decision" if column == "staff" else "its evidence"
    is_gone = row.staff is None if column == "staff" else row.evidence is None
    how = "was taken out" if is_gone else "was changed after it was written"
    others = f"; {events - 1} more say the same" if events > 1 else ""
    return Finding(
        fault=Fault.TEXT,
        stream=row.stream,
        seq=row.seq,
        patient_key=row.patient_key,
        column=column,
        sentence=f"Event {row.seq} says {what} by a text that {how}{others}.",
    )


async def is_sealed(db: Database, seals: Folder) -> bool:
    """Whether anything was ever sealed, as the folder or the database knows."""
    return any(seals.path.glob("*.seals")) or bool(await db.fetchval(QUERIES["has_seals"]))


@asynccontextmanager
async def instant(db: Database) -> AsyncIterator[Connection]:
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection
