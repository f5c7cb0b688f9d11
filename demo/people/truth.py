"""The truth about the invented people as plain data: who is who, and who said which fact when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from demo.people.nouns import Event, Person, Reported, Told, Written

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
    """Each identifier that a source used, and the group that says which of them are one person."""
    rows: list[Fact] = []
    by_hospital = any(not isinstance(event, Reported) for event in person.story)
    by_laboratory = any(_is_own_report(person, event) for event in person.story)
    if by_hospital:
        rows.append(_identity(HOSPITAL, "R1H", person.hospital_number, person.nhs_number, group=0))
    early = person.early_number
    if early:
        why = f"the hospital merged it on {_iso(early.until)}"
        rows.append(_identity(HOSPITAL, "R1H", early.number, person.nhs_number, group=0, why=why))
    if by_laboratory:
        alone = by_hospital and person.nhs_number is None
        why = "no NHS number: only a name connects them, so nothing may join them by itself" if alone else ""
        rows.append(
            _identity(LABORATORY, "NELP", person.laboratory_number, person.nhs_number, group=1 if alone else 0, why=why)
        )
    for source, number, why in person.not_to_join:
        rows.append(_identity(source, "NELP", number, person.nhs_number, group=2, why=why))
    return rows


def _identity(source: str, system: str, value: str, nhs_number: str | None, *, group: int, why: str = "") -> Fact:
    return {
        "source": source,
        "system": system,
        "value": value,
        "nhs_number": nhs_number,
        "group": group,
        "why": why or None,
    }


def _is_own_report(person: Person, event: Event) -> bool:
    return isinstance(event, Reported) and event.number == person.laboratory_number


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
                    "source": HOSPITAL,
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
            visit.number, {"kind": "stay", "source": HOSPITAL, "number": visit.number, "said_at": []}
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
                    "source": HOSPITAL,
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
            "source": HOSPITAL,
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
