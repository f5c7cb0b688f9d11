"""Plain clients: a browser and a sending system reduced to their bytes, so that the load costs little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple, cast


class Page(NamedTuple):
    path: str
    cookie: str


async def get_all(port: int, pages: Sequence[Page], *, connections: int) -> list[int]:
    """Fetches every page over kept connections. Returns the bytes of each body. Anything but 200 ends the run."""
    waiting = iter(pages)
    lengths: list[int] = []

    async def fetch() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        try:
            for page in waiting:
                lengths.append(len(await get(reader, writer, page)))
        finally:
            writer.close()

    await asyncio.gather(*(fetch() for _ in range(connections)))
    return lengths


async def get_one(port: int, page: Page) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        return await get(reader, writer, page)
    finally:
        writer.close()


async def get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, page: Page) -> bytes:
    cookie = f"Cookie: {page.cookie}\r\n" if page.cookie else ""
    writer.write(f"GET {page.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise RuntimeError(f"Not a page: {head[:200]!r}")
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


class _Sender(asyncio.Protocol):
    """One connection of a sending system: the next message when the last one is answered."""

    def __init__(self, messages: Iterator[bytes], done: asyncio.Future[None], seconds: list[float]) -> None:
        self._messages = messages
        self._done = done
        self._seconds = seconds
        self._answer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._answer.endswith(b"\x1c\r"):
            self._seconds.append(time.perf_counter() - self._sent_at)
            if b"MSA|AA|" not in self._answer and b"MSA|AE|" not in self._answer:
                return self._end(RuntimeError(f"Not taken: {self._answer[:300]!r}"))
            self._answer = b""
            self._send()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or RuntimeError("The listener closed the connection."))

    def _send(self) -> None:
        assert self._transport is not None
        message = next(self._messages, None)
        if message is None:
            return self._end(None)
        self._sent_at = time.perf_counter()
        self._transport.write(b"\x0b" + message + b"\x1c\r")
        return None

    def _end(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error) if error else self._done.set_result(None)
        if self._transport is not None:
            self._transport.close()


async def send_all(port: int, queues: Sequence[Sequence[bytes]]) -> list[float]:
    """Each queue over a connection of its own, one message at a time. Returns the seconds until each was answered."""
    loop = asyncio.get_running_loop()
    seconds: list[float] = []
    ends: list[asyncio.Future[None]] = []
    for queue in queues:
        done: asyncio.Future[None] = loop.create_future()
        ends.append(done)
        await loop.create_connection(partial(_Sender, iter(queue), done, seconds), "127.0.0.1", port)
    await asyncio.gather(*ends)
    return seconds
