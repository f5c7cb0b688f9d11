"""From a reader's events to what the privacy desk may be handed of them: nobody is named. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from carerecord.audit import Kind, StoredEvent
from carerecord.audit.events import NOBODY
from carerecord.disclosure.values import Refusal
from carerecord.organisations import Region
from carerecord.stewardship.cases import Case
from carerecord.stewardship.privacy_values import Look, Precision, Reader

AGAIN = timedelta(minutes=2)
FOR_OTHERS = "The privacy desk is for other roles than yours."


def about(case: Case) -> str:
    return f"case {case.id}"


def looked_at(case: Case) -> datetime:
    """When its look was: a claim that finds no match becomes a case a day later."""
    said = case.detail.get("opened_at")
    return datetime.fromisoformat(said) if isinstance(said, str) else case.opened_at


def reader_of(event: StoredEvent | None, region: Region, *, is_named: bool) -> Reader | None:
    if event is None or event.staff is None:
        return None
    staff = event.staff
    return Reader(
        role_name=staff.role_name,
        organisation=region.organisation_name(staff.organisation),
        sign_in=staff.sign_in,
        name=staff.name if is_named else "",
        user_id=staff.user_id if is_named else "",
    )


def said_by_reader(event: StoredEvent | None, case: Case) -> str:
    """The reader's own words stand in the audit, not in the case: they may name the person."""
    if event is None or event.place != case.about or event.evidence is None:
        return ""
    return event.evidence.reason or ""


def looks_of(events: list[StoredEvent], case: Case) -> tuple[Look, ...]:
    """What the reader did, newest first. What was opened and shown is one look; the same again at once is counted."""
    people = {NOBODY: 0, case.patient_key: 1}
    for event in reversed(events):
        people.setdefault(event.patient_key, len(people))
    shown = {event.about for event in events if event.kind is Kind.SHOWN}
    looks: list[Look] = []
    for event in events:
        # What their look set off is not what they did.
        if event.kind is Kind.NOTIFIED or (event.kind is Kind.OPENED and event.place in shown):
            continue
        look = Look(
            at=event.recorded_at,
            kind=event.kind.value,
            what=str(event.detail.get("what", "")),
            purpose=event.purpose,
            evidence=event.evidence.kind.value if event.evidence else "",
            route=event.route,
            person=people[event.patient_key],
            is_the_case=event.place == case.about,
        )
        before = looks[-1] if looks else None
        if before is not None and _is_again(look, before):
            looks[-1] = msgspec.structs.replace(before, times=before.times + 1)
        else:
            looks.append(look)
    return tuple(looks)


def _is_again(look: Look, before: Look) -> bool:
    same = (look.kind, look.what, look.person, look.evidence, look.route)
    after = (before.kind, before.what, before.person, before.evidence, before.route)
    return same == after and before.at - look.at < AGAIN and not (look.is_the_case or before.is_the_case)


def precision_by(rows: Iterable[Any], by: str) -> tuple[Precision, ...]:
    counted = ("raised", "closed", "inappropriate", "training", "appropriate", "inconclusive", "duplicate")
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        name = row[by] if by == "rule" else row[by].isoformat()[:7]
        into = sums.setdefault(name, dict.fromkeys(counted, 0))
        for field in counted:
            into[field] += row[field]
    return tuple(Precision(name=name, **sums[name]) for name in sorted(sums))


def no_reason() -> Refusal:
    return Refusal(kind="reason-needed", sentences=("Say in a few words why you need to know: it is kept.",))


def no_words() -> Refusal:
    return Refusal(kind="reason-needed", sentences=("Write a few words first.",))
