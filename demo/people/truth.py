"""The truth about the invented people as plain data: who is who, and who said which fact when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from demo.people.nouns import Person, Reported, Told, Written
from demo.people.sources import SYSTEMS

_LONDON = ZoneInfo("Europe/London")
HOSPITAL, LABORATORY = "barts", "nel-pathology"
Fact = dict[str, Any]


def region_truth(people: Iterable[Person], *, seed: int, until: date) -> dict[str, Any]:
    told = [truth(person) for person in people]
    return {
        "seed": seed,
        "anchored_on": until.isoformat(),
        "about": "Invented people. Identities of one group are one person; never join those of different groups.",
        "people": told,
    }


def truth(person: Person) -> dict[str, Any]:
    """What is true of one person, whatever the record makes of it."""
    now = person.now
    return {
        "person": person.index,
        "name": person.name,
        "family": now.family,
        "given": list(now.given),
        "former_name": person.former_name or None,
        "birth_date": now.birth_date.isoformat(),
        "gender": {"F": "female", "M": "male"}.get(now.gender, "unknown"),
        "nhs_number": person.nhs_number,
        "postcode": now.address.postcode,
        "home": person.home,
        "practice": {"code": now.practice.code, "name": now.practice.name, "area": now.practice.area},
        "died_at": _iso(now.died_at),
        "twin_of": person.twin_of,
        "pathway": person.pathway or None,
        "shows": person.shows,
        "identities": _identities(person),
        "facts": [*_allergies(person), *_stays(person), *_problems(person), *_results(person), *_letters(person)],
    }


def _identities(person: Person) -> list[Fact]:
    """Each identifier that a source used, and the group that says which of them may be joined by themselves."""
    rows: list[Fact] = []
    strangers = {number for _, number, _ in person.not_to_join}
    heard = dict.fromkeys(
        event.source for event in person.story if not (isinstance(event, Reported) and event.number in strangers)
    )
    alone = 0  # Groups of identities that nothing but a human may join to the first.
    for place, source in enumerate(heard):
        why, group = "", 0
        if person.nhs_number is None and place:
            why = "no NHS number: only a name connects them, so nothing may join them by itself"
        elif source in person.apart:
            why = person.apart[source]
        if why:
            alone += 1
            group = alone
        rows.append(_identity(source, person.number_at(source), person.nhs_number_at(source), group=group, why=why))
        if source == HOSPITAL and (early := person.early_number):
            merged = f"the hospital merged it on {_iso(early.until)}"
            rows.append(_identity(source, early.number, person.nhs_number, group=group, why=merged))
    for place, (source, number, why) in enumerate(person.not_to_join, alone + 1):
        rows.append(_identity(source, number, person.nhs_number, group=place, why=why, is_theirs=False))
    return rows


def _identity(
    source: str, value: str, nhs_number: str | None, *, group: int, why: str = "", is_theirs: bool = True
) -> Fact:
    return {
        "source": source,
        "system": SYSTEMS[source].authority or SYSTEMS[source].namespace,
        "value": value,
        "nhs_number": nhs_number,
        "group": group,
        "is_theirs": is_theirs,
        "why": why or None,
    }


def _told(person: Person) -> list[Told]:
    return [event for event in person.story if isinstance(event, Told)]


def _allergies(person: Person) -> list[Fact]:
    """One fact for each allergy; current when the hospital's last list of allergies still holds it."""
    facts: dict[str, Fact] = {}
    last: set[str] = set()
    for event in _told(person):
        if not event.allergies:
            continue
        last = {allergy.code for allergy in event.allergies}
        for allergy in event.allergies:
            fact = facts.setdefault(
                allergy.code,
                {
                    "kind": "allergy",
                    "source": event.source,
                    "code": allergy.code,
                    "text": allergy.text,
                    "severity": allergy.severity,
                    "reaction": allergy.reaction,
                    "recorded_on": allergy.recorded_on.isoformat(),
                    "said_at": [],
                },
            )
            fact["said_at"].append(_iso(event.at))
    for code, fact in facts.items():
        fact["status"] = "current" if code in last else "no longer said"
    return list(facts.values())


def _stays(person: Person) -> list[Fact]:
    facts: dict[str, Fact] = {}
    for event in _told(person):
        if not (visit := event.visit):
            continue
        fact = facts.setdefault(
            visit.number, {"kind": "stay", "source": event.source, "number": visit.number, "said_at": []}
        )
        ended = fact.get("status") == "ended"
        fact |= {
            "class": visit.kind,
            "place": visit.place,
            "site": visit.site,
            "consultant": visit.consultant.called,
            "reason": visit.reason,
            "start": _iso(visit.start),
            "end": _iso(visit.end) or fact.get("end"),
        }
        if not ended:
            fact["status"] = {"A05": "planned", "A03": "ended"}.get(event.trigger, "current")
        fact["said_at"].append(_iso(event.at))
    return list(facts.values())


def _problems(person: Person) -> list[Fact]:
    facts: dict[tuple[str, str], Fact] = {}
    for event in _told(person):
        for diagnosis in event.diagnoses:
            number = event.visit.number if event.visit else ""
            fact = facts.setdefault(
                (number, diagnosis.code),
                {
                    "kind": "problem",
                    "source": event.source,
                    "stay": number,
                    "code": diagnosis.code,
                    "text": diagnosis.text,
                    "said_at": [],
                },
            )
            fact["status"] = {"A": "admitting", "W": "working", "F": "final"}[diagnosis.kind]
            fact["said_at"].append(_iso(event.at))
    return list(facts.values())


def _results(person: Person) -> list[Fact]:
    """One fact for each analyte on each specimen, with every value said of it; the last stands."""
    facts: dict[tuple[str, str], Fact] = {}
    for event in person.story:
        if not isinstance(event, Reported):
            continue
        for panel in event.panels:
            for value in panel.values:
                fact = facts.setdefault(
                    (panel.filler, value.code),
                    {
                        "kind": "result",
                        "source": LABORATORY,
                        "number": panel.filler,
                        "panel": panel.name,
                        "code": value.code,
                        "name": value.name,
                        "unit": value.unit,
                        "specimen": event.specimen,
                        "collected_at": _iso(event.collected_at),
                        "identity": event.number,
                        "is_theirs": event.number == person.laboratory_number,
                        "said": [],
                    },
                )
                status = {"P": "preliminary", "F": "final", "C": "corrected"}[value.status or event.status]
                fact["said"].append(
                    {
                        "at": _iso(event.at),
                        "value": value.text,
                        "flag": value.flag,
                        "reference": value.reference,
                        "status": status,
                    }
                )
                fact["status"] = status
    return list(facts.values())


def _letters(person: Person) -> list[Fact]:
    return [
        {
            "kind": "letter",
            "source": event.source,
            "number": event.number,
            "type": event.kind,
            "title": event.title,
            "author": event.author.called,
            "stay": event.visit.number,
            "said_at": _iso(event.at),
            "is_pdf": event.is_pdf,
            "text": "\n".join(event.lines),
            "status": "current",
        }
        for event in person.story
        if isinstance(event, Written)
    ]


def _iso(at: datetime | None) -> str | None:
    """As an instant: systems write London wall-clock time and say no offset."""
    return at.replace(tzinfo=_LONDON).isoformat() if at else None
