"""Proof, for somebody who may not read the event itself, that it stands in the sealed audit: its hash, and no content.

A patient's ledger tells role and organisation, not names. The hash is that of the whole event: whoever is later given
the event can hold it against the proof, and nobody can give them another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from carerecord import database
from carerecord.audit import keys
from carerecord.audit.events import StoredEvent
from carerecord.audit.merkle import inclusion_path, is_included, subtrees
from carerecord.audit.proofs import ProofUnreadable
from carerecord.audit.seals import Seal, SignedSeal, Stretch, known_subtrees

if TYPE_CHECKING:
    from carerecord.database import Database

QUERIES = database.queries(__package__)
FORMAT: Final = "carerecord-audit-entry/1"


class EntryProof(msgspec.Struct, frozen=True, kw_only=True):
    """From the hash of an event to the root of the seal that took it. Bytes are base64."""

    format: str = FORMAT
    entry: bytes
    place: int  # of the event in the tree
    inclusion: tuple[bytes, ...]
    seal: str  # JWS


async def prove_entry(db: Database, event: StoredEvent) -> EntryProof | None:
    """None: it is not sealed yet. As `serve`, which may read hashes and copies of seals, and no event."""
    listed = [SignedSeal.read(row["signed"]) for row in await db.fetch(QUERIES["find_seals_from"], event.recorded_at)]
    for number, signed in enumerate(listed):
        before = listed[number - 1].seal if number else None
        if before is None and signed.seal.number > 1 and signed.seal.at < event.recorded_at:
            continue  # It is only there as the one before.
        stretch = next((each for each in signed.seal.stretches(before) if _takes(each, event)), None)
        if stretch is None:
            continue
        entries: list[bytes] = []
        for each in signed.seal.stretches(before):
            rows = await db.fetch(QUERIES["read_hashes"], each.stream, each.first, each.last)
            entries += [row["hash"] for row in rows]
        first = before.size if before else 0
        place = stretch.place + event.seq - stretch.first
        if len(entries) != signed.seal.size - first or entries[place - first] != event.hash:
            return None
        known = known_subtrees([before] if before else [])
        path = inclusion_path(place, signed.seal.size, subtrees(entries, first=first, known=known))
        return EntryProof(entry=event.hash, place=place, inclusion=tuple(path), seal=signed.signed)
    return None


def _takes(stretch: Stretch, event: StoredEvent) -> bool:
    return stretch.stream == event.stream and stretch.first <= event.seq <= stretch.last


def is_entry_proof(content: bytes) -> bool:
    return FORMAT.encode() in content[:200]


def check_entry(content: bytes, trusted: Sequence[keys.Jwk]) -> tuple[Seal, str]:
    """The seal, and what is wrong as a sentence; no sentence: it holds. Raises ProofUnreadable."""
    try:
        proof = msgspec.json.decode(content, type=EntryProof)
        seal = SignedSeal.read(proof.seal).seal
    except (ValueError, msgspec.MsgspecError) as error:
        raise ProofUnreadable from error
    if proof.format != FORMAT:
        raise ProofUnreadable
    if keys.open_compact(proof.seal, trusted) is None:
        return seal, "The seal is not signed by a key that you trust."
    if not is_included(proof.entry, index=proof.place, size=seal.size, path=proof.inclusion, root=seal.root):
        return seal, "The entry is not among those that were sealed."
    return seal, ""
