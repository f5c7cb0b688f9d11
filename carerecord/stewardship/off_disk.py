"""Bytes off the disk: what a removal took out leaves the free room of the files too, by night and before a day is over.

A deleted row's bytes stay in its page until something is written over them. A table that is small enough is written
anew: nobody reads it for moments, and nothing of the row is left in it or in its indexes. In a larger one nobody has to
wait: its free room is overwritten by rows of nothing that are undone. Tables whose indexes hold names and numbers
(`patient_index`) cannot be overwritten so: beyond the limit they wait for a person's hand, and the desk says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec

from carerecord import audit, database
from carerecord.model import OriginalReference
from carerecord.stewardship import removal
from carerecord.stewardship.removal_ledger import Entry

if TYPE_CHECKING:
    from carerecord.database import Database
    from carerecord.settings import Settings

QUERIES = database.queries(__package__)
DEADLINE: Final = timedelta(hours=24)  # from the withdrawal
AT_ANY_HOUR: Final = timedelta(hours=18)  # after it, the night is not waited for
MEBIBYTE: Final = 1024 * 1024
ENTRIES_MAX: Final = 10_000
ROWS_MAX: Final = 65_536  # of nothing in one statement: the longest that vacuum is held up by it
# Largest first, so that each fills what the larger left. In line a row is at most 2 KB; out of line a piece is 1,996
# bytes, and a shorter last piece finds its room among the sizes after.
_IN_LINE: Final = (1900, 1400, 1000, 700, 500, 350, 240, 160, 110, 70, 40, 16, 1)
_OUT_OF_LINE: Final = (4 * 1996, 1960, 1800, 1600, 1400, 1200)
_OUT_OF_LINE_OF_ORIGINALS: Final = (4 * 1996, 1990)  # they have no second column that could go out of line
_OF_PERSONS: Final = ("identity", "identifier", "nhs_number", "member", "judgement", "earlier", "relationship")


class NotNow(Exception):
    """The lock is not to be had, or somebody still reads an older state: try again later."""


class WrittenAnew(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose free room held nothing of what was taken out before `began_at`."""

    name: str
    began_at: datetime
    how: str
    bytes: int
    locked_ms: int


def hours_of(text: str) -> frozenset[int]:
    """`1-5`: the hours of UTC in which it may be done; "" is any. Raises ValueError."""
    if not text:
        return frozenset(range(24))
    first, _, last = text.partition("-")
    begins, ends = int(first), int(last or first)
    if not (0 <= begins <= 23 and 0 <= ends <= 23):
        raise ValueError(f"{text} names no hours of a day: write them as 1-5.")
    return frozenset((begins + each) % 24 for each in range((ends - begins) % 24 + 1))


def is_time(entries: Iterable[Entry], *, hours: frozenset[int], at: datetime) -> bool:
    """In the hours named, or when any of them would be late."""
    return at.astimezone(UTC).hour in hours or any(at - entry.withdrawn_at >= AT_ANY_HOUR for entry in entries)


def tables_of(entry: Entry) -> frozenset[str]:
    """Where the bytes of a removal may lie: of originals only the months that it took any from."""
    found: set[str] = set()
    if entry.what.items:
        found |= {"record.log", "record.chunk", "patient_index.relationship"}
    if entry.what.keys:
        found |= {"intake.replay", "intake.original_default"}
        days = (OriginalReference.parse(key.reference).day for key in entry.what.keys)
        found |= {f"intake.original_{day:%Y_%m}" for day in days}
    if entry.what.identities or entry.what.subjects:
        found |= {f"patient_index.{name}" for name in _OF_PERSONS}
    return frozenset(found)


async def take_off(db: Database, chosen: Settings, *, at: datetime) -> int:
    """One table that is due, or nothing; then those removals of which no table is left. How many those are."""
    entries = await _unscrubbed(db)
    if not entries or not is_time(entries, hours=hours_of(chosen.removal_hours), at=at):
        return 0
    sizes = {row["name"]: row["bytes"] for row in await db.fetch(QUERIES["removable_tables"])}
    written = {each.name: each.began_at for each in await list_written(db)}
    wanted = _wanted(entries, sizes)
    for name in sorted(wanted, key=lambda name: sizes[name]):
        if name in written and written[name] > wanted[name]:
            continue
        try:
            await _write(db, name, chosen, since=wanted[name], size=sizes[name], at=at)
        except (NotNow, asyncpg.LockNotAvailableError):
            continue
        break
    return await _finish(db, entries, sizes, at=at)


