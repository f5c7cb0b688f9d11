"""MLLP frames: 0x0B, a message, 0x1C 0x0D. No sockets here: bytes in, whole messages out.

HL7 Transport Specification: MLLP, Release 1.
"""

from __future__ import annotations

START, END, RETURN = b"\x0b", b"\x1c", b"\x0d"


class FrameTooLarge(Exception):
    """A message is larger than this listener takes: send it in parts, or raise listen_message_bytes_max."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__(self.__doc__)
        self.beginning = beginning


def frame(message: bytes) -> bytes:
    return START + message + END + RETURN


class Framer:
    """Takes bytes as they come, gives whole messages. What stands between frames is counted and dropped."""

    __slots__ = ("_bytes_max", "_held", "_scanned", "junk")

    def __init__(self, *, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = bytearray()
        self._scanned = 0  # up to here there is no end: a long message is searched once, not once for each packet
        self.junk = 0

    @property
    def is_inside(self) -> bool:
        """A message has begun and not ended."""
        return self._held.startswith(START)

    @property
    def held_bytes(self) -> int:
        return len(self._held)

    def take(self, data: bytes | memoryview) -> None:
        self._held += data

    def next(self) -> bytes | None:
        """The next whole message, or None until more bytes come. Raises FrameTooLarge."""
        held = self._held
        if not held.startswith(START) and not self._skip_to_start():
            return None
        end = held.find(END, max(self._scanned, 1))
        if end < 0:
            self._scanned = len(held)
            if len(held) - 1 > self._bytes_max:
                raise FrameTooLarge(bytes(held[1 : 1 + (1 << 14)]))
            return None
        if end - 1 > self._bytes_max:
            raise FrameTooLarge(bytes(held[1 : 1 + (1 << 14)]))
        # A sender that broke off and began again: the part before is no message.
        begin = held.rfind(b"\x0bMSH", 0, end)
        begin = begin if begin > 0 else 0
        self.junk += begin
        message = bytes(held[begin + 1 : end])
        del held[: end + 1]
        self._scanned = 0
        return message

    def _skip_to_start(self) -> bool:
        """Past what is no message. The carriage return that ends a frame is not counted as junk, nor are line ends."""
        held = self._held
        start = held.find(START)
        passed = bytes(held if start < 0 else held[:start])
        self.junk += len(passed) - passed.count(b"\r") - passed.count(b"\n")
        del held[: len(passed)]
        self._scanned = 0
        return start >= 0
