"""A sender's outbox on disk: what waits, what was acknowledged, what was refused; it survives every restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from demo.messages import Message

_SCHEMA = """
create table if not exists message (
    seq integer primary key, control_id text not null unique, kind text not null, lane integer not null,
    is_history integer not null, content blob not null,
    state text not null default 'waiting', answer text not null default '', answered_at text,
    channel text not null default 'mllp', beside blob not null default x'', at text not null default ''
);
create table if not exists note (name text primary key, value text not null);
"""
_INDEX = "create index if not exists message_in_turn on message (channel, lane, at, seq) where state = 'waiting'"
# What a folder that was begun before lacks.
_ADDED = {
    "answered_at": "text",
    "channel": "text not null default 'mllp'",
    "beside": "blob not null default x''",
    "at": "text not null default ''",
}


class Waiting(msgspec.Struct, frozen=True):
    seq: int
    control_id: str
    kind: str
    content: bytes
    beside: bytes = b""


class Counts(msgspec.Struct, frozen=True):
    waiting: int = 0
    acknowledged: int = 0
    parked: int = 0
    history: int = 0  # how many messages the history has
    history_waiting: int = 0
    last_answer: str | None = None  # UTC, when the last answer came

    @property
    def all(self) -> int:
        return self.waiting + self.acknowledged + self.parked


class Outbox:
    """One sender's outbox. A message of one lane is never sent before an earlier one of that lane was answered."""

    def __init__(self, path: Path, *, lanes: int = 1) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)
        known = {row[1] for row in self._db.execute("pragma table_info (message)")}
        for name, kind in _ADDED.items():
            if name not in known:
                self._db.execute(f"alter table message add column {name} {kind}")
        self._db.execute(_INDEX)
        self._lanes = lanes

    def add(self, messages: Iterable[Message], *, is_history: bool, notes: dict[str, str]) -> None:
        """Adds messages and what must be remembered with them, all or nothing."""
        rows = [
            (
                message.control_id,
                message.kind,
                message.about % self._lanes,
                is_history,
                message.content,
                message.channel,
                message.beside,
                message.at.isoformat(),
            )
            for message in messages
        ]
        self._db.execute("begin")
        self._db.executemany(
            "insert into message (control_id, kind, lane, is_history, content, channel, beside, at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        self._db.executemany("insert or replace into note values (?, ?)", notes.items())
        self._db.execute("commit")

    def find_note(self, name: str) -> str | None:
        row = self._db.execute("select value from note where name = ?", (name,)).fetchone()
        return row[0] if row else None

    def next_waiting(self, lane: int, *, channel: str = "mllp") -> Waiting | None:
        """The oldest of its lane by the time at which it was said; one person's messages share a lane."""
        row = self._db.execute(
            "select seq, control_id, kind, content, beside from message"
            " where state = 'waiting' and channel = ? and lane = ? order by at, seq limit 1",
            (channel, lane),
        ).fetchone()
        return Waiting(*row) if row else None

    def has_history_waiting(self) -> bool:
        (found,) = self._db.execute(
            "select exists (select 1 from message where state = 'waiting' and is_history)"
        ).fetchone()
        return bool(found)

    def settle(self, seq: int, *, state: str, answer: str) -> None:
        """`state`: acknowledged, or parked (refused: sending it again would not help)."""
        self._db.execute(
            "update message set state = ?, answer = ?, answered_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"
            " where seq = ?",
            (state, answer, seq),
        )

    def close(self) -> None:
        self._db.close()


def read_counts(path: Path) -> Counts:
    """How an outbox stands, read beside the process that owns it."""
    if not path.exists():
        return Counts()
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        row = db.execute(
            "select coalesce(sum(state = 'waiting'), 0), coalesce(sum(state = 'acknowledged'), 0),"
            " coalesce(sum(state = 'parked'), 0), coalesce(sum(is_history), 0),"
            " coalesce(sum(is_history and state = 'waiting'), 0), max(answered_at) from message"
        ).fetchone()
        return Counts(*row)
    except sqlite3.OperationalError:  # Its owner has not made the table yet.
        return Counts()
    finally:
        db.close()
