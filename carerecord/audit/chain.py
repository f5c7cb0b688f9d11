"""What an event is, and how each is linked to the one before it so that no column can be changed unseen. Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from carerecord.audit.texts import grounds_of, manner_of
from carerecord.model import Evidence, Staff


class Kind(StrEnum):
    """What happened. Stored: only add, here and in the table's check."""

    OPENED = "opened"  # decided and permitted; nothing shown yet
    SHOWN = "shown"  # what was shown: follows its `opened`
    REFUSED = "refused"
    SEARCHED = "searched"
    ARRIVED = "arrived"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    DECLARED = "declared"  # emergency access: who, why, for how long
    EXPORTED = "exported"  # a file of the record was made: subject access, an exit
    SENT = "sent"  # to a program or another region that nobody has looked at yet: not the same as seen
    EXAMINED = "examined"  # a steward looked at a case, an event or an original
    ADMINISTERED = "administered"  # policy, switch, objection, removal, hold, role or key was changed
    NOTIFIED = "notified"  # an organisation or a person was told something


class UnwritableEvent(ValueError):
    """This event cannot be written: give every field the type it declares, without NUL or broken characters."""


class Witness(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Proof that an event is durable: where it stands, and since when."""

    patient_key: int
    stream: int
    seq: int
    recorded_at: datetime


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that someone did or was refused. `patient_key` 0: about nobody."""

    kind: str
    patient_key: int
    staff: Staff | Mapping[str, Any] | None
    purpose: str
    evidence: Evidence | Mapping[str, Any] | None
    decision: Any  # text as it is, anything else as canonical JSON
    about: Witness | None = None  # the event this one follows
    snapshot: bytes | None = None  # ids and versions of what was shown
    detail: Mapping[str, Any] = msgspec.field(default_factory=dict)
    route: str
    session: str
    at: datetime | None = None  # when the request was made, beside recorded_at


class Row(NamedTuple):
    """An event as stored, without its hash. One with a `manner` names texts by their digests: encoding 2.

    Its `staff`, `decision` and, under `grounds`, `evidence` stand beside many events: None where they are gone.
    """

    patient_key: int
    stream: int
    seq: int
    recorded_at: datetime
    kind: str
    staff: str
    purpose: str
    evidence: str
    decision: str
    about_seq: int | None
    snapshot: bytes | None
    detail: str
    route: str
    session: str
    asked_at: datetime | None = None
    about_stream: int | None = None
    manner: bytes | None = None
    grounds: bytes | None = None


COLUMNS: Final = Row._fields  # as every query of whole rows lists them, the hash behind


# Encoding 1: where the event stands, then the numbers it says and the length of each text, then the texts. Every part
# has a fixed place or a stated length, so no two rows have the same encoding.
PLACE: Final = struct.Struct(">Bqiqq")
_SAID: Final = struct.Struct(">BqB9I")
# Encoding 2: the same, but that of staff, decision and evidence it holds the digests (`texts`), and beside the detail
# the time of the request and the stream of the event that it follows. The first byte says which encoding it is.
_NAMED: Final = struct.Struct(">Bqiq32s32s6I")
UNLINKABLE: Final = b""  # No hash that is stored: of what cannot be an event.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def first_hash(stream: int) -> bytes:
    """What the first event of a stream is linked to."""
    return sha256(f"carerecord audit stream {stream}".encode()).digest()


def link(previous: bytes, row: Row) -> bytes:
    """The hash of an event: SHA-256 of the hash before it and the canonical encoding of every column.

    Whoever owns the database may take away its checks, and put what no writer could where an event should stand.
    """
    try:
        return sha256(previous + canonical(row)).digest()
    except (TypeError, ValueError, OverflowError, struct.error):
        return UNLINKABLE


def is_linked(previous: bytes, row: Row, stored: bytes | None) -> bool:
    """Whether that is the hash of this event, behind the hash of the one before it."""
    return bool(stored) and link(previous, row) == stored


def micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def canonical(row: Row) -> bytes:
    place = row.patient_key, row.stream, row.seq, micros(row.recorded_at)
    if row.manner is not None:
        grounds = grounds_of(row.evidence) if row.grounds is None else row.grounds
        return PLACE.pack(2, *place) + encode(
            (row.kind, row.purpose, row.detail, row.route, row.session),
            (row.about_stream, row.about_seq),
            snapshot=row.snapshot,
            asked_at=row.asked_at,
            manner=row.manner,
            grounds=grounds,
        )
    before = row.kind, row.staff, row.purpose, row.evidence, row.decision
    whole = PLACE.pack(1, *place) + _encode_whole(
        before, row.about_seq, row.snapshot, (row.detail, row.route, row.session)
    )
    # What was written so has none of the later columns: one that has was changed, and is like nothing that was linked.
    return whole if row[14:] == (None, None, None, None) else b"\0" + whole


def encode(
    texts: tuple[str, str, str, str, str],
    about: tuple[int | None, int | None],
    *,
    snapshot: bytes | None,
    asked_at: datetime | None,
    manner: bytes,
    grounds: bytes,
) -> bytes:
    """Encoding 2 behind the place; `texts` are kind, purpose, detail, route and session."""
    stream, seq = about
    marks = (seq is not None) | (stream is not None) << 1 | (snapshot is not None) << 2 | (asked_at is not None) << 3
    joined = "".join(texts)
    lengths = map(len, texts) if joined.isascii() else [len(text.encode()) for text in texts]  # A letter is a byte.
    asked = micros(asked_at) if asked_at is not None else 0
    shown = snapshot or b""
    numbers = _NAMED.pack(marks, seq or 0, stream or 0, asked, manner, grounds, *lengths, len(shown))
    return numbers + joined.encode() + shown


def unsaid(row: Row) -> str | None:
    """What of an event's texts is not there as it was said, by its digest in the row; None: all of it is."""
    if row.manner is None:
        return None
    if row.staff is None or row.decision is None or manner_of(row.staff, row.decision) != row.manner:
        return "staff"
    if row.evidence is None or (row.grounds is not None and grounds_of(row.evidence) != row.grounds):
        return "evidence"
    return None


def _encode_whole(before: tuple[str, ...], about: int | None, snapshot: bytes | None, after: tuple[str, ...]) -> bytes:
    """The texts before the snapshot, what it is about, the snapshot, and the texts after it."""
    first, last = "".join(before), "".join(after)
    if first.isascii() and last.isascii():  # As nearly all are: a letter is a byte.
        lengths = [*map(len, before), len(snapshot or b""), *map(len, after)]
    else:
        lengths = [
            *(len(text.encode()) for text in before),
            len(snapshot or b""),
            *(len(text.encode()) for text in after),
        ]
    numbers = _SAID.pack(about is not None, about or 0, snapshot is not None, *lengths)
    return b"".join((numbers, first.encode(), snapshot or b"", last.encode()))
