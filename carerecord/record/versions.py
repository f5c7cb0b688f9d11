"""Which version of each item is newest. The others are superseded, and stay readable. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from carerecord.model import StoredStatement


class Versions(NamedTuple):
    current: list[StoredStatement]
    superseded: dict[tuple[str, str], list[StoredStatement]]  # by (source, local_id), newest first


def newest(statements: Iterable[StoredStatement]) -> Versions:
    """What each source says now of each of its items, in the order first met, and what it said before."""
    said: dict[tuple[str, str], list[StoredStatement]] = {}
    for statement in statements:
        said.setdefault((statement.source, statement.local_id), []).append(statement)
    for versions in said.values():
        versions.sort(key=_recency, reverse=True)
    return Versions(
        [versions[0] for versions in said.values()],
        {item: versions[1:] for item, versions in said.items() if versions[1:]},
    )


def _recency(statement: StoredStatement) -> tuple[object, ...]:
    # When the source said it decides: a message that arrives late must not win. The rest only breaks ties.
    return (statement.said_at, statement.received_at, statement.original, statement.version, statement.identity_key)
