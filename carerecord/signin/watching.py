"""Pages that are open now: each is told in seconds when its session ends or is cut, or its person objects.

One question of the process for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from carerecord import clock as house_clock
from carerecord import database
from carerecord.settings import Settings
from carerecord.signin.store import Store
from carerecord.signin.values import Session

EVERY_SECONDS = 2.0
HELD_SECONDS_MAX = 50.0  # below the minute after which many proxies give up


class _Page(NamedTuple):
    drawn_at: datetime
    future: asyncio.Future[bool]


class Watch:
    """One per process. A page waits here; while nobody waits, nothing is asked.

    A database that does not answer ends nothing: what a page asks next is refused by the missing witness anyway.
    """

    def __init__(
        self,
        db: database.Database,
        *,
        clock: Callable[[], datetime] = house_clock.now,
        idle_seconds_max: int = Settings().session_idle_seconds_max,
    ) -> None:
        self._store = Store(db)
        self._idle = timedelta(seconds=idle_seconds_max)
        self._clock = clock
        self._waiting: dict[bytes, list[_Page]] = {}
        self._asking: asyncio.Task[None] | None = None
        self.is_stopping: Callable[[], bool] = lambda: False  # then every page is let go, to ask whoever comes next

    async def is_over(self, session: Session, *, drawn_at: datetime, seconds_max: float = HELD_SECONDS_MAX) -> bool:
        """True as soon as this session is closed, expired or cut, or an objection restricts its person that came after
        the page was drawn; False if the page may stay still after `seconds_max`."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        held = self._waiting.setdefault(session.token_hash, [])
        held.append(page := _Page(drawn_at, future))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(seconds_max):
                return await future
        except TimeoutError:
            return False
        finally:
            held.remove(page)
            if not held and self._waiting.get(session.token_hash) is held:
                del self._waiting[session.token_hash]

    async def _ask(self) -> None:
        while self._waiting:
            waiting = dict(self._waiting)
            if self.is_stopping():
                still, over = set[bytes](), False
            else:
                still, over = await self._find_open(waiting), True
            for token_hash, pages in waiting.items():
                if token_hash not in still:
                    for page in pages:
                        if not page.future.done():
                            page.future.set_result(over)
            await asyncio.sleep(EVERY_SECONDS)

    async def _find_open(self, waiting: dict[bytes, list[_Page]]) -> set[bytes]:
        drawn = {token_hash: min(page.drawn_at for page in pages) for token_hash, pages in waiting.items() if pages}
        try:
            return await self._store.find_open(drawn, at=self._clock(), idle=self._idle)
        except (database.DatabaseLost, database.DatabaseRefused, OSError):
            return set(waiting)
