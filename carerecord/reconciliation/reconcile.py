"""Reconciles the statements of one person into one record, heading by heading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from carerecord.model import Heading, StoredStatement
from carerecord.reconciliation import allergies, letters, problems, results, stays
from carerecord.reconciliation.entries import Entry, Record
from carerecord.reconciliation.versions import Context, items, midnight


def reconcile(statements: Sequence[StoredStatement], *, region_names: Mapping[str, str], since: date | None) -> Record:
    """One line for each clinical fact. `region_names` maps source ids to names; `since` is our last contact."""
    context = Context(names=region_names, since_at=midnight(since))
    by_heading = items(statements)
    return Record(
        allergies=allergies.entries(by_heading[Heading.ALLERGIES], context),
        results=results.entries(by_heading[Heading.RESULTS], context),
        stays=stays.entries(by_heading[Heading.STAYS], context),
        letters=letters.entries(by_heading[Heading.LETTERS], context),
        problems=problems.entries(by_heading[Heading.PROBLEMS], context),
    )


def every_entry(record: Record) -> Iterator[Entry]:
    yield from record.allergies
    yield from record.results
    yield from record.stays
    yield from record.letters
    yield from record.problems
