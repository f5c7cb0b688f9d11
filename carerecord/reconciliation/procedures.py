"""Procedures: the same code on the same day is one, whoever said it; anything less alike stands alone."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import Procedure, read
from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import Line, all_words, words_of
from carerecord.reconciliation.same_day import Said
from carerecord.reconciliation.same_day import entries as same_day_entries
from carerecord.reconciliation.versions import Context, Item, less_than_a_day

NOT_DONE = ("not-done", "stopped")


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    return same_day_entries(items, context, said_of)


def said_of(statement: StoredStatement) -> Said:
    if statement.resource_type != "Procedure":
        return Said(other.line_of(statement), None, "")
    said = read(Procedure, statement.body)
    when = said.performedDateTime or (said.performedPeriod.start if said.performedPeriod else "")
    short = less_than_a_day(when) or ("" if when else said.performedString)
    by = next((name for each in said.performer if (name := said.named(each.actor))), "")
    status = "" if said.status in ("completed", "", "unknown") else said.status.replace("-", " ")
    line = Line(
        what=words_of(said.code) or f"Procedure that {other.UNREADABLE}",
        details=(status, all_words(said.bodySite), words_of(said.outcome), short, by),
        is_over=said.status in NOT_DONE,
        shows_day=not short,
    )
    return Said(line, said.code, when[:10])
