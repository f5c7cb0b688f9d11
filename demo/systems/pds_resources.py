"""What the Personal Demographics Service says: a Patient of UK Core shape, a searchset, an OperationOutcome.

Shape: NHS England's specification of the PDS FHIR API, https://digital.nhs.uk/developer/api-catalogue
/personal-demographics-service-fhir.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from demo.people.nouns import Demographics, Person

BASE = "https://api.service.nhs.uk/personal-demographics/FHIR/R4"
_UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
_LONDON = ZoneInfo("Europe/London")
_GENDERS = {"F": "female", "M": "male", "U": "unknown"}
_DEATH = {
    "1": "Informal - death notice received via an update from a local NHS Organisation such as GP or Trust",
    "2": "Formal - death notice received from Registrar of Deaths",
}
_LANGUAGES = {
    "ar": "Arabic", "bn": "Bengali", "fr": "French", "gu": "Gujarati", "pa": "Panjabi", "pl": "Polish",
    "pt": "Portuguese", "so": "Somali", "ta": "Tamil", "tr": "Turkish", "ur": "Urdu", "zh": "Chinese",
}  # fmt: skip
_ISSUES = {
    # spine code: (HTTP status, severity, issue type, display)
    "RESOURCE_NOT_FOUND": (404, "information", "not-found", "Resource not found"),
    "INVALIDATED_RESOURCE": (
        404,
        "error",
        "processing",
        "Resource that has been marked as invalid was requested - invalid resources cannot be retrieved",
    ),
    "INVALID_RESOURCE_ID": (400, "error", "value", "Resource Id is invalid"),
    "INVALID_VALUE": (400, "error", "value", "Provided value is invalid"),
    "MISSING_VALUE": (400, "error", "required", "Required value is missing"),
    "ADDITIONAL_PROPERTIES": (400, "error", "invariant", "Additional properties should not be included"),
    "INVALID_SEARCH_DATA": (400, "error", "value", "Search data is invalid"),
    "UNSUPPORTED_SERVICE": (400, "error", "processing", "Unsupported Service"),
    "TOO_MANY_MATCHES": (200, "information", "multiple-matches", "Too Many Matches"),
    "TOO_MANY_REQUESTS": (429, "error", "throttled", "Too Many Requests"),
}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One person as the service holds them: demographics, and nothing of their story."""

    index: int
    nhs_number: str
    now: Demographics
    former_family: str = ""
    is_restricted: bool = False
    superseded: str | None = None

    @classmethod
    def of(cls, person: Person) -> Entry | None:
        """None for a person who has no NHS number."""
        if person.nhs_number is None:
            return None
        return cls(
            index=person.index,
            nhs_number=person.nhs_number,
            now=person.now,
            former_family=person.former_name.partition(",")[0].strip(),
            is_restricted=person.is_restricted,
            superseded=person.superseded_number,
        )


def outcome(code: str, diagnostics: str = "") -> tuple[int, dict[str, Any]]:
    """The status and body of a refusal with a Spine code."""
    status, severity, kind, display = _ISSUES[code]
    issue: dict[str, Any] = {
        "severity": severity,
        "code": kind,
        "details": {
            "coding": [
                {
                    "system": "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode",
                    "version": "1",
                    "code": code,
                    "display": display,
                }
            ]
        },
    }
    if diagnostics:
        issue["diagnostics"] = diagnostics
    return status, {"resourceType": "OperationOutcome", "issue": [issue]}


