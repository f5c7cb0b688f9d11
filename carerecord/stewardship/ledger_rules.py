"""From the events of the audit to what a person may read of them. What is held leaves no gap and no count. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from carerecord.audit import Kind, StoredEvent
from carerecord.model import EvidenceClass, Heading, Purpose
from carerecord.organisations import Region
from carerecord.stewardship.ledger_values import Hold, HoldKind, LedgerPage, Look, Month, Question, Step, Wanted

PERSON = "person"  # the role of somebody who reads their own ledger
PER_PAGE = 20
KINDS = (Kind.SHOWN, Kind.SENT, Kind.EXPORTED, Kind.DECLARED, Kind.EXAMINED)
OWN_MAX = 10
_ZONE = ZoneInfo("Europe/London")
_IDENTIFYING = {
    "person",
    "original",
    "event",
    "replay",
    "subject-access",
    "merge",
}  # a steward saw whose it is, or more


class Held(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Looks that are never shown, as data."""

    review: date
    basis: str
    organisation_kinds: frozenset[str]
    services: frozenset[str]
    emergency_reasons: frozenset[str]
    role_words: tuple[str, ...]
    place_words: tuple[str, ...]


@cache
def read_held() -> Held:
    found = tomllib.loads(Path(__file__).with_name("ledger_held.toml").read_text(encoding="utf-8"))
    return msgspec.convert(found, Held)


def ref_of(event: StoredEvent) -> str:
    """A name for an event that says neither where it stands nor how many there are."""
    return blake2b(event.hash, digest_size=12, person=b"ledger").hexdigest()


def is_held(event: StoredEvent, holds: Iterable[Hold], region: Region) -> bool:
    """Whether this person's ledger may not tell of it."""
    staff = event.staff
    if staff is None:
        return False
    for hold in holds:
        if not hold.stands:
            continue
        if hold.kind is HoldKind.ORGANISATION and hold.value == staff.organisation:
            return True
        if hold.kind is HoldKind.STAFF and hold.value == staff.user_id:
            return True
    held, evidence = read_held(), event.evidence
    place = (evidence.place or "") if evidence else ""
    if evidence and evidence.kind is EvidenceClass.EMERGENCY and evidence.id in held.emergency_reasons:
        return True
    return (
        _is_kept_silent(staff.organisation, region)
        or _names(staff.role_name, held.role_words)
        or _names(place, held.place_words)
    )


def _is_kept_silent(organisation: str, region: Region) -> bool:
    held, known = read_held(), region.find_organisation(organisation)
    if known is not None and known.kind in held.organisation_kinds:
        return True
    services = [source.service for source in region.sources if source.organisation == organisation]
    return bool(services) and all(service in held.services for service in services)


def _names(text: str, words: Iterable[str]) -> bool:
    said = f" {text.casefold()} "
    return any(word in said for word in words)


