"""What every way of sending has in common: an answer, or a line that was lost."""

from __future__ import annotations

from typing import Protocol

import msgspec

from demo.systems.outbox import Waiting


class LineLost(ConnectionError):
    """The line to the receiver broke or stayed silent: connect again and send the same message again."""


class Answer(msgspec.Struct, frozen=True):
    code: str  # AA, CA: taken; AE, AR or an HTTP status: refused
    control_id: str
    text: str

    @property
    def is_taken(self) -> bool:
        return self.code in ("AA", "CA", "200", "201", "204", "done")


class Sending(Protocol):
    """A way to the record: HL7 v2 over MLLP, FHIR over HTTP, documents into a folder."""

    async def send(self, message: Waiting) -> Answer:
        """Sends one message and waits for its answer. Raises LineLost when there is none."""
        ...

    def close(self) -> None: ...
