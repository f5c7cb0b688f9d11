"""The way of a person through the region: asked, seen, in hospital, written about, what is next and what is pending.

Made from the lines of a record and nothing else: a step stands here because a source said it, in the order of its date.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from carerecord.model import Standing
from carerecord.reconciliation.entries import Entry, Record, ReferralEntry, ResultEntry, TaskEntry
from carerecord.reconciliation.one_line import at_of
from carerecord.reconciliation.versions import CLOCK

Kind = Literal["referral", "appointment", "stay", "letter"]
STEPS_MAX = 6
NEXT_MAX = 2
PENDING_MAX = 6


class Step(msgspec.Struct, frozen=True, kw_only=True):
    entry_id: str
    kind: Kind
    what: str
    where: str
    start: datetime
    end: datetime | None = None
    source: str = ""  # its name
    is_next: bool = False
    is_ongoing: bool = False  # a hospital stay whose end was not sent


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What is not finished: a preliminary result, a test asked for, a task."""

    entry_id: str
    what: str
    who: str  # the source's name, or for whom a task is


class Pathway(msgspec.Struct, frozen=True, kw_only=True):
    steps: tuple[Step, ...] = ()
    pending: tuple[Waiting, ...] = ()
    to_do: tuple[Waiting, ...] = ()  # only what a source coded as still to be done
    waiting_for: ReferralEntry | None = None  # asked, and nothing is known to have followed


def pathway(record: Record, *, at: datetime) -> Pathway:
    """Since the newest referral, or else the last few steps; never more than a reader takes in at a glance."""
    steps = sorted(_steps(record, at), key=lambda step: (step.start, step.entry_id))
    past = [step for step in steps if not step.is_next]
    ahead = [step for step in steps if step.is_next][:NEXT_MAX]
    referral = max((step for step in past if step.kind == "referral"), key=lambda step: step.start, default=None)
    room = STEPS_MAX - len(ahead)
    if referral is not None:
        since = [step for step in past if step.start >= referral.start and step is not referral]
        past = [referral, *since[-(room - 1) :]]
    else:
        past = past[-room:]
    return Pathway(
        steps=(*past, *ahead),
        pending=tuple(_pending(record))[:PENDING_MAX],
        to_do=tuple(_to_do(record))[:PENDING_MAX],
        waiting_for=None if ahead else _waiting_for(record, past),
    )


def _steps(record: Record, at: datetime) -> Iterator[Step]:
    seen: set[tuple[str, object]] = set()
    for stay in record.stays:
        start = stay.start or stay.happened_at
        if start and stay.is_current:
            seen.add((_source(stay), start.astimezone(CLOCK).date()))
            yield Step(
                entry_id=stay.id,
                kind="stay",
                what=stay.kind or stay.what,
                where=stay.place,
                start=start,
                end=stay.end,
                source=_source(stay),
                is_next=start > at,
                is_ongoing=stay.end is None and stay.kind == "In hospital",
            )
    for slot in record.appointments:
        start = slot.start or slot.happened_at
        # An appointment that was kept is the visit of that day: it stands there once.
        if start and slot.is_current and (_source(slot), start.astimezone(CLOCK).date()) not in seen:
            yield Step(
                entry_id=slot.id,
                kind="appointment",
                what=slot.what,
                where=slot.place,
                start=start,
                source=_source(slot),
                is_next=start > at,
            )
    for letter in record.letters:
        if letter.is_current:
            yield Step(
                entry_id=letter.id,
                kind="letter",
                what=letter.what,
                where="",
                start=at_of(letter),
                source=_source(letter),
            )
    for referral in record.referrals:
        if referral.is_current:
            yield Step(
                entry_id=referral.id,
                kind="referral",
                what=referral.what,
                where=referral.to,
                start=at_of(referral),
                source=_source(referral),
            )


def _source(entry: Entry) -> str:
    return entry.sources[0] if entry.sources else ""


def _pending(record: Record) -> Iterator[Waiting]:
    for entry in (*record.results, *record.imaging):
        if entry.is_current and isinstance(entry, ResultEntry) and entry.latest.standing is Standing.PRELIMINARY:
            yield Waiting(entry_id=entry.id, what=f"{entry.what} (preliminary)", who=_source(entry))
    for asked in record.requests:
        if asked.is_current:
            yield Waiting(entry_id=asked.id, what=f"{asked.what} (requested)", who=_source(asked))


def _to_do(record: Record) -> Iterator[Waiting]:
    for entry in record.other:
        if isinstance(entry, TaskEntry) and entry.is_current and entry.is_open:
            yield Waiting(entry_id=entry.id, what=entry.what, who=entry.owner or _source(entry))


def _waiting_for(record: Record, past: list[Step]) -> ReferralEntry | None:
    """The newest referral, where it is open and no visit followed it."""
    if not past or past[0].kind != "referral" or any(step.kind in ("stay", "appointment") for step in past[1:]):
        return None
    found = next((each for each in record.referrals if each.id == past[0].entry_id), None)
    return found if found and found.is_open else None
