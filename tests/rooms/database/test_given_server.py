"""A PostgreSQL that is given by DSN: its user makes the roles if it may, and needs no superuser."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from carerecord import database
from carerecord.database.address import ROLES, SUPERUSER, superuser_address
from carerecord.database.backup import backup, restore
from carerecord.database.embedded import Supervisor
from carerecord.database.places import our_name
from carerecord.settings import Settings

GIVEN = """
    drop database carerecord;
    {drop_roles}
    create role region login createrole;
    create role little login;
    create database region owner region;
    create database little owner little;
"""


def _programs() -> list[str]:
    return ["", *(str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("1[5-8]/bin")))]


@pytest.mark.parametrize("programs", _programs())
async def test_a_user_who_may_create_roles_can_migrate_and_then_be_each_role(short_home: Path, programs: str) -> None:
    identities = short_home / "identities"
    lines = [f"carerecord {our_name()} {role}\n" for role in (SUPERUSER, "region", "little")]
    lines += [f"carerecord {our_name()} carerecord_{role}\n" for role in ROLES]
    identities.write_text("".join(lines))
    settings = Settings(home=short_home, postgres_bin=programs)
    tuning = {"shared_buffers": "16MB", "ident_file": str(identities)}
    async with Supervisor(settings, tuning=tuning):
        superuser = await asyncpg.connect(**superuser_address(settings))
        drop_roles = "".join(f"drop role carerecord_{role};" for role in ROLES)
        for statement in filter(None, map(str.strip, GIVEN.format(drop_roles=drop_roles).split(";"))):
            await superuser.execute(statement)
        await superuser.close()
        host = superuser_address(settings)["host"]
        with pytest.raises(database.RolesMissing, match="administrator"):
            await database.migrate(Settings(database=f"postgresql:///little?host={host}&user=little"))
        given = Settings(database=f"postgresql:///region?host={host}&user=region")
        assert await database.migrate(given)
        assert await database.migrate(given) == []
        for role in ROLES[1:]:
            async with database.connect(given, role) as db:
                assert await db.fetchval("select current_user") == f"carerecord_{role}"
        async with database.connect(given, "serve") as db:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.fetch("select * from record.log")
        async with database.connect(given, "owner") as db:
            assert await db.fetchval("select tableowner from pg_tables where tablename = 'log'") == "carerecord_owner"
        kept = await backup(given, short_home / "record.backup")
        await restore(given, short_home / "record.backup", replace=True)
        async with database.connect(given, "owner") as db:
            assert await db.fetchval("select count(*) from carerecord.migration") == kept.migrations
