"""What an event is, and how each is linked to the one before it so that no column can be changed unseen. Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

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
    at: datetime | None = None  # when the request was made; kept in the detail beside recorded_at


class Row(NamedTuple):
    """An event as stored, in the order of the table's columns, without its hash."""

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


class Written(NamedTuple):
    """An event's own columns, ready before its place in a stream is known."""

    patient_key: int
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
    encoded: bytes  # the same columns, as they are hashed behind their place


# Encoding 1: where the event stands, then the numbers it says and the length of each text, then the texts. Every part
# has a fixed place or a stated length, so no two rows have the same encoding.
_PLACE: Final = struct.Struct(">Bqiqq")
_SAID: Final = struct.Struct(">BqB9I")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_KINDS: Final = frozenset(Kind)
_json: Final = msgspec.json.Encoder(order="sorted").encode


def first_hash(stream: int) -> bytes:
    """What the first event of a stream is linked to."""
    return sha256(f"carerecord audit stream {stream}".encode()).digest()


def link(previous: bytes, row: Row) -> bytes:
    """The hash of an event: SHA-256 of the hash before it and the canonical encoding of every column."""
    return sha256(previous + canonical(row)).digest()


def link_all(
    previous: bytes, events: Sequence[Written], *, stream: int, seq: int, recorded_at: datetime
) -> list[bytes]:
    """The hashes of events that follow event `seq` of a stream, each as `link` would give it."""
    micros, hashes = (recorded_at - _EPOCH) // _MICROSECOND, []
    for number, event in enumerate(events, seq + 1):
        place = _PLACE.pack(1, event.patient_key, stream, number, micros)
        previous = sha256(b"".join((previous, place, event.encoded))).digest()
        hashes.append(previous)
    return hashes


def canonical(row: Row) -> bytes:
    patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about, snapshot, *rest = row
    place = _PLACE.pack(1, patient_key, stream, seq, (recorded_at - _EPOCH) // _MICROSECOND)
    return place + _encode((kind, staff, purpose, evidence, decision), about, snapshot, tuple(rest))


def _encode(before: tuple[str, ...], about: int | None, snapshot: bytes | None, after: tuple[str, ...]) -> bytes:
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


def write(event: Event) -> Written:
    """An event as text and numbers. Refuses what the table would refuse, so that one event never fails for another."""
    detail = dict(event.detail)
    if event.at is not None:
        detail["at"] = event.at
    if event.about is not None:
        detail["about_stream"] = event.about.stream
    try:
        before = (event.kind, _text(event.staff), event.purpose, _text(event.evidence), _text(event.decision))
        after = (_text(detail), event.route, event.session)
        about = event.about.seq if event.about else None
        snapshot = event.snapshot if event.snapshot is None else bytes(event.snapshot)
        written = Written(event.patient_key, *before, about, snapshot, *after, _encode(before, about, snapshot, after))
        is_sound = (
            "\0" not in "".join((*before, *after)) and event.kind in _KINDS and -(2**63) <= event.patient_key < 2**63
        )
    except (TypeError, ValueError, struct.error, msgspec.MsgspecError) as error:
        raise UnwritableEvent from error
    if not is_sound:
        raise UnwritableEvent
    return written


def _text(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces. Text stays as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, (Staff, Evidence)):
        return _said_before(value)
    return _json(value).decode()


@lru_cache(maxsize=1024)
def _said_before(value: Staff | Evidence) -> str:
    """A reader's events repeat who they are and why they may look."""
    return _json(value).decode()
