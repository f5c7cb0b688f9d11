"""The record for programs: a FHIR Patient and a Bundle of every current statement, as bytes. Pure.

https://hl7.org/fhir/R4/operation-patient-everything.html. Statements are not decoded: only their outermost members are
moved about, so every number and word leaves exactly as it was kept.

A reference to something clinical leaves only where what it means leaves too. Whether the rest was withheld from this
reader, taken out, or never sent cannot be told: all three look the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from carerecord.disclosure.values import Answer
from carerecord.fhir.compartments import is_somebodys, patient_element
from carerecord.fhir.outcome import issue, outcome
from carerecord.fhir.references import AS_SAID, LOCAL_ID_LENGTH, logical_id, patient_part
from carerecord.model import Person, StoredStatement, Subject
from carerecord.reconciliation.versions import recency

ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
SOURCE = "urn:carerecord:source:"
UK_CORE = "https://fhir.hl7.org.uk"
_LOCAL = rb'"([A-Z][A-Za-z]+)/([a-z2-7]{%d})"' % LOCAL_ID_LENGTH
_SAID = re.escape(AS_SAID).replace(b"%b", rb'("(?:[^"\\]|\\.)*")')
_REFERENCE = re.compile(rb'("reference"\s*:\s*)' + _LOCAL + rb"(?:" + _SAID + rb")?")
# Clinical though no member says whose: a reference to one tells as much as one to an Observation.
_TELLING_TOO = frozenset(("Appointment", "AppointmentResponse", "Provenance", "Schedule", "Slot", "Linkage", "Account"))
# A member that FHIR demands, where what it refers to does not leave.
_DEMANDED = {
    "Provenance": "target",
    "AppointmentResponse": "appointment",
    "ImmunizationEvaluation": "immunizationEvent",
    "DocumentManifest": "content",
}
_ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.encode


def patient_resource(person: Person) -> dict[str, Any]:
    """The person as a UK Core Patient, as the source named in `meta.source` last described them."""
    subject = person.subject
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "id": patient_part(person.patient_key),
        "meta": {
            "lastUpdated": instant(person.said_at),
            **({"source": SOURCE + person.said_by} if person.said_by else {}),
            "profile": [f"{UK_CORE}/StructureDefinition/UKCore-Patient"],
        },
        "identifier": [_nhs_number(subject)] if subject.nhs_number else [],
        "name": _names(subject),
        "telecom": [{"system": "phone", "value": subject.phone}] if subject.phone else [],
        "gender": subject.gender,
        "birthDate": subject.birth_date.isoformat() if subject.birth_date else None,
        "address": _address(subject),
        "generalPractitioner": _practice(subject),
        "communication": _language(subject),
    }
    if subject.deceased_at:
        resource["deceasedDateTime"] = instant(subject.deceased_at)
    elif subject.deceased is not None:
        resource["deceasedBoolean"] = subject.deceased
    # FHIR has neither empty arrays nor null members.
    return {name: value for name, value in resource.items() if value not in (None, [])}


def _nhs_number(subject: Subject) -> dict[str, Any]:
    number: dict[str, Any] = {"system": NHS_NUMBER, "value": subject.nhs_number}
    if subject.nhs_number_status:
        code = {
            "system": f"{UK_CORE}/CodeSystem/UKCore-NHSNumberVerificationStatusEngland",
            "code": subject.nhs_number_status,
        }
        number["extension"] = [
            {
                "url": f"{UK_CORE}/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
                "valueCodeableConcept": {"coding": [code]},
            }
        ]
    return number


def _names(subject: Subject) -> list[dict[str, Any]]:
    name = {
        "use": "official",
        "family": subject.family,
        "given": list(subject.given),
        "prefix": [subject.prefix] if subject.prefix else [],
    }
    names = [{key: value for key, value in name.items() if value}] if subject.family or subject.given else []
    return names + [{"use": "old", "text": former} for former in subject.former_names if former]


def _address(subject: Subject) -> list[dict[str, Any]]:
    lines = [line for line in subject.address if line]
    address = {"use": "home", "line": lines, "postalCode": subject.postcode}
    return [{key: value for key, value in address.items() if value}] if lines or subject.postcode else []


def _practice(subject: Subject) -> list[dict[str, Any]]:
    if not subject.gp_practice:
        return []
    practice: dict[str, Any] = {
        "type": "Organization",
        "identifier": {"system": ODS, "value": subject.gp_practice},
    }
    return [practice | ({"display": subject.gp_practice_name} if subject.gp_practice_name else {})]


def _language(subject: Subject) -> list[dict[str, Any]]:
    return [{"language": {"text": subject.language}}] if subject.language else []


def everything_bundle(
    person: Person,
    shown: Sequence[StoredStatement],
    *,
    answers: Iterable[Answer],
    base: str,
    at: datetime,
) -> bytes:
    """A searchset of the Patient and the newest version of every shown statement, each once."""
    current = newest_versions(shown)
    ids = {statement.local_id: logical_id(statement.patient_key, statement.local_id) for statement in current}
    patients = [ids[statement.local_id] for statement in current if statement.resource_type == "Patient"]
    names = _Names(patient_part(person.patient_key), ids, frozenset(patients))
    entries = [_entry(_encode(_linked(patient_resource(person), patients)), "Patient", names.patient, base)]
    for statement in current:
        body = _resource(statement, names=names)
        entries.append(_entry(body, statement.resource_type, ids[statement.local_id], base))
    total = len(entries)
    issues = [issue(answer.sentence, code="incomplete", severity="information") for answer in answers]
    if issues:
        entries.append(b'{"resource":%b,"search":{"mode":"outcome"}}' % _encode(outcome(issues)))
    head = {"resourceType": "Bundle", "type": "searchset", "timestamp": instant(at), "total": total}
    return _encode(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def newest_versions(statements: Iterable[StoredStatement]) -> list[StoredStatement]:
    newest: dict[str, StoredStatement] = {}
    for statement in statements:
        other = newest.get(statement.local_id)
        if other is None or recency(statement) > recency(other):
            newest[statement.local_id] = statement
    return sorted(newest.values(), key=lambda statement: (statement.heading, statement.said_at, statement.local_id))


def _entry(resource: bytes, kind: str, own_id: str, base: str) -> bytes:
    url = b'"fullUrl":%b,' % _encode(f"{base}/{kind}/{own_id}") if base else b""
    return b'{%b"resource":%b,"search":{"mode":"match"}}' % (url, resource)


class _Names(NamedTuple):
    """By which ids everything leaves: the person's own, and that of each statement by its local id."""

    patient: str
    ids: Mapping[str, str]
    patients: frozenset[str]  # the ids of what each source says as its own Patient


