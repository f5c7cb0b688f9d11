"""An event made ready to be stored: as text, numbers and digests, and as it is hashed. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from carerecord.audit.chain import PLACE, Event, Kind, UnwritableEvent, encode, micros
from carerecord.audit.texts import SHARED, Text, grounds_of, manner_of
from carerecord.model import Evidence, Purpose, Staff

# Shorter evidence (none, or only its kind) stands in the row: a text of its own would take more room than it saves.
SHORT: Final = 64
_KINDS: Final = frozenset(Kind)
_json: Final = msgspec.json.Encoder(order="sorted").encode


class Written(NamedTuple):
    """An event's own columns, ready before its place in a stream is known, in the order of the type audit.entered."""

    patient_key: int
    kind: str
    purpose: str
    own_evidence: str | None
    about_seq: int | None
    about_stream: int | None
    snapshot: bytes | None
    detail: str
    route: str
    session: str
    asked_at: datetime | None
    is_own: bool
    manner: bytes
    grounds: bytes | None
    texts: tuple[Text, ...]  # what the digests stand for
    encoded: bytes  # all of it as it is hashed behind its place


STORED: Final = Written._fields.index("texts")  # the columns before it are an entry's own


def write(event: Event) -> Written:
    """An event as text and numbers. Refuses what the table would refuse, so that one event never fails for another."""
    kind, purpose, route, session, patient_key = (
        event.kind,
        event.purpose,
        event.route,
        event.session,
        event.patient_key,
    )
    about, at, snapshot = event.about, event.at, event.snapshot
    try:
        detail = _json(event.detail).decode()
        staff, decision, evidence = _text(event.staff), _text(event.decision), _text(event.evidence)
        is_own = purpose == Purpose.PATRQT  # Whoever looks is the patient: that too is theirs.
        manner, grounds = manner_of(staff, decision), grounds_of(evidence)
        texts: tuple[Text, ...] = (Text(patient_key if is_own else SHARED, manner, (staff, decision)),)
        is_short = len(evidence) < SHORT
        if not is_short:
            texts = (*texts, Text(patient_key, grounds, (evidence,)))
        if at is not None and at.tzinfo is not UTC:
            at = _in_utc(at)
        about_seq, about_stream = (about.seq, about.stream) if about is not None else (None, None)
        encoded = encode(
            (kind, purpose, detail, route, session),
            about=(about_stream, about_seq),
            snapshot=snapshot,
            asked_at=at,
            manner=manner,
            grounds=grounds,
        )
        said = (purpose, route, session, staff, decision, evidence)
        is_sound = "\0" not in "".join(said) and kind in _KINDS and -(2**63) <= patient_key < 2**63
    except (TypeError, ValueError, struct.error, msgspec.MsgspecError) as error:
        raise UnwritableEvent from error
    if not is_sound:
        raise UnwritableEvent
    own_evidence, named = (evidence, None) if is_short else (None, grounds)
    return Written(
        patient_key, kind, purpose, own_evidence, about_seq, about_stream, snapshot, detail, route, session, at,
        is_own, manner, named, texts, encoded,
    )  # fmt: skip


def link_all(
    previous: bytes, events: Sequence[Written], *, stream: int, seq: int, recorded_at: datetime
) -> list[bytes]:
    """The hashes of events that follow event `seq` of a stream, each as `link` would give it."""
    at, hashes = micros(recorded_at), []
    for number, event in enumerate(events, seq + 1):
        previous = sha256(previous + PLACE.pack(2, event.patient_key, stream, number, at) + event.encoded).digest()
        hashes.append(previous)
    return hashes


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError
    return at.astimezone(UTC)


def _text(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces. Text stays as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, (Staff, Evidence)):
        return _said_before(value)
    return _json(value).decode()


@lru_cache(maxsize=8192)
def _said_before(value: Staff | Evidence) -> str:
    """A reader's events repeat who they are and why they may look."""
    return _json(value).decode()
