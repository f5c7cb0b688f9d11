"""A source leaves: everything it sent is returned as it was sent, and then nothing of it is kept.

A folder of files, each byte for byte, and a manifest with the hash of each: the source can tell that it has all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from carerecord import audit, database
from carerecord.formats import document
from carerecord.intake import withdrawn as originals
from carerecord.intake.withdrawn import Message
from carerecord.patient_index import forget
from carerecord.stewardship import traces_rules
from carerecord.stewardship.desk import deed
from carerecord.stewardship.removal_plan import (
    NOBODY,
    Decision,
    Part,
    RemovalRefused,
    Target,
    plan_removal,
    plan_unattributed,
)

if TYPE_CHECKING:
    from carerecord.database import Database

QUERIES = database.queries(__package__)
SUFFIXES = {"hl7v2": "hl7", "fhir": "json"}
MANIFEST = "manifest.jsonl"


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """One file, and which message it is. A line of the manifest."""

    file: str
    sha256: str
    bytes: int
    original: str
    received_at: datetime
    control_id: str
    message_type: str


class Return(msgspec.Struct, frozen=True, kw_only=True):
    originals: int
    files: int
    manifest_sha256: str


async def give_back(
    db: Database, writer: audit.Writer, source: str, to: Path, *, by: str, agreed_by: str, at: datetime
) -> Return:
    """Writes everything that a source sent. Witnessed before the first file; the folder must be new or empty."""
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(to.iterdir()):
        raise RemovalRefused(f"{to} is not empty: name a new folder, so that nothing else is returned with it.")
    await writer.witness(_event("exported", source, "begun", by=by, agreed_by=agreed_by, at=at, counts={}))
    counts = {"originals": 0, "files": 0}
    lines = []
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        async for message in originals.every_message(connection, source=source):
            counts["originals"] += 1
            for name, content in _files(message):
                _write(to / name, content)
                lines.append(msgspec.json.encode(_line(name, content, message)) + b"\n")
                counts["files"] += 1
    manifest = b"".join(lines)
    _write(to / MANIFEST, manifest)
    hashed = traces_rules.hash_of(manifest)
    more = {**counts, "manifest_sha256": hashed}
    await db.execute(QUERIES["keep_return"], source, at, hashed)
    await writer.witness(_event("exported", source, "returned", by=by, agreed_by=agreed_by, at=at, counts=more))
    return Return(originals=counts["originals"], files=counts["files"], manifest_sha256=hashed)


def _files(message: Message) -> Iterator[tuple[str, bytes]]:
    """As it was sent: a dropped document is two files again."""
    if message.format == "document":
        try:
            dropped = document.unpack(message.content)
        except document.NotADrop:
            yield f"{message.reference}.bin", message.content
            return
        suffix = dropped.suffix if dropped.suffix in document.TYPES else "bin"
        yield f"{message.reference}.{suffix}", dropped.content
        yield f"{message.reference}.json", dropped.sidecar
    else:
        yield f"{message.reference}.{SUFFIXES[message.format]}", message.content


def _line(name: str, content: bytes, message: Message) -> Returned:
    return Returned(
        file=name,
        sha256=traces_rules.hash_of(content),
        bytes=len(content),
        original=str(message.reference),
        received_at=message.received_at,
        control_id=message.control_id,
        message_type=message.message_type,
    )


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """How far the leaving of a source is."""

    source: str
    returned_at: datetime | None
    destroyed_at: datetime | None


async def list_departures(db: Database) -> list[Departure]:
    """Sources that were given back what they sent, or of which all was destroyed; as the ledger knows them."""
    return [Departure(**row) for row in await db.fetch(QUERIES["list_departures"])]


async def plan_departure(
    db: Database, writer: audit.Writer, source: str, decision: Decision, *, removal: int, at: datetime
) -> list[Part]:
    """Everything that a source ever sent, as parts to be withdrawn: each identity, and what was nobody's. Witnessed
    before it is looked at."""
    asked, agreed = decision.asked_by, decision.agreed_by
    await writer.witness(_event("examined", source, "looked up", by=asked, agreed_by=agreed, at=at, counts={}))
    async with db.connection() as connection:
        identities = await forget.find_identities_of_source(connection, source)
        by_home: dict[int, list[int]] = {}
        for identity in identities:
            by_home.setdefault(identity.patient_key, []).append(identity.identity_key)
        parts = []
        for home, keys in sorted(by_home.items()):
            parts += await plan_removal(
                connection, Target(kind="identities", patient_key=home, identities=tuple(keys)), removal=removal
            )
        rest = await plan_unattributed(connection, source, removal=removal)
    return [*parts, rest] if rest.what.keys else parts


def _event(
    kind: str, source: str, step: str, *, by: str, agreed_by: str, at: datetime, counts: dict[str, object]
) -> audit.Event:
    return deed(
        kind,
        {"name": by, "role": "records-manager"},
        NOBODY,
        {"what": "departure", "step": step, "source": source, "agreed_by": agreed_by, "counts": counts},
        route="removal",
        at=at,
    )
