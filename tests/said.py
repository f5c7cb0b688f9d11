"""Short ways to write who said what, for tests of what is made of it. Everybody and everything here is invented."""

from __future__ import annotations

import itertools
from base64 import b32encode, b64encode
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from carerecord.fhir.references import local_id
from carerecord.model import Heading, OriginalReference, Standing, Statement, StoredStatement

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
NAMES = {"barts": "Barts Health", "royal-free": "Royal Free", "marsh-lane": "Marsh Lane Practice", "gp": "The GP"}
SNOMED = "http://snomed.info/sct"
PATIENT_KEY = 2**61 + 7
HEADINGS = {
    "AllergyIntolerance": Heading.ALLERGIES,
    "Observation": Heading.RESULTS,
    "DiagnosticReport": Heading.RESULTS,
    "Encounter": Heading.STAYS,
    "DocumentReference": Heading.LETTERS,
    "Composition": Heading.LETTERS,
    "Condition": Heading.PROBLEMS,
    "MedicationStatement": Heading.MEDICINES,
    "MedicationRequest": Heading.MEDICINES,
    "MedicationDispense": Heading.MEDICINES,
    "MedicationAdministration": Heading.MEDICINES,
    "ImagingStudy": Heading.IMAGING,
    "Procedure": Heading.PROCEDURES,
    "Immunization": Heading.IMMUNISATIONS,
    "Appointment": Heading.APPOINTMENTS,
    "ServiceRequest": Heading.REFERRALS,
    "CarePlan": Heading.PLANS,
    "Consent": Heading.PLANS,
    "Goal": Heading.PLANS,
    "Flag": Heading.ALERTS,
    "RelatedPerson": Heading.CONTACTS,
    "CareTeam": Heading.CONTACTS,
    "EpisodeOfCare": Heading.CONTACTS,
    "QuestionnaireResponse": Heading.ASSESSMENTS,
    "RiskAssessment": Heading.ASSESSMENTS,
    "ClinicalImpression": Heading.ASSESSMENTS,
    "FamilyMemberHistory": Heading.FAMILY_HISTORY,
    "Device": Heading.DEVICES,
    "DeviceUseStatement": Heading.DEVICES,
    "Patient": Heading.DEMOGRAPHICS,
    "Task": Heading.OTHER,
    "Medication": Heading.OTHER,
    "Organization": Heading.OTHER,
}
_numbers = itertools.count(1)


def day(number: int, hour: int = 12) -> datetime:
    """A day of November 2026."""
    return datetime(2026, 11, number, hour, tzinfo=UTC)


def version_of(body: bytes) -> str:
    return b32encode(blake2b(body).digest()[:8])[:13].decode().lower()


def said(
    kind: str,
    own_id: str,
    body: dict[str, Any] | bytes,
    *,
    source: str = "barts",
    at: datetime = NOON,
    happened: datetime | None = None,
    standing: Standing = Standing.CURRENT,
    sensitivity: int = 0,
    heading: Heading | None = None,
    patient_key: int = PATIENT_KEY,
) -> StoredStatement:
    """One statement as the record gives it back."""
    written = body if isinstance(body, bytes) else msgspec.json.encode({"resourceType": kind, **body})
    return StoredStatement(
        local_id=local_id(source, kind, own_id),
        version=version_of(written),
        resource_type=kind,
        heading=heading or HEADINGS[kind],
        standing=standing,
        happened_at=happened,
        said_at=at,
        received_at=at + timedelta(seconds=2),
        source=source,
        patient_key=patient_key,
        identity_key=patient_key + 1,
        sensitivity=sensitivity,
        code_hash=0,
        original=OriginalReference(date(2026, 11, 10), next(_numbers)),
        body=written,
    )


def as_statement(stored: StoredStatement) -> Statement:
    """The same as a translation hands it to the record, with its id inside."""
    # Raw members, because a number that is decoded and written again loses the sender's own digits.
    members = msgspec.json.decode(stored.body, type=dict[str, msgspec.Raw])
    body = {**members, "id": stored.local_id}
    return Statement(
        resource_type=stored.resource_type,
        local_id=stored.local_id,
        heading=stored.heading,
        code=None,
        happened_at=stored.happened_at,
        said_at=stored.said_at,
        standing=stored.standing,
        sensitivity=stored.sensitivity,
        body=msgspec.json.encode(body),
    )


def allergy(
    substance: str,
    *,
    code: str = "",
    system: str = SNOMED,
    reaction: str = "",
    severity: str = "",
    own_id: str = "",
    category: str = "",
    **more: Any,
) -> StoredStatement:
    concept: dict[str, Any] = {"text": substance}
    if code:
        concept["coding"] = [{"system": system, "code": code, "display": substance}]
    body: dict[str, Any] = {"code": concept}
    if reaction or severity:
        told: dict[str, Any] = {"manifestation": [{"text": reaction}] if reaction else []}
        body["reaction"] = [told | ({"severity": severity} if severity else {})]
    if category:
        body["category"] = [category]
    return said("AllergyIntolerance", own_id or code or substance, body, **more)


