"""Every fact that the sources of HL7 v2 told of a person, with who said it when."""

from __future__ import annotations

from typing import Any

from demo.people.instants import iso
from demo.people.nouns import Booked, Imaged, Person, Referred, Reported, Told, Written

Fact = dict[str, Any]
_KINDS = {"A": "admitting", "W": "working", "F": "final"}


def hl7_facts(person: Person) -> list[Fact]:
    return [
        *_allergies(person), *_stays(person), *_problems(person), *_results(person), *_letters(person),
        *_appointments(person), *_referrals(person), *_images(person),
    ]  # fmt: skip


def _told(person: Person) -> list[Told]:
    return [event for event in person.story if isinstance(event, Told)]


def _allergies(person: Person) -> list[Fact]:
    """One fact for each allergy of a hospital; current when its last list of allergies still holds it."""
    facts: dict[tuple[str, str], Fact] = {}
    last: dict[str, set[str]] = {}
    for event in _told(person):
        if not event.allergies:
            continue
        last[event.source] = {allergy.code for allergy in event.allergies}
        for allergy in event.allergies:
            fact = facts.setdefault(
                (event.source, allergy.code),
                {
                    "kind": "allergy",
                    "source": event.source,
                    "code": allergy.code,
                    "codes": [allergy.code],
                    "text": allergy.text,
                    "severity": allergy.severity,
                    "reaction": allergy.reaction,
                    "recorded_on": allergy.recorded_on.isoformat(),
                    "said_at": [],
                },
            )
            fact["said_at"].append(iso(event.at))
    for (source, code), fact in facts.items():
        fact["status"] = "current" if code in last[source] else "no longer said"
    return list(facts.values())


def _stays(person: Person) -> list[Fact]:
    facts: dict[tuple[str, str], Fact] = {}
    for event in _told(person):
        if not (visit := event.visit):
            continue
        fact = facts.setdefault(
            (event.source, visit.number),
            {"kind": "stay", "source": event.source, "number": visit.number, "said_at": [], "taken_back": []},
        )
        ended = fact.get("status") == "ended" and event.trigger != "A13"
        fact |= {
            "class": visit.kind,
            "place": visit.place,
            "site": visit.site,
            "consultant": visit.consultant.called,
            "reason": visit.reason,
            "start": iso(visit.start),
            "end": iso(visit.end) or (fact.get("end") if event.trigger != "A13" else None),
        }
        if event.trigger in ("A11", "A12", "A13"):
            fact["taken_back"].append({"what": event.trigger, "at": iso(event.at)})
        if not ended:
            fact["status"] = {"A05": "planned", "A03": "ended", "A11": "cancelled"}.get(event.trigger, "current")
        fact["said_at"].append(iso(event.at))
    return list(facts.values())


def _problems(person: Person) -> list[Fact]:
    facts: dict[tuple[str, str, str], Fact] = {}
    for event in _told(person):
        for diagnosis in event.diagnoses:
            number = event.visit.number if event.visit else ""
            fact = facts.setdefault(
                (event.source, number, diagnosis.code),
                {
                    "kind": "problem",
                    "source": event.source,
                    "stay": number,
                    "code": diagnosis.code,
                    "codes": [diagnosis.code, *([diagnosis.snomed.code] if diagnosis.snomed else [])],
                    "text": diagnosis.text,
                    "said_at": [],
                },
            )
            fact["status"] = _KINDS[diagnosis.kind]
            fact["said_at"].append(iso(event.at))
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
                        "source": event.source,
                        "number": panel.filler,
                        "panel": panel.name,
                        "code": value.code,
                        "name": value.name,
                        "unit": value.unit,
                        "specimen": event.specimen,
                        "collected_at": iso(event.collected_at),
                        "identity": event.number,
                        "is_theirs": event.number == person.laboratory_number,
                        "said": [],
                    },
                )
                status = {"P": "preliminary", "F": "final", "C": "corrected"}[value.status or event.status]
                said = {"at": iso(event.at), "value": value.text, "flag": value.flag, "reference": value.reference}
                fact["said"].append({**said, "status": status})
                fact["status"] = status
    return list(facts.values())


def _letters(person: Person) -> list[Fact]:
    letters = [event for event in person.story if isinstance(event, Written)]
    replaced = {(event.source, event.replaces) for event in letters if event.replaces}
    return [
        {
            "kind": "letter",
            "source": event.source,
            "number": event.number,
            "type": event.kind,
            "title": event.title,
            "author": event.author.called,
            "stay": event.visit.number,
            "said_at": iso(event.at),
            "is_pdf": event.is_pdf,
            "text": "\n".join(event.lines),
            "replaces": event.replaces or None,
            "status": "replaced" if (event.source, event.number) in replaced else "current",
        }
        for event in letters
    ]


def _appointments(person: Person) -> list[Fact]:
    """One fact for each appointment; the last word stands."""
    facts: dict[tuple[str, str], Fact] = {}
    for event in person.story:
        if not isinstance(event, Booked):
            continue
        fact = facts.setdefault(
            (event.source, event.number),
            {"kind": "appointment", "source": event.source, "number": event.number, "said_at": []},
        )
        fact |= {
            "clinic": event.clinic,
            "site": event.site,
            "start": iso(event.start),
            "status": {"S15": "cancelled", "S26": "did not attend"}.get(event.trigger, "booked"),
        }
        if event.was:
            fact["moved_from"] = iso(event.was)
        fact["said_at"].append(iso(event.at))
    return list(facts.values())


def _referrals(person: Person) -> list[Fact]:
    facts: dict[tuple[str, str], Fact] = {}
    for event in person.story:
        if not isinstance(event, Referred):
            continue
        fact = facts.setdefault(
            (event.source, event.number),
            {"kind": "referral", "source": event.source, "number": event.number, "ubrn": event.ubrn, "said_at": []},
        )
        fact |= {"to": event.to_service, "reason": event.reason, "priority": event.priority, "status": event.status}
        fact["said_at"].append(iso(event.at))
    return list(facts.values())


def _images(person: Person) -> list[Fact]:
    facts: dict[str, Fact] = {}
    for event in person.story:
        if not isinstance(event, Imaged):
            continue
        fact = facts.setdefault(
            event.accession,
            {
                "kind": "imaging",
                "source": event.source,
                "number": event.accession,
                "examination": event.examination.text,
                "codes": [code.code for code in event.examination.codes],
                "performed_at": iso(event.performed_at),
                "said_at": [],
            },
        )
        fact |= {
            "text": "\n".join(event.lines),
            "status": {"P": "preliminary", "F": "final", "C": "corrected"}[event.status],
        }
        fact["said_at"].append(iso(event.at))
    return list(facts.values())
