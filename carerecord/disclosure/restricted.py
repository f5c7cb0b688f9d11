"""A person whose whereabouts are protected: every place, and whatever names one, is taken out before anything is drawn.

A source's name, a ward, a consultant, a letterhead and an appointment each tell where to find someone (field report,
correction 17). So it is done once, at the door, to the statements themselves: pages, receipts and programs can only
show what is left. Sources go by their kind: "A hospital". Free text of a clinician is left, and may still name a place.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from carerecord.model import Heading, Person, StoredStatement
from carerecord.organisations import Region

KINDS = {
    "hospital": "A hospital",
    "practice": "A GP practice",
    "laboratory": "A laboratory",
    "radiology": "An imaging service",
    "mental-health": "A mental health service",
    "community": "A community service",
    "ambulance": "An ambulance service",
    "social-care": "A council",
    "plans": "A care plan service",
}
ANY_KIND = "A care service"
# Members, at any depth, that say where, or who can be found where.
PLACES = frozenset(
    [
        "address",
        "telecom",
        "location",
        "serviceProvider",
        "managingOrganization",
        "custodian",
        "generalPractitioner",
        "organization",
        "performer",
        "participant",
        "author",
        "authenticator",
        "asserter",
        "recorder",
        "requester",
        "informationSource",
        "individual",
        "actor",
        "origin",
        "destination",
        "sender",
        "recipient",
        "receiver",
        "careManager",
        "contributor",
        "expressedBy",
        "identifier",
        "contained",
        "meta",
        "presentedForm",
        "content",
        "section",
        "photo",
        "contact",
        "issuer",
        "source",
        "sourceReference",
        "sourceAttachment",
        "supportingInformation",
        "supportingInfo",
        "owner",
        "collector",
    ]
)
# A place, or somebody who is found at one, and nothing else.
WHOLLY = frozenset(
    ("Organization", "Location", "HealthcareService", "Practitioner", "PractitionerRole", "Endpoint", "Provenance")
)
# Titles that their authors write freely, and services by their own names: "Chest Clinic" says where to wait.
SERVICES = frozenset(("serviceCategory", "serviceType", "specialty", "appointmentType"))
TITLES = {
    "DocumentReference": frozenset(("description", "category")),
    "Composition": frozenset(("title", "category")),
    "Appointment": SERVICES | {"description", "comment", "patientInstruction"},
    "AppointmentResponse": frozenset(("comment",)),
    "Encounter": SERVICES | {"type"},
    "EpisodeOfCare": frozenset(("type",)),
    "CareTeam": frozenset(("name",)),
}
# Of a letter's kind only what says nothing of the place: "Outpatient letter", and not whose.
LETTERS = ("Discharge summary", "Outpatient letter", "Clinic letter", "Referral letter", "Patient report form")
# Whose code systems everybody uses. Any other address may be a source's own.
SHARED_HOSTS = frozenset(
    [
        "snomed.info",
        "loinc.org",
        "hl7.org",
        "terminology.hl7.org",
        "fhir.hl7.org.uk",
        "fhir.nhs.uk",
        "fhir.nhs.net",
        "dmd.nhs.uk",
        "nicip.nhs.uk",
        "www.datadictionary.nhs.uk",
        "read.info",
        "unitsofmeasure.org",
        "www.whocc.no",
        "dicom.nema.org",
        "www.nlm.nih.gov",
    ]
)
_SOURCE = re.compile(r"urn:carerecord:source:([^\"|:/]+)(:[^\"|]*)?")
_SYSTEM = re.compile(r'"system":"(https?://([^"/]*)[^"]*)"')


class Disguise(NamedTuple):
    """`names` is what sources are called, `true` which they are (for the audit alone)."""

    statements: list[StoredStatement]
    names: Mapping[str, str]
    true: Mapping[str, str]


def disguised(statements: Sequence[StoredStatement], region: Region) -> Disguise:
    tokens: dict[str, str] = {}
    names: dict[str, str] = {}
    counted: dict[str, int] = {}
    for source_id in sorted({statement.source for statement in statements}):
        source = region.find_source(source_id)
        kind = source.kind if source else ""
        counted[kind] = counted.get(kind, 0) + 1
        token = f"{kind or 'service'}-{counted[kind]}"
        tokens[source_id] = token
        number = f" ({counted[kind]})" if counted[kind] > 1 else ""
        names[token] = KINDS.get(kind, ANY_KIND) + number
    lists: dict[str, str] = {}
    shown = [
        msgspec.structs.replace(
            statement, source=tokens[statement.source], body=_without_places(statement, tokens, lists), cut=None
        )
        for statement in statements
    ]
    return Disguise(shown, names, {token: source for source, token in tokens.items()})


def person_without_places(person: Person) -> Person:
    subject = msgspec.structs.replace(
        person.subject,
        local=(),
        address=(),
        postcode=None,
        phone=None,
        gp_practice=None,
        gp_practice_name=None,
        gp_name=None,
    )
    return msgspec.structs.replace(person, subject=subject, said_by="")


def _without_places(statement: StoredStatement, tokens: Mapping[str, str], lists: dict[str, str]) -> bytes:
    try:
        resource = msgspec.json.decode(statement.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"{}"  # What cannot be read cannot be cleared.
    if not isinstance(resource, dict) or statement.resource_type in WHOLLY:
        return b"{}"
    gone = PLACES | {"text"} | TITLES.get(statement.resource_type, frozenset())
    kept = {name: _cleared(value) for name, value in resource.items() if name not in gone}
    if statement.resource_type in ("DocumentReference", "Composition"):
        kept["type"] = {"text": _kind_of_letter(resource.get("type"))}
    if statement.heading is Heading.REFERRALS:
        kept.pop("code", None)

    def numbered(name: str) -> str:
        """What a source calls its own list is often its own name. The same list keeps the same number."""
        return lists.setdefault(name, f"list-{len(lists) + 1}")

    def own(found: re.Match[str]) -> str:
        source = f"urn:carerecord:source:{tokens.get(found[1], 'service')}"
        return f"{source}:{numbered(found[0])}" if found[2] else source

    def elsewhere(found: re.Match[str]) -> str:
        return found[0] if found[2] in SHARED_HOSTS else f'"system":"urn:carerecord:{numbered(found[1])}"'

    return _SYSTEM.sub(elsewhere, _SOURCE.sub(own, msgspec.json.encode(kept).decode())).encode()


def _kind_of_letter(said: Any) -> str:
    told = _words_in(said).casefold()
    return next((kind for kind in LETTERS if kind.casefold() in told), "Letter")


def _words_in(value: Any) -> str:
    """Every text of a concept, to look for a kind in."""
    if isinstance(value, dict):
        return " ".join(map(_words_in, value.values()))
    if isinstance(value, list):
        return " ".join(map(_words_in, value))
    return value if isinstance(value, str) else ""


def _cleared(value: Any) -> Any:
    if isinstance(value, list):
        return [_cleared(each) for each in value]
    if isinstance(value, dict):
        return {name: _cleared(each) for name, each in value.items() if name not in PLACES}
    return value
