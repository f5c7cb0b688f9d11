"""The ledger of removals outside the database, so that no backup can bring back what was removed.

JSON lines, on disk before the database changes. It holds keys and hashes, who decided and why: no content. Keep a copy
where the backups are kept.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from carerecord import database
from carerecord.intake.withdrawn import Key
from carerecord.settings import Settings

if TYPE_CHECKING:
    from carerecord.database import Database

QUERIES = database.queries(__package__)
FILE_NAME = "removal-ledger.jsonl"


class LedgerDamaged(Exception):
    """The ledger of removals cannot be read: the sentence says which line. Restore it from its copy."""


class RemovalsMissing(Exception):
    """The ledger holds removals that this database does not: nothing is heard or shown before they are done again."""


class What(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By which keys a removal is carried out, and by which hashes it is proven."""

    items: bytes = b""  # as record.withdrawn packs them
    identities: tuple[int, ...] = ()
    subjects: tuple[tuple[int, datetime], ...] = ()  # whose demographics an original may have changed when it came
    keys: tuple[Key, ...] = ()  # of the originals
    given_back: tuple[str, ...] = ()  # misfiled originals that wait again for whose they are
    hashes: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()  # of windows of the bytes as they were stored


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One removal under one key. Those of one decision have the same id."""

    patient_key: int
    id: int
    authority: str
    target: str
    source: str
    reason: str
    asked_by: str
    agreed_by: str
    withdrawn_at: datetime
    completed_at: datetime | None = None
    scrubbed_at: datetime | None = None
    what: What
    counts: dict[str, int]

    @property
    def key(self) -> tuple[int, int]:
        return self.patient_key, self.id


def path_of(settings: Settings) -> Path:
    return Path(settings.removal_ledger) if settings.removal_ledger else settings.home / FILE_NAME


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Adds lines, and returns once they are on the disk: all of them, or none and OSError, as where it is full."""
    lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
    if not lines:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            lines = b"\n" + lines  # A line that a crash cut short stays alone.
        try:
            while lines:
                lines = lines[os.write(file, lines) :]  # A disk that fills up takes a part of it first.
            os.fsync(file)
        except OSError as refused:
            os.ftruncate(file, size)
            raise OSError(refused.errno, refused.strerror, str(path)) from refused
    finally:
        os.close(file)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> list[Entry]:
    """Every removal as it was last said of, in the order in which they were first. No file: no removal."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    known: dict[tuple[int, int], Entry] = {}
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except msgspec.MsgspecError as error:
            if _is_cut_short(line):
                continue  # Its removal was not begun: the line comes first.
            raise LedgerDamaged(f"{path}, line {number} cannot be read: restore the ledger from its copy.") from error
        known[entry.key] = entry
    return list(known.values())


def _is_cut_short(line: bytes) -> bool:
    return line.startswith(b"{") and not line.endswith(b"}")


async def find_missing(db: Database, entries: Sequence[Entry]) -> list[Entry]:
    """Those of which this database knows nothing: it was restored from a backup that is older."""
    keys = [entry.key for entry in entries]
    rows = await db.fetch(QUERIES["known_removals"], [key for key, _ in keys], [number for _, number in keys])
    known = {(row["patient_key"], row["id"]) for row in rows}
    return [entry for entry in entries if entry.key not in known]


async def check(db: Database, settings: Settings) -> None:
    """Before anything is heard or shown. Raises RemovalsMissing. A process that may not read the file relies on
    whoever started it, who checked."""
    path = path_of(settings)
    try:
        entries = read(path)
    except PermissionError:
        return
    if entries and (missing := await find_missing(db, entries)):
        raise RemovalsMissing(
            f"The ledger holds {len(missing)} removals that this database does not: it was restored without "
            "them. Run `carerecord removal replay`, then start again."
        )