async def list_written(db: Database) -> list[WrittenAnew]:
    return [WrittenAnew(**row) for row in await db.fetch(QUERIES["list_written_anew"])]


async def _unscrubbed(db: Database) -> list[Entry]:
    rows = await db.fetch(QUERIES["unscrubbed_removals"], ENTRIES_MAX)
    return [removal.entry_of(row) for row in rows]


def _wanted(entries: Iterable[Entry], sizes: Iterable[str]) -> dict[str, datetime]:
    """Each table that must be written, and since when."""
    known = frozenset(sizes)
    found: dict[str, datetime] = {}
    for entry in entries:
        for name in tables_of(entry) & known:
            if entry.completed_at is not None:
                found[name] = max(found.get(name, entry.completed_at), entry.completed_at)
    return found


async def _write(db: Database, name: str, chosen: Settings, *, since: datetime, size: int, at: datetime) -> None:
    if await db.fetchval(QUERIES["is_still_seen"], since):
        raise NotNow
    bytes_max = chosen.removal_lock_mebibytes_max * MEBIBYTE
    locked_ms = await db.fetchval(QUERIES["write_anew"], name, bytes_max)
    if locked_ms is not None:
        await db.execute(QUERIES["keep_written_anew"], name, at, "anew", size, locked_ms)
        return
    if not _can_be_overwritten(name) or not await _is_vacuumed(db, name, since=since):
        raise NotNow
    await overwrite(db, name, size=size)
    await db.execute(QUERIES["vacuum_soon"], name, False)
    await db.execute(QUERIES["keep_written_anew"], name, at, "overwritten", size, 0)


def _can_be_overwritten(name: str) -> bool:
    return name in ("record.log", "record.chunk") or name.startswith("intake.original")


async def _is_vacuumed(db: Database, name: str, *, since: datetime) -> bool:
    """Only room that vacuum has found is free to be overwritten: asks for it, and comes again."""
    if await db.fetchval(QUERIES["is_vacuumed"], name, since):
        return True
    await db.execute(QUERIES["vacuum_soon"], name, True)
    return False


async def overwrite(db: Database, name: str, *, size: int) -> int:
    """Fills whatever room is free in a table that was vacuumed, size after size, and undoes it. How many rows."""
    out_of_line = _OUT_OF_LINE_OF_ORIGINALS if name.startswith("intake.") else _OUT_OF_LINE
    rows = 0
    for piece, is_inline in [*((each, True) for each in _IN_LINE), *((each, False) for each in out_of_line)]:
        filled, so_far = -1, 0
        while filled < 0 and so_far * piece <= 2 * size:
            filled = int(await db.fetchval(QUERIES["overwrite_free"], name, piece, is_inline, ROWS_MAX))
            so_far += abs(filled)
        rows += so_far
    return rows


async def _finish(db: Database, entries: Sequence[Entry], sizes: Iterable[str], *, at: datetime) -> int:
    """What is in the memory of the server only is not off the disk: a checkpoint must have passed."""
    known = frozenset(sizes)
    off = {row["name"]: row["began_at"] for row in await db.fetch(QUERIES["written_to_disk"])}
    done = [
        entry
        for entry in entries
        if entry.completed_at is not None
        and all(name in off and off[name] > entry.completed_at for name in tables_of(entry) & known)
    ]
    if not done:
        return 0
    async with audit.Writer.open(db) as writer:
        for entry in done:
            await writer.witness(removal.event("administered", entry, step="off the disk", by="the record", at=at))
    keys = [entry.patient_key for entry in done], [entry.id for entry in done]
    await db.execute(QUERIES["off_disk"], *keys, at)
    return len(done)
