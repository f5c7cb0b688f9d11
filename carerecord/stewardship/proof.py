"""Prove that a removal is complete: everything that is kept is decoded and looked through for what was removed.

Searching compressed bytes would prove nothing. Looked through are every chunk, every row of the log, every original
with the files inside it, and every other column of every table. A hash that is found is a failure. A run of words found
elsewhere is told, since others may have written the same: a copy that somebody should look at, or a form's own words.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from carerecord import database
from carerecord.intake import withdrawn as originals
from carerecord.model import StoredStatement
from carerecord.record import dictionary, rewrite
from carerecord.record.withdrawn import Item, Withdrawn, read_items
from carerecord.stewardship import traces_rules
from carerecord.stewardship.removal_ledger import Entry

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
ROWS_AT_ONCE = 500
# Decoded by their own rooms; the ledger holds the very hashes that are looked for.
STORED = (("record.chunk", ("header", "body")), ("record.log", ("header", "body")), ("intake.original", ("content",)))
DECODED = frozenset(("record.chunk", "record.log", "intake.original", "stewardship.removal", "record.dictionary"))


class Proof(msgspec.Struct, kw_only=True):
    """What was looked through, and what was found."""

    removals: int = 0
    looked_for: int = 0  # hashes
    chunks: int = 0
    log_rows: int = 0
    statements: int = 0
    originals: int = 0
    tables: int = 0
    values: int = 0  # columns of all other tables
    unread: list[str] = []  # tables that whoever looked may not read: a proof as the owner reads them too
    files: int = 0  # dropped files that still lie where they were put
    in_files: dict[str, int] = {}  # raw files in which windows of stored bytes stand, if they were searched
    found: int = 0  # of what must be gone
    found_in: list[str] = []
    same_words: int = 0  # rows of others in which the same eight words stand
    not_completed: int = 0  # removals that are withdrawn and not yet taken out
    not_scrubbed: int = 0  # removals whose files on disk were not written anew

    @property
    def holds(self) -> bool:
        return not self.found and not self.not_completed and not self.in_files


class _Search:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self.proof = Proof(
            removals=len({entry.id for entry in entries}),
            not_completed=sum(entry.completed_at is None for entry in entries),
            not_scrubbed=sum(entry.scrubbed_at is None for entry in entries),
        )
        self.hashes = {each for entry in entries for each in entry.what.hashes}
        self.proof.looked_for = len(self.hashes)
        self._runs = [
            (traces_rules.salt_of(entry.id), frozenset(entry.what.runs)) for entry in entries if entry.what.runs
        ]
        items: dict[int, list[Item]] = {}
        for entry in entries:
            items.setdefault(entry.patient_key, []).extend(read_items(entry.what.items))
        self.withdrawn = {patient_key: Withdrawn(those) for patient_key, those in items.items()}

    def look(self, content: bytes, where: str) -> None:
        if self.hashes & traces_rules.hashes_in(content):
            self.find(where)
        if any(found & traces_rules.runs(traces_rules.texts_in(content), salt=salt) for salt, found in self._runs):
            self.proof.same_words += 1

    def find(self, where: str) -> None:
        self.proof.found += 1
        if where not in self.proof.found_in:
            self.proof.found_in.append(where)


async def prove(db: Database, entries: Sequence[Entry], *, drop_folder: Path | None = None) -> Proof:
    """As the owner, who may read everything; of one instant. Nothing is shown of what is looked through."""
    search = _Search(entries)
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await dictionary.load(connection)
        await _record(connection, search)
        async for message in originals.every_message(connection):
            search.proof.originals += 1
            search.look(message.content, "intake.original")
        await _other_tables(connection, search)
        search.proof.unread = [row["name"] for row in await connection.fetch(QUERIES["unread_tables"])]
    if drop_folder is not None:
        search.proof.files = await asyncio.to_thread(_look_at_files, drop_folder, search)
    return search.proof


async def _record(connection: Connection, search: _Search) -> None:
    async for statements in rewrite.every_chunk(connection):
        search.proof.chunks += 1
        _look_at(statements, "record.chunk", search)
    async for statements in rewrite.every_log_row(connection):
        search.proof.log_rows += 1
        _look_at(statements, "record.log", search)


def _look_at(statements: Sequence[StoredStatement], where: str, search: _Search) -> None:
    search.proof.statements += len(statements)
    for statement in statements:
        search.look(statement.body, where)
        # By its key too: what a source may have worded anew by a byte is not what was removed, the same key is.
        withdrawn = search.withdrawn.get(statement.patient_key)
        if withdrawn is not None and withdrawn.holds(statement):
            search.find(f"{where} by its key")


async def _other_tables(connection: Connection, search: _Search) -> None:
    for name, columns in _by_table(await connection.fetch(QUERIES["columns"])):
        if name in DECODED:
            continue
        search.proof.tables += 1
        query = QUERIES["every_value"].replace(":columns", ", ".join(columns)).replace(":table", name)
        async for row in connection.cursor(query, prefetch=ROWS_AT_ONCE):
            for value in row:
                if value is not None:
                    search.proof.values += 1
                    search.look(value if isinstance(value, bytes) else value.encode(), name)


def _by_table(rows: Iterable[asyncpg.Record]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row["column_name"])
    return sorted(found.items())


def _look_at_files(folder: Path, search: _Search) -> int:
    looked = 0
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            looked += 1
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() in search.hashes:
                    search.find("the folder of dropped documents")
    return looked


PAGE_BYTES = 8192
READ_BYTES = 1024 * PAGE_BYTES


def search_files(folder: Path, windows: Collection[str]) -> dict[str, int]:
    """In which files under a folder windows of stored bytes stand, and how many: live, dead, or in free room. For the
    data folder of a server, once a checkpoint has passed."""
    wanted, found = frozenset(windows), dict[str, int]()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        count = sum(len(traces_rules.windows_found(part, wanted)) for part in _parts_of(path))
        if count:
            found[str(path.relative_to(folder))] = count
    return found


def _parts_of(path: Path) -> Iterator[bytes]:
    """Whole pages at a time: nothing that is stored lies across two. A log may, and so parts overlap."""
    try:
        with path.open("rb") as file:
            before = b""
            while part := file.read(READ_BYTES):
                yield before + part
                before = part[-traces_rules.WINDOW_BYTES - 1 :]
    except FileNotFoundError:  # A server replaces its files as it works.
        return


async def still_held(db: Database, windows: Collection[str]) -> frozenset[str]:
    """Those that stand in rows still lawfully kept: like writes like, and 24 bytes of two letters may be the same."""
    wanted, found = frozenset(windows), set[str]()
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        for name, columns in STORED:
            query = QUERIES["every_value"].replace(":columns", ", ".join(columns)).replace(":table", name)
            async for row in connection.cursor(query, prefetch=ROWS_AT_ONCE):
                for value in row:
                    found |= traces_rules.windows_found(value or b"", wanted)
    return frozenset(found)


async def scrub(db: Database, *, at: datetime, full: bool) -> int:
    """As the owner. Plain: the room of what was removed may be used again. Full: the files are written anew, each table
    locked meanwhile, and nothing of it stands in them. Returns how many tables."""
    tables = [row["name"] for row in await db.fetch(QUERIES["removable_tables"])]
    for name in tables:
        await db.execute(f"{QUERIES['scrub' if full else 'vacuum']} {name}")
    if full:
        await db.execute(QUERIES["scrubbed"], at)
    return len(tables)
