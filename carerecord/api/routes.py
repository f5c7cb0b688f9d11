"""The route table of the API; what it does not list is answered with a sentence in FHIR too."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carerecord.api import audit_event, openapi, patient
from carerecord.api.answer import error, resource, served
from carerecord.api.capability import smart_configuration, statement
from carerecord.api.parts import of
from carerecord.api.token import token
from carerecord.routing import Route

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@served
async def metadata(request: Request) -> Response:
    """`GET /fhir/metadata`: what this server can do."""
    parts = of(request)
    return resource(statement(TABLE, settings=parts.settings, title=parts.region.title))


async def smart(request: Request) -> Response:
    """`GET /fhir/.well-known/smart-configuration`: where programs get their tokens."""
    return JSONResponse(smart_configuration(of(request).settings), headers={"cache-control": "no-store"})


TABLE: tuple[Route, ...] = (
    Route(
        method="GET", path="/fhir/metadata", endpoint=metadata, access="public", summary="What the FHIR server can do."
    ),
    Route(
        method="GET",
        path="/fhir/.well-known/smart-configuration",
        endpoint=smart,
        access="public",
        summary="Where programs get their tokens.",
    ),
    Route(
        method="POST",
        path="/fhir/Patient/_search",
        endpoint=patient.search,
        access="client",
        summary="Find one person by NHS number and birth date together.",
    ),
    Route(
        method="GET",
        path="/fhir/Patient/{id}",
        endpoint=patient.read,
        access="client",
        summary="Read one person's demographics.",
    ),
    Route(
        method="GET",
        path="/fhir/Patient/{id}/$everything",
        endpoint=patient.everything,
        access="client",
        summary="Read one person and every current statement about them.",
    ),
    Route(
        method="GET",
        path="/fhir/AuditEvent",
        endpoint=audit_event.search,
        access="client",
        summary="Search the audit, for the program of a privacy office (ITI-81).",
    ),
    Route(
        method="POST",
        path="/token",
        endpoint=token,
        access="back-channel",
        summary="Give a program an access token for its signed assertion.",
    ),
)


async def not_served(request: Request) -> Response:
    """Anything else under /fhir: which methods an address has, or that there is none."""
    rest = request.path_params["rest"]
    allowed = sorted(route.method for route in TABLE if _matches(route.path, f"/fhir/{rest}"))
    if rest == "Patient":
        sentence = "Search by POST to Patient/_search with the parameters in the body, so that no address holds them."
        return error(405, "not-supported", sentence, headers={"allow": ""})
    if allowed:
        sentence = f"This address is not served by {request.method}: use {' or '.join(allowed)}."
        return error(405, "not-supported", sentence, headers={"allow": ", ".join(allowed)})
    return error(404, "not-found", "Nothing is served at this address: see /fhir/metadata for what is.")


def _matches(pattern: str, path: str) -> bool:
    wanted, given = pattern.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        part == own or (part.startswith("{") and own) for part, own in zip(wanted, given, strict=True)
    )


routes: tuple[Route, ...] = (
    *TABLE,
    openapi.route,
    *(
        Route(
            method=method,
            path="/fhir/{rest:path}",
            endpoint=not_served,
            access="public",
            summary="Say that nothing is served here.",
        )
        for method in METHODS
    ),
)
