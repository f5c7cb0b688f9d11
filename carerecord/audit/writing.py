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
_OWN: Final = Purpose.PATRQT.value
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
    is_own: bool | None  # None: not
    manner: bytes
    grounds: bytes | None
    texts: tuple[Text, ...]  # what the digests stand for
    encoded: bytes  # all of it as it is hashed behind its place


STORED: Final = Written._fields.index("texts")  # the columns before it are an entry's own


def write(event: Event) -> Written:
    """An event as text and numbers. Refuses what the table would refuse, so that one event never fails for another."""
    patient_key, kind, purpose, decision = event.patient_key, event.kind, event.purpose, event.decision
    route, session, about, at = event.route, event.session, event.about, event.at
    snapshot = event.snapshot
    try:
        detail = _json(event.detail).decode()
        is_own = purpose == _OWN  # Whoever looks is the patient: that too is theirs.
        by = _by if isinstance(event.staff, Staff) else _by_anybody
        manner = by(event.staff, decision if isinstance(decision, str) else _json(decision).decode())
        if is_own:
            manner = manner._replace(patient_key=patient_key)
        on = _on if isinstance(event.evidence, Evidence) else _on_anything
        own_evidence, grounds, texts = on(patient_key, event.evidence)
        if at is not None and at.tzinfo is not UTC:
            at = _in_utc(at)
        about_seq, about_stream = (about.seq, about.stream) if about is not None else (None, None)
        encoded = encode(
            (kind, purpose, detail, route, session),
            (about_stream, about_seq),
            snapshot=snapshot,
            asked_at=at,
            manner=manner.digest,
            grounds=grounds,
        )
        is_sound = "\0" not in purpose + route + session and kind in _KINDS and -(2**63) <= patient_key < 2**63
    except (TypeError, ValueError, struct.error, msgspec.MsgspecError) as error:
        raise UnwritableEvent from error
    if not is_sound:
        raise UnwritableEvent
    return Written(
        patient_key, kind, purpose, own_evidence, about_seq, about_stream, snapshot, detail, route, session, at,
        is_own or None, manner.digest, grounds if texts else None, (manner, *texts), encoded,
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


def _by_anybody(staff: Any, decision: str) -> Text:
    """Who looked, and what was decided: a text of its own, shared by all that they look at."""
    said = _text(staff), _sound(decision)
    return Text(SHARED, manner_of(*said), said)


def _on_anything(patient_key: int, evidence: Any) -> tuple[str | None, bytes, tuple[Text, ...]]:
    """Evidence as it stands in the row, if it is short, or beside it; and its digest."""
    said = _text(evidence)
    digest = grounds_of(said)
    return (said, digest, ()) if len(said) < SHORT else (None, digest, (Text(patient_key, digest, (said,)),))


# A reader's events repeat who they are and why they may look.
_by = lru_cache(maxsize=8192)(_by_anybody)
_on = lru_cache(maxsize=8192)(_on_anything)


def canonical_json(value: Any) -> str:
    """Sorted keys, no spaces: what an event that is given words as values makes of them itself."""
    return _json(value).decode()


def _text(value: Any) -> str:
    """Text stays as it is."""
    return _sound(value) if isinstance(value, str) else canonical_json(value)


def _sound(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text
