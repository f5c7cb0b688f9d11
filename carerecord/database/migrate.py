"""Brings the schema up to date: numbered forward-only files, each in one transaction, with a ledger of checksums."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import date
from importlib import resources

import asyncpg
import msgspec

from carerecord import logs
from carerecord.database.pool import Database, connect
from carerecord.database.queries import queries
from carerecord.settings import Settings

_QUERIES = queries("carerecord.database")
_NAME = re.compile(r"^(\d{4})_(pre|post)_[a-z0-9_]+\.sql$")


class MigrationChanged(Exception):
    """A migration that was applied has changed since: put its file back as it was and write a new one after it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was applied and has changed since: put it back as it was, and write a new one.")


class MigrationUnknown(Exception):
    """The database is ahead of this program: it holds a migration that is not here. Run the newer program."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The database holds the migration {name}, which is not here: run the newer program.")


class RolesMissing(Exception):
    """The DSN's user may not create the roles: have an administrator run roles.sql once in this database."""

    def __init__(self) -> None:
        super().__init__(
            "The roles of the record do not exist yet and the user of CARERECORD_DATABASE may not create them: have an "
            "administrator run carerecord/database/roles.sql in this database and then "
            "`grant carerecord_owner to` that user, once."
        )


class Migration(msgspec.Struct, frozen=True):
    number: int
    name: str
    text: str
    checksum: bytes


def migrations() -> list[Migration]:
    """The files in order; numbers begin at 1 and leave no gap."""
    folder = resources.files("carerecord.database").joinpath("migrations")
    found: list[Migration] = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        named = _NAME.match(file.name)
        if not named or int(named[1]) != len(found) + 1:
            raise ValueError(f"{file.name} is misnamed: call it {len(found) + 1:04}_pre_title.sql or _post_title.sql.")
        text = file.read_text(encoding="utf-8")
        found.append(Migration(int(named[1]), file.name, text, hashlib.sha256(text.encode()).digest()))
    return found


async def migrate(settings: Settings) -> list[str]:
    """Roles, migrations not yet applied, grants, and partitions ahead. Returns the names of what was applied."""
    async with connect(settings, "owner", connections_max=1) as database:
        connection = await database.dedicated()
        try:
            await connection.execute(_QUERIES["lock_migrations"])
            await _make_roles(connection)
            await connection.execute(_QUERIES["become_owner"])
            applied = await _apply(connection, migrations())
            async with connection.transaction():
                await connection.execute(_QUERIES["withdraw_grants"])
                await connection.execute(_file("grants.sql"))
            await connection.execute(_QUERIES["make_partitions"], None)
            await connection.execute(_QUERIES["become_oneself"])
        finally:
            await connection.close()
    if applied:
        logs.say(logs.Line.MIGRATED, migrations=len(applied))
    return applied


async def make_partitions(database: Database, *, today: date | None = None) -> int:
    """Makes the months ahead for originals and events, as owner or work, daily; returns how many were new."""
    return int(await database.fetchval(_QUERIES["make_partitions"], today))


def read_roles() -> str:
    return _file("roles.sql")


async def _make_roles(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    try:
        async with connection.transaction():
            await connection.execute(read_roles())
    except asyncpg.InsufficientPrivilegeError as error:
        raise RolesMissing from error


async def _apply(connection: asyncpg.Connection[asyncpg.Record], known: Sequence[Migration]) -> list[str]:
    if not await connection.fetchval(_QUERIES["has_ledger"]):
        await connection.execute(_QUERIES["make_ledger_schema"])
        await connection.execute(_QUERIES["make_ledger"])
    ledger = {row["number"]: row for row in await connection.fetch(_QUERIES["read_ledger"])}
    for number, row in ledger.items():
        if number > len(known):
            raise MigrationUnknown(row["name"])
        if known[number - 1].checksum != row["checksum"]:
            raise MigrationChanged(row["name"])
    applied = []
    for migration in known:
        if migration.number in ledger:
            continue
        async with connection.transaction():
            await connection.execute(migration.text)
            await connection.execute(_QUERIES["write_ledger"], migration.number, migration.name, migration.checksum)
        applied.append(migration.name)
    return applied


def _file(name: str) -> str:
    return resources.files("carerecord.database").joinpath(name).read_text(encoding="utf-8")
