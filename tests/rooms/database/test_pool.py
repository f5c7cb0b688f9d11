"""The pool: connections of one role, replaced when they break, never handed on in a doubtful state."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from carerecord import database
from carerecord.database import pool
from carerecord.settings import Settings

MY_NUMBER = "select pg_backend_pid()"


async def _end_others(db: database.Database) -> None:
    await db.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid <> pg_backend_pid() and usename = current_user and datname = current_database()"
    )


async def test_every_connection_is_the_role_it_was_opened_for(settings: Settings) -> None:
    for role in ("owner", "listen", "work", "serve", "operate", "witness", "steward", "remove"):
        async with database.connect(settings, role) as db:
            assert await db.fetchval("select current_user") == f"carerecord_{role}"
            await db.execute("reset role")
            assert await db.fetchval("select current_user") == f"carerecord_{role}"


async def test_an_unknown_role_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="nobody is not a role"):
        async with database.connect(Settings(), "nobody"):
            pass


async def test_a_connection_is_used_again(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        assert await db.fetchval(MY_NUMBER) == await db.fetchval(MY_NUMBER)


async def test_no_more_connections_are_opened_than_allowed(settings: Settings) -> None:
    async with database.connect(settings, "serve", connections_max=2) as db:
        numbers = await asyncio.gather(*(db.fetchval("select pg_backend_pid() from pg_sleep(0.01)") for _ in range(8)))
        assert len(set(numbers)) == 2


async def test_a_broken_connection_is_replaced_and_its_operation_says_so(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db, database.connect(settings, "owner") as other:
        before = await db.fetchval(MY_NUMBER)
        with pytest.raises(database.DatabaseLost):
            await asyncio.gather(db.fetch("select pg_sleep(5)"), _after(0.1, _end_others(other)))
        assert await db.fetchval(MY_NUMBER) != before


async def _after(seconds: float, what: object) -> None:
    await asyncio.sleep(seconds)
    await what  # type: ignore[misc]


async def test_a_connection_that_broke_while_idle_is_not_noticed(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db, database.connect(settings, "owner") as other:
        await _end_others(other)
        await asyncio.sleep(0.05)
        assert await db.fetchval("select 1") == 1


async def test_a_refused_statement_keeps_its_own_error_and_its_connection(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        before = await db.fetchval(MY_NUMBER)
        with pytest.raises(asyncpg.UndefinedTableError):
            await db.fetch("select * from nowhere")
        with pytest.raises(OSError, match="not of the database"):
            await _fail_inside(db)
        assert await db.fetchval(MY_NUMBER) == before


async def _fail_inside(db: database.Database, statement: str = "select 1") -> None:
    async with db.transaction() as connection:
        await connection.execute(statement)
        raise OSError("This is not of the database.")


async def test_a_transaction_left_open_does_not_reach_the_next_user(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        before = await db.fetchval(MY_NUMBER)
        async with db.connection() as connection:
            await connection.execute("begin")
        assert await db.fetchval(MY_NUMBER) != before


async def test_a_cancelled_operation_leaves_the_pool_usable(settings: Settings) -> None:
    async with database.connect(settings, "serve", connections_max=1) as db:
        waiting = asyncio.create_task(db.fetch("select pg_sleep(5)"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        assert await asyncio.wait_for(db.fetchval("select 1"), 2) == 1


async def test_a_failed_transaction_changes_nothing(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        with pytest.raises(OSError, match="not of the database"):
            await _fail_inside(db, "create table half (n int)")
        assert await db.fetchval("select to_regclass('half')") is None


async def test_a_dedicated_connection_is_the_callers_own(settings: Settings) -> None:
    async with database.connect(settings, "serve", connections_max=1) as db:
        connection = await db.dedicated()
        assert await connection.fetchval("select current_user") == "carerecord_serve"
        assert await connection.fetchval(MY_NUMBER) != await db.fetchval(MY_NUMBER)
        await connection.close()


async def test_a_database_that_never_answers_is_lost_after_a_while(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(database.DatabaseLost, match="Try again"):
        async with database.connect(Settings(home=settings.home), "serve"):
            pass


async def test_a_role_that_may_not_come_in_is_told_what_to_do(settings: Settings) -> None:
    elsewhere = settings.database.replace("/test_", "/not_there_")
    with pytest.raises(database.DatabaseRefused, match="carerecord migrate"):
        async with database.connect(Settings(database=elsewhere), "serve"):
            pass


async def test_a_processes_own_address_is_used_as_it_is(settings: Settings) -> None:
    own = Settings(database_listen=settings.database.replace("carerecord_owner", "carerecord_listen"))
    async with database.connect(own, "listen") as db:
        assert await db.fetchval("select session_user") == "carerecord_listen"


async def test_a_server_is_up_when_it_answers_at_all(settings: Settings) -> None:
    assert await database.is_up(settings)
    assert await database.is_up(Settings(database=settings.database.replace("/test_", "/not_there_")))
    assert not await database.is_up(Settings(home=settings.home))
