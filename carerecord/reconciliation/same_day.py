"""The rule of procedures and immunisations: the same code in a shared system, on the same day, is the same thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from carerecord.fhir.resources import Concept
from carerecord.model import StoredStatement
from carerecord.reconciliation import one_line
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.joining import shared_keys
from carerecord.reconciliation.one_line import Line, joined
from carerecord.reconciliation.same import gather
from carerecord.reconciliation.versions import OVER, Context, Item, source_names, statement_ids


class Said(NamedTuple):
    line: Line
    concept: Concept | None
    day: str  # "2026-11-12"; less than a day joins nothing


def entries(items: Sequence[Item], context: Context, read: Callable[[StoredStatement], Said]) -> tuple[Entry, ...]:
    def line_of(statement: StoredStatement) -> Line:
        return read(statement).line

    groups = gather(items, _keys([(item, read(item.newest)) for item in items]))
    return one_line.newest_first([_entry(group, context, line_of) for group in groups])


def _keys(read: Sequence[tuple[Item, Said]]) -> list[list[tuple[str, ...]]]:
    """Two of one source are two, however alike: the first of one source is joined with the first of another."""
    counted: Counter[tuple[str, ...]] = Counter()
    keys = []
    for item, said in read:
        own: list[tuple[str, ...]] = []
        if len(said.day) == len("2026-11-12") and item.newest.standing not in OVER:
            # What was not done is never joined with what was.
            state = "over" if said.line.is_over else "done"
            for key in shared_keys(said.concept):
                counted[item.newest.source, state, said.day, *key] += 1
                number = counted[item.newest.source, state, said.day, *key]
                own.append((state, said.day, *key, str(number)))
        keys.append(own or [("alone", item.id)])
    return keys


def _entry(group: Sequence[Item], context: Context, line_of: Callable[[StoredStatement], Line]) -> Entry:
    first = one_line.entry(group[0], context, line_of, Entry)
    if len(group) == 1:
        return first
    others = [line_of(item.newest) for item in group[1:]]
    spellings = dict.fromkeys(line.what for line in others if line.what.casefold() != first.what.casefold())
    details = [detail for line in others for detail in line.details]
    also = f"also written {' and '.join(spellings)}" if spellings else ""
    return msgspec.structs.replace(
        first,
        detail=joined(*line_of(group[0].newest).details, *details, also),
        sources=source_names(group, context),
        statement_ids=statement_ids(group),
        rule="Joined because the code and the day are the same.",
    )
