"""Reconciles the statements of one person into one record, heading by heading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain

from carerecord.fhir.resources import Concept, read_other
from carerecord.model import Heading, StoredStatement
from carerecord.reconciliation import (
    alerts,
    allergies,
    appointments,
    assessments,
    contacts,
    demographics,
    devices,
    family_history,
    imaging,
    immunisations,
    letters,
    medicines,
    needs,
    observations,
    plans,
    problems,
    procedures,
    referrals,
    requests,
    results,
    safeguarding,
    stays,
    tasks,
)
from carerecord.reconciliation.entries import Entry, Record
from carerecord.reconciliation.versions import Context, Item, items, midnight

RESULTS = frozenset(("Observation", "DiagnosticReport"))


def reconcile(statements: Sequence[StoredStatement], *, region_names: Mapping[str, str], since: date | None) -> Record:
    """One line for each clinical fact. `region_names` maps source ids to names; `since` is our last contact."""
    context = Context(names=region_names, since_at=midnight(since))
    by = items(statements)
    measured, asked = _parted(by[Heading.RESULTS])
    return Record(
        allergies=allergies.entries(by[Heading.ALLERGIES], context),
        results=results.entries(measured, context),
        requests=requests.entries(asked, context),
        stays=stays.entries(by[Heading.STAYS], context),
        letters=letters.entries(by[Heading.LETTERS], context),
        problems=problems.entries(by[Heading.PROBLEMS], context),
        medicines=medicines.entries(by[Heading.MEDICINES], context, _substances(by[Heading.OTHER])),
        imaging=imaging.entries(by[Heading.IMAGING], context),
        procedures=procedures.entries(by[Heading.PROCEDURES], context),
        immunisations=immunisations.entries(by[Heading.IMMUNISATIONS], context),
        appointments=appointments.entries(by[Heading.APPOINTMENTS], context),
        referrals=referrals.entries(by[Heading.REFERRALS], context),
        plans=plans.entries(by[Heading.PLANS], context),
        alerts=alerts.entries(by[Heading.ALERTS], context),
        needs=needs.entries(by[Heading.NEEDS], context),
        social_care=plans.entries(by[Heading.SOCIAL_CARE], context),
        contacts=contacts.entries(by[Heading.CONTACTS], context),
        observations=observations.entries(by[Heading.OBSERVATIONS], context),
        assessments=assessments.entries(by[Heading.ASSESSMENTS], context),
        safeguarding=safeguarding.entries(by[Heading.SAFEGUARDING], context),
        family_history=family_history.entries(by[Heading.FAMILY_HISTORY], context),
        devices=devices.entries(by[Heading.DEVICES], context),
        other=tasks.entries(by[Heading.OTHER], context),
        demographics=demographics.entries(by[Heading.DEMOGRAPHICS], context),
    )


def every_entry(record: Record) -> Iterator[Entry]:
    return chain.from_iterable(getattr(record, field) for field in Record.__struct_fields__)


def _parted(listed: list[Item]) -> tuple[list[Item], list[Item]]:
    """Results, and the tests that were only asked for."""
    asked = [item for item in listed if item.newest.resource_type not in RESULTS]
    if not asked:
        return listed, asked
    return [item for item in listed if item.newest.resource_type in RESULTS], asked


def _substances(listed: Sequence[Item]) -> dict[tuple[str, str], Concept]:
    """Medications that a source sent by themselves, for the orders that only point to them."""
    return {
        (item.newest.source, item.newest.local_id): concept
        for item in listed
        if item.newest.resource_type == "Medication" and (concept := read_other(item.newest.body).code)
    }
