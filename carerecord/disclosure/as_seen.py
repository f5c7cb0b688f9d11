"""Which statements about whom a look rested on: found among what is kept today, and proven by what its witness says.

Statements and links are never changed, so what was there at an instant is what had come by then. Only what came in that
very moment is in doubt, and there the witness decides: it holds a hash of exactly what was shown. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations, combinations_with_replacement, islice
from typing import Any, Final, Literal, NamedTuple

import msgspec

from carerecord.disclosure import compose, programs
from carerecord.disclosure.sight import Sight
from carerecord.disclosure.snapshot import held, held_of, snapshot, snapshot_of
from carerecord.model import OriginalReference, Person, StoredStatement
from carerecord.organisations import Region
from carerecord.patient_index import History, fingerprint
from carerecord.record.withdrawn import Item as Withdrawn

# A message is received before it is committed: in a moment, or after waiting for a database that was away.
BEFORE: Final = timedelta(minutes=10)
AFTER: Final = timedelta(seconds=10)  # The clocks of two processes are never quite the same.
LIKELY_MAX: Final = 9
TRIES_MAX: Final = 1_500  # a second or two; more would find nothing that a guardian could rely on
FEW: Final = 64  # ways in which messages came, and as many in which something was removed: each is tried with each
COPIES_MAX: Final = 6  # A wording that was removed may have been said by more messages than the removal names.

Proof = Literal["whole", "rest", "none"]  # `rest`: all but what was removed
Item = tuple[str, str]  # (local id, version)
# What was said of an original may come again later, when it is labelled anew: (the original, when that was received).
Coming = tuple[OriginalReference, datetime]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the witness of one look says of what was shown."""

    what: str
    snapshot: bytes
    count: int
    opened_at: datetime
    shown_at: datetime
    is_found: bool
    entry: str
    original: str
    content: str  # digest of the original's bytes; "": not kept
    who: str  # fingerprint of the person; "": written before these were kept
    held: str  # fingerprint of all that the reader might have been shown; "": all of it was, or not kept
    said: tuple[str, datetime] | None

    @classmethod
    def of(cls, detail: Mapping[str, Any], *, snapshot: bytes, opened_at: datetime, shown_at: datetime) -> Look:
        said = detail.get("said")
        return cls(
            what=str(detail.get("what", "")),
            snapshot=snapshot,
            count=int(detail.get("count", 0)),
            opened_at=opened_at,
            shown_at=shown_at,
            is_found=detail.get("found") is not False,
            entry=str(detail.get("entry", "")),
            original=str(detail.get("original", "")),
            content=str(detail.get("content", "")),
            who=str(detail.get("who", "")),
            held=str(detail.get("held", "")),
            said=(said[0], datetime.fromisoformat(said[1])) if said else None,
        )


class Seen(NamedTuple):
    """What the look rested on, as far as it can be proven."""

    sight: Sight
    proof: Proof
    is_person_proven: bool
    missing: tuple[Item, ...]  # what was there to be shown and is not kept any more: ids and versions alone
    is_searched: bool = False  # not proven, though who it was is, and all that was removed was tried in every way


