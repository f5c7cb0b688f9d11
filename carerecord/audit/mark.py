"""How far was sealed, noted beside the key: who can set back the folder of seals and the database need not reach it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Marked(NamedTuple):
    """The last seal that was made."""

    number: int
    hash: str  # hexadecimal


class Mark:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Marked | None:
        """None: nothing was sealed yet, as far as is known here. Raises ValueError where it was spoilt."""
        try:
            number, hash_ = self._path.read_text().split()
        except FileNotFoundError:
            return None
        return Marked(int(number), hash_)

    def write(self, marked: Marked) -> None:
        """Whole or not at all. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self._path.with_suffix(".new")
        with beside.open("w") as file:
            file.write(f"{marked.number} {marked.hash}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
