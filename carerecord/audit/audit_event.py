"""An event of the audit as a FHIR R4 AuditEvent, in the patterns of IHE BALP. Pure.

https://hl7.org/fhir/R4/auditevent.html, https://profiles.ihe.net/ITI/BALP/. A profile is named only where it is kept:
our permits and refusals are authorisation decisions in the pattern of AuthZ, without the consent that it asks for.
Network addresses are not kept (they are personal data of no use here): their place says so.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final, NamedTuple

import msgspec

from carerecord.audit.chain import Kind
from carerecord.audit.events import NOBODY, StoredEvent
from carerecord.fhir.references import patient_part

Json = dict[str, Any]

BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION: Final = "http://hl7.org/fhir/restful-interaction"
LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
AUTHZ: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"
EVENT_CODE: Final = "urn:ihe:event-type-code"
OUR_KIND: Final = "urn:carerecord:audit-kind"
ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ROLE_CLASS: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
SECURITY_ROLE: Final = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"
REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
SOURCE_TYPE: Final = "http://terminology.hl7.org/CodeSystem/security-source-type"
ODS: Final = "https://fhir.nhs.uk/Id/ods-organization-code"
USER: Final = "https://fhir.nhs.uk/Id/sds-user-id"
PROGRAM: Final = "urn:carerecord:client"
ROLE: Final = "https://fhir.nhs.uk/CodeSystem/NHSDigital-SDS-JobRoleCode"
SESSION: Final = "urn:carerecord:session"
SNAPSHOT: Final = "urn:carerecord:snapshot"
ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


class Shape(NamedTuple):
    """How one kind is said in FHIR."""

    type: tuple[str, str, str]
    subtype: tuple[str, str, str]
    action: str
    profile: str = ""
    asks: bool = False  # what flows is the question: the reader is its source


_REST = (TYPE, "rest", "RESTful Operation")
_ALERT = (DCM, "110113", "Security Alert")
_LOGIN = (DCM, "110114", "User Authentication")
_EXPORT = (DCM, "110106", "Export")
_DISCLOSE = (LIFECYCLE, "disclose", "Disclose Record Lifecycle Event")
SHAPES: Final[dict[Kind, Shape]] = {
    Kind.OPENED: Shape(_ALERT, (AUTHZ, "AuthZ-Role", "Authorization Decision using only Roles"), "E"),
    Kind.REFUSED: Shape(_ALERT, (AUTHZ, "AuthZ-Role", "Authorization Decision using only Roles"), "E"),
    Kind.SHOWN: Shape(_REST, (INTERACTION, "read", "read"), "R", "PatientRead"),
    Kind.SEARCHED: Shape(_REST, (INTERACTION, "search-type", "search-type"), "E", "PatientQuery", asks=True),
    Kind.ARRIVED: Shape(_LOGIN, (DCM, "110122", "Login"), "E"),
    Kind.SIGNED_IN: Shape(_LOGIN, (DCM, "110122", "Login"), "E"),
    Kind.SIGNED_OUT: Shape(_LOGIN, (DCM, "110123", "Logout"), "E"),
    Kind.DECLARED: Shape(_ALERT, (DCM, "110127", "Emergency Override Started"), "E"),
    Kind.EXPORTED: Shape(_EXPORT, _DISCLOSE, "R", "PrivacyDisclosure.Source"),
    Kind.SENT: Shape(_EXPORT, _DISCLOSE, "R", "PrivacyDisclosure.Source"),
    Kind.EXAMINED: Shape(
        (DCM, "110101", "Audit Log Used"), (LIFECYCLE, "access", "Access/View Record Lifecycle Event"), "R"
    ),
    Kind.ADMINISTERED: Shape(_ALERT, (DCM, "110129", "Security Configuration"), "U"),
    Kind.NOTIFIED: Shape(_ALERT, (LIFECYCLE, "transmit", "Transmit Record Lifecycle Event"), "E"),
}
TOKEN_SHAPE: Final = Shape(_LOGIN, (EVENT_CODE, "ITI-71", "Get Access Token"), "E")


def event_id(event: StoredEvent) -> str:
    return f"{event.stream}-{event.seq}"


def audit_event(event: StoredEvent, *, base: str, site: str) -> Json:
    """The event as a resource; `base` is our own FHIR address, `site` what the region calls its record."""
    shape = TOKEN_SHAPE if event.detail.get("what") == "token" else SHAPES[event.kind]
    is_about_one = event.patient_key != NOBODY
    resource: Json = {
        "resourceType": "AuditEvent",
        "id": event_id(event),
        "meta": {"profile": [BALP + shape.profile]} if shape.profile and is_about_one else None,
        "type": _coding(*shape.type),
        "subtype": [_coding(*shape.subtype), _coding(OUR_KIND, event.kind.value, event.kind.value)],
        "action": shape.action,
        "recorded": event.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "outcome": "4" if event.kind is Kind.REFUSED else "0",
        "outcomeDesc": _why(event),
        "purposeOfEvent": [{"coding": [_coding(REASON, event.purpose)]}] if event.purpose else None,
        "agent": _agents(event, shape, base=base),
        "source": {
            "site": site,
            "observer": _server(base),
            "type": [_coding(SOURCE_TYPE, "4", "Application Server")],
        },
        "entity": _entities(event, shape, base=base),
    }
    return {name: value for name, value in resource.items() if value}


def _agents(event: StoredEvent, shape: Shape, *, base: str) -> list[Json]:
    staff = event.staff
    source = {"coding": [_coding(DCM, "110153", "Source Role ID")]}
    destination = {"coding": [_coding(DCM, "110152", "Destination Role ID")]}
    organisation: Json = (
        {"identifier": {"system": ODS, "value": staff.organisation}, "display": staff.organisation_name}
        if staff and staff.organisation
        else {"display": staff.organisation_name if staff else "not known"}
    )
    if shape.type is _ALERT:
        there, here = (
            {"coding": [_coding(ROLE_CLASS, "PROV", "healthcare provider")]},
            {"coding": [_coding(SECURITY_ROLE, "authserver", "authorization server")]},
        )
        return [
            *_reader(event),
            {"type": there, "who": organisation, "requestor": False},
            {"type": here, "who": _server(base), "requestor": False},
        ]
    there, here = (source, destination) if shape.asks else (destination, source)
    network = {"address": base, "type": "5"} if base else _unknown_network()
    return [
        *_reader(event),
        {"type": there, "who": organisation, "requestor": False, "network": _unknown_network()},
        {"type": here, "who": _server(base), "requestor": False, "network": network},
    ]


def _reader(event: StoredEvent) -> list[Json]:
    """Who it was, as at the time: in which role, under which policies, for what."""
    staff = event.staff
    if staff is None:
        return [{"who": {"display": "not known"}, "requestor": True}]
    policies = [f"urn:carerecord:policy:{policy}" for policy in event.decision.get("policies", ())]
    version = event.decision.get("policy_version")
    role: Json = {"text": staff.role_name}
    if staff.role_code:
        role["coding"] = [_coding(ROLE, staff.role_code, staff.role_name)]
    reader: Json = {
        "type": {"coding": [_coding(PARTICIPATION, "IRCP", "information recipient")]},
        "role": [role, {"text": staff.role}],
        "who": {
            "identifier": {"system": PROGRAM if staff.is_program else USER, "value": staff.user_id},
            "display": staff.name,
        },
        "altId": staff.user_id,
        "name": staff.name,
        "requestor": True,
        "policy": [*policies, *([f"urn:carerecord:policy-version:{version}"] if version else [])],
        "purposeOfUse": [{"coding": [_coding(REASON, event.purpose)]}] if event.purpose else None,
    }
    return [{name: value for name, value in reader.items() if value not in (None, [], "")}]


def _entities(event: StoredEvent, shape: Shape, *, base: str) -> list[Json]:
    listed: list[Json] = []
    if event.patient_key != NOBODY:
        listed.append(
            {
                "what": {"reference": f"{base}/Patient/{patient_part(event.patient_key)}".lstrip("/")},
                "type": _coding(ENTITY_TYPE, "1", "Person"),
                "role": _coding(ENTITY_ROLE, "1", "Patient"),
            }
        )
    if event.session:
        listed.append(
            {
                "what": {"identifier": {"system": SESSION, "value": event.session}},
                "type": _coding(ENTITY_TYPE, "4", "Other"),
                "role": _coding(ENTITY_ROLE, "21", "Job Stream"),
            }
        )
    data: Json = {"type": _coding(ENTITY_TYPE, "2", "System Object")}
    if shape.asks:
        asked = {name: value for name, value in event.detail.items() if name not in ("at", "about_stream")}
        query = msgspec.json.encode(asked, order="sorted")
        listed.append({**data, "role": _coding(ENTITY_ROLE, "24", "Query"), "query": b64encode(query).decode()})
        return listed
    shown = event.snapshot.hex() if event.snapshot else event_id(event)
    listed.append(
        {
            **data,
            "what": {"identifier": {"system": SNAPSHOT, "value": shown}},
            "role": _coding(ENTITY_ROLE, "4", "Domain Resource"),
            "detail": _details(event),
        }
    )
    return listed


def _details(event: StoredEvent) -> list[Json]:
    """What the audit holds besides, name by name: what was looked at, how many, from whom, what was withheld."""
    said: Json = {**event.detail, "route": event.route}
    if event.evidence:
        said["evidence"] = event.evidence
    if event.about:
        said["about"] = f"{event.about[0]}-{event.about[1]}"
        said.pop("about_stream", None)
    said["chain-hash"] = event.hash.hex()
    return [
        {"type": name, "valueString": value if isinstance(value, str) else msgspec.json.encode(value).decode()}
        for name, value in sorted(said.items())
        if value not in (None, "", [], {})
    ]


def _why(event: StoredEvent) -> str:
    if event.kind is Kind.REFUSED:
        rule = event.detail.get("rule") or event.detail.get("what") or event.decision.get("kind") or "refused"
        return f"Refused: {rule}"
    return ""


def _server(base: str) -> Json:
    return {"identifier": {"system": "urn:ietf:rfc:3986", "value": base or "urn:carerecord"}, "display": "carerecord"}


def _unknown_network() -> Json:
    return {"extension": [{"url": ABSENT, "valueCode": "masked"}]}


def _coding(system: str, code: str, display: str = "") -> Json:
    return {"system": system, "code": code, **({"display": display} if display else {})}
