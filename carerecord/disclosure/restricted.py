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

from carerecord.model import Person, StoredStatement
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
    ]
)
# A place, or somebody who is found at one, and nothing else.
WHOLLY = frozenset(
    ("Organization", "Location", "HealthcareService", "Practitioner", "PractitionerRole", "Endpoint", "Provenance")
)
# Titles that their authors write freely: a clinic's own name stands there.
TITLES = {
    "DocumentReference": frozenset(("description",)),
    "Composition": frozenset(("title",)),
    "Appointment": frozenset(("description", "comment", "patientInstruction")),
}
_SOURCE = re.compile(r"(urn:carerecord:source:)([^\"|:/]+)")


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
    shown = [
        msgspec.structs.replace(statement, source=tokens[statement.source], body=_without_places(statement, tokens))
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


def _without_places(statement: StoredStatement, tokens: Mapping[str, str]) -> bytes:
    try:
        resource = msgspec.json.decode(statement.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"{}"  # What cannot be read cannot be cleared.
    if not isinstance(resource, dict) or statement.resource_type in WHOLLY:
        return b"{}"
    gone = PLACES | {"text"} | TITLES.get(statement.resource_type, frozenset())
    kept = {name: _cleared(value) for name, value in resource.items() if name not in gone}
    text = msgspec.json.encode(kept).decode()
    return _SOURCE.sub(lambda found: found[1] + tokens.get(found[2], "service"), text).encode()


def _cleared(value: Any) -> Any:
    if isinstance(value, list):
        return [_cleared(each) for each in value]
    if isinstance(value, dict):
        return {name: _cleared(each) for name, each in value.items() if name not in PLACES}
    return value