def result(
    name: str,
    value: str | None,
    *,
    unit: str = "mmol/L",
    own_id: str = "",
    laboratory: str = "Barts laboratory",
    specimen: str = "serum",
    method: str = "",
    flag: str = "",
    limits: tuple[str, str] | None = None,
    code: str = "",
    note: str = "",
    happened: datetime = NOON,
    **more: Any,
) -> StoredStatement:
    """A figure where `value` is one (written with the sender's own digits), else words."""
    body: dict[str, Any] = {
        "status": "final",
        "code": {"text": name, "coding": [{"system": "urn:carerecord:source:x:OBX-3", "code": code or name}]},
        "performer": [{"type": "Organization", "display": laboratory}],
    }
    if specimen:
        body["specimen"] = {"display": specimen}
    if method:
        body["method"] = {"text": method}
    if value is not None:
        try:
            float(value)
            body["valueQuantity"] = {"value": msgspec.Raw(value.encode()), "unit": unit}
        except ValueError:
            body["valueString"] = value
    if flag:
        body["interpretation"] = [{"text": flag, "coding": [{"code": flag}]}]
    if limits:
        low, high = limits
        body["referenceRange"] = [
            {
                "low": {"value": msgspec.Raw(low.encode())},
                "high": {"value": msgspec.Raw(high.encode())},
                "text": f"{low}-{high}",
            }
        ]
    if note:
        body["note"] = [{"text": note}]
    return said("Observation", own_id or f"{name} {happened}", body, happened=happened, **more)


def report(
    name: str, results: list[StoredStatement], *, own_id: str = "", text: str = "", **more: Any
) -> StoredStatement:
    body: dict[str, Any] = {
        "status": "final",
        "code": {"text": name},
        "result": [{"reference": f"Observation/{each.local_id}"} for each in results],
    }
    if text:
        body["conclusion"] = text
    return said("DiagnosticReport", own_id or name, body, **more)


def stay(
    number: str, *, kind: str = "IMP", start: datetime = NOON, end: datetime | None = None, place: str = "", **more: Any
) -> StoredStatement:
    period = {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {})
    body: dict[str, Any] = {"status": "in-progress", "class": {"code": kind}, "period": period}
    if place:
        body["location"] = [{"location": {"display": place}}]
    if consultant := more.pop("consultant", ""):
        attending = [{"coding": [{"code": "ATND"}]}]
        body["participant"] = [{"type": attending, "individual": {"display": consultant}}]
    return said("Encounter", number, body, happened=start, **more)


def letter(
    title: str,
    text: str | bytes,
    *,
    own_id: str = "",
    author: str = "Dr A Osei",
    replaces: StoredStatement | None = None,
    content_type: str = "text/plain",
    **more: Any,
) -> StoredStatement:
    content = text.encode() if isinstance(text, str) else text
    body: dict[str, Any] = {
        "status": "current",
        "description": title,
        "author": [{"display": author}],
        "content": [{"attachment": {"contentType": content_type, "data": b64encode(content).decode()}}],
    }
    if replaces:
        target = {"reference": f"DocumentReference/{replaces.local_id}"}
        body["relatesTo"] = [{"code": "replaces", "target": target}]
    return said("DocumentReference", own_id or title, body, **more)


def problem(name: str, **more: Any) -> StoredStatement:
    return said("Condition", name, {"code": {"text": name}}, **more)


def coded(text: str, *codes: str, system: str = SNOMED) -> dict[str, Any]:
    """A CodeableConcept: its words, and its codes in one system."""
    return {"text": text, "coding": [{"system": system, "code": code} for code in codes]} if codes else {"text": text}


def medicine(
    name: str,
    dose: str = "",
    *,
    code: str = "",
    system: str = "https://dmd.nhs.uk",
    route: str = "",
    status: str = "active",
    own_id: str = "",
    kind: str = "MedicationStatement",
    **more: Any,
) -> StoredStatement:
    body: dict[str, Any] = {"status": status, "medicationCodeableConcept": coded(name, *filter(None, [code]))}
    if code:
        body["medicationCodeableConcept"]["coding"][0]["system"] = system
    dosage = {key: value for key, value in (("text", dose), ("route", route and {"text": route})) if value}
    if dosage:
        body["dosageInstruction" if kind in ("MedicationRequest", "MedicationDispense") else "dosage"] = [dosage]
    if kind == "MedicationAdministration" and dosage:
        body["dosage"] = dosage
    return said(kind, own_id or name, body, **more)


def condition(
    name: str,
    *codes: str,
    system: str = SNOMED,
    clinical: str = "",
    verification: str = "",
    own_id: str = "",
    **more: Any,
) -> StoredStatement:
    """A problem as a system that speaks FHIR sends it."""
    body: dict[str, Any] = {"code": coded(name, *codes, system=system)}
    if clinical:
        body["clinicalStatus"] = {"coding": [{"code": clinical}]}
    if verification:
        body["verificationStatus"] = {"coding": [{"code": verification}]}
    return said("Condition", own_id or name, body, **more)
