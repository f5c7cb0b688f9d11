"""Immunisations: the same vaccine on the same day is one, whoever said it; one not given is never among those given."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import Immunization, Protocol, read
from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import Line, words_of
from carerecord.reconciliation.same_day import Said
from carerecord.reconciliation.same_day import entries as same_day_entries
from carerecord.reconciliation.versions import Context, Item, less_than_a_day


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    return same_day_entries(items, context, said_of)


def said_of(statement: StoredStatement) -> Said:
    if statement.resource_type != "Immunization":
        return Said(other.line_of(statement), None, "")
    said = read(Immunization, statement.body)
    when = said.occurrenceDateTime
    short = less_than_a_day(when) or ("" if when else said.occurrenceString)
    is_given = said.status != "not-done"
    line = Line(
        what=words_of(said.vaccineCode) or f"Immunisation that {other.UNREADABLE}",
        details=(
            "" if is_given else "not given",
            words_of(said.statusReason),
            *(f"dose {number}" for each in said.protocolApplied if (number := _number(each))),
            f"batch {said.lotNumber}" if said.lotNumber else "",
            short,
        ),
        is_over=not is_given,
        shows_day=not short,
    )
    return Said(line, said.vaccineCode, when[:10])


def _number(protocol: Protocol) -> str:
    return protocol.doseNumberString or str(protocol.doseNumberPositiveInt or "")
