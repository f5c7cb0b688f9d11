"""What of a person is withdrawn from every reader: packed for one column, and asked of each statement. Pure.

An item is one wording of one statement about one identity, wherever it was said, or only as one original said it; or
everything about an identity. It stands for ever: the same wording sent again under another number is withheld too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from carerecord.model import OriginalReference, StoredStatement

_ITEM: Final = struct.Struct(">qiq26s13s")  # identity_key, day and number of an original (0, 0: any), local id, version


class Item(NamedTuple):
    """One thing that is withdrawn. Without a local id: all that was said about the identity."""

    identity_key: int
    original: OriginalReference | None
    local_id: str
    version: str


class Withdrawn:
    """Everything withdrawn under one key."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._identities: set[int] = set()
        self._anywhere: set[tuple[int, str, str]] = set()
        self._once: set[tuple[int, OriginalReference, str, str]] = set()
        for item in items:
            if not item.local_id:
                self._identities.add(item.identity_key)
            elif item.original is None:
                self._anywhere.add((item.identity_key, item.local_id, item.version))
            else:
                self._once.add((item.identity_key, item.original, item.local_id, item.version))

    def holds(self, statement: StoredStatement) -> bool:
        identity_key = statement.identity_key
        return (
            identity_key in self._identities
            or (identity_key, statement.local_id, statement.version) in self._anywhere
            or (
                bool(self._once)
                and (identity_key, statement.original, statement.local_id, statement.version) in self._once
            )
        )

    def left(self, statements: Iterable[StoredStatement]) -> list[StoredStatement]:
        """Those that still may be read."""
        return [statement for statement in statements if not self.holds(statement)]


def item_of(statement: StoredStatement, *, only_there: bool = False) -> Item:
    """`only_there`: as this original said it; what others said of the same stays."""
    return Item(
        statement.identity_key, statement.original if only_there else None, statement.local_id, statement.version
    )


def pack_items(items: Iterable[Item]) -> bytes:
    packed = []
    for item in sorted(set(items), key=str):
        day, seq = (item.original.day.toordinal(), item.original.seq) if item.original else (0, 0)
        packed.append(_ITEM.pack(item.identity_key, day, seq, item.local_id.encode(), item.version.encode()))
    return b"".join(packed)


def read_items(packed: bytes) -> list[Item]:
    """Raises struct.error for bytes that are not whole items: nothing is shown before that is mended."""
    found = []
    for identity_key, day, seq, local_id, version in _ITEM.iter_unpack(packed):
        original = OriginalReference(date.fromordinal(day), seq) if day else None
        found.append(Item(identity_key, original, local_id.rstrip(b"\0").decode(), version.rstrip(b"\0").decode()))
    return found
