"""Forget an identity lawfully: its demographics, its names and numbers, and why it was held to be whom it was."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from carerecord.model import Subject
from carerecord.patient_index.store import QUERIES, read_subject

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]


class KnownIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What the index holds of one identity."""

    patient_key: int  # under which its rows are kept
    identity_key: int
    person_key: int  # whom it is part of now
    source: str
    value: str
    nhs_number: str | None
    subject: Subject
    said_at: datetime


async def find_identities_of_person(connection: Connection, person_key: int) -> list[KnownIdentity]:
    """Everybody who is this person now."""
    return [_known(row) for row in await connection.fetch(QUERIES["identities_of_person"], person_key)]


async def find_identities_of_source(
    connection: Connection | Database, source: str, *, silent_since: datetime | None = None
) -> list[KnownIdentity]:
    """Every identity that a source speaks of; with a time, only those of whom it said nothing since."""
    return [_known(row) for row in await connection.fetch(QUERIES["identities_of_source"], source, silent_since)]


async def find_identity(connection: Connection, patient_key: int, identity_key: int) -> KnownIdentity | None:
    row = await connection.fetchrow(QUERIES["identity_of_keys"], patient_key, identity_key)
    return _known(row) if row else None


async def forget_identities(connection: Connection, patient_key: int, identities: Collection[int]) -> int:
    """Inside the caller's transaction; how many there were. What other sources say of the person stays."""
    gone = await connection.fetchval(QUERIES["forget_identities"], patient_key, sorted(identities))
    return int(gone)


async def take_back_subject(connection: Connection, patient_key: int, identity_key: int, received_at: datetime) -> None:
    """What a message received then changed of an identity's demographics is as it was before it."""
    await connection.execute(QUERIES["take_back_subject"], patient_key, identity_key, received_at)


async def forget_relationships(connection: Connection, patient_key: int, local_ids: Collection[str]) -> None:
    """Who is involved by statements that are withdrawn."""
    await connection.execute(QUERIES["forget_relationships"], patient_key, sorted(local_ids))


def _known(row: asyncpg.Record) -> KnownIdentity:
    return KnownIdentity(
        patient_key=row["patient_key"],
        identity_key=row["identity_key"],
        person_key=row["person_key"],
        source=row["source"],
        value=row["value"],
        nhs_number=row["nhs_number"],
        subject=read_subject(row["subject"]),
        said_at=row["said_at"],
    )
