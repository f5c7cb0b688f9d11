"""Every fact that sources of FHIR stated of a person, with who said it when; the newest version of an item stands."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from demo.people.contents import (
    Alert,
    AllergyEntry,
    Assessment,
    Clinician,
    Concept,
    Contact,
    Content,
    Decision,
    Encounter,
    FamilyHistory,
    Immunisation,
    Implant,
    Measurement,
    Medicine,
    Notice,
    Operation,
    Plan,
    Problem,
    Referral,
    Report,
    Service,
    Slot,
    Team,
)
from demo.people.instants import iso
from demo.people.nouns import Person, Stated

Fact = dict[str, Any]

# What is said: (the word for it in the truth, the heading it belongs to, the resource that says it).
WHAT: dict[type[Content], tuple[str, str, str]] = {
    AllergyEntry: ("allergy", "allergies", "AllergyIntolerance"),
    Problem: ("problem", "problems", "Condition"),
    Medicine: ("medicine", "medicines", "MedicationStatement"),
    Immunisation: ("immunisation", "immunisations", "Immunization"),
    Measurement: ("observation", "observations", "Observation"),
    Operation: ("procedure", "procedures", "Procedure"),
    Plan: ("plan", "plans", "CarePlan"),
    Decision: ("decision", "plans", "Consent"),
    Alert: ("alert", "alerts", "Flag"),
    Service: ("service", "social care", "CarePlan"),
    Contact: ("contact", "contacts", "RelatedPerson"),
    Team: ("team", "contacts", "CareTeam"),
    Assessment: ("assessment", "assessments", "QuestionnaireResponse"),
    Encounter: ("encounter", "stays", "Encounter"),
    Referral: ("referral", "referrals", "ServiceRequest"),
    Slot: ("appointment", "appointments", "Appointment"),
    FamilyHistory: ("family history", "family history", "FamilyMemberHistory"),
    Implant: ("device", "devices", "Device"),
    Report: ("letter", "letters", "DocumentReference"),
    Notice: ("notice", "other", "Communication"),
}
_BY_CATEGORY = {"need": "needs", "safeguarding": "safeguarding", "survey": "assessments"}


def heading_of(content: Content) -> str:
    """Which heading of the record a statement belongs to."""
    category = getattr(content, "category", "")
    if isinstance(content, Alert | Measurement) and category in _BY_CATEGORY:
        return _BY_CATEGORY[category]
    return WHAT[type(content)][1]


def resource_of(content: Content) -> str:
    """The type of the resource that says it."""
    if isinstance(content, Assessment) and "risk" in content.concept.text.casefold():
        return "RiskAssessment"
    return WHAT[type(content)][2]


def newest(person: Person) -> list[Stated]:
    """The newest version of every item, in the order in which the items were first told."""
    items: dict[tuple[str, str], Stated] = {}
    for event in person.story:
        if isinstance(event, Stated):
            items[event.source, event.own_id] = event
    return list(items.values())


def stated_facts(person: Person) -> list[Fact]:
    said_at: dict[tuple[str, str], list[str | None]] = {}
    for event in person.story:
        if isinstance(event, Stated):
            said_at.setdefault((event.source, event.own_id), []).append(iso(event.at))
    replaced = replaced_ids(person)
    facts = []
    for event in newest(person):
        content = event.content
        kind = WHAT[type(content)][0]
        fact: Fact = {
            "kind": kind,
            "source": event.source,
            "heading": heading_of(content),
            "resource": resource_of(content),
            "own_id": event.own_id,
            "text": content.concept.text,
            "code": content.concept.codes[0].code if content.concept.codes else None,
            "codes": [code.code for code in content.concept.codes],
            "stay": event.stay or None,
            "said_at": said_at[event.source, event.own_id],
        }
        fact |= _details(content)
        fact["status"] = status_of(event, replaced)
        facts.append(fact)
    return facts


def replaced_ids(person: Person) -> set[tuple[str, str]]:
    """Plans, decisions and reports that a newer one of the same source takes the place of."""
    return {
        (event.source, replaces)
        for event in person.story
        if isinstance(event, Stated) and (replaces := getattr(event.content, "replaces", ""))
    }


def status_of(event: Stated, replaced: set[tuple[str, str]]) -> str:
    if event.is_in_error:
        return "entered in error"
    if (event.source, event.own_id) in replaced:
        return "replaced"
    return str(getattr(event.content, "status", "final"))


_NOT_DETAILS = {"concept", "status", "replaces"}


def _details(content: Content) -> Fact:
    """Every other member of what was stated, as plain data."""
    return {
        name: _plain(value)
        for name in content.__struct_fields__
        if name not in _NOT_DETAILS and (value := getattr(content, name)) not in ("", None, ())
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Clinician):
        return value.called
    if isinstance(value, Concept):
        return value.text
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
