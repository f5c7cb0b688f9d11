"""Alerts: what a source marks as a danger: airway, implant, infection, risk. What it took back is closed."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import Flag, read
from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.dates import written
from carerecord.reconciliation.entries import AlertEntry
from carerecord.reconciliation.one_line import Line, first_words, words_of
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item

PRIORITY = "http://hl7.org/fhir/StructureDefinition/flag-priority"
HIGH = frozenset(("PH", "high"))


def entries(items: Sequence[Item], context: Context) -> tuple[AlertEntry, ...]:
    made = line_entries(items, context, line_of, AlertEntry)
    return tuple(sorted(made, key=lambda alert: not alert.is_severe))  # Stable: newest first among equals.


def line_of(statement: StoredStatement) -> Line:
    return flag_line(statement, has_priority=True)


def flag_line(statement: StoredStatement, *, has_priority: bool = False) -> Line:
    """A Flag of whatever category: alerts, needs and safeguarding are all sent as one."""
    if statement.resource_type != "Flag":
        return other.line_of(statement)
    said = read(Flag, statement.body)
    end = written(said.period.end) if said.period else ""
    notes = tuple(note.text for note in said.note)
    priorities = [each.valueCodeableConcept for each in said.extension if each.url == PRIORITY]
    is_severe = any(coding.code in HIGH for each in priorities if each for coding in each.coding)
    return Line(
        what=words_of(said.code) or first_words(said.category) or f"Alert that {other.UNREADABLE}",
        details=(
            "" if said.status in ("active", "") else said.status.replace("-", " "),
            # An end that lies behind us does not close it: only its source does.
            f"until {end}" if end else "",
            *notes,
            said.named(said.author),
        ),
        is_over=other.is_ended(said.status, statement),
        more={"is_severe": is_severe} if has_priority else {},
    )
