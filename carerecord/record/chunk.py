"""Statements packed into two byte strings, a header that can be searched and a compressed body, and read back. Pure.

A log row holds the statements of one message; who said them stands in the row's columns. A folded chunk holds those of
many messages in the order they came, so its header also lists, for each run of statements, which message they are from.
A header, after the numbers of `dictionary`, is a u32 count, then a column for each field, little-endian, in the order
of _WIDTHS, then, if folded, the runs and the cuts of results (docs/decisions/0029). A folded one is compressed where
that makes it smaller; a row of the log lives for hours, and squeezing its header took longer than writing it. Ids stand
as text: quicker to read.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import accumulate, groupby, pairwise, repeat
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from carerecord.fhir.cut import Cut, cut_of
from carerecord.model import Heading, OriginalReference, Standing, Statement, StoredStatement
from carerecord.record.cuts import pack_cuts, read_cuts
from carerecord.record.dictionary import (
    BRIEF,
    LEVEL,
    PREFIX,
    STATEMENTS,
    Unreadable,
    compress,
    expand,
    read_prefix,
    squeeze,
)
from carerecord.record.types import RESOURCE_TYPES, type_number

LOG: Final = 1
FOLDED: Final = 2  # as folds made them before they kept cuts: read, and not made any more
FOLDED_CUT: Final = 3
SQUEEZED: Final = 0x80  # set in the format byte of a header that is compressed itself

_ID: Final = 26
_VERSION: Final = 13
# local id, version, type, heading, standing, sensitivity, happened_at, said_at, code hash, length of the body
_WIDTHS: Final = (_ID, _VERSION, 1, 1, 1, 4, 8, 8, 8, 4)
_WIDTH: Final = sum(_WIDTHS)
_SPEAKER: Final = struct.Struct("<qB")  # identity_key, length of the source's name
_RUN: Final = struct.Struct("<iqqHI")  # day, seq, received_at, number of the speaker, count of statements
_COUNT: Final = struct.Struct("<I")
_COUNTS: Final = struct.Struct("<HI")  # speakers, runs

_BASE32: Final = b"abcdefghijklmnopqrstuvwxyz234567"
_SPELL: Final = bytes.maketrans(bytes(range(32)), _BASE32)
_GAP: Final = bytes(8)
_ROOM: Final = 16  # bytes: a hash and the gap before it
_TOGETHER_MAX: Final = 16
_FIELDS: Final = attrgetter(
    *("local_id", "resource_type", "heading", "standing", "sensitivity", "happened_at", "said_at", "body")
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NEVER: Final = -(2**63)
_RESULTS: Final = Heading.RESULTS.value
_HEADINGS: Final = {heading.value: heading for heading in Heading}
_STANDINGS: Final = {standing.value: standing for standing in Standing}


class NotALocalId(ValueError):
    """A statement's local id must be 26 characters of lower-case base32: mend the translation that made it."""


class Packed(NamedTuple):
    header: bytes
    body: bytes


class Said(NamedTuple):
    """Who said a run of statements, and in which original."""

    identity_key: int
    source: str
    original: OriginalReference
    received_at: datetime


# Who said a run of statements, as in Said, and how many they are. A plain tuple: a view reads dozens.
_Run = tuple[tuple[int, str, OriginalReference, datetime], int]


@lru_cache(maxsize=4096)  # The same codes come again and again; they say nothing about a patient.
def code_hash(code: str | None) -> int:
    """What a header keeps of a "system|code": enough to search by, 0 for none."""
    return int.from_bytes(blake2b(code.encode()).digest()[:8], "little") if code else 0


def version(body: bytes) -> str:
    """What tells this wording of a statement from any other: base32 of the first eight bytes of BLAKE2b."""
    return _versions([body])[0]


def _versions(bodies: Sequence[bytes]) -> list[str]:
    """Of many at once: the bits of all are drawn apart by halves, until each five have a byte."""
    found: list[str] = []
    for first in range(0, len(bodies), _TOGETHER_MAX):
        hashes = [_GAP + blake2b(body).digest()[:8] for body in bodies[first : first + _TOGETHER_MAX]]
        bits = int.from_bytes(b"".join(hashes), "big") << 1
        for low, high, shift in _masks(len(hashes)):
            bits = (bits & high) << shift | bits & low
        text = bits.to_bytes(len(hashes) * _ROOM, "big").translate(_SPELL).decode()
        found += [text[end - _VERSION : end] for end in range(_ROOM, len(text) + 1, _ROOM)]
    return found


