"""One stream held against its seals: names each event that is not as it was sealed, though the chain were made anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from carerecord.audit.chain import Kind, Row, link
from carerecord.audit.sealed import CLOCK, Piece, SealedStream
from carerecord.audit.seals import ABSENT
from carerecord.audit.walk import Fault, Finding, Head, Walk
from carerecord.model import Purpose

_SUSPECTS_MAX: Final = 24  # Of more than this, it is not looked for what was changed in each.
_NEIGHBOURS: Final = 40
_TRIED: Final = (
    *("patient_key", "recorded_at", "kind", "staff", "purpose", "evidence", "decision"),
    *("about_seq", "snapshot", "detail", "route", "session", "asked_at", "about_stream", "manner", "grounds"),
)


class Place(NamedTuple):
    """A place at which an event was sealed that is not there now: what it followed, and its hash."""

    stream: int
    seq: int
    previous: bytes
    hash: bytes


class _Suspect(NamedTuple):
    """A row that is not the one that was sealed at its place, and rows around it."""

    row: Row
    place: Place
    neighbours: list[Row]


class _Lost:
    """Events whose leaves are lost. If their chain, made again from the sealed hash before them, ends in the sealed
    hash of the last, each is as it was; else the hashes that they carry tell which is not, as far as they can.
    """

    def __init__(self, stream: int, piece: Piece, before: bytes) -> None:
        self.piece = piece
        self.walk = Walk(stream, Head(piece.last, piece.end), behind=Head(piece.first - 1, before))
        self.relinked: list[int] = []
        self._hash = before
        self._seq = piece.first - 1
        self._is_one_each = True

    def take(self, row: Row, stored: bytes) -> None:
        self.walk.take(row, stored)
        self._is_one_each = self._is_one_each and row.seq == self._seq + 1
        self._seq, self._hash = row.seq, link(self._hash, row)
        if self._hash != stored:
            self.relinked.append(row.seq)

    @property
    def is_sound(self) -> bool:
        return self._is_one_each and (self._seq, self._hash) == (self.piece.last, self.piece.end)


class SealedWalk:
    """Takes the rows of one stream in order of `seq`: what was sealed is held against its leaf, the rest is walked."""

    def __init__(self, sealed: SealedStream, head: Head | None, *, all_before: datetime | None = None) -> None:
        """`all_before`: what was committed by then is sealed."""
        self._sealed = sealed
        self._all_before = all_before
        self._lost: _Lost | None = None
        self._untimely: list[tuple[Row, Row]] = []  # the first and last of each run
        self._stream = sealed.stream
        self._head = head
        self._behind: Walk | None = None
        self._last_seq = 0
        self._is_held = False  # the last place, by any event
        self._is_sound = False  # and by the one that was sealed
        self._before = sealed.hash_at(0)
        self._relinked: tuple[int, int] | None = None
        self._recent: deque[Row] = deque(maxlen=_NEIGHBOURS)
        self._later: list[Row] = []  # neighbours of the last suspect, which is waited for
        self._suspects: list[_Suspect] = []
        self._strays: list[Row] = []  # put in, or from elsewhere
        self._gaps: list[tuple[int, int]] = []
        self._findings: list[Finding] = []

    def take(self, row: Row, stored: bytes) -> None:
        seq = row.seq
        if seq > self._sealed.last:
            self._reach(self._sealed.last + 1)
            self._walk().take(row, stored or ABSENT)
            self._time(row, self._all_before, None)
            return
        if seq != self._last_seq:
            if seq < self._last_seq or seq <= 0:
                self._strays.append(row)
                return
            self._reach(seq)
            self._last_seq, self._is_held, self._is_sound = seq, False, False
            self._before = self._sealed.hash_at(seq - 1)
        was = self._sealed.hash_at(seq)
        if was is None or self._before is None:
            self._is_held = True
            self._take_lost(row, stored)
        elif link(self._before, row) == was:
            if self._is_sound:
                self._strays.append(row)
                return
            if self._is_held:
                self._displace(seq)
            self._is_held = self._is_sound = True
            self._time(row, self._sealed.at.since, self._sealed.at.until)
            if stored != was:
                self._relink(seq)
            self._recent.append(row)
            if self._later and len(self._later) < 2 * _NEIGHBOURS:
                self._later.append(row)
        elif was == ABSENT or self._is_held:
            self._strays.append(row)
        else:
            self._later = [row, *self._recent] if len(self._suspects) <= _SUSPECTS_MAX else []
            self._suspects.append(_Suspect(row, Place(self._stream, seq, self._before, was), self._later))
            self._is_held = True

    def close(self) -> list[Place]:
        """Once every row was taken. Gives the places that are empty, for events that other streams have too many."""
        self._reach(self._sealed.last + 1)
        self._end_lost()
        places = [suspect.place for suspect in self._suspects]
        for first, last in self._gaps:
            for seq in range(first, min(last, first + _SUSPECTS_MAX) + 1):
                was, before = self._sealed.hash_at(seq), self._sealed.hash_at(seq - 1)
                if was is not None and before is not None and was != ABSENT:
                    places.append(Place(self._stream, seq, before, was))
        return places

    def findings(self, places: list[Place]) -> list[Finding]:
        """What was found; `places` are the empty ones of all streams."""
        tried = set(places[:4096])
        few = len(self._suspects) + len(self._strays) <= _SUSPECTS_MAX
        for suspect in self._suspects:
            self._findings.append(self._explain(suspect.row, suspect, tried - {suspect.place}, look_closely=few))
        for row in self._strays:
            self._findings.append(self._explain(row, None, tried, look_closely=few))
        self._say_gaps()
        self._findings += [_untimely(self._stream, *run) for run in self._untimely]
        if self._relinked:
            first, last = self._relinked
            sentence = (
                f"{_events(first, last, 'does', 'do')} not carry the hash that was sealed: the chain was linked anew."
            )
            self._findings.append(_finding(Fault.CHANGED, self._stream, first, sentence, column="hash"))
        self._findings += self._ends()
        return sorted(self._findings, key=lambda finding: finding.seq)

    def _walk(self) -> Walk:
        if self._behind is None:
            end = self._sealed.end
            self._behind = Walk(self._stream, self._head, behind=Head(end.seq, end.hash) if end else None)
        return self._behind

    def _time(self, row: Row, since: datetime | None, until: datetime | None) -> None:
        """An event takes its time from a clock, and its seal from another: one put in later cannot have both."""
        at = row.recorded_at
        if not isinstance(at, datetime) or at.tzinfo is None:
            return  # None, or infinity: it is like nothing that was linked, as the chain says.
        if (since is None or at >= since - CLOCK) and (until is None or at <= until + CLOCK):
            return
        if self._untimely and self._untimely[-1][1].seq == row.seq - 1:
            self._untimely[-1] = self._untimely[-1][0], row
        else:
            self._untimely.append((row, row))

    def _take_lost(self, row: Row, stored: bytes) -> None:
        """The leaves of these events are lost, which is said of their seal. It still says where their chain ended."""
        piece = self._sealed.piece_of(row.seq)
        if piece is None:
            return
        if self._lost is None or self._lost.piece is not piece:
            self._end_lost()
            before = self._sealed.hash_at(piece.first - 1)
            if before is None:
                return
            self._lost = _Lost(self._stream, piece, before)
        self._lost.take(row, stored or ABSENT)

    def _end_lost(self) -> None:
        if self._lost is None:
            return
        lost, self._lost = self._lost, None
        piece = lost.piece
        if lost.is_sound:
            for seq in lost.relinked:
                self._relink(seq)
            return
        for finding in lost.walk.end():
            if finding.fault is Fault.HEAD:
                words = _events(piece.first, piece.last, "does", "do")
                sentence = f"{words} not lead to the hash that was sealed: something in it was changed and linked anew."
                self._findings.append(_finding(Fault.CHANGED, self._stream, piece.first, sentence))
            elif finding.fault not in (Fault.MISSING, Fault.CUT):  # What is missing is said of the stream.
                self._findings.append(finding)

    def _ends(self) -> list[Finding]:
        last = self._sealed.last
        if last and self._head is None:
            sentence = f"The stream has no head, though {last} events of it were sealed: it was taken away."
            return [_finding(Fault.HEAD, self._stream, last, sentence)]
        if self._head and self._head.seq < last:
            sentence = f"The head stands at {self._head.seq}, but {last} events were sealed: it was set back."
            return [_finding(Fault.HEAD, self._stream, self._head.seq, sentence)]
        return self._walk().end()

    def _reach(self, seq: int) -> None:
        """Places between the last row and this one are empty."""
        if seq > self._last_seq + 1:
            first = self._last_seq + 1
            for number in range(first, seq):  # Of what was missing when it was sealed, the sealer spoke.
                if self._sealed.hash_at(number) != ABSENT:
                    self._gaps.append((number, seq - 1))
                    break
            self._last_seq, self._is_held = seq - 1, True

    def _displace(self, seq: int) -> None:
        """The sound event at this place came second: the one before it was put in."""
        if self._suspects and self._suspects[-1].row.seq == seq:
            self._strays.append(self._suspects.pop().row)

    def _relink(self, seq: int) -> None:
        first, last = self._relinked or (seq, seq)
        self._relinked = min(first, seq), max(last, seq)

    def _say_gaps(self) -> None:
        for first, last in self._gaps:
            is_end = last == self._sealed.last
            words = (
                "the end was cut off." if is_end else "they were taken out." if last > first else "it was taken out."
            )
            sentence = (
                f"{_events(first, last, 'was', 'were')} sealed and {'is' if first == last else 'are'} missing: {words}"
            )
            self._findings.append(_finding(Fault.CUT if is_end else Fault.MISSING, self._stream, first, sentence))

    def _explain(self, row: Row, suspect: _Suspect | None, places: set[Place], *, look_closely: bool) -> Finding:
        if look_closely:
            for other in sorted(places, key=lambda other: (other.stream != self._stream, abs(other.seq - row.seq))):
                moved = row._replace(stream=other.stream, seq=other.seq)
                if link(other.previous, moved) == other.hash:
                    where = f"event {other.seq}" + (
                        f" of stream {other.stream}" if other.stream != self._stream else ""
                    )
                    return self._finding_of(Fault.MOVED, row, f"was moved: it was sealed as {where}.", column="seq")
        if suspect is None:
            return self._finding_of(
                Fault.INSERTED, row, "stands where another event was sealed, or none: it was put in."
            )
        column = told_column(row, suspect.place, suspect.neighbours) if look_closely else None
        named = f" in its column {column}" if column else ""
        return self._finding_of(Fault.CHANGED, row, f"was changed{named} after it was sealed.", column=column)

    def _finding_of(self, fault: Fault, row: Row, words: str, *, column: str | None = None) -> Finding:
        sentence = f"Event {row.seq} {words}"
        return _finding(fault, self._stream, row.seq, sentence, patient_key=row.patient_key, column=column)


def told_column(row: Row, place: Place, neighbours: list[Row]) -> str | None:
    """Which column was changed: the one that, with a value of its neighbours or a usual one, gives the sealed hash."""
    for column in _TRIED:
        if row.manner is not None and column in ("staff", "decision"):
            continue  # Its digest is what was sealed.
        for value in _candidates(column, row, neighbours):
            if link(place.previous, row._replace(**{column: value})) == place.hash:
                return column
    return None


def _candidates(column: str, row: Row, neighbours: list[Row]) -> Iterator[Any]:
    if usual := _USUAL.get(column):
        yield from usual(row)
    yield from {getattr(other, column) for other in neighbours}


_USUAL: Final[Mapping[str, Callable[[Row], Any]]] = {
    "kind": lambda row: [kind.value for kind in Kind],
    "purpose": lambda row: [purpose.value for purpose in Purpose],
    "about_seq": lambda row: [None, *range(max(1, row.seq - _NEIGHBOURS), row.seq)],
    "about_stream": lambda row: [None, row.stream],
    "snapshot": lambda row: [None],
    "asked_at": lambda row: [None, row.recorded_at],
    "evidence": lambda row: ["null", "{}", ""],
    "detail": lambda row: ["{}"],
    "staff": lambda row: ["null", ""],
    "patient_key": lambda row: [0, row.patient_key - 1, row.patient_key + 1],
}


def _untimely(stream: int, first: Row, last: Row) -> Finding:
    words = _events(first.seq, last.seq, "says", "say")
    sentence = (
        f"{words} to have been recorded at {first.recorded_at:%d-%b-%Y %H:%M} UTC, which does not fit the time of its "
        "seal: put in later, or a clock was wrong."
    )
    return _finding(Fault.TIME, stream, first.seq, sentence, patient_key=first.patient_key, column="recorded_at")


def _events(first: int, last: int, one: str, many: str) -> str:
    return f"Event {first} {one}" if first == last else f"Events {first} to {last} {many}"


def _finding(
    fault: Fault, stream: int, seq: int, sentence: str, *, patient_key: int | None = None, column: str | None = None
) -> Finding:
    return Finding(fault=fault, stream=stream, seq=seq, patient_key=patient_key, column=column, sentence=sentence)
