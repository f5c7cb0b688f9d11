"""What the seals prove: whether they are whole and signed by a key that is trusted, and each event's hash as sealed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from carerecord.audit import keys
from carerecord.audit.chain import first_hash
from carerecord.audit.merkle import Frontier
from carerecord.audit.seals import EVENTS_MAX, LEAF_BYTES, NO_SEAL, Folder, Head, Seal, SignedSeal, entries
from carerecord.audit.walk import Fault, Finding

_SEALS: Final = 0  # the stream of findings about seals
# Clocks of two machines differ, and an event may wait for its commit; a forger gains no more than this.
CLOCK: Final = timedelta(minutes=10)


class Piece(NamedTuple):
    """The events of one stream that one seal took."""

    first: int
    last: int
    leaves: memoryview | None  # None: lost, so that these events hang on their chain, whose end was sealed
    end: bytes  # the hash of the last
    since: datetime | None  # All that was committed by then was sealed before.
    until: datetime | None  # when these were


class SealedStream:
    """The hashes of one stream's events, as they were sealed."""

    def __init__(self, stream: int, end: Head | None) -> None:
        self.stream = stream
        self.end = end
        self.last = end.seq if end else 0
        self._pieces: list[Piece] = []
        self._firsts: list[int] = []
        self.at = Piece(1, 0, memoryview(b""), b"", None, None)  # of the event whose hash was asked for last

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._firsts.append(piece.first)

    def piece_of(self, seq: int) -> Piece | None:
        place = bisect_right(self._firsts, seq) - 1
        return self._pieces[place] if place >= 0 and seq <= self._pieces[place].last else None

    def hash_at(self, seq: int) -> bytes | None:
        """None where its leaf is lost. Event 0 is what the first event is linked to."""
        piece = self.at
        if not piece.first <= seq <= piece.last:
            if seq == 0:
                return first_hash(self.stream)
            found = self.piece_of(seq)
            if found is None:
                return None
            piece = self.at = found
        if seq == piece.last:
            return piece.end
        if piece.leaves is None:
            return None
        offset = (seq - piece.first) * LEAF_BYTES
        return bytes(piece.leaves[offset : offset + LEAF_BYTES])


class Sealed:
    """Every stream as the seals that are trusted say it was."""

    def __init__(self) -> None:
        self.seals = 0
        self.events = 0
        self.last: SignedSeal | None = None
        self.all_before: datetime | None = None  # All that was committed by then is sealed.
        self._streams: dict[int, SealedStream] = {}
        self._pieces: dict[int, list[Piece]] = {}

    def add(self, signed: SignedSeal, before: Seal | None, leaves: memoryview | None) -> None:
        self.seals += 1
        self.last = signed
        self.events = signed.seal.size
        start = before.size if before else 0
        ends = {head.stream: head.hash for head in signed.seal.heads}
        for stream, first, last, place in signed.seal.stretches(before):
            offset = (place - start) * LEAF_BYTES
            own = leaves[offset : offset + (last - first + 1) * LEAF_BYTES] if leaves is not None else None
            piece = Piece(first, last, own, ends[stream], self.all_before, signed.seal.at)
            self._pieces.setdefault(stream, []).append(piece)
        if signed.seal.size - start < EVENTS_MAX:
            self.all_before = signed.seal.at

    @property
    def streams(self) -> Iterable[int]:
        return [head.stream for head in self.last.seal.heads] if self.last else []

    def stream(self, stream: int) -> SealedStream:
        if stream not in self._streams:
            heads = self.last.seal.heads if self.last else ()
            made = SealedStream(stream, next((head for head in heads if head.stream == stream), None))
            for piece in self._pieces.get(stream, ()):
                made.add(piece)
            self._streams[stream] = made
        return self._streams[stream]


