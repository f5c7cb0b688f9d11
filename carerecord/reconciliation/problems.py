"""Problems, and anything under a heading that has no rule of its own: one line for each item, nothing joined."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.resources import Concept, read_condition
from carerecord.model import Standing
from carerecord.reconciliation.entries import Entry, Mark
from carerecord.reconciliation.versions import (
    OVER,
    Context,
    Item,
    latest_other,
    less_than_a_day,
    source_names,
    statement_ids,
)

UNREADABLE = "A problem that could not be read: open the original message"
STATUS = {
    Standing.RESOLVED: "Resolved",
    Standing.PLANNED: "Planned",
    Standing.PRELIMINARY: "Provisional",
    Standing.CANCELLED: "Cancelled",
    Standing.ENTERED_IN_ERROR: "Entered in error",
}
MARKS = {
    Standing.CANCELLED: Mark.CANCELLED,
    Standing.ENTERED_IN_ERROR: Mark.ENTERED_IN_ERROR,
}


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    listed = [_entry(item, context) for item in items]
    return tuple(
        sorted(listed, key=lambda entry: ((entry.happened_at or entry.said_at).timestamp(), entry.id), reverse=True)
    )


def _entry(item: Item, context: Context) -> Entry:
    newest = item.newest
    problem = read_condition(newest.body)
    status = STATUS.get(newest.standing) or _first_words(problem.clinicalStatus)
    severity = problem.severity.words if problem.severity else ""
    since = less_than_a_day(problem.onsetDateTime or problem.recordedDate)
    return Entry(
        id=item.id,
        heading=newest.heading,
        what=(problem.code.words if problem.code else "") or UNREADABLE,
        detail=", ".join(part for part in (status, severity, since and f"since {since}") if part),
        happened_at=None if since else newest.happened_at,
        said_at=newest.said_at,
        sources=source_names([item], context),
        marks=_marks(item, context),
        is_current=newest.standing not in OVER and newest.standing is not Standing.RESOLVED,
        statement_ids=statement_ids([item]),
        rule="Said once: nothing was joined.",
    )


def _first_words(concept: Concept | None) -> str:
    return concept.words.capitalize() if concept else ""


def _marks(item: Item, context: Context) -> tuple[Mark, ...]:
    if item.newest.standing in MARKS:
        return (MARKS[item.newest.standing],)
    if context.is_new(item):
        return (Mark.NEW,)
    if item.older and context.said_since(item) and (before := latest_other(item)):
        earlier, now = read_condition(before.body), read_condition(item.newest.body)
        if (before.standing, earlier.code, earlier.severity) != (item.newest.standing, now.code, now.severity):
            return (Mark.CHANGED,)
    return ()
