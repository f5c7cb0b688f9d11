"""The walls at run time: each process's own system user can come in as its own role and as no other."""

from __future__ import annotations

import asyncio
import os
import pwd
from pathlib import Path

import asyncpg
import pytest

from carerecord.database.address import ROLES, SUPERUSER, address
from carerecord.database.embedded import CannotStart, Server, Supervisor
from carerecord.settings import Settings

USERS = {"listen": "daemon", "work": "bin", "serve": "games"}
SMALL = {"shared_buffers": "16MB", "max_connections": "20"}


def _may_come_in(user: str, role: str, settings: Settings) -> bool:
    """Asked from a child that gave up being root."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    code = 1
    try:
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        asyncio.run(_come_in(role, settings))
        code = 0
    finally:
        os._exit(code)


async def _come_in(role: str, settings: Settings) -> None:
    connection = await asyncpg.connect(**{**address(settings, "owner"), "user": role}, timeout=5)
    await connection.close()


@pytest.mark.root
def test_each_system_user_is_its_own_role_and_no_other(short_home: Path) -> None:
    if os.geteuid():
        pytest.skip("Not root: one system user per process cannot be tried.")
    settings = Settings(home=short_home, **{f"user_{role}": user for role, user in USERS.items()})
    server = Server(settings, tuning=SMALL)
    asyncio.run(server.start())
    try:
        every = [f"carerecord_{role}" for role in ROLES] + [SUPERUSER]
        for role, user in USERS.items():
            assert [name for name in every if _may_come_in(user, name, settings)] == [f"carerecord_{role}"]
        assert not any(_may_come_in("mail", name, settings) for name in every)
    finally:
        asyncio.run(server.stop())


@pytest.mark.root
async def test_the_server_is_not_root_and_cannot_write_who_may_come_in(short_home: Path) -> None:
    if os.geteuid():
        pytest.skip("Not root: the server runs as ourselves.")
    async with Supervisor(Settings(home=short_home), tuning=SMALL) as supervisor:
        assert Path(f"/proc/{supervisor.server.pid}").stat().st_uid != 0
        assert supervisor.server.places
        for file in supervisor.server.places.configuration.iterdir():
            assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (0, 0o640)
        assert (short_home / "database").stat().st_mode & 0o077 == 0
    assert short_home.stat().st_mode & 0o777 == 0o711


async def test_a_user_who_does_not_exist_is_refused_by_name(short_home: Path) -> None:
    with pytest.raises(CannotStart, match="CARERECORD_USER_WORK names ghost"):
        await Server(Settings(home=short_home, user_work="ghost"), tuning=SMALL).start()
