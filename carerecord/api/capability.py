"""What this server can do, produced from its route table, and where programs get their tokens.

https://hl7.org/fhir/R4/capabilitystatement.html, https://hl7.org/fhir/smart-app-launch/conformance.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from carerecord import __version__
from carerecord.fhir.definitions import definitions
from carerecord.routing import Route
from carerecord.settings import Settings

PUBLISHED_ON = "2026-11-22"
UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-"
SEARCH_PARAMETERS = {
    "Patient": [
        {
            "name": "identifier",
            "type": "token",
            "documentation": "The NHS number, with its system. Always together with birthdate, in the body of a POST.",
        },
        {"name": "birthdate", "type": "date", "documentation": "The whole date. Always together with identifier."},
    ],
    "AuditEvent": [
        {
            "name": "patient",
            "type": "reference",
            "documentation": "By the record's own id. Without it, date is needed.",
        },
        {"name": "date", "type": "date", "documentation": "ge, gt, le, lt or a day; for all people at most 31 days."},
        {
            "name": "agent",
            "type": "reference",
            "documentation": "The reader, by their own id, as agents here carry it.",
        },
        {
            "name": "entity",
            "type": "reference",
            "documentation": "The person, as Patient/ and the record's own id: the same as patient.",
        },
        {
            "name": "agent.identifier",
            "type": "token",
            "documentation": "Of the reader, a program, or their organisation, with its system.",
        },
        {
            "name": "entity.identifier",
            "type": "token",
            "documentation": "A session, or what was shown by its snapshot. Never an NHS number: no address holds one.",
        },
        {"name": "entity-type", "type": "token", "documentation": "1 person, 2 system object, 4 other (a session)."},
        {"name": "entity-role", "type": "token", "documentation": "1 patient, 4 resource, 21 session, 24 query."},
        {"name": "source.identifier", "type": "token", "documentation": "This record, by its address."},
        {"name": "address", "type": "string", "documentation": "This record's own: those of readers are not kept."},
        {"name": "type", "type": "token", "documentation": "As events here carry it: rest, 110113 and so on."},
        {
            "name": "subtype",
            "type": "token",
            "documentation": "By urn:carerecord:audit-kind (shown, refused and so on), or as IHE BALP has it.",
        },
        {"name": "outcome", "type": "token", "documentation": "0 permitted, 4 refused."},
    ],
}
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
PROFILES = {"AuditEvent": [BALP + name for name in ("PatientRead", "PatientQuery", "PrivacyDisclosure.Source")]}
WHERE_PUSHED = (
    "Records are read here. The region's own systems push to another address, which those who run the record tell "
    "them; its metadata says what it takes: create, update, transaction and batch."
)
HOW_PUSHED = (
    "Pushes are kept here; nothing is read. A transaction is about one patient; a batch is many pushes, each by "
    "itself. Conditions (ifNoneExist, searches in references or addresses), GET and DELETE are not taken."
)
OPERATIONS = {"everything": "http://hl7.org/fhir/OperationDefinition/Patient-everything"}


def statement(routes: Iterable[Route], *, settings: Settings, title: str) -> dict[str, Any]:
    base = settings.public_url.rstrip("/")
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED_ON,
        "kind": "instance",
        "software": {"name": "carerecord", "version": __version__},
        "implementation": {"description": title, "url": f"{base}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                                    "code": "SMART-on-FHIR",
                                }
                            ],
                        }
                    ],
                    "description": "SMART Backend Services: a signed assertion for a token, a token for each request.",
                },
                "documentation": WHERE_PUSHED,
                "resource": _resources(routes),
            }
        ],
    }


def statement_of_pushes(*, settings: Settings, title: str) -> dict[str, Any]:
    """What the address for pushes takes: every type of resource of R4, one by one or many in a Bundle."""
    interactions = [{"code": "create"}, {"code": "update"}]
    types = sorted(definitions().resources.keys() - {"Bundle"})
    stated = statement((), settings=settings, title=title)
    del stated["implementation"]["url"]
    stated["rest"][0] |= {
        "documentation": HOW_PUSHED,
        "resource": [{"type": kind, "interaction": interactions, "updateCreate": True} for kind in types],
        "interaction": [{"code": "transaction"}, {"code": "batch"}],
    }
    return stated


def _resources(routes: Iterable[Route]) -> list[dict[str, Any]]:
    """Each route of a resource is an interaction or an operation of it; a route of any other shape is none."""
    resources: dict[str, dict[str, Any]] = {}
    for route in routes:
        kind, _, rest = route.path.removeprefix("/fhir/").partition("/")
        if not route.path.startswith("/fhir/") or not kind[:1].isupper():
            continue
        listed = resources.setdefault(kind, {"type": kind, "supportedProfile": PROFILES.get(kind, [UK_CORE + kind])})
        if "$" in rest:
            name = rest.partition("$")[2]
            operation = {"name": name, "definition": OPERATIONS[name], "documentation": route.summary}
            listed.setdefault("operation", []).append(operation)
        else:
            code = "search-type" if rest in ("", "_search") else "read"
            listed.setdefault("interaction", []).append({"code": code, "documentation": route.summary})
            if code == "search-type":
                listed["searchParam"] = SEARCH_PARAMETERS[kind]
    return list(resources.values())


def smart_configuration(settings: Settings) -> dict[str, Any]:
    base = settings.public_url.rstrip("/")
    return {
        "token_endpoint": f"{base}/token",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384", "ES256"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": ["system/*.rs", "system/Patient.rs", "system/AuditEvent.rs", "system/*.cud"],
        "response_types_supported": ["token"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }
