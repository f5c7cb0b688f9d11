"""When a person is told of emergency access to their record, and what stands against it. Pure.

Told by default, some days after (the region's `tell_after_days`); never while it would put somebody in danger: what is
held from the person's own ledger is held here too, and what no ledger shows is never told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from carerecord.audit import StoredEvent
from carerecord.organisations import Region
from carerecord.stewardship.cases import Case
from carerecord.stewardship.ledger_rules import is_held
from carerecord.stewardship.ledger_values import Hold, HoldKind

UNKNOWN = "The declaration cannot be read: whether it may be told is not known."
SILENT = "Looks of this kind never stand in a person’s own list: to be told would itself endanger them."
LOOKED_INTO = "An unusual look of the same reader at the same person is being looked into."


class HeldBack(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why the person is not told: why, by whom, and until when. Names nobody whose record it is."""

    because: str
    by: str
    until: str


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with telling the person of one declaration."""

    due_at: datetime
    told_at: datetime | None = None
    read_at: datetime | None = None  # when they opened their own list afterwards
    held: tuple[HeldBack, ...] = ()


def due_at(case: Case, region: Region) -> datetime:
    return case.opened_at + timedelta(days=region.tell_after_days)


def held_back(
    declared: StoredEvent | None, *, holds: Iterable[Hold], looked_into: Sequence[Case], region: Region
) -> tuple[HeldBack, ...]:
    """Everything that stands against telling; nothing: it is told. `looked_into`: open cases of the same reader and
    person that the watch raised. Without the declaration itself nothing is told."""
    if declared is None or declared.staff is None:
        return (HeldBack(because=UNKNOWN, by="the record itself", until="the audit was verified"),)
    found = [_by_hold(hold) for hold in holds if hold.stands and _is_about(hold, declared)]
    if is_held(declared, (), region):
        found.append(HeldBack(because=SILENT, by="the Guardian’s rule", until="that rule is another"))
    if looked_into:
        found.append(HeldBack(because=LOOKED_INTO, by="the watch", until="that case is closed"))
    return tuple(found)


def _is_about(hold: Hold, declared: StoredEvent) -> bool:
    staff = declared.staff
    if hold.kind is HoldKind.LEDGER:
        return True
    if hold.kind is HoldKind.ORGANISATION:
        return staff is not None and hold.value == staff.organisation
    return hold.kind is HoldKind.STAFF and staff is not None and hold.value == staff.user_id


def _by_hold(hold: Hold) -> HeldBack:
    return HeldBack(because=hold.because, by=hold.set_by, until="the hold is lifted")