def _linked(patient: dict[str, Any], patients: Sequence[str]) -> dict[str, Any]:
    """The Patient of the index, with a link to each Patient as its source pushed it."""
    links = [{"other": {"reference": f"Patient/{own_id}"}, "type": "seealso"} for own_id in patients]
    return {**patient, "link": links} if links else patient


def _resource(statement: StoredStatement, *, names: _Names) -> bytes:
    members = _read_members(statement)
    loose = {found[3] for found in _REFERENCE.finditer(statement.body) if _is_loose(found, names)}
    if loose:
        members = _without(members, statement.resource_type, frozenset(each.decode() for each in loose))
    members["resourceType"] = msgspec.Raw(_encode(statement.resource_type))
    members["id"] = msgspec.Raw(_encode(names.ids[statement.local_id]))
    members["meta"] = msgspec.Raw(_encode(_meta(statement, members.get("meta"))))
    _say_whose(members, statement.resource_type, b'"Patient/%b"' % names.patient.encode())
    return _REFERENCE.sub(lambda found: _rewritten(found, statement, names), _encode(members))


def _say_whose(members: dict[str, msgspec.Raw], resource_type: str, patient: bytes) -> None:
    """Only disclosure knows whose statement it is: the body was kept without saying it."""
    element = patient_element(resource_type)
    if element in members:
        said = _members.decode(members[element])
        if "reference" not in said:  # Else its subject is a group, a place or a device.
            members[element] = msgspec.Raw(_encode({"reference": msgspec.Raw(patient), **said}))
    elif element and is_somebodys(resource_type):
        members[element] = msgspec.Raw(b'{"reference":%b}' % patient)
    elif resource_type == "Appointment" and not any(b'"Patient/' in bytes(raw) for raw in members.values()):
        listed = msgspec.json.decode(members.get("participant", b"[]"), type=list[msgspec.Raw])
        listed.append(msgspec.Raw(b'{"actor":{"reference":%b},"status":"accepted"}' % patient))
        members["participant"] = msgspec.Raw(_encode(listed))


