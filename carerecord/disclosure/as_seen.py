"""Which statements about whom a look rested on: found among what is kept today, and proven by what its witness says.

Statements and links are never changed, so what was there at an instant is what had come by then. Only what came in that
very moment is in doubt, and there the witness decides: it holds a hash of exactly what was shown. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations, combinations_with_replacement, islice
from math import comb
from typing import Any, Final, Literal, NamedTuple

import msgspec

from carerecord.disclosure import compose, programs
from carerecord.disclosure.sight import Sight
from carerecord.disclosure.snapshot import held, held_of, snapshot, snapshot_of
from carerecord.model import OriginalReference, Person, StoredStatement
from carerecord.organisations import Region
from carerecord.patient_index import History, fingerprint

# A message is received before it is committed: in a moment, or after waiting for a database that was away.
BEFORE: Final = timedelta(minutes=10)
AFTER: Final = timedelta(seconds=10)  # The clocks of two processes are never quite the same.
DOUBTFUL_MAX: Final = 10  # of more messages than this in one moment, not every combination is tried
TRIES_MAX: Final = 20_000

Proof = Literal["whole", "rest", "none"]  # `rest`: all but what was removed
Item = tuple[str, str]  # (local id, version)


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


def find_seen(
    look: Look,
    history: History,
    statements: Sequence[StoredStatement],
    *,
    arrived: Mapping[OriginalReference, datetime],
    removed: Sequence[Item],
    see: Callable[[Person, list[StoredStatement]], Sight],
    region: Region,
) -> Seen | None:
    """None if nobody was there under that key. `see` leaves, of a person and what was said, what the reader may see."""
    people = persons(look, history)
    best: Seen | None = None
    for person, is_proven in people:
        own = [statement for statement in statements if statement.identity_key in person.identities]
        for there in there_then(own, arrived, look):
            sight = see(person, there)
            best = best or Seen(sight, "none", is_proven, ())
            if is_shown(look, sight, region):
                return Seen(sight, "whole", is_proven, ())
    for person, is_proven in people if removed else ():
        own = [statement for statement in statements if statement.identity_key in person.identities]
        for there in islice(there_then(own, arrived, look), 8):
            sight = see(person, there)
            missing = missing_of(look, sight, removed)
            if missing is not None:
                return Seen(sight, "rest", is_proven, missing)
    return best


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


def there_then(
    own: Sequence[StoredStatement], arrived: Mapping[OriginalReference, datetime], look: Look
) -> Iterator[list[StoredStatement]]:
    """What had come by then; then, with each combination of the messages of that very moment, the likely ones first."""
    since, until = look.opened_at - BEFORE, look.shown_at + AFTER
    doubtful = sorted(
        {each.original for each in own if since < arrived[each.original] <= until}, key=lambda each: arrived[each]
    )
    for absent in _absences(doubtful, [each for each in doubtful if arrived[each] > look.opened_at]):
        yield [each for each in own if arrived[each.original] <= until and each.original not in absent]


def _absences(
    doubtful: Sequence[OriginalReference], late: Sequence[OriginalReference]
) -> Iterator[frozenset[OriginalReference]]:
    """By time alone; then as if the look had been a little earlier or later; then every combination."""
    tried: set[frozenset[OriginalReference]] = set()

    def new(absent: frozenset[OriginalReference]) -> bool:
        is_new = absent not in tried
        tried.add(absent)
        return is_new

    ordered = [frozenset(late), *(frozenset(doubtful[there:]) for there in range(len(doubtful), -1, -1))]
    yield from filter(new, ordered)
    for size in range(len(doubtful) + 1 if len(doubtful) <= DOUBTFUL_MAX else 3):
        yield from islice(filter(new, map(frozenset, combinations(doubtful, size))), TRIES_MAX)


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
        return compose.behind_original(sight, OriginalReference.parse(look.original))
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


def missing_of(look: Look, sight: Sight, removed: Sequence[Item]) -> tuple[Item, ...] | None:
    """Which of the removed statements make the rest whole again; None: none of their combinations does.

    Of what was removed, ids and versions are kept and no content: with them the hash is that of the whole page.
    """
    there = [(statement.local_id, statement.version) for statement in sight.statements]
    # All that might have been shown stands in one hash: in `held`, or in the snapshot where the page shows all of it.
    sizes = range(1, len(removed) + 1) if look.held else (look.count - len(there),)
    for size in sizes:
        for some in _multisets(removed, size):
            whole = [*there, *some]
            if held_of(whole) == look.held if look.held else snapshot_of(whole) == look.snapshot:
                return some
    return None


def _multisets(removed: Sequence[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """So many of the removed, each once; then with the same wording as several messages said it."""
    if 0 < size <= len(removed) and comb(len(removed), size) <= TRIES_MAX:
        yield from combinations(removed, size)
    if size > 1 and comb(len(removed) + size - 1, size) <= TRIES_MAX:
        yield from combinations_with_replacement(removed, size)
