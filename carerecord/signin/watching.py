"""Pages that are open now: each is told within seconds when its session ends or is cut, by one question for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from carerecord import clock as house_clock
from carerecord import database
from carerecord.signin.store import Store
from carerecord.signin.values import Session

EVERY_SECONDS = 2.0
HELD_SECONDS_MAX = 50.0  # below the minute after which many proxies give up


class Watch:
    """One per process. A page waits here; while nobody waits, nothing is asked.

    A database that does not answer ends nothing: what a page asks next is refused by the missing witness anyway.
    """

    def __init__(self, db: database.Database, *, clock: Callable[[], datetime] = house_clock.now) -> None:
        self._store = Store(db)
        self._clock = clock
        self._waiting: dict[bytes, list[asyncio.Future[bool]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self.is_stopping: Callable[[], bool] = lambda: False  # then every page is let go, to ask whoever comes next

    async def is_over(self, session: Session, *, seconds_max: float = HELD_SECONDS_MAX) -> bool:
        """True as soon as this session is closed, expired or cut; False if it is open still after `seconds_max`."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        held = self._waiting.setdefault(session.token_hash, [])
        held.append(future)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(seconds_max):
                return await future
        except TimeoutError:
            return False
        finally:
            held.remove(future)
            if not held and self._waiting.get(session.token_hash) is held:
                del self._waiting[session.token_hash]

    async def _ask(self) -> None:
        while self._waiting:
            waiting = dict(self._waiting)
            if self.is_stopping():
                still, over = set[bytes](), False
            else:
                still, over = await self._find_open(waiting), True
            for token_hash, futures in waiting.items():
                if token_hash not in still:
                    for future in futures:
                        if not future.done():
                            future.set_result(over)
            await asyncio.sleep(EVERY_SECONDS)

    async def _find_open(self, waiting: dict[bytes, list[asyncio.Future[bool]]]) -> set[bytes]:
        try:
            return await self._store.find_open(waiting.keys(), at=self._clock())
        except (database.DatabaseLost, database.DatabaseRefused, OSError):
            return set(waiting)
