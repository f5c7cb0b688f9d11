"""Our own PostgreSQL: started as a child, stopped with us however we end, started again if it ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import IO

import asyncpg

from carerecord import logs
from carerecord.database import cluster
from carerecord.database.address import DATABASE, superuser_address
from carerecord.database.migrate import read_roles
from carerecord.database.places import CannotStart, Places, ServerUser, home_of, prepare, server_user
from carerecord.database.programs import Programs, find_programs, within_reach
from carerecord.database.queries import queries
from carerecord.settings import Settings

__all__ = ["CannotStart", "Server", "Supervisor"]

_QUERIES = queries("carerecord.database")
_LOG_BYTES_MAX = 1_000_000
_LOG_SECONDS = 60.0
READY_SECONDS_MAX = 600.0  # Crash recovery of a full log of changes takes minutes on a slow disk.
STOP_SECONDS_MAX = 60.0


class Server:
    """One embedded PostgreSQL of one home. Start it from the thread that lives as long as the program: the system tells
    a child of its parent's death by the death of that thread."""

    def __init__(self, settings: Settings, *, tuning: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._tuning = tuning or {}
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._programs: Programs | None = None
        self._user: ServerUser | None = None
        self.places: Places | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Ready on return: cluster, roles and database are there. Raises CannotStart with the reason."""
        self._user = server_user()
        try:
            self.places = prepare(self._settings, self._user)
            self._hold_home()
            self._programs = within_reach(find_programs(self._settings), self._user, self.places)
            await cluster.make_cluster(self._programs, self.places, self._user)
            await self.run()
            await self._provide()
        except OSError as error:
            await self.stop()
            raise CannotStart(
                f"{error.filename or 'The system'} refuses ({error.strerror}): check its owner."
            ) from error
        except BaseException:
            await self.stop()
            raise

    async def run(self) -> None:
        """Runs the server of a prepared place until it answers. Tries again while the remains of a killed one go."""
        programs, places, user = self._prepared()
        cluster.configure(self._settings, places, user, self._tuning)
        _turn_log(places)
        pause, reason = 0.05, ""
        for _ in range(8):
            await cluster.clear_stale_lock(places)
            since = cluster.log_length(places)
            self._process = _spawn(programs, places, user)
            if await self._is_up(places):
                return
            if "in use" not in (reason := cluster.last_words(places, since=since)):
                break
            await asyncio.sleep(pause)
            pause *= 2
        raise CannotStart(f"PostgreSQL did not start ({reason}): see {places.log}.")

    async def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything committed is on disk."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            patience_ends_at = time.monotonic() + STOP_SECONDS_MAX
            while process.poll() is None:
                if time.monotonic() > patience_ends_at:
                    process.send_signal(signal.SIGQUIT)  # Committed rows are recovered from the log at the next start.
                    patience_ends_at = float("inf")
                await asyncio.sleep(0.01)
        self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _prepared(self) -> tuple[Programs, Places, ServerUser]:
        if self._programs is None or self.places is None or self._user is None:
            raise CannotStart("The embedded database was not prepared: call start first.")
        return self._programs, self.places, self._user

    def _hold_home(self) -> None:
        """One supervisor a home; the system frees the lock however its holder ends."""
        path = home_of(self._settings) / "supervisor.lock"
        self._lock = path.open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            raise CannotStart(
                f"Another carerecord runs with {path.parent}: stop it, or choose another CARERECORD_HOME."
            ) from None

    async def _is_up(self, places: Places) -> bool:
        process = self._process
        patience_ends_at = time.monotonic() + READY_SECONDS_MAX
        while process is not None and process.poll() is None:
            if cluster.is_ready(places, process.pid):
                return True
            if time.monotonic() > patience_ends_at:
                return False
            await asyncio.sleep(0.01)
        return False

    async def _provide(self) -> None:
        """The roles, which may sign in by their socket peer, and the record's database, which the owner owns."""
        connection = await asyncpg.connect(**superuser_address(self._settings))
        try:
            await connection.execute(read_roles())
            await connection.execute(_QUERIES["let_roles_sign_in"])
            if not await connection.fetchval(_QUERIES["has_database"], DATABASE):
                await connection.execute(_QUERIES["make_database"])
        finally:
            await connection.close()


class Supervisor:
    """Keeps the embedded server up while the block runs. With CARERECORD_DATABASE given there is nothing to keep."""

    def __init__(self, settings: Settings, *, tuning: Mapping[str, str] | None = None) -> None:
        self.server = Server(settings, tuning=tuning)
        self._is_needed = not settings.database
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Supervisor:
        if self._is_needed:
            await self.server.start()
            logs.say(logs.Line.DATABASE_READY)
            self._watch = asyncio.create_task(self._keep_up())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self.server.stop()

    async def _keep_up(self) -> None:
        pause = 0.1
        while True:
            was_up_since = time.monotonic()
            looked_at = was_up_since
            while self.server.is_running():  # A child's end is not an event of this loop.
                await asyncio.sleep(0.1)
                if self.server.places and time.monotonic() - looked_at > _LOG_SECONDS:
                    looked_at = time.monotonic()
                    with contextlib.suppress(OSError):  # A full disk is told by what cannot do without it.
                        _turn_log(self.server.places)
            logs.say(logs.Line.DATABASE_LOST)
            if time.monotonic() - was_up_since > 60:
                pause = 0.1
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10.0)
            try:
                await self.server.run()
                logs.say(logs.Line.DATABASE_READY)
            except Exception as error:
                logs.say(logs.Line.DATABASE_LOST, reason=type(error).__name__)


def _turn_log(places: Places) -> None:
    if cluster.log_length(places) > _LOG_BYTES_MAX:
        old = places.log.with_suffix(".log.old")
        old.touch(mode=0o600)
        shutil.copyfile(places.log, old)
        os.truncate(places.log, 0)  # A running server goes on at the end of the same file.


def _spawn(programs: Programs, places: Places, user: ServerUser) -> subprocess.Popen[bytes]:
    configuration = places.configuration / "postgresql.conf"
    with os.fdopen(os.open(places.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        return subprocess.Popen(  # noqa: S603
            [programs.path("postgres"), "-D", places.data, "-c", f"config_file={configuration}"],
            cwd="/",
            env=cluster.SERVER_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),
            **user.ids(),
        )


def _die_with(parent: int) -> Callable[[], None] | None:
    """Runs in the child after it dropped its privileges, which would clear the wish. SIGINT is a fast shutdown."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def wish() -> None:
        prctl(1, signal.SIGINT)
        if os.getppid() != parent:  # It died before the wish was made.
            os._exit(1)

    return wish
