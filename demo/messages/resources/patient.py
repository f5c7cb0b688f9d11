"""Patient in the profile of UK Core: https://hl7.org/fhir/R4/patient.html"""

from __future__ import annotations

from datetime import datetime

from demo.messages.resources.speaking import ODS, PROFILES, Resource, day, instant
from demo.people.names import LANGUAGE_NAMES
from demo.people.nouns import Demographics, Person
from demo.people.sources import SYSTEMS

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
_VERIFICATION = f"{PROFILES}/Extension-UKCore-NHSNumberVerificationStatus"
_VERIFICATIONS = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
_VERIFIED = {
    "01": "Number present and verified",
    "02": "Number present but not traced",
    "03": "Trace required",
    "08": "Trace postponed (baby under six weeks old)",
}
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_GENDERS = {"F": "female", "M": "male", "U": "unknown"}


def identifiers(person: Person, who: Demographics, *, source: str, at: datetime) -> list[Resource]:
    """The NHS number, if this source has one, with how sure it is; and the source's own number."""
    found: list[Resource] = []
    if number := person.nhs_number_at(source):
        status = who.number_status or "01"
        coding = {"system": _VERIFICATIONS, "code": status, "display": _VERIFIED.get(status, status)}
        verification = {"url": _VERIFICATION, "valueCodeableConcept": {"coding": [coding]}}
        found.append({"extension": [verification], "use": "official", "system": NHS_NUMBER, "value": number})
    own = {"use": "usual", "system": SYSTEMS[source].namespace, "value": person.number_at(source, at)}
    return [*found, own]


def write(person: Person, who: Demographics, *, source: str, at: datetime) -> Resource:
    system, home, practice = SYSTEMS[source], who.address, who.practice
    name: Resource = {"use": "official", "family": who.family, "given": list(who.given)}
    if who.title:
        name["prefix"] = [who.title]
    names = [name]
    former = person.former_name
    if former and former != who.family:
        names.append({"use": "old", "family": former, "given": [who.given[0]]})
    address = {
        "use": "home",
        "line": [home.line],
        "city": home.town,
        "district": home.county,
        "postalCode": home.postcode,
    }
    found: Resource = {
        "resourceType": "Patient",
        "id": person.number_at(source, at),
        "meta": {"lastUpdated": instant(at), "profile": [f"{PROFILES}/UKCore-Patient"]},
        "identifier": identifiers(person, who, source=source, at=at),
        "active": True,
        "name": names,
        "telecom": [{"system": "phone", "value": who.phone, "use": "mobile"}],
        "gender": _GENDERS.get(who.gender, "unknown"),
        "birthDate": day(who.birth_date),
    }
    if person.is_restricted:  # The national service says so, and every system that traces there repeats it.
        found["meta"]["security"] = [{"system": _CONFIDENTIALITY, "code": "R", "display": "restricted"}]
    if not who.phone:
        del found["telecom"]
    if who.died_at:
        found["deceasedDateTime"] = instant(who.died_at)
    found["address"] = [address]
    if who.language != "en":
        coding = {"system": "urn:ietf:bcp:47", "code": who.language}
        language = {"coding": [coding | {"display": LANGUAGE_NAMES.get(who.language, who.language)}]}
        found["communication"] = [{"language": language, "preferred": True}]
    found["generalPractitioner"] = [
        {"identifier": {"system": ODS, "value": practice.code}, "display": practice.name},
    ]
    found["managingOrganization"] = {"identifier": {"system": ODS, "value": system.ods}, "display": system.name}
    return found
