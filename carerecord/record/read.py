"""Read what is kept of a person, with the witness in hand: without one the database gives nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from carerecord import database
from carerecord.database import Database
from carerecord.model import OriginalReference, Person, StoredStatement
from carerecord.record import dictionary
from carerecord.record.chunk import Said, as_they_read, unpack, unpack_folded
from carerecord.record.withdrawn import Item, Withdrawn, read_items

if TYPE_CHECKING:
    import asyncpg

QUERIES = database.queries(__package__)


class Witness(Protocol):
    """The committed event by which this patient was opened."""

    @property
    def patient_key(self) -> int: ...
    @property
    def stream(self) -> int: ...
    @property
    def seq(self) -> int: ...


class NotWitnessed(PermissionError):
    """Nothing was read: the witness is missing, of another patient or session, or a minute old. Open it again."""


class KeptOriginal(msgspec.Struct, frozen=True, kw_only=True):
    """An original, byte for byte as it arrived."""

    reference: OriginalReference
    source: str
    message_type: str
    received_at: datetime
    content: bytes


async def read_statements(db: Database, *, witness: Witness, person: Person) -> list[StoredStatement]:
    """Every version of every statement about the person's identities, folded or still in the log, in no set order."""
    if witness.patient_key != person.patient_key:
        raise NotWitnessed
    statements: list[StoredStatement] = []
    for home_key in sorted(set(person.identities.values())):
        rows = await db.fetch(
            QUERIES["read_witnessed"], person.patient_key, witness.stream, witness.seq, home_key, database.shown_key()
        )
        # The first row, and it alone, says that the witness stands: an empty record must not look like a refused one.
        if not rows or rows[0][0] is not None:
            raise NotWitnessed
        identities = frozenset(identity for identity, home in person.identities.items() if home == home_key)
        found = await _unpack_all(db, rows[1:], home_key, identities)
        # What is withdrawn is gone from this very look on, though it may not have been taken out yet.
        statements += Withdrawn(read_items(rows[0]["header"])).left(found) if rows[0]["header"] else found
    return statements


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of all that were ever part of a person, and what is no longer given to anybody."""

    statements: list[StoredStatement]
    withdrawn: tuple[Item, ...]


async def read_examined(db: Database, *, witness: Witness, patient_key: int, identities: Mapping[int, int]) -> Examined:
    """For a steward who makes again what was seen: `identities` may have left the person since, or joined it."""
    if witness.patient_key != patient_key:
        raise NotWitnessed
    statements: list[StoredStatement] = []
    items: list[Item] = []
    for home_key in sorted(set(identities.values())):
        rows = await db.fetch(QUERIES["read_examined"], patient_key, witness.stream, witness.seq, home_key)
        if not rows or rows[0][0] is not None:
            raise NotWitnessed
        found = await _unpack_all(
            db, rows[1:], home_key, frozenset(each for each, home in identities.items() if home == home_key)
        )
        gone = read_items(rows[0]["header"] or b"")
        items += gone
        statements += Withdrawn(gone).left(as_they_read(found))
    return Examined(statements=statements, withdrawn=tuple(items))


async def read_original_examined(
    db: Database, *, witness: Witness, patient_key: int, reference: OriginalReference
) -> KeptOriginal | None:
    """The original, if it is about anybody who was ever part of this person; else nothing."""
    row = await db.fetchrow(
        QUERIES["read_original_examined"], patient_key, witness.stream, witness.seq, reference.day, reference.seq
    )
    return await _kept(db, row, reference) if row else None


async def recorded_later(db: Database, references: Collection[OriginalReference]) -> dict[OriginalReference, datetime]:
    """When each of these came into the record, of those that waited in the inbox first."""
    ordered = sorted(references)
    rows = await db.fetch(
        QUERIES["list_recorded_later"], [each.day for each in ordered], [each.seq for each in ordered]
    )
    return {OriginalReference(row["day"], row["seq"]): row["at"] for row in rows}


async def read_original(
    db: Database, *, witness: Witness, person: Person, reference: OriginalReference
) -> KeptOriginal | None:
    """The original, if it was about this person and the witness stands; else nothing."""
    if witness.patient_key != person.patient_key:
        return None
    row = await db.fetchrow(
        QUERIES["read_original_witnessed"],
        person.patient_key,
        witness.stream,
        witness.seq,
        reference.day,
        reference.seq,
        database.shown_key(),
    )
    return await _kept(db, row, reference) if row else None


async def find_removed(db: Database, *, person: Person, reference: OriginalReference) -> datetime | None:
    """When this message was lawfully removed, which said something of this person that stays."""
    found: datetime | None = await db.fetchval(
        QUERIES["find_removed"], person.patient_key, reference.day, reference.seq
    )
    return found


async def _kept(db: Database, row: asyncpg.Record, reference: OriginalReference) -> KeptOriginal:
    try:
        content = dictionary.decompress(row["content"])
    except dictionary.UnknownDictionary:
        await dictionary.load(db)
        content = dictionary.decompress(row["content"])
    return KeptOriginal(
        reference=reference,
        source=row["source"],
        message_type=row["message_type"],
        received_at=row["received_at"],
        content=content,
    )


async def _unpack_all(
    db: Database, rows: Sequence[asyncpg.Record], home_key: int, identities: frozenset[int]
) -> list[StoredStatement]:
    try:
        return _unpack(rows, home_key, identities)
    except dictionary.UnknownDictionary:
        await dictionary.load(db)
        return _unpack(rows, home_key, identities)


def _unpack(rows: Sequence[asyncpg.Record], home_key: int, identities: frozenset[int]) -> list[StoredStatement]:
    statements: list[StoredStatement] = []
    for is_log, identity_key, source, day, seq, received_at, header, body in rows:
        if not is_log:
            statements += unpack_folded(header, body, patient_key=home_key, identities=identities)
        elif identity_key in identities:
            said = Said(identity_key, source, OriginalReference(day, seq), received_at)
            statements += unpack(header, body, patient_key=home_key, said=said)
    return statements
