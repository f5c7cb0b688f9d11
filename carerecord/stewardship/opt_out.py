"""The National Data Opt-Out follows purpose, not route: research and planning, and nothing else.

https://digital.nhs.uk/services/national-data-opt-out/operational-policy-guidance-document. It never holds up care, nor
what a person asks for themselves, nor what the law demands. The national service is asked outside; its answer comes as
a file of the NHS numbers that have opted out, of which only a keyed hash is kept. The key lies beside the hashes: it
keeps the list from being read or joined with others in passing, not from whoever holds the whole database, where the
numbers of the region's own patients stand anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from carerecord import audit, database
from carerecord.audit.events import NOBODY
from carerecord.model import NHSNumber, Purpose, Staff
from carerecord.stewardship.desk import deed

QUERIES = database.queries(__package__)
SECONDARY = frozenset({Purpose.HRESCH})
LIST_DAYS_MAX = 21  # Judgement, after the national service's own cycle: an older list may have missed somebody.
BATCH = 10_000


def may_export(purpose: Purpose, *, opted_out: bool | None) -> bool:
    """Whether something about a person may leave for this purpose. None: not known, which is no for a secondary use."""
    return purpose not in SECONDARY or opted_out is False


class OptOutList(msgspec.Struct, frozen=True, kw_only=True):
    """Which list is held: how many opted out, since when, and the key of its hashes."""

    hash_key: bytes
    numbers: int
    imported_at: datetime
    imported_by: str

    def is_current(self, *, at: datetime) -> bool:
        return at - self.imported_at <= timedelta(days=LIST_DAYS_MAX)


class NotAList(ValueError):
    """The file is no list of NHS numbers, so nothing was changed: it needs one number on each line and no more."""

    def __init__(self, line: int) -> None:
        super().__init__(f"{NotAList.__doc__} Look at line {line}.")


async def find_list(db: database.Database) -> OptOutList | None:
    row = await db.fetchrow(QUERIES["find_opt_out_list"])
    return OptOutList(**row) if row else None


async def has_opted_out(db: database.Database, nhs_number: str | None, *, at: datetime) -> bool | None:
    """None where it is not known: no number, no list, or a list that is too old."""
    number = NHSNumber.found_in(nhs_number or "")
    held = await find_list(db)
    if number is None or held is None or not held.is_current(at=at):
        return None
    return bool(await db.fetchval(QUERIES["has_opted_out"], _hash(number, key=held.hash_key)))


async def import_list(
    db: database.Database, writer: audit.Writer, lines: Iterable[str], *, hash_key: bytes, by: Staff, at: datetime
) -> OptOutList:
    """The list takes the place of the one before, whole or not at all. Raises NotAList."""
    hashes = sorted({_hash(number, key=hash_key) for number in _numbers(lines)})
    held = OptOutList(hash_key=hash_key, numbers=len(hashes), imported_at=at, imported_by=by.name)
    await writer.witness(
        deed("administered", by, NOBODY, {"what": "opt-out list", "count": len(hashes)}, route="desk-records", at=at)
    )
    async with db.transaction() as connection:
        await connection.execute(QUERIES["empty_opt_outs"])
        for start in range(0, len(hashes), BATCH):
            await connection.execute(QUERIES["add_opt_outs"], hashes[start : start + BATCH])
        await connection.execute(QUERIES["keep_opt_out_list"], hash_key, held.numbers, at, by.name)
    return held


def _numbers(lines: Iterable[str]) -> Iterable[str]:
    for place, line in enumerate(lines, 1):
        said = line.strip().strip(",").strip('"')
        if not said:
            continue
        number = NHSNumber.found_in(said)
        if number is None:
            raise NotAList(place)
        yield number


def _hash(number: str, *, key: bytes) -> bytes:
    return hashlib.blake2b(str(number).encode(), key=key, digest_size=16, person=b"opt-out").digest()
