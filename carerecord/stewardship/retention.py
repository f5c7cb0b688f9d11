"""Retention: what may no longer be kept, by a schedule that is data.

Nothing goes without two people, or one and a Guardian's standing instruction. Last contact is when a source last spoke
of the person. What is held open (an objection, a hold) is a person's to weigh before they agree.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from carerecord.organisations import Region
from carerecord.patient_index import forget
from carerecord.patient_index.forget import KnownIdentity
from carerecord.stewardship.removal_plan import Target
from carerecord.stewardship.retention_rules import Schedule, due_on

if TYPE_CHECKING:
    from carerecord.database import Database


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One identity that may no longer be kept. Who it is, is not said."""

    patient_key: int
    identity_key: int
    source: str
    rule: str
    basis: str
    since: date

    @property
    def target(self) -> Target:
        return Target(kind="identity", patient_key=self.patient_key, identity_key=self.identity_key)


def read_schedule() -> Schedule:
    """Raises msgspec.ValidationError naming the field that does not fit."""
    text = resources.files(__package__).joinpath("retention.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Schedule)


async def list_due(db: Database, region: Region, schedule: Schedule, *, at: datetime) -> list[Due]:
    """Everything that is due, source by source. It reads the whole index, and nothing of the record."""
    found: list[Due] = []
    for source in region.sources:
        identities = await forget.find_identities_of_source(db, source.id)
        found += _due(identities, schedule, kind=source.kind, source=source.id, on=at.date())
    return found


def _due(identities: Iterable[KnownIdentity], schedule: Schedule, *, kind: str, source: str, on: date) -> Iterable[Due]:
    rule = schedule.rule_of(kind, source)
    for identity in identities:
        subject = identity.subject
        died_on = subject.deceased_at.date() if subject.deceased_at else None
        since = due_on(rule, last_contact=identity.said_at.date(), birth_date=subject.birth_date, died_on=died_on)
        if since is not None and since <= on:
            yield Due(
                patient_key=identity.patient_key,
                identity_key=identity.identity_key,
                source=source,
                rule=rule.name,
                basis=rule.basis,
                since=since,
            )


def counted(due: Iterable[Due]) -> dict[tuple[str, str], int]:
    """How many of each source and rule."""
    found: dict[tuple[str, str], int] = {}
    for each in due:
        found[each.source, each.rule] = found.get((each.source, each.rule), 0) + 1
    return dict(sorted(found.items()))