def find_seen(
    look: Look,
    history: History,
    statements: Sequence[StoredStatement],
    *,
    arrived: Mapping[Coming, datetime],
    removed: Sequence[Item],
    see: Callable[[Person, list[StoredStatement]], Sight],
    region: Region,
) -> Seen | None:
    """None if nobody was there under that key. `see` leaves, of a person and what was said, what the reader may see."""
    ways = [
        _Ways(person, is_proven, [each for each in statements if each.identity_key in person.identities], arrived, look)
        for person, is_proven in persons(look, history)
    ]
    best: Seen | None = None
    if look.who:
        # Of a person who is not known any more as they were then, no list of statements proves a page.
        best = next((Seen(see(way.person, there), "none", False, ()) for way in ways for there in way.likely()), None)
        ways = [way for way in ways if way.is_proven]
    for way in ways:
        for there in way.likely():
            sight = see(way.person, there)
            best = best or Seen(sight, "none", way.is_proven, ())
            if is_shown(look, sight, region):
                return Seen(sight, "whole", way.is_proven, ())
    is_searched = bool(look.who and ways and removed)
    for way in ways if removed else ():
        is_whole = True
        for there, tries_max in way.with_tries():
            sight = see(way.person, there)
            missing = missing_of(look, sight, removed, tries_max=tries_max)
            if missing is not None:
                return Seen(sight, "rest", way.is_proven, missing)
            is_whole = is_whole and is_all_tried(look, sight, removed, tries_max=tries_max)
        is_searched = is_searched and is_whole and way.is_few
    # Rare: several messages were being committed in this very moment, in another order than they came.
    for way in ways:
        for there in islice(way.every(), TRIES_MAX // len(ways)):
            sight = see(way.person, there)
            if is_shown(look, sight, region):
                return Seen(sight, "whole", way.is_proven, ())
    return best._replace(is_searched=is_searched) if best else None


def persons(look: Look, history: History) -> list[tuple[Person, bool]]:
    """The person as known at the look; where that was changing, each way they were known in that moment.

    The second value tells whether the witness says that it was this one.
    """
    instants = [look.opened_at]
    for change in history.changes(look.opened_at - BEFORE, look.shown_at + AFTER):
        instants += [change, change - timedelta(microseconds=1)]
    by, said_at = look.said or (None, None)
    found: dict[str, Person] = {}
    for instant in instants:
        person = history.person(instant, said_by=by, said_at=said_at)
        if person is not None:
            found.setdefault(fingerprint(person), person)
    if look.who in found:
        return [(found[look.who], True)]
    return [(person, False) for person in found.values()]


class _Ways:
    """What had come by then of one person: with each combination of the messages of that very moment."""

    def __init__(
        self,
        person: Person,
        is_proven: bool,
        own: Sequence[StoredStatement],
        arrived: Mapping[Coming, datetime],
        look: Look,
    ) -> None:
        self.person = person
        self.is_proven = is_proven
        since, until = look.opened_at - BEFORE, look.shown_at + AFTER
        self._there = [each for each in own if arrived[coming(each)] <= until]
        self._doubtful = sorted(
            {coming(each) for each in self._there if arrived[coming(each)] > since}, key=lambda each: arrived[each]
        )
        self._in_time = sum(1 for each in self._doubtful if arrived[each] <= look.opened_at)

    def likely(self) -> Iterator[list[StoredStatement]]:
        """By time alone; then as if the look had been a little later or earlier."""
        near = sorted(range(len(self._doubtful) + 1), key=lambda there: abs(there - self._in_time))
        for there in near[:LIKELY_MAX]:
            yield self._without(frozenset(self._doubtful[there:]))

    @property
    def is_few(self) -> bool:
        return 1 << len(self._doubtful) <= FEW

    def with_tries(self) -> Iterator[tuple[list[StoredStatement], int]]:
        """The likely ones, and how many combinations of what was removed to try with each; then every other, if few."""
        for there in self.likely():
            yield there, TRIES_MAX
        if self.is_few:
            for there in self.every():
                yield there, FEW

    def every(self) -> Iterator[list[StoredStatement]]:
        """Any of those messages not there yet, fewest first; the newest are the most likely to be missing."""
        newest_first = self._doubtful[::-1]
        for size in range(len(newest_first) + 1):
            for absent in combinations(newest_first, size):
                yield self._without(frozenset(absent))

    def _without(self, absent: frozenset[Coming]) -> list[StoredStatement]:
        return [each for each in self._there if coming(each) not in absent] if absent else self._there


def coming(statement: StoredStatement) -> Coming:
    return statement.original, statement.received_at


def arrivals(
    statements: Iterable[StoredStatement], later: Mapping[OriginalReference, datetime]
) -> dict[Coming, datetime]:
    """When each came into the record. `later`: of originals that waited in the inbox first."""
    return {coming(each): max(each.received_at, later.get(each.original, each.received_at)) for each in statements}


def shown_of(look: Look, sight: Sight, region: Region) -> list[StoredStatement] | None:
    """Of what was there, what such a look shows. None: it shows nothing of this kind."""
    if not look.is_found or look.what == "patient":
        return []
    if look.what == "summary":
        return sight.statements
    if look.what == "receipt":
        opened = compose.receipt_of(sight, look.entry, region)
        return opened.behind if opened else None
    if look.what == "original":
        return compose.behind_original(sight, OriginalReference.parse(look.original), look.entry)
    if look.what == "document":
        found = compose.letter_of(sight, look.entry)
        return [found[0]] if found else None
    if look.what == "everything":
        return programs.newest_versions(sight.statements)
    return None


def is_shown(look: Look, sight: Sight, region: Region) -> bool:
    if look.held and held(sight.statements) != look.held:
        return False
    if not look.is_found or look.what == "patient":
        return True
    shown = shown_of(look, sight, region)
    return shown is not None and len(shown) == look.count and snapshot(shown) == look.snapshot


def missing_of(
    look: Look, sight: Sight, removed: Sequence[Item], *, tries_max: int = TRIES_MAX
) -> tuple[Item, ...] | None:
    """Which of the removed statements make the rest whole again; None: none of their combinations does.

    Of what was removed, ids and versions are kept and no content: with them the hash is that of the whole page.
    """
    there = [(statement.local_id, statement.version) for statement in sight.statements]
    for some in islice(_multisets(removed, _sizes(look, sight, removed)), tries_max):
        whole = [*there, *some]
        if held_of(whole) == look.held if look.held else snapshot_of(whole) == look.snapshot:
            return some
    return None


def is_all_tried(look: Look, sight: Sight, removed: Sequence[Item], *, tries_max: int) -> bool:
    """Whether so many tries are all that there are."""
    return next(islice(_multisets(removed, _sizes(look, sight, removed)), tries_max, None), None) is None


def _sizes(look: Look, sight: Sight, removed: Sequence[Item]) -> Sequence[int]:
    """All that might have been shown is in one hash: in `held`, or in the snapshot where the page shows all of it."""
    return range(1, len(removed) + 1 + COPIES_MAX) if look.held else (look.count - len(sight.statements),)


def removed_of(withdrawn: Iterable[Withdrawn]) -> list[Item]:
    """What was removed, as often as originals said it; whole identities have no ids left to prove anything by."""
    return sorted((item.local_id, item.version) for item in set(withdrawn) if item.local_id)


def _multisets(removed: Sequence[Item], sizes: Iterable[int]) -> Iterator[tuple[Item, ...]]:
    """So many of the removed, each once: all, nearly all, or few of them first, since a role shows whole headings. Then
    one wording as often as several messages said it."""
    for size in sorted(sizes, key=lambda size: (min(size, abs(len(removed) - size)), -size)):
        if 0 < size <= len(removed):
            yield from combinations(removed, size)
    for size in sizes:
        if size > 1:
            yield from combinations_with_replacement(sorted(set(removed)), size)
