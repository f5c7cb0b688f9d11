"""What is served here, for programs that try it out: OpenAPI 3.1 made of the route tables (https://spec.openapis.org/).

It says nothing of anybody. FHIR's own description is the CapabilityStatement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carerecord.routing import Access, Route

PATH = "/openapi.json"
FORM = "application/x-www-form-urlencoded"
SIGNED = "application/jwt"
FHIR = "application/fhir+json"
WORDS = {
    200: "As asked.",
    201: "Taken.",
    204: "Nothing to say.",
    303: "On to another address.",
    400: "It is not as agreed; says why.",
    401: "Nobody is known by this token or key; says why.",
    403: "Not for whoever asks, or the session has ended; says why.",
    404: "There is no such thing.",
    405: "Not by this method.",
    406: "Not in this format.",
    408: "It did not come whole in time.",
    409: "It was done before.",
    413: "It is too large.",
    415: "It is of another kind.",
    422: "It must be mended; says where.",
    429: "Too often; says when again.",
    503: "Not now; says whom to phone.",
}
# What each kind of address may answer; 503 is what an outage looks like (hazard H19), and 429 a flood.
PAGES = (200, 204, 303, 400, 403, 404, 405, 413, 422, 429, 503)
ANSWERS: dict[Access, tuple[int, ...]] = {
    "public": PAGES,
    "session": PAGES,
    "staff": PAGES,
    "desk": PAGES,
    "person": PAGES,
    "client": (200, 201, 400, 401, 403, 404, 405, 406, 408, 413, 415, 422, 429, 503),
    "back-channel": (200, 201, 400, 401, 403, 404, 405, 409, 413, 415, 429, 503),
}
SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    "public": [],
    "session": [{"chart": []}],
    "staff": [{"staff": []}],
    "desk": [{"staff": []}],
    "person": [{"own": []}],
    "client": [{"token": []}],
    "back-channel": [],
}
SCHEMES = {
    "chart": {"type": "apiKey", "in": "cookie", "name": "carerecord_{session}", "description": "One for each chart."},
    "staff": {"type": "apiKey", "in": "cookie", "name": "carerecord_staff"},
    "own": {"type": "apiKey", "in": "cookie", "name": "carerecord_own"},
    "token": {"type": "http", "scheme": "bearer"},
}
_PART = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")


def document(table: Iterable[Route], *, title: str, version: str) -> dict[str, Any]:
    """The description of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        if ":path}" in route.path:
            continue  # What says of everything else that it is not there.
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": dict(sorted(paths.items())),
        "components": {"securitySchemes": SCHEMES},
    }


def _operation(route: Route) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', route.path)}",
        "summary": route.summary,
        "tags": [route.access if not route.desk else f"desk: {route.desk}"],
        "security": SECURITY[route.access],
        "responses": {str(status): {"description": WORDS[status]} for status in ANSWERS[route.access]},
    }
    if names := _PART.findall(route.path):
        said["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ]
    if route.method in ("POST", "PUT"):
        said["requestBody"] = {"content": {_body_of(route): {"schema": _schema_of(route)}}}
    return said


def _body_of(route: Route) -> str:
    if route.path.startswith("/launch"):
        return SIGNED
    return FHIR if route.path.startswith("/fhir") and not route.path.endswith("_search") else FORM


def _schema_of(route: Route) -> dict[str, Any]:
    if _body_of(route) == SIGNED:
        return {"type": "string"}
    return {"type": "object", "additionalProperties": _body_of(route) == FHIR or {"type": "string"}}


async def show(request: Request) -> Response:
    """`GET /openapi.json`: the addresses that are served by this process."""
    state = request.app.state
    return JSONResponse(
        document(getattr(state, "table", ()), title=state.parts.region.title, version="1"),
        headers={"cache-control": "no-store"},
    )


route = Route(method="GET", path=PATH, endpoint=show, access="public", summary="What is served here, as OpenAPI.")
