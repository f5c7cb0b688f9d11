"""Originals that are lawfully removed: nobody is given them from the first, and then their rows are taken out.

The key of a message stays, as a hash: sent again it is answered as at first, and nothing of it is kept again.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from carerecord.intake.store import FORMATS, QUERIES
from carerecord.model import OriginalReference, Problem
from carerecord.record import dictionary

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

FORMAT_NAMES = {number: name for name, number in FORMATS.items()}
NAME_CHARACTERS_MIN = 5  # A shorter number of a patient stands in too many messages by chance.
ROWS_AT_ONCE = 200
_encode = msgspec.json.Encoder().encode

MISFILED = Problem(
    segment="PID",
    field="PID-3",
    rule="misfiled",
    sentence="It was filed under the wrong person and taken from there: correct the identity, then replay it.",
)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An original as those see it who decide about its removal, and who return it to its source."""

    reference: OriginalReference
    source: str
    control_id: str
    format: str
    content: bytes
    content_hash: bytes = b""
    stored: bytes = b""  # as the database keeps it: by that its files are searched
    received_at: datetime
    outcome: str = ""
    message_type: str = ""
    patient_key: int | None = None
    identity_key: int | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """By what a message is known when it comes again."""

    source: str
    control_id: str
    content_hash: str  # hexadecimal
    reference: str
    outcome: str
    received_at: datetime


def key_of(message: Message) -> Key:
    return Key(
        source=message.source,
        control_id=message.control_id,
        content_hash=message.content_hash.hex(),
        reference=str(message.reference),
        outcome=message.outcome,
        received_at=message.received_at,
    )


async def find_messages(connection: Connection, references: Collection[OriginalReference]) -> list[Message]:
    ordered = sorted(references)
    rows = await connection.fetch(
        QUERIES["find_kept_originals"], [each.day for each in ordered], [each.seq for each in ordered]
    )
    return [msgspec.structs.replace(_message(row), stored=row["content"]) for row in rows]


async def find_of_identities(connection: Connection, identities: Collection[int]) -> list[OriginalReference]:
    """Every original that was attributed to one of them, also those of which nothing was recorded."""
    rows = await connection.fetch(QUERIES["find_originals_of_identities"], sorted(identities))
    return [OriginalReference(row["day"], row["seq"]) for row in rows]


async def find_unattributed(
    connection: Connection, source: str, *, naming: Collection[str] | None = None
) -> list[OriginalReference]:
    """Originals of a source that are nobody's: all, or those in which one of these numbers stands as a word."""
    names = [re.escape(name.encode()) for name in naming or () if len(name) >= NAME_CHARACTERS_MIN]
    if naming is not None and not names:
        return []
    wanted = re.compile(rb"(?<![0-9A-Za-z])(?:" + b"|".join(names) + rb")(?![0-9A-Za-z])") if names else None
    found = []
    for row in await connection.fetch(QUERIES["find_unattributed"], source):
        if wanted is None or wanted.search(dictionary.decompress(row["content"])):
            found.append(OriginalReference(row["day"], row["seq"]))
    return found


async def withdraw(connection: Connection, removal: int, keys: Sequence[Key]) -> None:
    references = [OriginalReference.parse(key.reference) for key in keys]
    await connection.execute(
        QUERIES["withdraw_originals"],
        [each.day for each in references],
        [each.seq for each in references],
        [removal] * len(keys),
        [bytes.fromhex(key.content_hash) for key in keys],
        [key.outcome for key in keys],
        [key.received_at for key in keys],
    )


async def give_back(connection: Connection, references: Collection[OriginalReference]) -> None:
    """Misfiled ones wait again for whose they are: the operator corrects the identity and replays them."""
    for each in sorted(references):
        for query in ("give_back", "give_back_attempts"):
            await connection.execute(QUERIES[query], each.day, each.seq, _encode((MISFILED,)))


async def remember(connection: Connection, keys: Sequence[Key]) -> None:
    """After a restore: what was removed since the backup is known again when it is sent again."""
    references = [OriginalReference.parse(key.reference) for key in keys]
    await connection.execute(
        QUERIES["remember_keys"],
        [key.source for key in keys],
        [key.control_id for key in keys],
        [bytes.fromhex(key.content_hash) for key in keys],
        [each.day for each in references],
        [each.seq for each in references],
    )
    if references:
        await connection.execute(QUERIES["pass_numbers"], max(each.seq for each in references))


async def remove(connection: Connection | Database, removal: int) -> int:
    """Takes out what one removal withdrew; how many originals that were."""
    return int(await connection.fetchval(QUERIES["remove_withdrawn"], removal))


async def every_message(connection: Connection, *, source: str | None = None) -> AsyncIterator[Message]:
    """Each original, decoded. Within a transaction."""
    async for row in connection.cursor(QUERIES["every_original"], source, prefetch=ROWS_AT_ONCE):
        yield _message(row)


def _message(row: asyncpg.Record) -> Message:
    has = frozenset(row.keys())  # A record gives its names only once.
    day: date = row["day"]
    return Message(
        reference=OriginalReference(day, row["seq"]),
        source=row["source"],
        control_id=row["control_id"],
        format=FORMAT_NAMES[row["format"]],
        content=dictionary.decompress(row["content"]),
        content_hash=row["content_hash"] if "content_hash" in has else b"",
        received_at=row["received_at"],
        outcome=row["outcome"] if "outcome" in has else "",
        message_type=row["message_type"] if "message_type" in has else "",
        patient_key=row["patient_key"] if "patient_key" in has else None,
        identity_key=row["identity_key"] if "identity_key" in has else None,
    )