def _read_members(statement: StoredStatement) -> dict[str, msgspec.Raw]:
    try:
        return _members.decode(statement.body)
    except msgspec.DecodeError:
        # Never dropped: a program is told that something is here, and where its original is.
        sentence = f"This statement could not be read. Its original is {statement.original}."
        text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{sentence}</div>'}
        return {"text": msgspec.Raw(_encode(text))}


def _meta(statement: StoredStatement, said: msgspec.Raw | None) -> dict[str, Any]:
    own = msgspec.json.decode(said) if said else {}
    return {
        **(own if isinstance(own, dict) else {}),
        "versionId": statement.version,
        "lastUpdated": instant(statement.received_at),
        "source": SOURCE + statement.source,
    }


def _rewritten(found: re.Match[bytes], statement: StoredStatement, names: _Names) -> bytes:
    """To what the record holds, by the id under which it leaves; to anything else as its source said it."""
    member, resource_type, local, said = found[1], found[2], found[3].decode(), found[4]
    own = names.ids.get(local)
    if own is None and said is not None:
        return b"%b%b" % (member, said)
    own = own or logical_id(statement.patient_key, local)
    return b'%b"%b/%b"' % (member, resource_type, (names.patient if own in names.patients else own).encode())


def _is_loose(found: re.Match[bytes], names: _Names) -> bool:
    """To something clinical that does not leave; or to what once came beside it, whatever it was."""
    resource_type, local, said = found[2].decode(), found[3].decode(), found[4]
    if local in names.ids or resource_type == "Patient":
        return False
    return said is None or patient_element(resource_type) is not None or resource_type in _TELLING_TOO


def _without(members: Mapping[str, msgspec.Raw], resource_type: str, loose: frozenset[str]) -> dict[str, msgspec.Raw]:
    """The members without any reference to these."""
    kept: dict[str, msgspec.Raw] = {}
    for name, raw in members.items():
        if not any(local_id.encode() in bytes(raw) for local_id in loose):
            kept[name] = raw
            continue
        said = msgspec.json.decode(raw)
        left = _pruned(said, loose)
        if left is None and _DEMANDED.get(resource_type) == name:
            left = [_ABSENT] if isinstance(said, list) else _ABSENT
        if left is not None:
            kept[name] = msgspec.Raw(_encode(left))
    return kept


def _pruned(value: Any, loose: frozenset[str]) -> Any:
    """None where nothing is left. FHIR knows no empty lists and no empty objects."""
    if isinstance(value, list):
        return [left for each in value if (left := _listed(each, loose)) is not None] or None
    if isinstance(value, dict):
        if _refers(value, loose):
            return None
        return {name: left for name, each in value.items() if (left := _pruned(each, loose)) is not None} or None
    return value


def _listed(value: Any, loose: frozenset[str]) -> Any:
    """One of several. What it says beside its reference would be said of nothing: a diagnosis, an extension."""
    is_part = isinstance(value, dict) and "resourceType" not in value
    if is_part and any(isinstance(each, dict) and _refers(each, loose) for each in value.values()):
        return None
    return _pruned(value, loose)


def _refers(value: Mapping[str, Any], loose: frozenset[str]) -> bool:
    reference = value.get("reference")
    return isinstance(reference, str) and reference.rpartition("/")[2] in loose


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
