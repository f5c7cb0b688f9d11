"""People whose every statement bears canaries: by heading, by label, by where in a resource a word stands.

What an item says is a FHIR resource of its kind with a word in its code, its texts, its narrative, an extension, what
it contains, a note, who wrote it and where, and in one of five a reference to something of somebody else.
"""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zlib import crc32

import msgspec

from carerecord.fhir.references import local_id
from carerecord.model import Heading, Standing, StoredStatement
from tests.leaks import canaries
from tests.leaks.canaries import Aviary
from tests.leaks.oracle import HEADINGS, LABELS
from tests.leaks.oracle import Objection as Objected
from tests.said import said

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
SOURCES = ("barts", "royal-free")
ONE_IN = 5  # references something of somebody else
IN_A_MESSAGE = 6
# The label bits as they are stored, in the order of the oracle's words: numbers of the storage format.
BITS = {
    "mental-health": 1,
    "safeguarding": 2,
    "sensitive": 4,
    "sealed": 8,
    "social-care": 16,
    "sexual-health": 32,
    "termination": 64,
    "assisted-conception": 128,
    "gender-history": 256,
    "adoption": 512,
    "third-party": 1024,
    "dissent": 2048,
}
KINDS = {
    "DEMOGRAPHICS": "Patient",
    "ALLERGIES": "AllergyIntolerance",
    "RESULTS": "Observation",
    "STAYS": "Encounter",
    "LETTERS": "DocumentReference",
    "PROBLEMS": "Condition",
    "MEDICINES": "MedicationStatement",
    "IMAGING": "DiagnosticReport",
    "PROCEDURES": "Procedure",
    "IMMUNISATIONS": "Immunization",
    "APPOINTMENTS": "Appointment",
    "REFERRALS": "ServiceRequest",
    "PLANS": "CarePlan",
    "ALERTS": "Flag",
    "NEEDS": "Flag",
    "SOCIAL_CARE": "CarePlan",
    "CONTACTS": "RelatedPerson",
    "OBSERVATIONS": "Observation",
    "ASSESSMENTS": "RiskAssessment",
    "SAFEGUARDING": "Flag",
    "FAMILY_HISTORY": "FamilyMemberHistory",
    "DEVICES": "Device",
    "OTHER": "Task",
}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that one source says of one person, as the oracle is asked about it."""

    key: str
    source: str
    resource_type: str
    own_id: str
    heading: str
    labels: tuple[str, ...]
    body: bytes
    older: bytes = b""  # an earlier version of it, without any label
    about: tuple[str, ...] = ()  # keys of what it is a list of, and of nothing else
    is_removed: bool = False
    identity: int = 0  # of a person with several: by which it was said
    has_file: bool = False
    refers: bool = False  # to something of somebody else
    message: int = 0  # what is said in one message, has one number: some of it hidden, some due

    @property
    def local_id(self) -> str:
        return local_id(self.source, self.resource_type, self.own_id)

    @property
    def bits(self) -> int:
        return sum(BITS[label] for label in self.labels)

    def resource(self, body: bytes) -> msgspec.Raw:
        """As its source sends it: under its own id."""
        return msgspec.Raw(body.replace(b"{", b'{"id":' + msgspec.json.encode(self.own_id) + b",", 1))

    def statements(self, patient_key: int) -> list[StoredStatement]:
        at = AT - timedelta(days=5)
        common: dict[str, Any] = {
            "source": self.source,
            "heading": Heading[self.heading],
            "patient_key": patient_key,
            "happened": at,
            "standing": Standing.CURRENT,
        }
        made = [said(self.resource_type, self.own_id, self.body, at=at, sensitivity=self.bits, **common)]
        if self.older:
            made.insert(0, said(self.resource_type, self.own_id, self.older, at=at - timedelta(days=9), **common))
        return made


class Someone(msgspec.Struct, kw_only=True):
    """A person, what is said of them, and what else is true of them."""

    name: str
    family: str
    nhs_number: str
    birth_date: date
    place: str  # a word of the address
    items: list[Item] = []
    objections: tuple[Objected, ...] = ()
    is_restricted: bool = False
    is_at_barts: bool = False  # the record knows of a stay there
    says: str = "barts"
    second_says: str = ""  # another source that knows the same number
    of_whom: str = ""  # whose words stand in the items: those of a twin are of the other's record
    called: str = ""  # whose name and number it is: that of twins, and of people once taken for one, is one
    patient_key: int = 0
    stored_under: int = 0  # of somebody separated from another: the key by which their statements' ids begin, for good

    @property
    def id_key(self) -> int:
        return self.stored_under or self.patient_key

    def item(self, key: str) -> Item:
        return next(item for item in self.items if item.key == key)


def nhs_number(count: int) -> str:
    """An invented number of the range for tests, with its check digit; numbers without one are passed over."""
    tried = count * 7 + 100_000
    while True:
        nine = f"999{tried:06}"
        check = (11 - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11) % 11
        if check != 10:
            return f"{nine}{check}"
        tried += 1


class Writer:
    """Writes items with canaries in every part of a resource where words may stand."""

    def __init__(self, aviary: Aviary) -> None:
        self._aviary = aviary
        self._written = 0

    def item(
        self,
        whose: str,
        heading: str,
        labels: tuple[str, ...] = (),
        *,
        elsewhere: str = "",
        resource_type: str = "",
        identity: int = 0,
        own: str = "",
        suffix: str = "",
        source: str = "",
        with_older: bool = False,
        about: tuple[Item, ...] = (),
        is_removed: bool = False,
    ) -> Item:
        """`elsewhere`: a reference to something of somebody else ("Encounter/<local id>")."""
        kind = resource_type or KINDS[heading]
        self._written += 1
        own_id = own or f"{heading.lower()}-{'-'.join(labels) or 'plain'}-{kind.lower()}{suffix}"
        source = source or SOURCES[len(own_id) % 2]
        key = f"{source}/{own_id}"

        def plant(part: str) -> str:
            return self._aviary.plant(whose, key, part)

        body = resource(kind, plant)
        refers = bool(elsewhere) and self._written % ONE_IN == 0
        if refers:
            _refer(body, kind, elsewhere, plant(canaries.BESIDE))
        if about:
            body["result"] = [{"reference": f"{each.resource_type}/{each.local_id}"} for each in about]
        older = resource(kind, lambda part: plant(canaries.OLDER)) if with_older else {}
        return Item(
            key=key,
            source=source,
            resource_type=kind,
            own_id=own_id,
            heading=heading,
            labels=labels,
            body=_encode(kind, body),
            older=_encode(kind, older) if older else b"",
            about=tuple(each.key for each in about),
            is_removed=is_removed,
            identity=identity,
            has_file=kind == "DocumentReference",
            refers=refers,
            message=self._written // IN_A_MESSAGE,
        )

    def everything(self, whose: str, *, elsewhere: str) -> list[Item]:
        """An item for every heading, plain and with each label: 299 of them."""
        found = [self.item(whose, heading, elsewhere=elsewhere) for heading in HEADINGS]
        for heading in HEADINGS:
            found += [self.item(whose, heading, (label,), elsewhere=elsewhere) for label in LABELS]
        return found

    def some(self, whose: str, turn: int, *, elsewhere: str, **more: Any) -> list[Item]:
        """An item for every heading, and with each label one under a heading that moves on from person to person."""
        found = [self.item(whose, heading, elsewhere=elsewhere, **more) for heading in HEADINGS]
        for number, label in enumerate(LABELS):
            heading = HEADINGS[(turn * 5 + number) % len(HEADINGS)]
            found.append(self.item(whose, heading, (label,), elsewhere=elsewhere, **more))
        pair = (LABELS[turn % 12], LABELS[(turn * 5 + 1) % 12])
        if pair[0] != pair[1]:
            found.append(self.item(whose, HEADINGS[(turn * 3) % 23], pair, elsewhere=elsewhere, **more))
        return found


def resource(kind: str, plant: Any) -> dict[str, Any]:
    """A resource of this kind with a word in each part. `main` is what it is called; a page shows at least that."""
    main = plant(canaries.MAIN)
    code = str(400_000_000 + crc32(main.encode()) % 10**8)  # A code of its own: what has one code may be one line.
    coded = {"text": main, "coding": [{"system": "http://snomed.info/sct", "code": code, "display": main}]}
    body: dict[str, Any] = {
        "text": {
            "status": "additional",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{plant(canaries.BODY)}</div>',
        },
        "extension": [{"url": "urn:x:said", "valueString": plant(canaries.BODY)}],
        "contained": [{"resourceType": "Organization", "id": "o1", "name": plant(canaries.PLACE)}],
        "status": "active",
        **PARTS[kind](main, coded, plant),
    }
    if kind in ("Condition", "AllergyIntolerance", "RelatedPerson", "RiskAssessment"):
        body.pop("status")
    if kind == "Patient":
        body.pop("status")
    elif kind not in ("RelatedPerson", "Appointment"):
        body.setdefault("note", [{"text": plant(canaries.BODY)}])
    return body


def _refer(body: dict[str, Any], kind: str, to: str, display: str) -> None:
    """By the member that this kind has for it; what it says beside the reference is this record's own word."""
    reference = {"reference": to, "display": display}
    if kind == "Observation":
        body["hasMember"] = [reference]
    elif kind == "DocumentReference":
        body["relatesTo"] = [{"code": "appends", "target": reference}]
    elif kind in ("Condition", "Procedure", "ServiceRequest", "Immunization", "CarePlan"):
        body["encounter"] = reference
    elif kind == "DiagnosticReport":
        body["result"] = [reference]
    elif kind == "Encounter":
        body["partOf"] = reference
    elif kind == "Task":
        body["focus"] = reference
    else:
        body["extension"].append({"url": "urn:x:see", "valueReference": reference})


