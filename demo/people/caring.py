"""Who legitimately cares for a person, by which evidence; and what of them must not be shown, and to whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from demo.people.contents import Alert, Assessment, Encounter, Service, Team
from demo.people.instants import iso
from demo.people.nouns import Booked, Person, Referred, Stated, Told
from demo.people.sources import NEIGHBOUR_ODS, NEIGHBOURS, SYSTEMS

Fact = dict[str, Any]
_AFTER_A_VISIT = timedelta(days=30)


def who_cares(person: Person) -> list[Fact]:
    """Each organisation with its evidence. `until` None: it goes on. A neighbour's registration is not evidence."""
    practice = person.now.practice
    rows = [_row(practice.code, "registration", practice.name, None, None)]
    rows += _by_visits(person)
    for event in person.story:
        if isinstance(event, Referred) and event.status == "active":
            rows.append(_row(SYSTEMS[event.source].ods, "referral", event.number, event.at, None))
        elif isinstance(event, Booked) and event.trigger in ("S12", "S13"):
            until = event.start + _AFTER_A_VISIT
            rows.append(_row(SYSTEMS[event.source].ods, "appointment", event.number, event.at, until))
        elif isinstance(event, Stated):
            rows += _by_statement(event)
    rows += [
        _row(NEIGHBOUR_ODS[each], "known", number, None, None)
        for each, number in person.numbers.items()
        if each in NEIGHBOURS
    ]
    return rows


def _by_visits(person: Person) -> list[Fact]:
    visits: dict[tuple[str, str], list[datetime]] = {}
    cancelled = {
        event.visit.number
        for event in person.story
        if isinstance(event, Told) and event.trigger == "A11" and event.visit
    }
    for event in person.story:
        if isinstance(event, Told) and event.visit and event.visit.number not in cancelled:
            times = visits.setdefault((event.source, event.visit.number), [event.visit.start])
            if event.visit.end:
                times.append(event.visit.end)
    return [
        _row(SYSTEMS[source].ods, "encounter", number, times[0], times[-1] + _AFTER_A_VISIT if len(times) > 1 else None)
        for (source, number), times in visits.items()
    ]


def _by_statement(event: Stated) -> list[Fact]:
    told, ods = event.content, SYSTEMS[event.source].ods
    if isinstance(told, Team) and told.status == "active":
        since = datetime(told.since_on.year, told.since_on.month, told.since_on.day)
        return [_row(ods, "caseload", event.own_id, since, None)]
    if isinstance(told, Service) and told.status == "active":
        since = datetime(told.started_on.year, told.started_on.month, told.started_on.day)
        return [_row(ods, "service", event.own_id, since, None)]
    if isinstance(told, Encounter) and told.setting == "EMER":
        return [_row(ods, "incident", event.own_id, told.start, told.start + timedelta(days=1))]
    return []


def _row(ods: str, evidence: str, id: str, since: datetime | None, until: datetime | None) -> Fact:
    return {"organisation": ods, "evidence": evidence, "id": id, "since": iso(since), "until": iso(until)}


def what_is_hidden(person: Person) -> list[Fact]:
    """Places of restricted people from everyone; what safeguards somebody from roles that need not know of it."""
    rows: list[Fact] = []
    if person.is_restricted:
        now = person.now
        places = [now.address.line, now.address.postcode, now.phone, now.practice.name]
        for event in person.story:
            if isinstance(event, Told) and event.visit:
                places += [event.visit.site, event.visit.place]
            elif isinstance(event, Booked):
                places += [event.site, event.clinic]
        rows.append(
            {
                "what": "places",
                "why": "restricted: the national service marks this person S",
                "from": "everyone",
                "words": list(dict.fromkeys(places)),
            }
        )
    marks = [
        event.own_id
        for event in person.story
        if isinstance(event, Stated) and isinstance(event.content, Alert) and event.content.category == "safeguarding"
    ]
    if marks:
        rows.append(
            {
                "what": "safeguarding",
                "why": "it says who may be in danger from whom",
                "from": "pharmacist, care home nurse, administrator, program; and everybody on paper",
                "own_ids": list(dict.fromkeys(marks)),
            }
        )
    return rows + _in_confidence(person)


_IN_CONFIDENCE = {  # by label: why, and from whom
    "mental-health": (
        "the detail of mental health care",
        "everyone but mental health clinicians; an emergency shows it to clinicians, practices and paramedics",
    ),
    "sexual-health": ("told to a sexual health service", "everyone; an emergency shows it"),
    "termination": ("told in confidence, and policy rather than law", "everyone; an emergency shows it"),
    "assisted-conception": ("Human Fertilisation and Embryology Act 1990, section 33A", "everyone, always"),
    "adoption": ("Adoption and Children Act 2002, sections 56 to 65", "everyone, always"),
}


def _in_confidence(person: Person) -> list[Fact]:
    """What somebody told in confidence, by its label: each by the id or the number under which its source sent it."""
    told: dict[str, list[str]] = {}
    for label, ids in person.guarded:
        told.setdefault(label, []).extend(ids)
    for event in person.story:
        if isinstance(event, Stated) and isinstance(event.content, Assessment) and event.source == "east-london-mh":
            told.setdefault("mental-health", []).append(event.own_id)
    return [
        {"what": label, "why": why, "from": whom, "own_ids": list(dict.fromkeys(told[label]))}
        for label, (why, whom) in _IN_CONFIDENCE.items()
        if label in told
    ]
