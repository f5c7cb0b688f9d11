"""Migrations: applied once, in order, by the owner; and the months of originals that they prepare."""

from __future__ import annotations

from datetime import UTC, date, datetime

import asyncpg
import pytest

from carerecord import database
from carerecord.database import migrate as migrate_function
from carerecord.database.migrate import MigrationUnknown, migrations
from carerecord.settings import Settings

KEEP = """
    insert into intake.original
        (day, source, control_id, format, content, content_hash, received_at, outcome, message_type)
    values ($1, 'ashgrove', 'A1', 1, 'MSH', decode(md5('x'), 'hex'), $2, 'waiting', 'ADT^A01')
"""
SHADOWS = "select tableoid::regclass::text as home, count(*) as n from intake.original group by 1 order by 1"


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))
    assert callable(migrate_function)


async def test_a_second_run_applies_nothing_and_leaves_the_same_grants(settings: Settings) -> None:
    grants = """select grantee, table_schema, table_name, privilege_type from information_schema.table_privileges
                where grantee like 'carerecord%' order by 1, 2, 3, 4"""
    async with database.connect(settings, "owner") as db:
        before = await db.fetch(grants)
        await db.execute("grant select on record.log to carerecord_serve")
        assert await database.migrate(settings) == []
        assert await db.fetch(grants) == before


async def test_a_migration_that_changed_after_it_was_applied_is_refused(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        await db.execute("update carerecord.migration set checksum = '\\x00' where number = 1")
    with pytest.raises(database.MigrationChanged, match="0001_pre_the_spine"):
        await database.migrate(settings)


async def test_a_database_ahead_of_the_program_is_left_alone(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        await db.execute(
            "insert into carerecord.migration (number, name, checksum) values (9999, '9999_pre_later.sql', '')"
        )
    with pytest.raises(MigrationUnknown, match="9999_pre_later"):
        await database.migrate(settings)


async def test_everything_is_owned_by_the_owner_and_no_process_role_owns_anything(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        owners = await db.fetch(
            """select distinct pg_get_userbyid(relowner) as owner from pg_class
               where relnamespace in (select oid from pg_namespace where nspname !~ '^pg_|information_schema')
               union select distinct pg_get_userbyid(proowner) from pg_proc
               where pronamespace in (select oid from pg_namespace where nspname !~ '^pg_|information_schema')"""
        )
        assert [row["owner"] for row in owners] == ["carerecord_owner"]


async def test_months_are_made_ahead_once(settings: Settings) -> None:
    async with database.connect(settings, "work") as db:
        assert await database.make_partitions(db) == 0
        assert await database.make_partitions(db, today=date(2031, 12, 31)) == 6
        assert await database.make_partitions(db, today=date(2032, 1, 1)) == 2  # of originals, and of events


async def test_originals_that_waited_for_their_month_are_moved_into_it(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        for day in (date(2031, 5, 31), date(2031, 6, 1), date(2031, 6, 30), date(2031, 9, 1)):
            await db.execute(KEEP, day, datetime(2031, 5, 1, tzinfo=UTC))
        async with database.connect(settings, "work") as work:
            assert await database.make_partitions(work, today=date(2031, 6, 15)) == 6
        homes = {row["home"]: row["n"] for row in await db.fetch(SHADOWS)}
        assert homes == {"intake.original_default": 2, "intake.original_2031_06": 2}
        storage = await db.fetchval(
            "select attstorage from pg_attribute where attname = 'content'"
            " and attrelid = 'intake.original_2031_06'::regclass"
        )
        assert storage == b"e"


async def test_a_new_database_without_the_roles_right_is_explained(settings: Settings) -> None:
    """As on a server where the DSN's user may do little: the roles exist, but this one may not become the owner."""
    async with database.connect(settings, "owner") as db:
        assert not await db.fetchval("select rolcreaterole from pg_roles where rolname = current_user")
    little = Settings(database=settings.database.replace("carerecord_owner", "carerecord_witness"))
    with pytest.raises(database.RolesMissing, match=r"roles\.sql"):
        await database.migrate(little)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.connect(little, "owner") as db:
            await db.execute("create table mine (n int)")
