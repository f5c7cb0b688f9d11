"""What a proposal would do, for whoever is to agree: real decisions of late, made again under it. About nobody."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from carerecord import access, audit, database
from carerecord.audit.asked import Asked
from carerecord.audit.events import read_events_witnessed
from carerecord.model import EvidenceClass
from carerecord.organisations import Region
from carerecord.stewardship.in_force import deeds
from carerecord.stewardship.notices import reference_of
from carerecord.stewardship.proposals import DoesNotFit, Kind, Proposal

DAYS: Final = 30
LOOKS_MAX: Final = 5_000
BACK: Final = (timedelta(hours=1), timedelta(hours=12), timedelta(days=3), timedelta(days=DAYS))
DECIDED: Final = (audit.Kind.OPENED, audit.Kind.REFUSED)
KEPT_MAX: Final = 16


class Would(msgspec.Struct, frozen=True, kw_only=True):
    """What would change, and by how many real decisions that is known."""

    found: access.WhatIf | None  # None: it cannot be compiled, or changes no policy
    looks_since: datetime | None  # the first of the decisions that were made again
    wrong: str = ""


class WhatWould:
    """Remembers what it found: a comparison takes seconds of the processor."""

    def __init__(self, db: database.Database, region: Region, *, base: access.Policies) -> None:
        self._db = db
        self._region = region
        self._base = base
        self._kept: dict[tuple[str, str, str], Would] = {}

    async def of(self, proposal: Proposal, *, witness: audit.Witness, at: datetime) -> Would:
        """`witness` is that of an examination: without it the database reads no event out."""
        if proposal.kind not in (Kind.LEGAL_BAR, Kind.POLICY):
            return Would(found=None, looks_since=None)
        people = f"{proposal.asked_by_name} and another"
        try:
            agreed = deeds.proposed(
                proposal.content,
                proposal.kind,
                reference=reference_of(proposal.id),
                people=people,
                on=proposal.asked_at.date(),
            )
            after = await asyncio.to_thread(access.with_agreed, self._base, agreed)
        except (DoesNotFit, access.PolicyDoesNotFit) as wrong:
            return Would(found=None, looks_since=None, wrong=str(wrong))
        before = access.in_force()
        key = (before.version, after.version, f"{at:%Y-%m-%dT%H}")
        if key in self._kept:
            return self._kept[key]
        events = await self._read(witness, at=at)
        found = await asyncio.to_thread(
            access.compare,
            asked_of(events),
            before,
            after,
            in_full=concerned(proposal),
            in_agreement=lambda organisation: self._region.find_organisation(organisation) is not None,
        )
        would = Would(found=found, looks_since=min((event.recorded_at for event in events), default=None))
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[key] = would
        return would

    async def _read(self, witness: audit.Witness, *, at: datetime) -> list[audit.StoredEvent]:
        """The newest decisions, at most so many: further back only while there are too few."""
        events: list[audit.StoredEvent] = []
        for back in BACK:
            events = await read_events_witnessed(
                self._db, witness=witness, since=at - back, kinds=DECIDED, limit=LOOKS_MAX
            )
            if len(events) >= LOOKS_MAX:
                break
        return events


def concerned(proposal: Proposal) -> tuple[str, ...] | None:
    """The roles that a proposal names; None where it may concern any."""
    return tuple(proposal.content.get("roles", ())) or None


def asked_of(events: Iterable[audit.StoredEvent]) -> list[Asked]:
    """Counted by everything that a decision depends on; who was looked at is not among it."""
    counts = Counter(_question(event) for event in events if event.staff is not None and event.patient_key)
    return [msgspec.structs.replace(question, looks=looks) for question, looks in counts.most_common()]


def _question(event: audit.StoredEvent) -> Asked:
    staff, evidence = event.staff, event.evidence
    assert staff is not None
    kind = evidence.kind if evidence else EvidenceClass.NONE
    if evidence and kind in (EvidenceClass.DECLARED, EvidenceClass.EMERGENCY) and not (evidence.reason or "").strip():
        kind = EvidenceClass.LAUNCH if event.route == "launch" else EvidenceClass.NONE
    return Asked(
        role=staff.role,
        organisation=staff.organisation,
        assurance=staff.assurance or 0,
        activities=tuple(staff.activities),
        evidence=kind.value,
        purpose=event.purpose,
        route=event.route,
        was_opened=event.kind == audit.Kind.OPENED,
        looks=1,
    )