def _encode(kind: str, body: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"resourceType": kind, **body})


def _letter(main: str, coded: dict[str, Any], plant: Any) -> dict[str, Any]:
    words = f"Dear colleague, {plant(canaries.FILE)} was seen."
    return {
        "status": "current",
        "type": {"text": "Clinic letter"},
        "description": main,
        "author": [{"display": plant(canaries.PLACE)}],
        "content": [{"attachment": {"contentType": "text/plain", "data": base64.b64encode(words.encode()).decode()}}],
    }


def _titled(main: str, coded: dict[str, Any], plant: Any) -> dict[str, Any]:
    return {"title": main, "intent": "plan", "author": {"display": plant(canaries.PLACE)}}


def _measured(main: str, coded: dict[str, Any], plant: Any) -> dict[str, Any]:
    return {
        "status": "final",
        "code": coded,
        "valueString": plant(canaries.BODY),
        "performer": [{"display": plant(canaries.PLACE)}],
    }


PARTS: dict[str, Any] = {
    "AllergyIntolerance": lambda main, coded, plant: {
        "code": coded,
        "reaction": [{"manifestation": [{"text": plant(canaries.BODY)}]}],
        "recorder": {"display": plant(canaries.PLACE)},
    },
    "Observation": _measured,
    "Encounter": lambda main, coded, plant: {
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"text": main}],
        "period": {"start": "2026-11-17T09:00:00Z", "end": "2026-11-17T10:00:00Z"},
        "location": [{"location": {"display": plant(canaries.PLACE)}}],
        "reasonCode": [{"text": plant(canaries.BODY)}],
    },
    "DocumentReference": _letter,
    "Condition": lambda main, coded, plant: {"code": coded, "recorder": {"display": plant(canaries.PLACE)}},
    "MedicationStatement": lambda main, coded, plant: {
        "medicationCodeableConcept": {"text": main},
        "dosage": [{"text": plant(canaries.BODY)}],
        "informationSource": {"display": plant(canaries.PLACE)},
    },
    "DiagnosticReport": lambda main, coded, plant: {
        "status": "final",
        "code": coded,
        "conclusion": plant(canaries.BODY),
        "performer": [{"display": plant(canaries.PLACE)}],
    },
    "Procedure": lambda main, coded, plant: {
        "status": "completed",
        "code": coded,
        "performedDateTime": "2026-11-15",
        "location": {"display": plant(canaries.PLACE)},
    },
    "Immunization": lambda main, coded, plant: {
        "status": "completed",
        "vaccineCode": coded,
        "occurrenceDateTime": "2026-10-01",
        "location": {"display": plant(canaries.PLACE)},
    },
    "Appointment": lambda main, coded, plant: {
        "status": "booked",
        "serviceType": [{"text": main}],
        "start": "2026-11-29T10:00:00Z",
        "participant": [
            {"actor": {"type": "Location", "display": plant(canaries.PLACE)}, "status": "accepted"},
        ],
    },
    "ServiceRequest": lambda main, coded, plant: {
        "intent": "order",
        "code": coded,
        "authoredOn": "2026-11-10",
        "requester": {"display": plant(canaries.PLACE)},
        "reasonCode": [{"text": plant(canaries.BODY)}],
    },
    "CarePlan": _titled,
    "Flag": lambda main, coded, plant: {"code": coded, "author": {"display": plant(canaries.PLACE)}},
    "RelatedPerson": lambda main, coded, plant: {
        "name": [{"text": main}],
        "relationship": [{"text": "Sister"}],
        "address": [{"text": plant(canaries.PLACE)}],
    },
    "RiskAssessment": lambda main, coded, plant: {
        "status": "final",
        "code": coded,
        "performer": {"display": plant(canaries.PLACE)},
    },
    "FamilyMemberHistory": lambda main, coded, plant: {
        "status": "completed",
        "relationship": {"text": "Father"},
        "condition": [{"code": coded}],
    },
    "Device": lambda main, coded, plant: {"type": coded, "location": {"display": plant(canaries.PLACE)}},
    "Task": lambda main, coded, plant: {
        "status": "requested",
        "intent": "order",
        "description": main,
        "owner": {"display": plant(canaries.PLACE)},
    },
    "Patient": lambda main, coded, plant: {
        "name": [{"text": main}],
        "address": [{"text": plant(canaries.PLACE)}],
    },
}
