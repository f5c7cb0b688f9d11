"""How every line of the sending systems stands, read from the outboxes beside the processes that own them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from demo.systems.outbox import Counts

WORDS = {"mllp": "HL7 v2", "fhir": "FHIR", "drop": "documents"}
_QUERY = (
    "select channel, coalesce(sum(state = 'waiting'), 0), coalesce(sum(state = 'acknowledged'), 0),"
    " coalesce(sum(state = 'parked'), 0), coalesce(sum(is_history), 0),"
    " coalesce(sum(is_history and state = 'waiting'), 0), max(answered_at) from message group by channel"
)


def read_channels(outbox: Path) -> dict[str, Counts]:
    """Each channel of one outbox; none while its owner has not made it."""
    if not outbox.exists():
        return {}
    db = sqlite3.connect(f"file:{outbox}?mode=ro", uri=True, timeout=5)
    try:
        return {row[0]: Counts(*row[1:]) for row in db.execute(_QUERY)}
    except sqlite3.OperationalError:  # Its owner has not made the table yet.
        return {}
    finally:
        db.close()


def sum_of(channels: Iterable[Counts]) -> Counts:
    """How the channels of one system stand together."""
    told = list(channels)
    return Counts(
        waiting=sum(counts.waiting for counts in told),
        acknowledged=sum(counts.acknowledged for counts in told),
        parked=sum(counts.parked for counts in told),
        history=sum(counts.history for counts in told),
        history_waiting=sum(counts.history_waiting for counts in told),
        last_answer=max((counts.last_answer for counts in told if counts.last_answer), default=None),
    )


def read_line(outbox: Path) -> str:
    """What the sender says of its line: "up", "paused", "outage until 11:20"; "up" while it has not said anything."""
    try:
        said = msgspec.json.decode(outbox.with_suffix(".state.json").read_bytes())
        return str(said["state"])
    except (FileNotFoundError, msgspec.DecodeError, KeyError):
        return "up"