@cache
def _masks(count: int) -> list[tuple[int, int, int]]:
    """For so many hashes: where the lower halves are of each 80, 40, 20, 10 bits, where the upper ones, how far these
    go up to have as much room again."""
    found = []
    for half in (40, 20, 10, 5):
        low = sum(((1 << half) - 1) << at for at in range(0, count * _ROOM * 8, half * 16 // 5))
        found.append((low, low << half, half * 8 // 5 - half))
    return found


def as_they_read(statements: Sequence[StoredStatement]) -> list[StoredStatement]:
    """Each under the version of the words that it holds, and with the cut of these.

    Where somebody who owns the database changed words and left their version, no witness takes them for what was seen.
    """
    found = []
    for statement, true in zip(statements, _versions([each.body for each in statements]), strict=True):
        cut = _cut(statement.heading, statement.resource_type, statement.body)
        if true != statement.version or cut != statement.cut:
            statement = msgspec.structs.replace(statement, version=true, cut=cut)
        found.append(statement)
    return found


def pack(statements: Sequence[Statement]) -> Packed:
    """The statements of one message, for one row of the log."""
    return next(pack_each([statements]))


def pack_each(messages: Sequence[Sequence[Statement]]) -> Iterator[Packed]:
    """The statements of several messages, each for a row of its own."""
    versions = _versions([statement.body for statements in messages for statement in statements])
    last = 0
    for statements in messages:
        first, last = last, last + len(statements)
        yield _pack(LOG, statements, versions[first:last], [code_hash(s.code) for s in statements])


def pack_folded(statements: Sequence[StoredStatement]) -> Packed:
    """Statements of many messages of one patient, in the order given, for one chunk. Same statements, same bytes."""
    versions = [s.version for s in statements]
    cuts = pack_cuts([s.cut or _cut(s.heading, s.resource_type, s.body) for s in statements])
    more = _pack_runs(statements) + cuts
    return _pack(FOLDED_CUT, statements, versions, [s.code_hash for s in statements], more)


def unpack(header: bytes, body: bytes, *, patient_key: int, said: Said) -> list[StoredStatement]:
    """The statements of one row of the log."""
    form, columns = _read_header(header)
    count = _read_count(columns)
    if form != LOG or len(columns) != _COUNT.size + count * _WIDTH:
        raise Unreadable
    return _build(columns, body, patient_key=patient_key, runs=[(said, count)])


def unpack_folded(
    header: bytes, body: bytes, *, patient_key: int, identities: Container[int] | None = None
) -> list[StoredStatement]:
    """The statements of a chunk: all of them, or only those said about one of these identities."""
    form, columns = _read_header(header)
    count = _read_count(columns)
    if form not in (FOLDED, FOLDED_CUT):
        raise Unreadable
    runs, end = _read_runs(columns, _COUNT.size + count * _WIDTH)
    if sum(run_count for _, run_count in runs) != count or (form == FOLDED and len(columns) != end):
        raise Unreadable
    cuts = read_cuts(columns[end:], count) if form == FOLDED_CUT else None
    built = _build(columns, body, patient_key=patient_key, runs=runs, cuts=cuts)
    if identities is None or all(key in identities for key in {said[0] for said, _ in runs}):
        return built
    return [statement for statement in built if statement.identity_key in identities]


def _pack(
    form: int,
    statements: Sequence[Statement] | Sequence[StoredStatement],
    versions: Sequence[str],
    code_hashes: Sequence[int],
    more: bytes = b"",
) -> Packed:
    count = len(statements)
    ids, types, headings, standings, bits, happened, said, bodies = (
        zip(*map(_FIELDS, statements), strict=True) if statements else ((),) * 8
    )
    micros = {at: _micros(at) for at in {*happened, *said}}
    plain = b"".join(
        (
            _COUNT.pack(count),
            _checked(ids),
            "".join(versions).encode(),
            bytes(map(type_number, types)),
            bytes(headings),
            bytes(standings),
            struct.pack(
                f"<{count}I{count}q{count}q{count}Q{count}I",
                *bits,
                *map(micros.__getitem__, happened),
                *map(micros.__getitem__, said),
                *code_hashes,
                *map(len, bodies),
            ),
            more,
        )
    )
    # What results say alike is JSON, as the dictionary knows it.
    small = plain if form == LOG else squeeze(plain, STATEMENTS)
    is_smaller = len(small) < len(plain)
    header = PREFIX.pack(form | SQUEEZED, STATEMENTS, 0) + small if is_smaller else PREFIX.pack(form, 0, 0) + plain
    level = BRIEF if form == LOG else LEVEL
    return Packed(header, compress(b"".join(bodies), dictionary=STATEMENTS, level=level))


def _read_header(header: bytes) -> tuple[int, bytes]:
    form, dictionary = read_prefix(header)
    if form & SQUEEZED:
        return form & ~SQUEEZED, expand(header, dictionary)
    return form, header[PREFIX.size :]


def _read_count(columns: bytes) -> int:
    if len(columns) < _COUNT.size:
        raise Unreadable
    return int.from_bytes(columns[: _COUNT.size], "little")


def _pack_runs(statements: Iterable[StoredStatement]) -> bytes:
    speakers: dict[tuple[int, str], int] = {}
    runs: list[bytes] = []
    for said, members in groupby(statements, key=_said):
        speaker = speakers.setdefault((said.identity_key, said.source), len(speakers))
        day = said.original.day.toordinal()
        runs.append(_RUN.pack(day, said.original.seq, _micros(said.received_at), speaker, sum(1 for _ in members)))
    named = [(key, source.encode()) for key, source in speakers]
    return b"".join(
        (
            _COUNTS.pack(len(named), len(runs)),
            *[_SPEAKER.pack(key, len(source)) + source for key, source in named],
            *runs,
        )
    )


def _said(statement: StoredStatement) -> Said:
    return Said(statement.identity_key, statement.source, statement.original, statement.received_at)


def _read_runs(columns: bytes, offset: int) -> tuple[list[_Run], int]:
    """The runs, and where they end."""
    try:
        speaker_count, run_count = _COUNTS.unpack_from(columns, offset)
        offset += _COUNTS.size
        speakers: list[tuple[int, str]] = []
        for _ in range(speaker_count):
            identity_key, length = _SPEAKER.unpack_from(columns, offset)
            offset += _SPEAKER.size + length
            speakers.append((identity_key, columns[offset - length : offset].decode()))
        end = offset + run_count * _RUN.size
        return [
            ((*speakers[speaker], OriginalReference(date.fromordinal(day), seq), _instant(received)), count)
            for day, seq, received, speaker, count in _RUN.iter_unpack(columns[offset:end])
        ], end
    except (struct.error, IndexError) as error:
        raise Unreadable from error


def _build(
    columns: bytes,
    body: bytes,
    *,
    patient_key: int,
    runs: Sequence[_Run],
    cuts: Sequence[Cut | None] | None = None,
) -> list[StoredStatement]:
    """Statements from columns. The way of every view: each column is made at once, and no line runs per statement."""
    count = _read_count(columns)
    bodies = expand(body, read_prefix(body)[1])
    ids, versions, types, headings, standings, bits, happened, said, hashes, lengths = _split(columns, count)
    happened_at = struct.unpack(f"<{count}q", happened)
    said_at = struct.unpack(f"<{count}q", said)
    instants: dict[int, datetime | None] = {at: _instant(at) for at in {*happened_at, *said_at} - {_NEVER}}
    instants[_NEVER] = None
    ends = list(accumulate(struct.unpack(f"<{count}I", lengths)))
    if (ends[-1] if ends else 0) != len(bodies):
        raise Unreadable
    keys: list[int] = []
    sources: list[str] = []
    originals: list[OriginalReference] = []
    received: list[datetime] = []
    for (identity_key, source, original, received_at), run_count in runs:
        keys += [identity_key] * run_count
        sources += [source] * run_count
        originals += [original] * run_count
        received += [received_at] * run_count
    own = [bodies[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    try:
        kinds = [*map(RESOURCE_TYPES.__getitem__, types)]
        if cuts is None:
            cuts = [*map(_cut, headings, kinds, own)]
        return list(
            map(
                StoredStatement,  # in the order of its fields
                _texts(ids, _ID),
                _texts(versions, _VERSION),
                kinds,
                map(_HEADINGS.__getitem__, headings),
                map(_STANDINGS.__getitem__, standings),
                map(instants.__getitem__, happened_at),
                map(instants.__getitem__, said_at),  # Never None: pack refuses a statement without.
                received,
                sources,
                repeat(patient_key),
                keys,
                struct.unpack(f"<{count}I", bits),
                struct.unpack(f"<{count}Q", hashes),
                originals,
                own,
                cuts,
            )
        )
    except (KeyError, IndexError) as error:
        raise Unreadable from error


def _cut(heading: int, resource_type: str, body: bytes) -> Cut | None:
    """Results alone: nobody reads anything else this way."""
    return cut_of(resource_type, body) if heading == _RESULTS else None


def _split(columns: bytes, count: int) -> list[bytes]:
    ends = list(accumulate(_WIDTHS, lambda end, width: end + width * count, initial=_COUNT.size))
    return [columns[start:end] for start, end in pairwise(ends)]


def _texts(column: bytes, width: int) -> list[str]:
    text = column.decode("ascii")
    return [text[start : start + width] for start in range(0, len(text), width)]


def _checked(local_ids: Sequence[str]) -> bytes:
    text = "".join(local_ids).encode()
    if {*map(len, local_ids)} - {_ID} or text.translate(None, _BASE32):
        raise NotALocalId
    return text


def _micros(at: datetime | None) -> int:
    return _NEVER if at is None else (at - _EPOCH) // _MICROSECOND


def _instant(micros: int) -> datetime:
    if micros % 1_000_000:
        return _EPOCH + timedelta(0, 0, micros)
    return datetime.fromtimestamp(micros // 1_000_000, UTC)  # What most sources send: whole seconds.
