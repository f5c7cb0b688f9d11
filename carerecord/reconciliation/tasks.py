"""Other entries; among them tasks: what a source coded as still to be done, and for whom."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import Anything, read
from carerecord.model import StoredStatement
from carerecord.reconciliation import one_line, other
from carerecord.reconciliation.entries import Entry, TaskEntry
from carerecord.reconciliation.one_line import Line, newest_first, words_of
from carerecord.reconciliation.versions import Context, Item

OPEN = frozenset(("requested", "received", "accepted", "ready", "in-progress", "on-hold"))


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    made: list[Entry] = []
    for item in items:
        if item.newest.resource_type == "Task":
            made.append(one_line.entry(item, context, task_line, TaskEntry))
        else:
            made.append(one_line.entry(item, context, other.line_of, Entry))
    return newest_first(made)


def task_line(statement: StoredStatement) -> Line:
    said = read(Anything, statement.body)
    line = other.line_of(statement)
    owner = said.named(said.owner)
    return Line(
        what=said.description or words_of(said.code) or "Task",
        details=line.details,
        is_over=line.is_over or said.status in ("failed", "rejected"),
        more={"owner": owner, "is_open": said.status in OPEN},
    )
