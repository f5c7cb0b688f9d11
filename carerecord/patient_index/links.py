"""An operator's hand: undo a link, or make one. Each leaves a judgement with the operator's reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from carerecord.model import OriginalReference
from carerecord.patient_index import store
from carerecord.patient_index.book import Book
from carerecord.patient_index.values import Known

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

UNLINKED = "unlinked"
LINKED = "linked"


class LinkRefused(Exception):
    """The link cannot be changed so: the sentence says why and what to do."""


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """One identity of a person, and by which judgement it came to be theirs."""

    patient_key: int  # of the person it is now
    identity_key: int
    source: str
    number: str  # the source's own
    seq: int
    at: datetime
    rule: str
    original: OriginalReference | None


async def read_links(db: Database, home_key: int, identity_key: int) -> list[Linked]:
    """Everybody who is one person with this identity, it too, in the order in which they came to be."""
    return [
        Linked(
            patient_key=row["person_key"],
            identity_key=row["identity_key"],
            source=row["source"],
            number=row["value"],
            seq=row["seq"],
            at=row["at"],
            rule=row["rule"],
            original=OriginalReference(row["original_day"], row["original_seq"]) if row["original_day"] else None,
        )
        for row in await store.read_links(db, home_key, identity_key)
    ]


async def unlink(
    connection: Connection,
    patient_key: int,
    identity_key: int,
    *,
    by: str,
    reason: str,
    at: datetime,
    random_key: Callable[[], int],
) -> int:
    """Undo how an identity came to this person; returns the key of the person it is now. No row of the record moves.

    Its NHS number, if it has one, no longer counts as verified, and no message by itself brings it back.
    """
    book, known = await _read(connection, patient_key, identity_key, random_key)
    if len(book.people[patient_key]) == 1:
        raise LinkRefused("This identity is the whole person: there is nothing to separate it from.")
    came = await store.find_last_link(connection, known)
    before = came["from_person_key"] if came else None
    if before is not None:
        book.learn(await store.find_members(connection, [before]))
    held = book.verified_numbers(before) if before is not None else set()
    goes_back = before is not None and not (held and known.nhs_number and known.nhs_number not in held)
    book.move(
        known,
        before if before is not None and goes_back else random_key(),
        rule=UNLINKED,
        reasons=(reason,),
        at=at,
        by=by,
    )
    if known.is_verified:
        known.is_verified, known.has_new_number, known.replaced_at = False, True, at
    await store.write(connection, book)
    return known.person_key


async def link(
    connection: Connection,
    patient_key: int,
    identity_key: int,
    *,
    to: int,
    by: str,
    reason: str,
    at: datetime,
    random_key: Callable[[], int],
) -> None:
    """Make an identity part of another person. Two different verified NHS numbers are never brought together."""
    book, known = await _read(connection, patient_key, identity_key, random_key)
    book.learn(await store.find_members(connection, [to]))
    if not book.people.get(to):
        raise LinkRefused("There is no person to link to under that key: find the person again.")
    held = book.verified_numbers(to)
    own = {known.nhs_number} if known.is_verified else set()
    if len(held | own) > 1:
        raise LinkRefused("The two hold different verified NHS numbers: they are never linked here; ask the senders.")
    if own and len(book.people[patient_key]) > 1:
        raise LinkRefused("Others hold this identity's NHS number with it: separate it from them first.")
    book.move(known, to, rule=LINKED, reasons=(reason,), at=at, by=by)
    if known.nhs_number and known.nhs_number in held and not known.is_verified:
        known.is_verified, known.has_new_number, known.replaced_at = True, True, at
    await store.write(connection, book)


async def _read(
    connection: Connection, patient_key: int, identity_key: int, random_key: Callable[[], int]
) -> tuple[Book, Known]:
    await store.lock_links(connection)
    book = Book(random_key)
    book.learn(await store.find_members(connection, [patient_key]))
    known = book.people.get(patient_key, {}).get(identity_key)
    if known is None:
        raise LinkRefused("This identity is not part of that person now: look again before changing a link.")
    if known.nhs_number:
        await store.lock_numbers(connection, [known.nhs_number])
    return book, known
