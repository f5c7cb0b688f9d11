"""The record for programs: a FHIR Patient and a Bundle of every current statement, as bytes. Pure.

https://hl7.org/fhir/R4/operation-patient-everything.html. Statements are not decoded: only their outermost members are
moved about, so every number and word leaves exactly as it was kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from carerecord.disclosure.values import Answer
from carerecord.fhir.outcome import issue, outcome
from carerecord.fhir.references import LOCAL_ID_LENGTH, logical_id, patient_part
from carerecord.model import Person, StoredStatement, Subject
from carerecord.reconciliation.versions import recency

ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
SOURCE = "urn:carerecord:source:"
UK_CORE = "https://fhir.hl7.org.uk"
# R4 calls the patient of these resources `patient`; all others that a record holds say `subject`.
SAYS_PATIENT = frozenset(
    {"AllergyIntolerance", "Immunization", "Device", "EpisodeOfCare", "FamilyMemberHistory", "NutritionOrder"}
)
_LOCAL = rb'"([A-Z][A-Za-z]+)/([a-z2-7]{%d})"' % LOCAL_ID_LENGTH
_REFERENCE = re.compile(rb'("reference"\s*:\s*)' + _LOCAL)
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
            "source": SOURCE + person.said_by,
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
    hidden: frozenset[str],
    base: str,
    at: datetime,
) -> bytes:
    """A searchset of the Patient and the newest version of every shown statement, each once.

    `hidden` are local ids that this reader may not know of: what refers to them leaves without the reference.
    """
    current = newest_versions(shown)
    ids = {statement.local_id: logical_id(statement.patient_key, statement.local_id) for statement in current}
    subject = b'{"reference":"Patient/%b"}' % patient_part(person.patient_key).encode()
    entries = [_entry(_encode(patient_resource(person)), "Patient", patient_part(person.patient_key), base)]
    for statement in current:
        body = _resource(statement, ids=ids, hidden=hidden, subject=subject)
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


def _resource(statement: StoredStatement, *, ids: Mapping[str, str], hidden: frozenset[str], subject: bytes) -> bytes:
    members = _read_members(statement)
    if hidden and any(local_id.encode() in statement.body for local_id in hidden):
        members = {name: _without(raw, hidden) for name, raw in members.items()}
        members = {name: raw for name, raw in members.items() if bytes(raw) not in (b"null", b"[]")}
    members["resourceType"] = msgspec.Raw(_encode(statement.resource_type))
    members["id"] = msgspec.Raw(_encode(ids[statement.local_id]))
    members["meta"] = msgspec.Raw(_encode(_meta(statement, members.get("meta"))))
    if statement.resource_type not in ("Patient", "Organization", "Practitioner", "Location"):
        # Only disclosure knows whose statement it is: the body was kept without its subject.
        members["patient" if statement.resource_type in SAYS_PATIENT else "subject"] = msgspec.Raw(subject)
    return _REFERENCE.sub(lambda found: _rewritten(found, statement, ids), _encode(members))


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


def _rewritten(found: re.Match[bytes], statement: StoredStatement, ids: Mapping[str, str]) -> bytes:
    local = found[3].decode()
    own = ids.get(local) or logical_id(statement.patient_key, local)
    return b'%b"%b/%b"' % (found[1], found[2], own.encode())


def _without(raw: msgspec.Raw, hidden: frozenset[str]) -> msgspec.Raw:
    """The member without any reference to what is withheld."""
    if not any(local_id.encode() in bytes(raw) for local_id in hidden):
        return raw
    return msgspec.Raw(_encode(_pruned(msgspec.json.decode(raw), hidden)))


def _pruned(value: Any, hidden: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [kept for each in value if (kept := _pruned(each, hidden)) is not None]
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and reference.rpartition("/")[2] in hidden:
            return None
        return {name: kept for name, each in value.items() if (kept := _pruned(each, hidden)) is not None}
    return value


def instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
