"""Proof, for whoever has one public key and nothing else, that one event was sealed as it is: a small JSON file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from carerecord.audit import keys
from carerecord.audit.chain import Row, first_hash, link, unsaid
from carerecord.audit.merkle import consistency_path, inclusion_path, is_consistent, is_included, subtrees
from carerecord.audit.seals import Folder, Seal, SignedSeal, entries, known_subtrees

FORMAT: Final = "carerecord-audit-proof/1"


class NotProvable(LookupError):
    """This event cannot be proven; the sentence says why."""


class ProofUnreadable(ValueError):
    """This file is no proof of an event: make one with `carerecord witness prove`."""

    def __init__(self) -> None:
        super().__init__(ProofUnreadable.__doc__)


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event's columns by their names; bytes are base64."""

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

    @classmethod
    def of(cls, row: Row) -> EventRow:
        return cls(**row._asdict())

    def row(self) -> Row:
        return Row(**msgspec.structs.asdict(self))


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """From an event to the root of the seal that took it, and from that seal to a newer one."""

    format: str = FORMAT
    event: EventRow
    previous: bytes  # the hash of the event before it in its stream
    place: int  # of the event in the tree
    inclusion: tuple[bytes, ...]
    seal: str  # JWS
    newest: str  # JWS
    announcements: tuple[str, ...] = ()  # JWS of the seals that announced another key
    consistency: tuple[bytes, ...]


def prove(folder: Folder, row: Row) -> Proof:
    """Raises NotProvable where the event is not sealed yet, or is not as it was sealed."""
    listed = list(folder.read())
    found = next((at for at, signed in enumerate(listed) if _end(signed.seal, row.stream) >= row.seq), None)
    if found is None:
        raise NotProvable(f"Event {row.seq} of stream {row.stream} is not sealed yet: ask again in a minute.")
    seal, before = listed[found].seal, listed[found - 1].seal if found else None
    first = before.size if before else 0
    own = _entries(folder, seal, before)
    stretch = next(each for each in seal.stretches(before) if each.stream == row.stream)
    place = stretch.place + row.seq - stretch.first
    previous = _previous(row, own, stretch.first, place - first, before)
    if unsaid(row) or link(previous, row) != own[place - first]:
        raise NotProvable(
            f"Event {row.seq} of stream {row.stream} is not as it was sealed: run `carerecord witness verify`."
        )
    known = known_subtrees([before] if before else [])
    newest = listed[-1].seal
    later, last = [], seal
    for signed in listed[found + 1 :]:
        later += _entries(folder, signed.seal, last)
        last = signed.seal
    since = subtrees(later, first=seal.size, known=known_subtrees([signed.seal for signed in listed[found:]]))
    return Proof(
        event=EventRow.of(row),
        previous=previous,
        place=place,
        inclusion=tuple(inclusion_path(place, seal.size, subtrees(own, first=first, known=known))),
        seal=listed[found].signed,
        newest=listed[-1].signed,
        announcements=tuple(signed.signed for signed in listed if signed.seal.next_key),
        consistency=tuple(consistency_path(seal.size, newest.size, since)),
    )


def check_proof(content: bytes, trusted: Sequence[keys.Jwk]) -> tuple[Proof, str]:
    """The proof, and what is wrong with it as a sentence; no sentence: it holds. Raises ProofUnreadable."""
    try:
        proof = msgspec.json.decode(content, type=Proof)
        seal, newest = SignedSeal.read(proof.seal).seal, SignedSeal.read(proof.newest).seal
    except (ValueError, msgspec.MsgspecError) as error:
        raise ProofUnreadable from error
    if proof.format != FORMAT:
        raise ProofUnreadable
    known = _announced(proof, trusted)
    if not any(keys.open_compact(signed, known) for signed in (proof.seal, proof.newest)):
        return proof, "Neither seal is signed by a key that you trust."
    if proof.seal != proof.newest and not is_consistent(
        older=seal.size, older_root=seal.root, size=newest.size, root=newest.root, path=proof.consistency
    ):
        return proof, "The newer seal is not over the same events as the older one."
    row = proof.event.row()
    entry = link(proof.previous, row)
    if unsaid(row) or not is_included(entry, index=proof.place, size=seal.size, path=proof.inclusion, root=seal.root):
        return proof, "The event is not among those that were sealed: it, or the event it followed, was changed."
    return proof, ""


def _announced(proof: Proof, trusted: Sequence[keys.Jwk]) -> list[keys.Jwk]:
    """The keys that are trusted, and those that they announced, and so on."""
    known = list(trusted)
    for signed in proof.announcements:
        if (payload := keys.open_compact(signed, known)) is not None:
            announced = msgspec.json.decode(payload, type=Seal).next_key
            known += [announced] if announced else []
    return known


def _end(seal: Seal, stream: int) -> int:
    return next((head.seq for head in seal.heads if head.stream == stream), 0)


def _entries(folder: Folder, seal: Seal, before: Seal | None) -> list[bytes]:
    leaves = folder.leaves(seal, seal.size - (before.size if before else 0))
    if leaves is None:
        raise NotProvable(f"The leaves of seal {seal.number} are lost: run `carerecord witness verify`.")
    return entries(leaves)


def _previous(row: Row, own: list[bytes], first: int, index: int, before: Seal | None) -> bytes:
    """The hash of the event before it: in the same seal, or where the stream ended in the seal before."""
    if row.seq > first:
        return own[index - 1]
    heads = before.heads if before else ()
    return next((head.hash for head in heads if head.stream == row.stream), first_hash(row.stream))
