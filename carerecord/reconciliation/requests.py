"""Tests asked for: what was requested, and whether its source still waits for it."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.model import StoredStatement
from carerecord.reconciliation import other, referrals
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import Line
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    return line_entries(items, context, line_of, Entry)


def line_of(statement: StoredStatement) -> Line:
    if statement.resource_type != "ServiceRequest":
        return other.line_of(statement)
    line = referrals.line_of(statement)
    return Line(what=line.what, details=("requested", *line.details), is_over=not line.more["is_open"])
