"""Judges one answer: nothing in it that the oracle forbids, and everything in it that is due."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tests.leaks import canaries
from tests.leaks.canaries import Aviary, Canary
from tests.leaks.oracle import LABELS, OPENED, Circumstances, may_see, opens
from tests.leaks.people import Item, Someone

# What a program gets whole. Of what stands beside a reference, and of what a newer version replaced, nothing is owed.
WHOLE = (canaries.MAIN, canaries.BODY, canaries.PLACE, canaries.FILE)


class Due(NamedTuple):
    """What is due to one reader of one person, by the oracle alone."""

    is_open: bool
    items: frozenset[str]


def due(someone: Someone, asks: Circumstances) -> Due:
    is_known = asks.organisation == "R1H" and someone.is_at_barts
    if not opens(asks, someone.objections, is_known=is_known):
        return Due(False, frozenset())
    seen = {
        item.key
        for item in someone.items
        if not item.is_removed
        and may_see(
            asks,
            item.heading,
            item.labels,
            resource_type=item.resource_type,
            objections=someone.objections,
            routes=OPENED,
        )
    }
    # The title of an empty list would tell what stood in it.
    empty = {item.key for item in someone.items if item.about and not seen.intersection(item.about)}
    return Due(True, frozenset(seen - empty))


class Judge:
    """Counts what was judged, and keeps every sentence about what was wrong."""

    def __init__(self, aviary: Aviary) -> None:
        self._aviary = aviary
        self._parts: dict[tuple[str, str], list[Canary]] = {}
        self.leaks: list[str] = []
        self.denials: list[str] = []
        self.faults: list[str] = []
        self.combinations: set[tuple[str, str, str, str]] = set()
        self.answers = 0

    def judge(
        self,
        *contents: bytes,
        route: str,
        reader: str,
        someone: Someone | None,
        seen: Due,
        may_name: bool = False,
        may_hold: Iterable[str] | None = None,
        owed: Iterable[str] = (),
        owed_parts: tuple[str, ...] = (canaries.MAIN,),
    ) -> None:
        """`may_hold`: the items that this answer may speak of (None: all that are due); `owed`: those that it must."""
        self.answers += 1
        found = self._aviary.found_in(*contents)
        held = seen.items if may_hold is None else seen.items.intersection(may_hold)
        where = f"{route} by {reader} of {someone.name if someone else 'nobody'}"
        for canary in found:
            if wrong := _wrong(canary, someone, held, is_open=seen.is_open, may_name=may_name or seen.is_open):
                self.leaks.append(f"{where}: {wrong}")
        words = {canary.word for canary in found}
        for key in owed:
            for canary in self._canaries_of(someone, key):
                if canary.part in owed_parts and canary.word not in words:
                    self.denials.append(f"{where}: {key} ({canary.part}) is due and does not come")
        if someone is not None:
            labels = {label for item in someone.items for label in item.labels} or {""}
            self.combinations.update((route, reader, someone.name, label) for label in labels)

    def _canaries_of(self, someone: Someone | None, key: str) -> list[Canary]:
        if not self._parts:
            for canary in self._aviary.all():
                self._parts.setdefault((canary.patient, canary.item), []).append(canary)
        return self._parts.get((someone.of_whom, key), []) if someone else []


def _wrong(canary: Canary, someone: Someone | None, held: frozenset[str], *, is_open: bool, may_name: bool) -> str:
    """Why this word may not come; "" if it may."""
    if canary.item == "":
        if someone is None or canary.patient not in (someone.name, someone.called, someone.of_whom):
            return f"the {canary.part} of somebody else ({canary.patient})"
        if not may_name:
            return f"the {canary.part} of a person who is not open to them"
        if canary.part == canaries.IDENTITY_PLACE and (someone.is_restricted or not is_open):
            return "the address of a protected person" if someone.is_restricted else "an address before it is open"
        return ""
    if someone is None or canary.patient != someone.of_whom:
        return f"{canary.item} ({canary.part}) of somebody else ({canary.patient})"
    if canary.item not in held:
        return f"{canary.item} ({canary.part}) is hidden from them"
    if canary.part in (canaries.PLACE, canaries.FILE) and someone.is_restricted:
        return f"{canary.item} ({canary.part}): a place of a protected person"
    return ""


def targets(someone: Someone, turn: int) -> list[Item]:
    """One item for each label, under a heading that moves on with `turn`, and one without any."""
    found: list[Item] = []
    for label in ("", *LABELS):
        bearing = [item for item in someone.items if (label in item.labels if label else not item.labels)]
        if bearing:
            found.append(bearing[turn % len(bearing)])
    return found


_SESSION = re.compile(rb"(/patient/)[A-Za-z0-9_-]{22}")
_COOKIE = re.compile(rb"carerecord_[A-Za-z0-9_-]{22}")
_ORIGINAL = re.compile(rb"20\d{6}-\d{6}")


def masked(content: bytes, someone: Someone, id_: str) -> bytes:
    """Without what differs between any two people and any two sessions, each put in with its own length."""
    number = someone.nhs_number
    for own in (
        number,
        f"{number[:3]} {number[3:6]} {number[6:]}",
        f"{number[:3]}\u00a0{number[3:6]}\u00a0{number[6:]}",
    ):
        content = content.replace(own.encode(), b"#" * len(own.encode()))
    content = content.replace(id_.encode(), b"#" * len(id_))
    content = _ORIGINAL.sub(b"original", content)
    return _COOKIE.sub(b"carerecord_#", _SESSION.sub(rb"\1#", content))
