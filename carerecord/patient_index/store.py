"""The index in the database: the only module of this room that speaks SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from carerecord import database
from carerecord.model import Subject
from carerecord.patient_index.book import Book
from carerecord.patient_index.values import Judgement, Known, Name

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
_read_subject = msgspec.json.Decoder(Subject).decode
_encoder = msgspec.json.Encoder()


def read_subject(stored: bytes) -> Subject:
    return _read_subject(stored)


async def find_identities(connection: Connection, names: Collection[Name]) -> list[tuple[Name, Known]]:
    return await _find_by_name(connection, QUERIES["find_identities"], names)


async def find_identities_and_contests(connection: Connection, names: Collection[Name]) -> list[tuple[Name, Known]]:
    return await _find_by_name(connection, QUERIES["find_identities_and_contests"], names)


async def find_holders(connection: Connection, nhs_numbers: Collection[str]) -> list[tuple[Name, Known]]:
    if not nhs_numbers:
        return []
    return _known(await connection.fetch(QUERIES["find_holders"], sorted(nhs_numbers)))


async def find_members(connection: Connection, person_keys: Collection[int]) -> list[tuple[Name, Known]]:
    if not person_keys:
        return []
    return _known(await connection.fetch(QUERIES["find_members"], sorted(person_keys)))


async def find_last_link(connection: Connection, known: Known) -> asyncpg.Record | None:
    return await connection.fetchrow(QUERIES["find_last_link"], known.home_key, known.identity_key, known.person_key)


async def lock_links(connection: Connection) -> None:
    await connection.execute(QUERIES["lock_links"])


async def lock_numbers(connection: Connection, nhs_numbers: Collection[str]) -> None:
    if nhs_numbers:
        await connection.fetch(QUERIES["lock_numbers"], sorted(nhs_numbers))


async def write(connection: Connection, book: Book) -> None:
    """All that the book has decided, each kind in one statement, in the order of keys so that none interlock."""
    identities = sorted(book.identities.values(), key=lambda known: (known.home_key, known.identity_key))
    await _insert_new(connection, book, [known for known in identities if known.stored_person_key is None])
    old = [known for known in identities if known.stored_person_key is not None]
    await _move_members(connection, [known for known in old if known.stored_person_key != known.person_key])
    if heard := [known for known in old if known.has_new_subject]:
        await connection.execute(
            QUERIES["update_subjects"],
            [known.home_key for known in heard],
            [known.identity_key for known in heard],
            [_encoder.encode(known.subject) for known in heard],
            [known.said_at for known in heard],
        )
    if changed := [known for known in old if known.has_new_number or known.stored_person_key != known.person_key]:
        await connection.execute(
            QUERIES["update_attributions"],
            [known.home_key for known in changed],
            [known.identity_key for known in changed],
            [known.person_key for known in changed],
            [known.nhs_number for known in changed],
            [known.is_verified for known in changed],
        )
    await _insert_names_and_numbers(connection, book)
    await _insert_judgements(connection, book.judgements)


async def _insert_new(connection: Connection, book: Book, new: Sequence[Known]) -> None:
    if not new:
        return
    await connection.execute(
        QUERIES["insert_identities"],
        [known.home_key for known in new],
        [known.identity_key for known in new],
        [known.person_key for known in new],
        [known.source for known in new],
        [known.system for known in new],
        [known.value for known in new],
        [known.nhs_number for known in new],
        [known.is_verified for known in new],
        [_encoder.encode(known.subject) for known in new],
        [known.said_at for known in new],
    )
    await _insert_members(connection, new)


async def _move_members(connection: Connection, moved: Sequence[Known]) -> None:
    if not moved:
        return
    await connection.execute(
        QUERIES["delete_members"], [known.stored_person_key for known in moved], [known.identity_key for known in moved]
    )
    await _insert_members(connection, moved)


async def _insert_members(connection: Connection, members: Sequence[Known]) -> None:
    await connection.execute(
        QUERIES["insert_members"],
        [known.person_key for known in members],
        [known.identity_key for known in members],
        [known.home_key for known in members],
    )


async def _insert_names_and_numbers(connection: Connection, book: Book) -> None:
    if names := sorted(book.new_names):
        await connection.execute(
            QUERIES["insert_identifiers"],
            [value for _, value in names],
            [system for system, _ in names],
            [book.new_names[name].identity_key for name in names],
            [book.new_names[name].home_key for name in names],
        )
    if numbers := sorted(book.new_numbers):
        await connection.execute(
            QUERIES["insert_nhs_numbers"],
            [number for number, _ in numbers],
            [identity_key for _, identity_key in numbers],
            [book.new_numbers[number].home_key for number in numbers],
        )


async def _insert_judgements(connection: Connection, judgements: Sequence[Judgement]) -> None:
    if not judgements:
        return
    nths: Counter[int] = Counter()
    rows = []
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
    await connection.execute(QUERIES["insert_judgements"], *map(list, zip(*rows, strict=True)))


async def _find_by_name(connection: Connection, query: str, names: Collection[Name]) -> list[tuple[Name, Known]]:
    if not names:
        return []
    ordered = sorted(names)
    return _known(await connection.fetch(query, [system for system, _ in ordered], [value for _, value in ordered]))


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
