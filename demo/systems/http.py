"""A small HTTP/1.1 client over one connection that is kept: as little work as sending can be (RFC 9112)."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import msgspec

from demo.systems.lines import LineLost

_NO_BODY = frozenset({204, 304})


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes


class Http:
    """A connection to one server, opened when first needed and again after it was lost. http: only; nothing secret
    travels beyond this machine."""

    def __init__(self, base: str, *, answer_seconds_max: float = 60.0) -> None:
        address = urlsplit(base)
        self._host, self._port = address.hostname or "", address.port or 80
        self._name = address.netloc
        self.path = address.path.rstrip("/")
        self._answer_seconds_max = answer_seconds_max
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Raises LineLost where there is no whole answer."""
        lines = [f"{method} {path or '/'} HTTP/1.1", f"host: {self._name}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                if self._streams is None:
                    self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
                reader, writer = self._streams
                writer.write("\r\n".join([*lines, "\r\n"]).encode("latin-1") + body)
                await writer.drain()
                return await self._read(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as lost:
            self.close()
            raise LineLost("No answer.") from lost

    async def _read(self, reader: asyncio.StreamReader) -> Reply:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if status in _NO_BODY:
            body = b""
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            body = await _read_chunks(reader)
        else:
            body = await reader.readexactly(int(headers["content-length"])) if "content-length" in headers else b""
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(status, body)

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass  # Trailers say nothing that is needed.
    return b"".join(parts)
