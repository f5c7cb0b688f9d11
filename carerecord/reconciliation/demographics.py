"""Who each source says this person is: one line for each source's own record of them."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import Line
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    return line_entries(items, context, line_of, Entry)


def line_of(statement: StoredStatement) -> Line:
    line = other.line_of(statement)
    return Line(what=line.what if line.what != "Patient" else "Who they are")
