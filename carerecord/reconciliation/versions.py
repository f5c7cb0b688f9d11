"""What a source says now, and what it said before: the newest version of each item, with its predecessors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from operator import attrgetter
from zoneinfo import ZoneInfo

import msgspec

from carerecord.fhir.references import patient_part
from carerecord.model import Heading, Standing, StoredStatement

# Clinicians here read and write the clock of the United Kingdom; a day begins at its midnight.
CLOCK = ZoneInfo("Europe/London")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEADINGS = tuple(Heading)
OVER = frozenset({Standing.CANCELLED, Standing.ENTERED_IN_ERROR})


class Item(msgspec.Struct, gc=False):
    """One item of one source: `newest` is what the source says now, `older` what it said before, newest first."""

    newest: StoredStatement
    older: Sequence[StoredStatement]
    id: str  # logical id


class Context(msgspec.Struct, frozen=True):
    """What every heading needs besides its items."""

    names: Mapping[str, str]  # source id -> name
    since_at: datetime | None

    def name(self, source: str) -> str:
        return self.names.get(source, source)

    def is_new(self, item: Item) -> bool:
        """Happened since our last contact; an item without a clinical time counts from when it was first said."""
        if self.since_at is None:
            return False
        happened_at = item.newest.happened_at or (item.older[-1] if item.older else item.newest).said_at
        return happened_at >= self.since_at

    def said_since(self, item: Item) -> bool:
        return self.since_at is None or item.newest.said_at >= self.since_at


def items(statements: Iterable[StoredStatement]) -> dict[Heading, list[Item]]:
    """Every statement's item, by heading, the items in an order that does not depend on how the statements came."""
    by_heading: dict[Heading, list[Item]] = {heading: [] for heading in _HEADINGS}
    said: dict[tuple[str, str], Item] = {}
    several: dict[tuple[str, str], list[StoredStatement]] = {}
    patient_key, part = 0, ""
    # Newest first: so each item stands where its newest version does, and only what has several is looked at again.
    for statement in sorted(statements, key=_order, reverse=True):
        local_id = statement.local_id
        key = (statement.source, local_id)
        if key in said:
            several.setdefault(key, [said[key].newest]).append(statement)
            continue
        if statement.patient_key != patient_key or not part:  # Nearly always one key for all.
            patient_key = statement.patient_key
            part = f"{patient_part(patient_key)}-"
        item = said[key] = Item(statement, (), part + local_id)
        by_heading[statement.heading].append(item)
    has_moved = False
    for key, versions in several.items():
        versions.sort(key=recency, reverse=True)
        item, newest = said[key], versions[0]
        has_moved |= newest.heading is not item.newest.heading
        item.newest, item.older = newest, versions[1:]
        item.id = f"{patient_part(newest.patient_key)}-{newest.local_id}"
    if has_moved:
        by_heading = {heading: [] for heading in _HEADINGS}
        for item in said.values():
            by_heading[item.newest.heading].append(item)
    return by_heading


# The beginning of `recency`, then what makes the order of different items plain.
_order = attrgetter("said_at", "received_at", "original", "source", "local_id")


def recency(statement: StoredStatement) -> tuple[object, ...]:
    """Which of two versions is newer: the one rule, for pages and programs alike.

    When the source said it decides; a late arrival of an older saying must not win. The rest only breaks ties.
    """
    return (
        statement.said_at,
        statement.received_at,
        statement.original,
        statement.version,
        statement.patient_key,
        statement.identity_key,
        statement.heading,
    )


def statement_id(item: Item, statement: StoredStatement) -> str:
    """The logical id for what the source says now; its version behind a dot for what it said before."""
    if statement is item.newest:
        return item.id
    is_same_key = statement.patient_key == item.newest.patient_key
    logical = item.id if is_same_key else f"{patient_part(statement.patient_key)}-{statement.local_id}"
    return logical if statement.version == item.newest.version else f"{logical}.{statement.version}"


def statement_ids(listed: Sequence[Item]) -> tuple[str, ...]:
    """Every statement behind these items: the current ones first."""
    if len(listed) == 1 and not listed[0].older:
        return (listed[0].id,)
    ids = dict.fromkeys([item.id for item in listed])
    for item in listed:
        if item.older:
            ids.update(dict.fromkeys([statement_id(item, statement) for statement in item.older]))
    return tuple(ids)


def latest_other(item: Item) -> StoredStatement | None:
    """The newest earlier version whose words differ from what the source says now."""
    for statement in item.older:
        if statement.version != item.newest.version:
            return statement
    return None


def source_names(listed: Sequence[Item], context: Context) -> tuple[str, ...]:
    if len(listed) == 1:
        return (context.name(listed[0].newest.source),)
    return tuple(dict.fromkeys(context.name(item.newest.source) for item in listed))


def midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), tzinfo=CLOCK) if day else None


def less_than_a_day(text: str) -> str:
    """ "2011" or "May-2011" where a source gave no more of a FHIR dateTime than that: it must not be shown as a day."""
    year, _, month = text.partition("-")
    if not year.isdigit() or "-" in month or not (month == "" or month.isdigit()):
        return ""
    return f"{MONTHS[int(month) - 1]}-{year}" if month else year


def written_day(instant: datetime) -> str:
    """DD-MMM-YYYY, as NHS guidance writes dates."""
    local = instant.astimezone(CLOCK)
    return f"{local.day:02d}-{MONTHS[local.month - 1]}-{local.year}"
