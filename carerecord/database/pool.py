"""Connections for one role: a small pool that never resets, and replaces what a restart of the server broke."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from carerecord.database.address import address
from carerecord.settings import Settings

CONNECTIONS_MAX = 8
PATIENCE_SECONDS = 5.0
_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.TooManyConnectionsError,
)
_SHUT = (asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.CannotConnectNowError)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidParameterValueError,
    asyncpg.InsufficientPrivilegeError,
)


class DatabaseLost(Exception):
    """The database stopped answering; whether the last commit took effect is not known. Try again: it reconnects."""

    def __init__(self) -> None:
        super().__init__(DatabaseLost.__doc__)


class DatabaseRefused(Exception):
    """The database does not let this role in: run `carerecord migrate`, and check the DSN's user and its roles."""

    def __init__(self, role: str, reason: str) -> None:
        super().__init__(
            f"The database does not let the role {role} in ({reason}): run `carerecord migrate` first, and check the "
            "user of the DSN and the roles granted to it."
        )


class Database:
    """A pool of one role's connections. Nothing is reset on release: who sets session state uses `dedicated()`."""

    def __init__(self, arguments: dict[str, Any], *, role: str, connections_max: int = CONNECTIONS_MAX) -> None:
        self.role = role
        self._arguments = arguments
        self._idle: list[asyncpg.Connection[asyncpg.Record]] = []
        self._permits = asyncio.Semaphore(connections_max)
        self._closed = False

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with self.connection() as connection:
            return await connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: object) -> asyncpg.Record | None:
        async with self.connection() as connection:
            return await connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        async with self.connection() as connection:
            return await connection.fetchval(query, *arguments)

    async def execute(self, query: str, *arguments: object) -> str:
        async with self.connection() as connection:
            return await connection.execute(query, *arguments)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection for the block. If it breaks inside, it is dropped and the block ends in DatabaseLost."""
        async with self._permits:
            connection = await self._take()
            whole = False
            try:
                yield connection
                whole = True
            except Exception as error:
                if connection.is_closed() or isinstance(error, _SHUT):
                    connection.terminate()
                    raise DatabaseLost from error
                whole = True
                raise
            finally:
                # A cancelled block may leave an answer on the wire, and an open transaction would reach the next user.
                if whole and not self._closed and not connection.is_closed() and not connection.is_in_transaction():
                    self._idle.append(connection)
                else:
                    connection.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def dedicated(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection outside the pool, for locks and session state; the caller closes it."""
        return await self._open()

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=2)
            except (*_AWAY, TimeoutError):
                connection.terminate()

    async def _take(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._closed:
            raise DatabaseLost
        while self._idle:
            connection = self._idle.pop()  # The last used is the warmest.
            if not connection.is_closed():
                return connection
        return await self._open()

    async def _open(self) -> asyncpg.Connection[asyncpg.Record]:
        """Tries again, ever slower, while the server is away, as it is for a moment when it restarts."""
        patience_ends_at = time.monotonic() + PATIENCE_SECONDS
        pause = 0.01
        while True:
            try:
                return await asyncpg.connect(**self._arguments, timeout=PATIENCE_SECONDS)
            except (PermissionError, *_REFUSED) as error:
                raise DatabaseRefused(self.role, type(error).__name__) from error
            except (*_AWAY, TimeoutError) as error:
                if time.monotonic() + pause > patience_ends_at:
                    raise DatabaseLost from error
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.5)


@asynccontextmanager
async def connect(settings: Settings, role: str, *, connections_max: int = CONNECTIONS_MAX) -> AsyncIterator[Database]:
    """The database as owner, listen, work, serve, operate or witness; proves by one connection that it is there."""
    database = Database(address(settings, role), role=role, connections_max=connections_max)
    try:
        async with database.connection():
            pass
        yield database
    finally:
        await database.close()


async def is_up(settings: Settings) -> bool:
    """Whether a server answers there now, whatever it would answer."""
    try:
        connection = await asyncpg.connect(**address(settings, "owner"), timeout=2)
    except asyncpg.PostgresConnectionError:  # The connection broke; every other error of the server is its answer.
        return False
    except asyncpg.PostgresError:
        return True
    except (OSError, TimeoutError):
        return False
    await connection.close()
    return True
