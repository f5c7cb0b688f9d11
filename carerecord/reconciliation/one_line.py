"""One line for each item of one source: what every heading shares that joins nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from carerecord.fhir.resources import Concept
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation.entries import Entry, Mark
from carerecord.reconciliation.versions import OVER, Context, Item, latest_other, source_names, statement_ids

E = TypeVar("E", bound=Entry)
ALONE = "One item of one source: nothing was joined."
STANDING_WORDS = {
    Standing.PLANNED: "planned",
    Standing.PRELIMINARY: "preliminary",
    Standing.RESOLVED: "over",
    Standing.CANCELLED: "cancelled",
    Standing.ENTERED_IN_ERROR: "entered in error",
}


class Line(msgspec.Struct, gc=False, kw_only=True):
    """What one statement says, as one line: `more` holds the fields of a heading's own entry."""

    what: str
    details: tuple[str, ...] = ()
    is_over: bool = False  # its source says that it no longer counts
    shows_day: bool = True  # False: `details` say when, because the source knows less than a day
    more: dict[str, Any] = {}


def entries(
    items: Sequence[Item], context: Context, read: Callable[[StoredStatement], Line], kind: type[E]
) -> tuple[E, ...]:
    """Newest first; what no longer counts is not current."""
    return newest_first([entry(item, context, read, kind) for item in items])


def newest_first(listed: Sequence[E]) -> tuple[E, ...]:
    return tuple(sorted(listed, key=_when, reverse=True))


def _when(entry: Entry) -> tuple[float, str]:
    return ((entry.happened_at or entry.said_at).timestamp(), entry.id)


def entry(item: Item, context: Context, read: Callable[[StoredStatement], Line], kind: type[E]) -> E:
    newest = item.newest
    line = read(newest)
    is_over = line.is_over or newest.standing in OVER
    return kind(
        id=item.id,
        heading=newest.heading,
        what=line.what,
        detail=joined(*line.details, STANDING_WORDS[newest.standing] if newest.standing in OVER else ""),
        happened_at=newest.happened_at if line.shows_day else None,
        said_at=newest.said_at,
        sources=source_names([item], context),
        marks=marks(item, line, context, read, is_over=is_over),
        is_current=not is_over,
        statement_ids=statement_ids([item]),
        rule=ALONE,
        **line.more,
    )


def marks(
    item: Item, line: Line, context: Context, read: Callable[[StoredStatement], Line], *, is_over: bool
) -> tuple[Mark, ...]:
    standing = item.newest.standing
    if standing is Standing.ENTERED_IN_ERROR:
        return (Mark.ENTERED_IN_ERROR,)
    if standing is Standing.CANCELLED:
        return (Mark.CANCELLED,)
    said: list[Mark] = []
    if not is_over and context.is_new(item):
        said.append(Mark.NEW)
    elif (
        item.older and context.said_since(item) and (before := latest_other(item)) and told(read(before)) != told(line)
    ):
        said += [Mark.CHANGED] if told(read(before)) != told(line) else []
    if standing is Standing.CORRECTED:
        said.append(Mark.CORRECTED)
    if standing is Standing.PRELIMINARY:
        said.append(Mark.PRELIMINARY)
    return tuple(said)


def told(line: Line) -> tuple[object, ...]:
    return (line.what, line.details, line.is_over, sorted(line.more.items(), key=lambda pair: pair[0]))


def joined(*parts: str) -> str:
    return "; ".join(dict.fromkeys(part for part in parts if part))


def words_of(concept: Concept | None) -> str:
    return concept.words if concept else ""


def first_words(concepts: Sequence[Concept]) -> str:
    return next((concept.words for concept in concepts if concept.words), "")


def all_words(concepts: Sequence[Concept]) -> str:
    return ", ".join(dict.fromkeys(concept.words for concept in concepts if concept.words))


def listed(value: Concept | tuple[Concept, ...] | None) -> tuple[Concept, ...]:
    """An element that one resource may say once and another several times."""
    return value if isinstance(value, tuple) else (value,) if value else ()


def has_code(concepts: Sequence[Concept], *codes: str) -> bool:
    return any(coding.code in codes for concept in concepts for coding in concept.coding)


def at_of(entry: Entry) -> datetime:
    return entry.happened_at or entry.said_at
