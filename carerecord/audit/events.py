"""Read the audit: events decoded, of one person or of a time, and new ones as they are committed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec

from carerecord import database
from carerecord.audit.chain import COLUMNS, Kind, Row, Witness, first_hash, is_linked, unsaid
from carerecord.model import Evidence, Staff

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
NOBODY: Final = 0
FOLLOWED_MAX: Final = 5_000

T = TypeVar("T")


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it stands in the audit, decoded. `staff` and `evidence` are None where there were none."""

    patient_key: int  # 0: about nobody
    stream: int
    seq: int
    recorded_at: datetime
    kind: Kind
    staff: Staff | None
    purpose: str
    evidence: Evidence | None
    decision: Mapping[str, Any]
    about: tuple[int, int] | None  # stream and seq of the event that this one follows
    snapshot: bytes | None
    detail: Mapping[str, Any]
    route: str
    session: str
    hash: bytes

    @property
    def place(self) -> tuple[int, int]:
        return self.stream, self.seq


async def read_events(
    db: Database | Connection,
    *,
    patient_key: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: Collection[Kind] | None = None,
    limit: int | None = None,
) -> list[StoredEvent]:
    """Events in order of time: about one person (0: about nobody), or about all where no `patient_key` is given.

    As `work` or `witness`; whoever serves reads by `read_events_witnessed`.
    """
    wanted = None if kinds is None else [kind.value for kind in kinds]
    if patient_key is None:
        rows = await db.fetch(QUERIES["read_events_of_time"], since, until, wanted, limit)
    else:
        rows = await db.fetch(QUERIES["read_events_of_patient"], patient_key, since, until, wanted, limit)
    return [stored_event(row) for row in rows]


class Cursor(NamedTuple):
    """The last event of a page: the next page begins before it."""

    recorded_at: datetime
    stream: int
    seq: int

    @classmethod
    def of(cls, *, micros: int, stream: int, seq: int) -> Cursor:
        return cls(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros), stream, seq)


async def read_events_witnessed(
    db: Database | Connection,
    *,
    witness: Witness,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: Collection[Kind] | None = None,
    staff: str | None = None,
    organisation: str | None = None,
    before: Cursor | None = None,
    limit: int,
) -> list[StoredEvent]:
    """As `serve`: a page of events about whom `witness` names (0: about anybody), newest first.

    `witness` is an `examined` of the last minute; without it the database refuses. `staff` is a user id.
    """
    rows = await db.fetch(
        QUERIES["read_events_witnessed"],
        *(witness.stream, witness.seq, witness.patient_key, since, until),
        None if kinds is None else [kind.value for kind in kinds],
        _member("user_id", staff),
        _member("organisation", organisation),
        *(before or (None, None, None)),
        limit,
    )
    return [stored_event(row) for row in rows]


def _member(name: str, value: str | None) -> str | None:
    """A member of the canonical JSON in which staff are kept, as it stands there."""
    return None if value is None else f'"{name}":{msgspec.json.encode(value).decode()}'


async def find_event(db: Database | Connection, *, stream: int, seq: int) -> StoredEvent | None:
    row = await db.fetchrow(QUERIES["find_event"], stream, seq)
    return stored_event(row) if row else None


async def find_row(db: Database | Connection, *, stream: int, seq: int) -> Row | None:
    """The same as it is hashed."""
    row = await db.fetchrow(QUERIES["find_event"], stream, seq)
    return Row._make(row[: len(COLUMNS)]) if row else None


async def is_as_written(db: Database | Connection, event: StoredEvent) -> bool:
    """Whether an event, with its texts, has the hash that stands with it behind the one before.

    Who may write every hash may make that fit: only the seals say that it was so from the first.
    """
    row = await find_row(db, stream=event.stream, seq=event.seq)
    before = await db.fetch(QUERIES["read_hashes"], event.stream, event.seq - 1, event.seq - 1)
    previous = before[0]["hash"] if before else first_hash(event.stream) if event.seq == 1 else b""
    return row is not None and not unsaid(row) and is_linked(previous, row, event.hash)


async def follow(
    db: Database | Connection, *, after: Mapping[int, int], limit: int = FOLLOWED_MAX
) -> list[StoredEvent]:
    """Events committed since the marks `after` (stream -> seq), at most `limit` of each stream, in order of time.

    A stream has one writer and grows by whole batches, so nothing is ever committed below a mark: pass
    `advance(after, events)` the next time and each event comes exactly once.
    """
    rows = await db.fetch(QUERIES["follow_events"], list(after), list(after.values()), limit)
    return [stored_event(row) for row in rows]


def advance(after: Mapping[int, int], events: Iterable[StoredEvent]) -> dict[int, int]:
    """The marks behind these events."""
    marks = dict(after)
    for event in events:
        marks[event.stream] = max(marks.get(event.stream, 0), event.seq)
    return marks


async def read_marks(db: Database | Connection) -> dict[int, int]:
    """Where each stream ends now: to follow from here on."""
    return {row["stream"]: row["head_seq"] for row in await db.fetch(QUERIES["read_heads"], None)}


def stored_event(row: asyncpg.Record) -> StoredEvent:
    """A row of the table's columns in their order."""
    detail = dict(_mapping(row["detail"]))
    if row["about_stream"] is not None:  # Beside the detail; within it, where an earlier version wrote the event.
        detail["about_stream"] = row["about_stream"]
    if row["asked_at"] is not None:
        detail["at"] = msgspec.to_builtins(row["asked_at"])
    about_stream = detail.get("about_stream")
    about = (int(about_stream), row["about_seq"]) if about_stream is not None and row["about_seq"] is not None else None
    return StoredEvent(
        patient_key=row["patient_key"],
        stream=row["stream"],
        seq=row["seq"],
        recorded_at=row["recorded_at"],
        kind=Kind(row["kind"]),
        staff=_staff(row["staff"]),
        purpose=row["purpose"],
        evidence=_evidence(row["evidence"]),
        decision=_mapping(row["decision"]),
        about=about,
        snapshot=row["snapshot"],
        detail=detail,
        route=row["route"],
        session=row["session"],
        hash=row["hash"],
    )


@lru_cache(maxsize=4096)
def _staff(text: str | None) -> Staff | None:
    return _decoded(text, Staff)


@lru_cache(maxsize=4096)
def _evidence(text: str | None) -> Evidence | None:
    return _decoded(text, Evidence)


def _decoded(text: str | None, kind: type[T]) -> T | None:
    if text is None:
        return None  # It was taken out, which the verification says.
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError:
        return None  # Nobody, or as an earlier version wrote it: the words stay in the table.


def _mapping(text: str | None) -> Mapping[str, Any]:
    """What is not a JSON object, as a decision of one word is not, stands under "words"."""
    if text is None:
        return {}
    try:
        decoded = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return {"words": text} if text else {}
    return decoded if isinstance(decoded, dict) else {"words": decoded}
