"""Pushed bodies, read whole before a turn is taken: no more bytes at once than there is room for, and none too slowly.

Who dribbles a body, or sends many at once, holds up nobody but itself: it has half of the room and of the places, and
what comes slower than the settings say is refused (a slow-body attack, https://cwe.mitre.org/data/definitions/400.html).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from carerecord.api.answer import NotServed
from carerecord.settings import Settings

BODY_SECONDS_MAX = 60
WAITING_OF_ONE_MAX = 128  # pushes of one program that wait, unread: each is a connection, and those are counted too


class Room:
    """So many bytes, or places: who asks for more than is left waits, first come, first served."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, wanted: int) -> None:
        if not self._waiting and wanted <= self.left:
            self.left -= wanted
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give(wanted)
            else:
                self._waiting.remove((wanted, mine))
                self._let_by()
            raise

    def give(self, taken: int) -> None:
        self.left += taken
        self._let_by()

    def _let_by(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.left:
            wanted, first = self._waiting.popleft()
            self.left -= wanted
            first.set_result(None)


class _Client:
    """What one program has here now."""

    def __init__(self, *, places: int, size: int) -> None:
        self.places = Room(places)
        self.room = Room(size)
        self.requests = 0


class Bodies:
    """One for each process that hears pushes. `turns` is how many are taken at once: half of them may be one's."""

    def __init__(self, settings: Settings, *, turns: int) -> None:
        self._bytes_max = settings.listen_message_bytes_max
        self._room = Room(max(settings.listen_bytes_held_max, 2 * self._bytes_max))
        self._places_of_one = max(turns // 2, 1)
        self._slow_seconds_max = settings.listen_slow_seconds_max
        self._bytes_per_second_min = max(settings.listen_bytes_per_second_min, 1)
        self._clients: dict[str, _Client] = {}

    @asynccontextmanager
    async def held(self, stream: AsyncIterator[bytes], *, client: str, declared: str | None) -> AsyncIterator[bytes]:
        """The whole body, and its room until this is left. `declared` is its Content-Length; without one there must be
        room for the largest. Raises NotServed: 413 too large, 408 too slow, 429 too many of one program at once."""
        size = min(int(declared), self._bytes_max + 1) if declared and declared.isdecimal() else self._bytes_max
        if size > self._bytes_max:
            raise self._too_large()
        known = self._clients.setdefault(
            client, _Client(places=self._places_of_one, size=max(self._room.size // 2, self._bytes_max))
        )
        if known.requests >= known.places.size + WAITING_OF_ONE_MAX:
            sentence = f"{known.requests} pushes of this program are under way: wait for answers, then send this again."
            raise NotServed(429, "throttled", sentence, headers={"retry-after": "10"})
        known.requests += 1
        try:
            async with _taken(known.places, 1), _taken(known.room, size), _taken(self._room, size):
                yield await self._read(stream)
        finally:
            known.requests -= 1
            if not known.requests:
                del self._clients[client]

    async def _read(self, stream: AsyncIterator[bytes]) -> bytes:
        content = bytearray()
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(began + self._seconds_for(0)) as until:
                async for part in stream:
                    content += part
                    if len(content) > self._bytes_max:
                        raise self._too_large()
                    until.reschedule(began + self._seconds_for(len(content)))
        except TimeoutError as slow:
            sentence = "It did not come whole in time: send it again, faster."
            # The connection goes too: whoever dribbles must not hold it.
            raise NotServed(408, "timeout", sentence, headers={"connection": "close"}) from slow
        return bytes(content)

    def _seconds_for(self, count: int) -> float:
        """How long the first so many bytes, and the wait for the next, may have taken."""
        return min(self._slow_seconds_max + count / self._bytes_per_second_min, BODY_SECONDS_MAX)

    def _too_large(self) -> NotServed:
        sentence = f"It is larger than {self._bytes_max} bytes: send it in smaller parts."
        return NotServed(413, "too-long", sentence)


@asynccontextmanager
async def _taken(room: Room, wanted: int) -> AsyncIterator[None]:
    await room.take(wanted)
    try:
        yield
    finally:
        room.give(wanted)
