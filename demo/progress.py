"""Shows how far the history is loaded: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TextIO

_CLEAR_LINE = "\r\x1b[K"


class Progress:
    def __init__(self, what: str, *, out: TextIO | None = None) -> None:
        self._what = what
        self._out = out or sys.stdout
        self._is_terminal = self._out.isatty()
        self._told = -1

    def tell(self, line: str) -> None:
        """A line of its own, above the bar."""
        self._out.write(f"{_CLEAR_LINE if self._is_terminal else ''}{line}\n")
        self._out.flush()

    def show(self, done: int, total: int) -> None:
        share = done / total if total else 1.0
        percent = int(share * 100)
        if self._is_terminal:
            bar = "█" * int(share * 30)
            self._out.write(f"{_CLEAR_LINE}{self._what} [{bar:<30}] {done:,} of {total:,} messages")
            if done >= total:
                self._out.write("\n")
        elif percent // 10 > self._told:
            self._told = percent // 10
            self._out.write(f"{self._what}: {done:,} of {total:,} messages ({percent} %)\n")
        self._out.flush()
