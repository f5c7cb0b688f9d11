"""The hand of the records desk in tests: what the command does, with a ledger in the test's own folder."""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections.abc import Collection
from pathlib import Path

from carerecord import audit, clock, database
from carerecord.model import StoredStatement
from carerecord.record import rewrite
from carerecord.settings import Settings
from carerecord.stewardship import proof, removal, removal_ledger
from carerecord.stewardship.proof import Proof
from carerecord.stewardship.removal_ledger import Entry
from carerecord.stewardship.removal_plan import Authority, Decision, Target
from tests.house import House

_numbers = itertools.count(1000)
AGREED = Decision(
    authority=Authority.ERASURE,
    reason="Sent in breach of confidence.",
    asked_by="Ann Records",
    agreed_by="Dr B Guardian",
)


def ledger_of(settings: Settings) -> Path:
    return removal_ledger.path_of(settings)


async def withdraw(
    settings: Settings, target: Target, *, decision: Decision = AGREED, give_back: bool = False
) -> list[Entry]:
    number = next(_numbers)
    async with database.connect(settings, "remove") as db, audit.Writer.open(db) as writer:
        parts = await removal.look_up(db, writer, target, decision, removal=number, give_back=give_back, at=clock.now())
        return await removal.withdraw(
            db, writer, parts, decision, removal=number, ledger=ledger_of(settings), at=clock.now()
        )


async def complete(settings: Settings) -> list[Entry]:
    """As the working process does it, in its own role."""
    folder = Path(settings.drop_folder) if settings.drop_folder else None
    async with database.connect(settings, "work") as db, audit.Writer.open(db) as writer:
        return await removal.complete_open(db, writer, ledger=ledger_of(settings), drop_folder=folder, at=clock.now())


async def remove(settings: Settings, target: Target, *, decision: Decision = AGREED) -> list[Entry]:
    """To the end."""
    entries = await withdraw(settings, target, decision=decision)
    await complete(settings)
    return entries


async def prove(settings: Settings, *entries: Entry) -> Proof:
    """Of these, or of all there are."""
    folder = Path(settings.drop_folder) if settings.drop_folder else None
    async with database.connect(settings, "owner") as db:
        known = await removal.list_removals(db)
        keys = {entry.key for entry in entries}
        return await proof.prove(db, [entry for entry in known if not keys or entry.key in keys], drop_folder=folder)


async def held(house: House, patient_key: int) -> list[StoredStatement]:
    """Everything that is kept under a key, withdrawn or not."""
    async with house.owner.connection() as connection:
        return await rewrite.read_all(connection, patient_key)


async def find_letter(house: House, patient_key: int, words: str) -> StoredStatement:
    """The statement of the letter with these words."""
    coded = b64encode(words.encode())
    return next(each for each in await held(house, patient_key) if coded in each.body)


def the(statement: StoredStatement, *, only: bool = False) -> Target:
    """All versions of it, or only this one."""
    version = statement.version if only else ""
    return Target(kind="statement", patient_key=statement.patient_key, local_id=statement.local_id, version=version)


def files_that_hold(folder: Path, contents: Collection[bytes]) -> list[Path]:
    """Which files under a folder hold any of these bytes as they stand: for the data folder of a server, once its
    pages are on disk. It is told apart, because a write-ahead log keeps what it wrote until it is used again."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if any(each in content for each in contents):
                found.append(path)
    return found