def check_seals(
    folder: Folder, trusted: Sequence[keys.Jwk], *, known: Iterable[SignedSeal] = ()
) -> tuple[Sealed, list[Finding]]:
    """Every seal of the folder: its signature, its place behind the one before, and its root over its leaves.

    `known` are seals that were seen elsewhere: each must stand there still, or the folder was set back and grown anew.
    Trust begins at the first seal that a key of `trusted` signed; keys that trusted seals announce follow it, and what
    stands before it is proven by its hash. What is not trusted proves nothing, and is left aside.
    """
    listed = list(folder.read())
    sealed = Sealed()
    elsewhere: dict[int, set[str]] = {}
    for each in known:
        elsewhere.setdefault(each.seal.number, set()).add(each.signed)
    if not listed:
        return sealed, [_finding(0, "There is no seal in the folder: nothing proves the audit but its own chains.")]
    chosen, findings = _trusted(listed, trusted)
    frontier = Frontier()
    before: SignedSeal | None = None
    for signed in chosen:
        seal = signed.seal
        last_number = before.seal.number if before else 0
        if elsewhere.pop(seal.number, set()) - {signed.signed}:
            sentence = "Another seal of this number is known: the folder was set back and sealed anew."
            findings.append(_finding(seal.number, sentence))
        if before and seal.at < before.seal.at - CLOCK:
            findings.append(_finding(seal.number, "This seal says an earlier time than the one before it."))
        if seal.number != last_number + 1:
            findings.append(_finding(last_number + 1, f"Seals {last_number + 1} to {seal.number - 1} are missing."))
        earlier = before.seal if before else None
        count = seal.size - (earlier.size if earlier else 0)
        leaves = folder.leaves(seal, count) if count >= 0 and _grows(seal, earlier) else None
        if leaves is not None:
            frontier.extend(entries(leaves))
        if leaves is None or frontier.root() != seal.root or tuple(frontier.peaks) != seal.peaks:
            findings.append(
                _finding(seal.number, "The leaves of this seal are not those that were sealed, or are lost.")
            )
            frontier, leaves = Frontier(seal.size, seal.peaks), None
        sealed.add(signed, earlier, leaves)
        before = signed
    last_number = before.seal.number if before else 0
    if gone := [number for number in elsewhere if number > last_number]:
        sentence = f"Seal {max(gone)} is known, but the folder ends with {last_number}: the end was taken away."
        findings.append(_finding(last_number + 1, sentence))
    return sealed, findings


def _trusted(listed: list[SignedSeal], trusted: Sequence[keys.Jwk]) -> tuple[list[SignedSeal], list[Finding]]:
    anchor = next(
        (at for at, signed in enumerate(listed) if keys.open_compact(signed.signed, trusted) is not None), None
    )
    if anchor is None:
        return [], [
            _finding(listed[0].seal.number, "No seal is signed by a key that you trust: all of them are forged.")
        ]
    findings: list[Finding] = []
    chosen = [listed[anchor]]
    for signed in reversed(listed[:anchor]):
        if chosen[0].seal.previous == signed.hash:
            chosen.insert(0, signed)
        else:
            findings.append(_finding(signed.seal.number, "This seal is not the one that the seals behind it followed."))
    turn = _next_key(listed[anchor], next(key for key in trusted if key["kid"] == listed[anchor].key_id))
    for signed in listed[anchor + 1 :]:
        if keys.open_compact(signed.signed, [turn]) is None:
            findings.append(_finding(signed.seal.number, "This seal is not signed by the key whose turn it was."))
        elif signed.seal.number <= chosen[-1].seal.number:
            findings.append(_finding(signed.seal.number, "This seal stands again behind a later one: it was put in."))
        else:
            if signed.seal.number == chosen[-1].seal.number + 1 and signed.seal.previous != chosen[-1].hash:
                findings.append(_finding(signed.seal.number, "This seal followed another one than stands before it."))
            chosen.append(signed)
            turn = _next_key(signed, turn)
    if chosen[0].seal.number == 1 and chosen[0].seal.previous != NO_SEAL:
        findings.append(_finding(1, "The first seal followed another one: those before it were taken away."))
    return chosen, findings


def _next_key(signed: SignedSeal, turn: keys.Jwk) -> keys.Jwk:
    announced = signed.seal.next_key
    return {**announced, "kid": announced["kid"]} if announced else turn


def _grows(seal: Seal, before: Seal | None) -> bool:
    ends = {head.stream: head.seq for head in before.heads} if before else {}
    now = {head.stream: head.seq for head in seal.heads}
    grown = sum(seq - ends.get(stream, 0) for stream, seq in now.items())
    is_longer = all(now.get(stream, 0) >= seq for stream, seq in ends.items())
    return is_longer and grown == seal.size - (before.size if before else 0)


def _finding(number: int, sentence: str) -> Finding:
    return Finding(fault=Fault.SEAL, stream=_SEALS, seq=number, sentence=sentence)