def page_of(
    events: Sequence[StoredEvent],
    *,
    holds: Sequence[Hold],
    questions: Mapping[str, Question],
    told: Mapping[tuple[int, int], datetime],
    region: Region,
    wanted: Wanted,
    at: datetime,
) -> LedgerPage:
    """`events` are of this person, newest first; `told`: when the person was told of an emergency, by its event."""
    of_staff = [event for event in events if event.staff is None or event.staff.role != PERSON]
    own = [event.recorded_at for event in events if event.staff is not None and event.staff.role == PERSON]
    seen = [event for event in of_staff if not is_held(event, holds, region)]
    looks = looks_of(seen, questions=questions, told=told, region=region)
    fitting = [look for look in looks if wanted.organisation in ("", look.organisation)]
    wanted_looks = [look for look in fitting if look.is_sent == wanted.is_sent]
    pages = max(1, -(-len(wanted_looks) // PER_PAGE))
    page = min(max(wanted.page, 1), pages)
    names = {look.organisation: look.organisation_name for look in looks}
    return LedgerPage(
        looks=tuple(wanted_looks[(page - 1) * PER_PAGE : page * PER_PAGE]),
        seen=sum(not look.is_sent for look in fitting),
        sent=sum(look.is_sent for look in fitting),
        page=page,
        pages=pages,
        months=months_of(fitting, count=wanted.months, at=at),
        organisations=tuple(sorted(names.items(), key=lambda pair: pair[1])),
        own=tuple(own[:OWN_MAX]),
        stewards=stewards_of(of_staff, holds=holds, region=region),
    )


def looks_of(
    events: Sequence[StoredEvent],
    *,
    questions: Mapping[str, Question],
    told: Mapping[tuple[int, int], datetime],
    region: Region,
) -> list[Look]:
    """One look for each session of a reader, newest first; what found nothing showed nothing."""
    declared = [event for event in events if event.kind is Kind.DECLARED]
    together: dict[tuple[str, str, str], list[StoredEvent]] = {}
    for event in events:
        is_shown = event.kind in (Kind.SHOWN, Kind.SENT, Kind.EXPORTED) and event.detail.get("found") is not False
        if is_shown and event.staff is not None:
            together.setdefault((*_session(event), event.purpose), []).append(event)
    looks = [
        _look(each, _declared_before(each[-1], declared), questions=questions, told=told, region=region)
        for each in together.values()
    ]
    return sorted(looks, key=lambda look: (look.at, look.ref), reverse=True)


def _session(event: StoredEvent) -> tuple[str, str]:
    return event.session, event.staff.user_id if event.staff else ""


def _declared_before(event: StoredEvent, declared: Iterable[StoredEvent]) -> StoredEvent | None:
    """By the same reader, the last before it: emergency access is a reader's, not a session's."""
    own = (each for each in declared if each.staff and event.staff and each.staff.user_id == event.staff.user_id)
    return next((each for each in own if each.recorded_at <= event.recorded_at), None)


def _look(
    events: Sequence[StoredEvent],
    declared: StoredEvent | None,
    *,
    questions: Mapping[str, Question],
    told: Mapping[tuple[int, int], datetime],
    region: Region,
) -> Look:
    """Of one session's events, newest first."""
    first, last = events[-1], events[0]
    assert first.staff is not None
    is_emergency = first.purpose == Purpose.BTG
    headings = {name for event in events for name in event.decision.get("headings", ())}
    steps = tuple(Step(ref=ref_of(event), at=event.recorded_at, what=_what(event)) for event in reversed(events))
    asked = next((questions[step.ref] for step in steps if step.ref in questions), None)
    is_sent = any(event.kind is Kind.SENT for event in events) or first.staff.is_program
    return Look(
        ref=steps[0].ref,
        at=first.recorded_at,
        until=last.recorded_at,
        is_sent=is_sent,
        organisation=first.staff.organisation,
        organisation_name=region.organisation_name(first.staff.organisation),
        role=first.staff.name if first.staff.is_program else first.staff.role_name,
        purpose=first.purpose,
        evidence=first.evidence.kind.value if first.evidence else "none",
        route=first.route,
        is_emergency=is_emergency,
        reason=(first.evidence.id or "") if is_emergency and first.evidence else "",
        told_at=told.get(declared.place) if is_emergency and declared else None,
        headings=tuple(heading.name for heading in Heading if heading.name in headings),
        steps=steps,
        question=asked,
    )


def _what(event: StoredEvent) -> str:
    if event.kind is Kind.EXPORTED:
        return "file"
    return "paper" if event.detail.get("form") == "print" else str(event.detail.get("what", ""))


def stewards_of(events: Sequence[StoredEvent], *, holds: Sequence[Hold], region: Region) -> tuple[Look, ...]:
    """Who looks after the record and saw whose it is. A desk may have looked at what is held: from the first of that on
    nothing of the desks is told, as of the many whom no desk ever looks at."""
    silent = [event.recorded_at for event in events if is_held(event, holds, region)]
    silent += [hold.set_at for hold in holds if hold.patient_key]
    until = min(silent, default=None)
    found = []
    for event in events:
        if event.kind is not Kind.EXAMINED or event.staff is None or event.detail.get("what") not in _IDENTIFYING:
            continue
        if until is None or event.recorded_at < until:
            found.append(_look([event], None, questions={}, told={}, region=region))
    return tuple(found)


def age(birth_date: date, *, on: date) -> int:
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def months_of(looks: Iterable[Look], *, count: int, at: datetime) -> tuple[Month, ...]:
    """The last so many months, the oldest first, whether or not anybody looked."""
    local = at.astimezone(_ZONE)
    place = local.year * 12 + local.month - 1
    firsts = [date(each // 12, each % 12 + 1, 1) for each in range(place - count + 1, place + 1)]
    seen, sent = dict.fromkeys(firsts, 0), dict.fromkeys(firsts, 0)
    for look in looks:
        first = look.at.astimezone(_ZONE).date().replace(day=1)
        if first in seen:
            (sent if look.is_sent else seen)[first] += 1
    return tuple(Month(first=first, seen=seen[first], sent=sent[first]) for first in firsts)


_TITLES: Final = frozenset(
    ("dr", "mr", "mrs", "ms", "miss", "mx", "prof", "professor", "sir", "dame", "sister", "nurse")
)


def names_a_held(words: str, names: Iterable[str]) -> bool:
    """Whether a text that a person will read holds a surname, or another name that somebody is known by.

    A surname alone is enough: with the day and the clinic it finds one of the staff. Titles are nobody's name.
    """
    said = set(_PART_OF_NAME.findall(words.casefold()))
    for name in names:
        parts = [part for part in _PART_OF_NAME.findall(name.casefold()) if part not in _TITLES]
        if parts and parts[-1] in said:
            return True
    return False


_PART_OF_NAME: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
