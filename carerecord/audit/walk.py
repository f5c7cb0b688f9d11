"""One stream walked from its first event to its head: names what does not fit, and where it belongs if that shows."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from carerecord.audit.chain import Row, first_hash, link

_SUSPECTS_MAX: Final = 24  # Of more than this, it is not looked for where each belongs.


class Fault(StrEnum):
    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    MOVED = "moved"
    CUT = "cut"
    HEAD = "head"
    TIME = "time"  # recorded before what was sealed before it, or after it was sealed
    TEXT = "text"  # which many events may say: the first of them is named
    SEAL = "seal"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in one stream. `patient_key` is a number without meaning; None where no row is there to ask.

    Of a seal: stream 0, and its number as `seq`.
    """

    fault: Fault
    stream: int
    seq: int
    patient_key: int | None = None
    column: str | None = None  # where it can be told
    sentence: str


class Head(NamedTuple):
    """Where a stream says that it ends."""

    seq: int
    hash: bytes


class _Suspect(NamedTuple):
    """An event whose hash is not that of its columns and the event before it."""

    row: Row
    hash: bytes
    previous: tuple[bytes, ...]


class Walk:
    """Takes the rows of one stream in order of `seq`: from its first, or from behind what is proven otherwise."""

    def __init__(self, stream: int, head: Head | None, *, behind: Head | None = None) -> None:
        self._stream = stream
        self._head = head
        self._last_seq = behind.seq if behind else 0
        # What the next event may be linked to: one hash, or two after an event of which column or hash was changed.
        self._previous: tuple[bytes, ...] = (behind.hash if behind else first_hash(stream),)
        self._before: tuple[bytes, ...] = ()  # the same, one event earlier
        self._suspects: list[_Suspect] = []
        self._gaps: list[tuple[int, bytes]] = []  # places where something is missing, with the hash before each
        self._findings: list[Finding] = []

    def take(self, row: Row, stored: bytes) -> None:
        if row.seq == self._last_seq + 1:
            if link(self._previous[0], row) == stored:
                self._step(row.seq, (stored,))
            else:
                self._suspect(row, stored)
        elif row.seq <= self._last_seq:
            self._take_second(row, stored)
        elif self._head and row.seq > self._head.seq:
            sentence = "stands beyond the end of its stream and is not linked to it: it was put in or moved."
            self._find(Fault.INSERTED, row, sentence)
            self._suspects.append(_Suspect(row, stored, ()))
        else:
            self._miss(self._last_seq + 1, row.seq - 1, Fault.MISSING)
            self._step(row.seq, (stored,))

    def end(self) -> list[Finding]:
        """What was found, once every row was taken."""
        last, head = self._last_seq, self._head
        if head is None:
            self._say(Fault.HEAD, last, "The stream has no head: nobody can tell whether its last events were cut off.")
        elif head.seq > last:
            self._miss(last + 1, head.seq, Fault.CUT)
        elif head.seq < last:
            self._say(Fault.HEAD, head.seq, f"The head stands at {head.seq}, but events follow it: it was set back.")
        elif head.hash not in {*self._previous, *(suspect.hash for suspect in self._suspects)}:
            self._say(Fault.HEAD, last, "The head does not have the hash of the last event: head or event was changed.")
        self._findings += self._explain()
        return sorted(self._findings, key=lambda finding: finding.seq)

    def _step(self, seq: int, hashes: tuple[bytes, ...]) -> None:
        self._last_seq, self._before, self._previous = seq, self._previous, hashes

    def _suspect(self, row: Row, stored: bytes) -> None:
        """An event linked to the other of two possible hashes is sound; else it is a suspect."""
        computed = [link(previous, row) for previous in self._previous]
        if stored in computed:
            self._step(row.seq, (stored,))
            return
        self._suspects.append(_Suspect(row, stored, self._previous))
        self._step(row.seq, (stored, *computed))

    def _take_second(self, row: Row, stored: bytes) -> None:
        """Two events at one place: the one that is linked was there first."""
        if any(link(previous, row) == stored for previous in self._before):
            earlier = self._suspects[-1:]
            if earlier and earlier[0].row.seq == row.seq:
                self._suspects.pop()
                self._find(Fault.INSERTED, earlier[0].row, "stands where another event stands: it was put in.")
                self._previous = (stored,)
                return
        self._find(Fault.INSERTED, row, "stands where another event stands: it was put in.")

    def _miss(self, first: int, last: int, fault: Fault) -> None:
        self._gaps += [(seq, self._previous[0]) for seq in range(first, min(last, first + _SUSPECTS_MAX) + 1)]
        are = f"Event {first} is" if first == last else f"Events {first} to {last} are"
        rest = "the end was cut off." if fault is Fault.CUT else "so the one after cannot be proven."
        self._say(fault, first, f"{are} missing: {rest}")

    def _explain(self) -> Iterator[Finding]:
        """Where each suspect belongs: at its place after an event that was moved, at another's place, or nowhere."""
        hashes = {suspect.hash for suspect in self._suspects} | {before for _, before in self._gaps}
        hashes = hashes.union(*(suspect.previous for suspect in self._suspects))
        places = {suspect.row.seq for suspect in self._suspects} | {seq for seq, _ in self._gaps}
        for suspect in self._suspects:
            row = suspect.row
            place = self._place(suspect, places, hashes) if len(self._suspects) <= _SUSPECTS_MAX else None
            if place is None and suspect.previous:
                sentence = "or the one before it was changed after it was written."
                yield self._finding(Fault.CHANGED, row, sentence)
            elif place is not None and place != row.seq:
                yield self._finding(Fault.MOVED, row, f"was moved: it was written as event {place}.")

    def _place(self, suspect: _Suspect, places: set[int], hashes: set[bytes]) -> int | None:
        for place in (suspect.row.seq, *sorted(places - {suspect.row.seq})):
            row = suspect.row._replace(seq=place)
            if any(link(previous, row) == suspect.hash for previous in hashes):
                return place
        return None

    def _find(self, fault: Fault, row: Row, sentence: str) -> None:
        self._findings.append(self._finding(fault, row, sentence))

    def _finding(self, fault: Fault, row: Row, sentence: str) -> Finding:
        words = f"Event {row.seq} {sentence}"
        return Finding(fault=fault, stream=self._stream, seq=row.seq, patient_key=row.patient_key, sentence=words)

    def _say(self, fault: Fault, seq: int, sentence: str) -> None:
        self._findings.append(Finding(fault=fault, stream=self._stream, seq=seq, sentence=sentence))
