"""Documents by drop folder: the file, then what it is about, each under another name until it is whole."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from demo.systems.lines import Answer, LineLost
from demo.systems.outbox import Waiting

_LOOK_SECONDS = 0.25


class DropFolder:
    """One source's folder. What was taken appears in `done`, what was not in `refused` with the reason beside it."""

    def __init__(self, folder: Path, *, answer_seconds_max: float = 60.0) -> None:
        self._folder = folder
        self._answer_seconds_max = answer_seconds_max

    async def send(self, message: Waiting) -> Answer:
        """Raises LineLost where nobody has taken it for long; what lies there is then written again, the same."""
        if answer := self._find_answer(message):
            return answer  # It was answered while this system was stopped.
        self.write(message)
        ends = time.monotonic() + self._answer_seconds_max
        while time.monotonic() < ends:
            if answer := self._find_answer(message):
                return answer
            await asyncio.sleep(_LOOK_SECONDS)
        raise LineLost("Nobody took the document.")

    def write(self, message: Waiting) -> None:
        """The file first: a reader that finds the JSON finds both."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, content in (
            (f"{message.control_id}.{message.kind}", message.content),
            (f"{message.control_id}.json", message.beside),
        ):
            unfinished = self._folder / f".{name}.part"
            unfinished.write_bytes(content)
            unfinished.rename(self._folder / name)

    def _find_answer(self, message: Waiting) -> Answer | None:
        name = message.control_id
        if next((self._folder / "done").glob(f"{name}.{message.kind}*"), None):
            return Answer("done", name, "")
        if next((self._folder / "refused").glob(f"{name}.{message.kind}*"), None):
            why = self._folder / "refused" / f"{name}.why.txt"
            return Answer("refused", name, why.read_text("utf-8", "replace").strip() if why.exists() else "")
        return None

    def close(self) -> None:
        """Nothing is held open."""
