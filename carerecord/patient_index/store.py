"""The index in the database: the only module of this room that speaks SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from carerecord import database
from carerecord.model import Subject
from carerecord.patient_index.book import Book
from carerecord.patient_index.values import Judgement, Known, Name

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
_read_subject = msgspec.json.Decoder(Subject).decode
_encoder = msgspec.json.Encoder()


class Replaced(NamedTuple):
    """Identities of whom something else was known until these instants."""

    patient_keys: list[int]
    identity_keys: list[int]
    until_at: list[datetime]


NOTHING_REPLACED = Replaced([], [], [])


def read_subject(stored: bytes) -> Subject:
    return _read_subject(stored)


async def find_identities(connection: Connection, names: Collection[Name]) -> list[tuple[Name, Known]]:
    if not names:
        return []
    ordered = sorted(names)
    systems, values = [system for system, _ in ordered], [value for _, value in ordered]
    return _known(await connection.fetch(QUERIES["find_identities"], systems, values))


async def find_concerned(
    connection: Connection, names: Collection[Name], nhs_numbers: Collection[str]
) -> list[tuple[Name, Known]]:
    ordered = sorted(names)
    return _known(
        await connection.fetch(
            QUERIES["find_concerned"],
            [system for system, _ in ordered],
            [value for _, value in ordered],
            sorted(nhs_numbers),
        )
    )


async def find_members(connection: Connection, person_keys: Collection[int]) -> list[tuple[Name, Known]]:
    if not person_keys:
        return []
    return _known(await connection.fetch(QUERIES["find_members"], sorted(person_keys)))


async def find_last_link(connection: Connection, known: Known) -> asyncpg.Record | None:
    return await connection.fetchrow(QUERIES["find_last_link"], known.home_key, known.identity_key, known.person_key)


async def read_links(db: Database, home_key: int, identity_key: int) -> list[asyncpg.Record]:
    return await db.fetch(QUERIES["read_links"], home_key, identity_key)


async def lock_links(connection: Connection) -> None:
    await connection.execute(QUERIES["lock_links"])


async def lock_numbers(connection: Connection, nhs_numbers: Collection[str]) -> None:
    if nhs_numbers:
        await connection.fetch(QUERIES["lock_numbers"], sorted(nhs_numbers))


def newer_rows(book: Book) -> list[tuple[object, ...]]:
    """The newer demographics in a book from which nothing else follows, in the order of keys."""
    heard = [known for known in book.identities.values() if known.has_new_subject]
    return [
        (known.home_key, known.identity_key, _encoder.encode(known.subject), known.said_at)
        for known in sorted(heard, key=_keys)
    ]


def replaced_columns(book: Book) -> Replaced:
    """Those of whom something else is known now, and since when. What was known before is kept, so that a page can be
    made again as it was; an instant alone that moved on is nothing else."""
    replaced = [
        known for known in book.identities.values() if known.replaced_at and known.stored_person_key is not None
    ]
    return Replaced(
        [known.home_key for known in replaced],
        [known.identity_key for known in replaced],
        [known.replaced_at for known in replaced if known.replaced_at],
    )


async def write(connection: Connection, book: Book) -> None:
    """All that the book has decided in one statement, in the order of keys so that none interlock."""
    changed = [
        known
        for known in book.identities.values()
        if known.has_new_subject or known.has_new_number or known.stored_person_key != known.person_key
    ]
    names, numbers = sorted(book.new_names), sorted(book.new_numbers)
    if not (changed or names or numbers or book.judgements):
        return
    await connection.execute(
        QUERIES["write"],
        [_decided(known) for known in sorted(changed, key=_keys)],
        [value for _, value in names],
        [system for system, _ in names],
        [book.new_names[name].identity_key for name in names],
        [book.new_names[name].home_key for name in names],
        [number for number, _ in numbers],
        [identity_key for _, identity_key in numbers],
        [book.new_numbers[number].home_key for number in numbers],
        _judged(book.judgements),
        *replaced_columns(book),
    )


def _keys(known: Known) -> tuple[int, int]:
    return known.home_key, known.identity_key


def _decided(known: Known) -> tuple[object, ...]:
    return (
        known.home_key,
        known.identity_key,
        known.person_key,
        known.stored_person_key,
        known.source,
        known.system,
        known.value,
        known.nhs_number,
        known.is_verified,
        _encoder.encode(known.subject),
        known.said_at,
        known.has_new_subject,
        known.has_new_number or known.stored_person_key != known.person_key,
    )


def _judged(judgements: Sequence[Judgement]) -> list[tuple[object, ...]]:
    nths: Counter[int] = Counter()
    rows: list[tuple[object, ...]] = []
    for judgement in judgements:
        nths[judgement.identity_key] += 1
        original = judgement.original
        rows.append(
            (
                judgement.patient_key,
                judgement.identity_key,
                nths[judgement.identity_key],
                judgement.at,
                judgement.from_person_key,
                judgement.to_person_key,
                judgement.rule,
                "\n".join(judgement.reasons),
                judgement.said_by,
                original.day if original else None,
                original.seq if original else None,
            )
        )
    return rows


def _known(rows: Iterable[asyncpg.Record]) -> list[tuple[Name, Known]]:
    return [
        (
            (name_system, name_value),
            Known(
                identity_key=identity_key,
                home_key=home_key,
                person_key=person_key,
                source=source,
                system=system,
                value=value,
                nhs_number=nhs_number,
                is_verified=is_verified,
                subject=_read_subject(subject),
                said_at=said_at,
                is_contested=is_contested,
                stored_person_key=person_key,
            ),
        )
        for (
            name_system,
            name_value,
            home_key,
            identity_key,
            person_key,
            source,
            system,
            value,
            nhs_number,
            is_verified,
            subject,
            said_at,
            is_contested,
        ) in rows
    ]
