"""Family history: what is said of whom in the family."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import FamilyMemberHistory, read
from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import Line, words_of
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    return line_entries(items, context, line_of, Entry)


def line_of(statement: StoredStatement) -> Line:
    if statement.resource_type != "FamilyMemberHistory":
        return other.line_of(statement)
    said = read(FamilyMemberHistory, statement.body)
    conditions = []
    for each in said.condition:
        age = each.onsetAge
        onset = each.onsetString or (f"at {age.value} {age.unit or 'years'}" if age and age.value is not None else "")
        about = ", ".join(part for part in (onset, words_of(each.outcome)) if part)
        conditions.append(f"{words_of(each.code)} ({about})" if about else words_of(each.code))
    who = words_of(said.relationship)
    what = ", ".join(text for text in conditions if text)
    return Line(
        what=what or who or f"Family history that {other.UNREADABLE}",
        details=(who if what else "", *(note.text for note in said.note)),
    )
