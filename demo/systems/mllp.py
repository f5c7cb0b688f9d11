"""The sending side of MLLP: one connection, one message at a time, an answer for each."""

from __future__ import annotations

import asyncio

from demo.systems.lines import Answer, LineLost
from demo.systems.outbox import Waiting

_START, _END = b"\x0b", b"\x1c\r"


def read_answer(content: bytes) -> Answer:
    """The answer in an acknowledgement. Raises LineLost for anything that is not one."""
    for line in content.decode("utf-8", "replace").replace("\n", "\r").split("\r"):
        fields = line.split("|")
        if fields[0] == "MSA" and len(fields) > 2:
            return Answer(fields[1], fields[2], fields[3] if len(fields) > 3 else "")
    raise LineLost("The receiver answered without an MSA segment.")


class Line:
    """A connection to a receiver, opened when first needed and again after it was lost."""

    def __init__(self, host: str, port: int, *, answer_seconds_max: float = 30.0) -> None:
        self._host, self._port, self._answer_seconds_max = host, port, answer_seconds_max
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, message: Waiting) -> Answer:
        """Sends one message and waits for its answer. Raises LineLost when there is none, or one to another message."""
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                if self._streams is None:
                    self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
                reader, writer = self._streams
                writer.write(_START + message.content + _END)
                await writer.drain()
                frame = await reader.readuntil(_END)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as lost:
            self.close()
            raise LineLost("No answer.") from lost
        answer = read_answer(frame[1:-2])
        if answer.control_id != message.control_id:
            self.close()
            raise LineLost("The answer was to another message.")
        return answer

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None
