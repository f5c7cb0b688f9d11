"""Removal: decide by two, witness, withdraw from every reader at once, then take out everywhere.

`withdraw` writes the ledger's file, then the database: from that commit on no route gives any of it. `complete` decodes
and rewrites; it can be killed anywhere and is done again. Both are witnessed. `replay` does all again after a restore.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord import audit, database
from carerecord.intake import withdrawn as originals
from carerecord.model import OriginalReference, Staff
from carerecord.patient_index import forget
from carerecord.record import rewrite
from carerecord.record.withdrawn import read_items
from carerecord.sources import dropped_files
from carerecord.stewardship import desk, removal_ledger, traces_rules
from carerecord.stewardship.removal_ledger import Entry, What
from carerecord.stewardship.removal_plan import Decision, Part, RemovalRefused, Target, plan_removal

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
ROUTE = "removal"


async def look_up(
    db: Database,
    writer: audit.Writer,
    target: Target,
    decision: Decision,
    *,
    removal: int,
    give_back: bool = False,
    by: Staff | None = None,
    session: str = "",
    at: datetime,
) -> list[Part]:
    """What would go, and nothing more: witnessed before it is looked at, since to count is to look."""
    await writer.witness(
        desk.deed(
            "examined",
            by or {"name": decision.asked_by, "role": "records-manager"},
            target.patient_key,
            {"what": "removal", "step": "looked up", "target": target.kind, "original": str(target.original)},
            route=ROUTE,
            session=session,
            at=at,
        )
    )
    async with db.connection() as connection:
        return await plan_removal(connection, target, removal=removal, give_back=give_back)


# --- At once ----------------------------------------------------------------------------------------------------------


async def withdraw(
    db: Database,
    writer: audit.Writer,
    parts: Sequence[Part],
    decision: Decision,
    *,
    removal: int,
    ledger: Path,
    at: datetime,
) -> list[Entry]:
    """Witnessed, in the ledger, and then gone from every reader, in this order."""
    refuse_unless_two(decision)
    entries = [
        Entry(
            patient_key=part.patient_key,
            id=removal,
            authority=decision.authority.value,
            target=part.target,
            source=part.source,
            reason=decision.reason,
            asked_by=decision.asked_by,
            agreed_by=decision.agreed_by,
            withdrawn_at=at,
            what=part.what,
            counts=part.counts,
        )
        for part in parts
    ]
    for entry in entries:
        await writer.witness(event("administered", entry, step="withdrawn", by=decision.asked_by, at=at))
    removal_ledger.write(ledger, entries)
    for entry in entries:
        async with db.transaction() as connection:
            await apply(connection, entry)
    return entries


def typed(name: str) -> str:
    """A name that nobody signed in by: the ledger says so wherever it stands."""
    return f"{name.strip()} (typed)" if name.strip() else ""


def refuse_unless_two(decision: Decision) -> None:
    """Removal takes two people, each by their own name."""
    asked, agreed = decision.asked_by.strip().casefold(), decision.agreed_by.strip().casefold()
    if not asked or not agreed or asked == agreed:
        raise RemovalRefused("A removal takes two people: name who asks for it and somebody else who agrees.")
    if not decision.reason.strip():
        raise RemovalRefused("A removal needs its reason in words, without any of the content.")


async def apply(connection: Connection, entry: Entry) -> None:
    """What is withdrawn at once. The same entry twice is one."""
    await connection.execute(
        QUERIES["keep_removal"],
        entry.patient_key,
        entry.id,
        entry.authority,
        entry.target,
        entry.source,
        entry.reason,
        entry.asked_by,
        entry.agreed_by,
        entry.withdrawn_at,
        msgspec.json.encode(entry.what).decode(),
        msgspec.json.encode(entry.counts).decode(),
    )
    what = entry.what
    if what.items:
        await rewrite.withdraw(connection, entry.patient_key, entry.id, read_items(what.items))
    if what.keys:
        await originals.withdraw(connection, entry.id, what.keys)
    if what.given_back:
        await originals.give_back(connection, [OriginalReference.parse(each) for each in what.given_back])
    for identity_key, received_at in what.subjects:
        await forget.take_back_subject(connection, entry.patient_key, identity_key, received_at)
    if what.identities:
        await forget.forget_identities(connection, entry.patient_key, what.identities)
    if local_ids := {item.local_id for item in read_items(what.items) if item.local_id}:
        await forget.forget_relationships(connection, entry.patient_key, local_ids)


# --- Within the day ---------------------------------------------------------------------------------------------------


async def has_open(db: Database) -> bool:
    return bool(await db.fetch(QUERIES["open_removals"], 1))


async def complete_open(
    db: Database, writer: audit.Writer, *, ledger: Path, drop_folder: Path | None, at: datetime, limit: int = 100
) -> list[Entry]:
    """Takes out whatever was withdrawn and not yet taken out, oldest first."""
    done = []
    for row in await db.fetch(QUERIES["open_removals"], limit):
        done.append(await complete(db, writer, entry_of(row), ledger=ledger, drop_folder=drop_folder, at=at))
    return done


async def complete(
    db: Database, writer: audit.Writer, entry: Entry, *, ledger: Path | None, drop_folder: Path | None, at: datetime
) -> Entry:
    """Rewritten in one commit; killed before it, it is begun again; killed after it, it finds nothing left to do."""
    if drop_folder is not None and entry.what.keys:
        dropped_files.remove_dropped(drop_folder, entry.source, frozenset(entry.what.hashes))
    async with db.transaction() as connection:
        if entry.what.items:
            entry = _with_windows(entry, await rewrite.rewrite(connection, entry.patient_key))
        await originals.remove(connection, entry.id)
    await writer.witness(event("administered", entry, step="removed", by="the record", at=at))
    finished = msgspec.structs.replace(entry, completed_at=at)
    what = msgspec.json.encode(entry.what).decode()
    await db.execute(QUERIES["complete_removal"], entry.patient_key, entry.id, at, what)
    if ledger is not None:
        with suppress(PermissionError):  # Only that it was done is not said there; after a restore it is done again.
            removal_ledger.write(ledger, [finished])
    return finished


def _with_windows(entry: Entry, rewritten: rewrite.Rewritten) -> Entry:
    """By which the files are searched, once their free room is to hold nothing of it."""
    stored = traces_rules.windows_of(rewritten.was, but=rewritten.now, known=entry.what.stored)
    return msgspec.structs.replace(entry, what=msgspec.structs.replace(entry.what, stored=stored))


class Returned:
    """What was removed and sent again under another number: withheld from the first, and taken out again here."""

    def __init__(self) -> None:
        self._held: dict[int, int] = {}

    async def remove(self, db: Database) -> int:
        """Looks at those patients of whom more or less is kept than when it looked last; how many statements went."""
        gone = 0
        held = await rewrite.count_held(db)
        for patient_key, count in held.items():
            if self._held.get(patient_key) == count:
                continue
            async with db.transaction() as connection:
                rewritten = await rewrite.rewrite(connection, patient_key)
                if rewritten.originals:
                    await self._remove_originals(connection, patient_key, rewritten.originals)
            held[patient_key] = rewritten.kept
            gone += rewritten.removed
        self._held = held
        return gone

    async def _remove_originals(
        self, connection: Connection, patient_key: int, references: Collection[OriginalReference]
    ) -> None:
        """By the number of the removal that they came back from; what else they said stays."""
        ordered = sorted(references)
        number = await connection.fetchval(QUERIES["last_removal"], patient_key)
        if number is None:
            return
        days, seqs = [each.day for each in ordered], [each.seq for each in ordered]
        await connection.execute(QUERIES["withdraw_returned"], number, patient_key, days, seqs)
        await originals.remove(connection, number)


# --- The ledger -------------------------------------------------------------------------------------------------------


async def replay(
    db: Database, writer: audit.Writer, entries: Sequence[Entry], *, ledger: Path | None, at: datetime
) -> int:
    """After a restore: whatever the ledger holds and the database does not is withdrawn and taken out again. As the
    owner, while nobody reads. Twice is once."""
    known = {entry.key: entry for entry in await list_removals(db)}
    done = 0
    for entry in entries:
        if entry.key in known and known[entry.key].completed_at is not None:
            continue
        async with db.transaction() as connection:
            await originals.remember(connection, entry.what.keys)
            await apply(connection, entry)
        await complete(db, writer, entry, ledger=ledger, drop_folder=None, at=at)
        done += 1
    written = {entry.key for entry in entries}
    if ledger is not None:
        removal_ledger.write(ledger, [entry for key, entry in known.items() if key not in written])
    return done


async def list_removals(db: Database, *, removal: int | None = None, patient_key: int | None = None) -> list[Entry]:
    """The ledger as the database holds it, newest first."""
    return [entry_of(row) for row in await db.fetch(QUERIES["list_removals"], removal, patient_key)]


def entry_of(row: asyncpg.Record) -> Entry:
    return Entry(
        patient_key=row["patient_key"],
        id=row["id"],
        authority=row["authority"],
        target=row["target"],
        source=row["source"],
        reason=row["reason"],
        asked_by=row["asked_by"],
        agreed_by=row["agreed_by"],
        withdrawn_at=row["withdrawn_at"],
        completed_at=row["completed_at"],
        scrubbed_at=row["scrubbed_at"],
        what=msgspec.json.decode(row["what"], type=What),
        counts=msgspec.json.decode(row["counts"], type=dict[str, int]),
    )


def event(kind: str, entry: Entry | Part, *, step: str, by: str, at: datetime, **more: Any) -> audit.Event:
    """A removal as the witness keeps it: what was done to how much, and never what it was."""
    detail: dict[str, Any] = {"what": "removal", "step": step, "target": entry.target, "counts": entry.counts, **more}
    if isinstance(entry, Entry):
        detail |= {"removal": entry.id, "authority": entry.authority, "agreed_by": entry.agreed_by}
    by_whom = {"name": by, "role": "records-manager"}
    return desk.deed(kind, by_whom, entry.patient_key, detail, route=ROUTE, at=at)