def searchset(found: list[tuple[float, Entry]], *, at: datetime) -> dict[str, Any]:
    """Best first."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": at.astimezone(UTC).isoformat(timespec="seconds"),
        "total": len(found),
        "entry": [
            {
                "fullUrl": f"{BASE}/Patient/{entry.nhs_number}",
                "search": {"score": score},
                "resource": patient(entry),
            }
            for score, entry in found
        ],
    }


def patient(entry: Entry) -> dict[str, Any]:
    """The Patient. A restricted person's has no address, telecom, contact or general practitioner."""
    now = entry.now
    code, display = ("R", "restricted") if entry.is_restricted else ("U", "unrestricted")
    told: dict[str, Any] = {
        "resourceType": "Patient",
        "id": entry.nhs_number,
        "identifier": [
            {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": entry.nhs_number, "extension": [_verified()]}
        ],
        "meta": {
            "versionId": str(1 + entry.index % 7),
            "security": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                    "code": code,
                    "display": display,
                }
            ],
        },
        "name": [
            {
                "id": _object_id(entry, 1),
                "use": "usual",
                "period": {"start": now.birth_date.isoformat()},
                "given": list(now.given),
                "family": now.family,
            }
            | ({"prefix": [now.title]} if now.title else {})
        ],
        "gender": _GENDERS[now.gender],
        "birthDate": now.birth_date.isoformat(),
    }
    extensions = []
    if now.died_at:
        told["deceasedDateTime"] = _time(now.died_at)
        extensions.append(_death(entry, now.died_at))
    if now.language in _LANGUAGES:
        extensions.append(_language(now.language))
    if extensions:
        told["extension"] = extensions
    return told if entry.is_restricted else told | _where(entry)


def _where(entry: Entry) -> dict[str, Any]:
    """What tells where somebody lives or is registered."""
    now, since = entry.now, {"start": _since(entry)}
    practice = {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": now.practice.code, "period": since}
    return {
        "generalPractitioner": [{"id": _object_id(entry, 2), "type": "Organization", "identifier": practice}],
        "managingOrganization": {"type": "Organization", "identifier": practice},
        "telecom": [
            {"id": _object_id(entry, 3), "period": since, "system": "phone", "value": now.phone, "use": "mobile"}
        ],
        "address": [
            {
                "id": _object_id(entry, 4),
                "period": since,
                "use": "home",
                "line": [part for part in (now.address.line, now.address.town, now.address.county) if part],
                "postalCode": now.address.postcode,
            }
        ],
    }


def _since(entry: Entry) -> str:
    return max(date(2019, 1, 1 + entry.index % 28), entry.now.birth_date).isoformat()


def _object_id(entry: Entry, part: int) -> str:
    return f"{entry.index * 8 + part:08X}"


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    version = {"version": "1.0.0"}
    return {"coding": [{"system": f"https://fhir.hl7.org.uk/CodeSystem/{system}", **version, "code": code,
                        "display": display}]}  # fmt: skip


def _verified() -> dict[str, Any]:
    name = "NHSNumberVerificationStatus"
    return {
        "url": f"{_UK_CORE}{name}",
        "valueCodeableConcept": _concept(f"UKCore-{name}", "01", "Number present and verified"),
    }


def _death(entry: Entry, died_at: datetime) -> dict[str, Any]:
    """Formal for most; for one in three the registrar has not yet been heard."""
    code = "1" if entry.index % 3 == 0 else "2"
    return {
        "url": f"{_UK_CORE}DeathNotificationStatus",
        "extension": [
            {
                "url": "deathNotificationStatus",
                "valueCodeableConcept": _concept("UKCore-DeathNotificationStatus", code, _DEATH[code]),
            },
            {"url": "systemEffectiveDate", "valueDateTime": _time(died_at)},
        ],
    }


def _language(code: str) -> dict[str, Any]:
    return {
        "url": f"{_UK_CORE}NHSCommunication",
        "extension": [
            {"url": "language", "valueCodeableConcept": _concept("UKCore-HumanLanguage", code, _LANGUAGES[code])},
            {"url": "interpreterRequired", "valueBoolean": True},
        ],
    }


def _time(at: datetime) -> str:
    return at.replace(tzinfo=_LONDON).isoformat(timespec="seconds") if at.tzinfo is None else at.isoformat()
