"""Seals: signed heads of one tree over all events, and the folder outside the database in which they stand.

The tree's entries are the events' own hashes, which cover every column. A seal takes the events committed since the one
before it: streams ascending, and each stream's events from its sealed end onwards. So the place of every event in the
tree follows from the heads that the seals name, and an event that is missing leaves a place (32 zero bytes).

A folder holds two files a day: `2026-11-22.seals`, one JWS a line, and `2026-11-22.leaves`, 32 bytes for each event.
Both only grow. A seal says where its leaves begin, so that what a crash left half written is passed over.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from carerecord.audit import keys
from carerecord.audit.merkle import spans
from carerecord.settings import Settings

FORMAT: Final = 1
LEAF_BYTES: Final = 32
ABSENT: Final = bytes(LEAF_BYTES)  # the place of an event that was missing when its place was sealed
NO_SEAL: Final = bytes(32)  # what the first seal follows
LINE_BYTES_MAX: Final = 1_000_000
EVENTS_MAX: Final = 20_000  # in one seal; more are sealed by the ones that follow at once

_JWS: Final = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]+")  # RFC 7515 §7.1


class Head(NamedTuple):
    """Where a stream ended when it was sealed."""

    stream: int
    seq: int
    hash: bytes


class Stretch(NamedTuple):
    """Events `first` to `last` of a stream, sealed together; the first is entry `place` of the tree."""

    stream: int
    first: int
    last: int
    place: int


class Seal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tree head, as it is signed. Bytes are base64 in its JSON."""

    format: int = FORMAT
    number: int
    at: datetime
    size: int
    root: bytes
    peaks: tuple[bytes, ...]  # of the tree's perfect parts: it can be grown, and proofs made, without older leaves
    heads: tuple[Head, ...]  # of every stream there is, ascending
    previous: bytes  # SHA-256 of the signed text before it
    leaves: tuple[str, int]  # the file that holds its own leaves, and where in it they begin
    next_key: dict[str, Any] | None = None  # signs from the next seal on

    def stretches(self, before: Seal | None) -> list[Stretch]:
        """The events that this seal took, in the order of the tree."""
        ends = {head.stream: head.seq for head in before.heads} if before else {}
        found, place = [], before.size if before else 0
        for head in self.heads:
            first = ends.get(head.stream, 0) + 1
            if head.seq >= first:
                found.append(Stretch(head.stream, first, head.seq, place))
                place += head.seq - first + 1
        return found


class SignedSeal(msgspec.Struct, frozen=True, dict=True):
    """A seal with the text that was signed: a JWS in its compact form."""

    signed: str
    seal: Seal

    @classmethod
    def read(cls, signed: str) -> SignedSeal:
        """As it stands, not yet verified. Raises ValueError where it is none."""
        parts = signed.split(".")
        if len(parts) != 3:
            raise ValueError("A signed seal has three parts.")
        return cls(signed, msgspec.json.decode(keys.unbase64url(parts[1]), type=Seal))

    @property
    def key_id(self) -> str:
        return keys.key_id_of(self.signed)

    @cached_property
    def hash(self) -> bytes:
        return sha256(self.signed.encode()).digest()


class Folder:
    """The folder of seals: on another machine, or where nothing can be taken back, if the region is wise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._maps: dict[str, mmap.mmap | bytes] = {}

    def read(self) -> Iterator[SignedSeal]:
        """Every seal in order, not yet verified; a line that is none, as a crash may leave one, is passed over."""
        for path in sorted(self.path.glob("*.seals")):
            yield from _read_lines(path.read_bytes())

    def read_last(self) -> SignedSeal | None:
        for path in sorted(self.path.glob("*.seals"), reverse=True):
            if found := list(_read_lines(path.read_bytes())):
                return found[-1]
        return None

    def leaves(self, seal: Seal, count: int) -> memoryview | None:
        """The leaves of a seal, one after the other; None where they are not whole."""
        name, offset = seal.leaves
        if not count:
            return memoryview(b"")
        if Path(name).name != name:
            return None
        held = self._maps.get(name)
        if held is None or len(held) < offset + count * LEAF_BYTES:
            try:
                with (self.path / name).open("rb") as file:
                    held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):
                return None
            self._maps[name] = held
        if len(held) < offset + count * LEAF_BYTES:
            return None
        return memoryview(held)[offset : offset + count * LEAF_BYTES]

    def place(self, *, at: datetime) -> tuple[str, int]:
        """Where the leaves of a seal made now will begin."""
        path = self.path / f"{self._day(at)}.leaves"
        return path.name, path.stat().st_size if path.exists() else 0

    def _day(self, at: datetime) -> str:
        """Never before the newest that is there: by the names of its files the folder is read in order, though a clock
        was set back over midnight."""
        return max(f"{at:%Y-%m-%d}", *(path.stem for path in self.path.glob("*.seals")), "")

    def write(self, signed: SignedSeal, leaves: Sequence[bytes]) -> None:
        """Leaves first, then the seal that speaks of them; both are on the disk when this returns. Raises OSError."""
        seal, (name, offset) = signed.seal, signed.seal.leaves
        self.path.mkdir(parents=True, exist_ok=True, mode=0o750)
        if leaves:
            _append(self.path / name, b"".join(leaves), at=offset)
        path = self.path / f"{self._day(seal.at)}.seals"
        begin = b"" if not path.exists() or _ends_with_line(path) else b"\n"
        _append(path, begin + signed.signed.encode() + b"\n", at=None)


def seals_within(content: bytes) -> list[SignedSeal]:
    """Every signed seal in a file that was given out: a proof, or the seals of an export. Not yet verified."""
    found = {}
    for text in _JWS.findall(content):
        try:
            signed = SignedSeal.read(text.decode())
        except (ValueError, msgspec.MsgspecError):
            continue
        found[signed.signed] = signed
    return list(found.values())


def folder_of(settings: Settings) -> Folder:
    return Folder(Path(settings.witness_seals) if settings.witness_seals else settings.home / "seals")


def known_subtrees(seals: Sequence[Seal]) -> Mapping[tuple[int, int], bytes]:
    """What the peaks of these seals say of the tree."""
    return {span: peak for seal in seals for span, peak in zip(spans(seal.size), seal.peaks, strict=True)}


def entries(leaves: memoryview) -> list[bytes]:
    return [bytes(leaves[at : at + LEAF_BYTES]) for at in range(0, len(leaves), LEAF_BYTES)]


def _read_lines(content: bytes) -> Iterator[SignedSeal]:
    for line in content.split(b"\n"):
        if 0 < len(line) < LINE_BYTES_MAX:
            try:
                yield SignedSeal.read(line.decode("ascii"))
            except (ValueError, msgspec.MsgspecError):
                continue


def _ends_with_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        if not file.tell():
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _append(path: Path, content: bytes, *, at: int | None) -> None:
    is_new = not path.exists()
    opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        if at is not None and os.fstat(opened).st_size != at:
            raise OSError("Someone else writes to the folder of seals: only one process may.")
        written = 0
        while written < len(content):
            written += os.write(opened, content[written:])
        os.fsync(opened)
    finally:
        os.close(opened)
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
