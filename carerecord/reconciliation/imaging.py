"""Imaging: reports in words, drawn like results in words, and the studies that were made."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import ImagingStudy, read
from carerecord.model import StoredStatement
from carerecord.reconciliation import other, results
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import Line, at_of, first_words
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item

REPORTS = frozenset(("DiagnosticReport", "Observation"))


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    reported = results.entries([item for item in items if item.newest.resource_type in REPORTS], context)
    studies = [item for item in items if item.newest.resource_type not in REPORTS]
    if not studies:
        return reported
    made = [*reported, *line_entries(studies, context, line_of, Entry)]
    return tuple(sorted(made, key=lambda entry: (-at_of(entry).timestamp(), entry.id)))


def line_of(statement: StoredStatement) -> Line:
    if statement.resource_type != "ImagingStudy":
        return other.line_of(statement)
    said = read(ImagingStudy, statement.body)
    modality = ", ".join(dict.fromkeys(each.display or each.code for each in said.modality))
    return Line(
        what=said.description or first_words(said.procedureCode) or modality or "Imaging study",
        details=("study", modality, "" if said.status in ("available", "") else said.status.replace("-", " ")),
    )
