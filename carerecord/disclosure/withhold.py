"""Withholds, without a trace, what a decision does not let this reader see. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from carerecord.access import Decision
from carerecord.fhir.resources import read_report
from carerecord.model import Heading, OriginalReference, StoredStatement
from carerecord.reconciliation.versions import recency

Item = tuple[str, str]  # (source, local id)


class Withheld(NamedTuple):
    """`shown` is all that anything after this may know; `kinds` is for the audit alone."""

    shown: list[StoredStatement]
    kinds: dict[str, int]  # heading -> how many statements
    items: frozenset[Item]
    originals: frozenset[OriginalReference]


# What a role without any clinical heading may see.
IDENTIFYING = frozenset((Heading.DEMOGRAPHICS, Heading.CONTACTS))
NOTHING: frozenset[Item] = frozenset()
SAID = 3  # of what makes a version newer: said, received, original; the rest only breaks ties


def withhold(statements: Sequence[StoredStatement], decision: Decision) -> Withheld:
    """What may be shown. An item whose newest version may not be shown is withheld with every version: an older one
    alone would stand on the page as if it were what the source says now."""
    may: dict[tuple[int, int], bool] = {}
    shown: list[StoredStatement] = []
    hidden: list[StoredStatement] = []
    # Who only needs to reach somebody is shown their own people: a team, or who sent a record of them, tells why.
    is_clinical = any(heading not in IDENTIFYING for heading in decision.headings)
    for statement in statements:
        key = (statement.heading, statement.sensitivity)
        allowed = may.get(key)
        if allowed is None:
            allowed = may[key] = decision.may_show(statement.heading, statement.sensitivity)
        if not is_clinical and statement.resource_type != "RelatedPerson":
            allowed = False
        (shown if allowed else hidden).append(statement)
    if not hidden:
        return Withheld(shown, {}, NOTHING, frozenset())
    gone = _items_gone(shown, hidden)
    gone |= _reports_gone(shown, gone)
    kept = [statement for statement in shown if (statement.source, statement.local_id) not in gone]
    hidden += [statement for statement in shown if (statement.source, statement.local_id) in gone]
    kinds: dict[str, int] = {}
    for statement in hidden:
        kinds[statement.heading.name] = kinds.get(statement.heading.name, 0) + 1
    return Withheld(kept, kinds, frozenset(gone), frozenset(statement.original for statement in hidden))


def _items_gone(shown: Sequence[StoredStatement], hidden: Sequence[StoredStatement]) -> set[Item]:
    newest_shown: dict[Item, StoredStatement] = {}
    for statement in shown:
        item = (statement.source, statement.local_id)
        if item not in newest_shown or recency(statement) > recency(newest_shown[item]):
            newest_shown[item] = statement
    gone: set[Item] = set()
    for statement in hidden:
        item = (statement.source, statement.local_id)
        # Said in the same message as what may be shown: which came last is not known, so both go.
        if item not in newest_shown or recency(statement)[:SAID] >= recency(newest_shown[item])[:SAID]:
            gone.add(item)
    return gone


def _reports_gone(shown: Sequence[StoredStatement], gone: set[Item]) -> set[Item]:
    """Reports that name a withheld result: an empty panel's title would tell what is withheld."""
    found: set[Item] = set()
    for statement in shown:
        if statement.resource_type == "DiagnosticReport":
            named = {(statement.source, result.local_id) for result in read_report(statement.body).result}
            if named and named <= gone:
                found.add((statement.source, statement.local_id))
    return found
