"""The token endpoint for programs (RFC 6749 §3.2, https://hl7.org/fhir/smart-app-launch/backend-services.html)."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carerecord.api.answer import NotServed, read_form, witness_refused
from carerecord.api.guard import ROUTE
from carerecord.api.parts import Parts, of
from carerecord.disclosure import Refusal
from carerecord.signin import AccessCut, ClientRefusal, ClientToken

PRIVATE = {"cache-control": "no-store", "pragma": "no-cache"}
AGAIN = "No token can be given just now, since it cannot be written down: ask again in a little while."


async def token(request: Request) -> Response:
    """`POST /token`: an access token of five minutes for a signed assertion."""
    parts = of(request)
    try:
        form = await read_form(request)
    except NotServed as wrong:
        said = {"error": "invalid_request", "error_description": str(wrong)}
        return JSONResponse(said, status_code=400, headers=PRIVATE)
    at = parts.clock()
    try:
        granted = await parts.clients.grant(form, at=at)
    except AccessCut as cut:
        await witness_refused(request, cut)
        said = {"error": "access_denied", "error_description": f"{cut} Phone {parts.region.phone}."}
        return JSONResponse(said, status_code=cut.status, headers=PRIVATE)
    if await _witness(parts, granted, at=at) is not None:
        said = {"error": "temporarily_unavailable", "error_description": AGAIN}
        return JSONResponse(said, status_code=503, headers={**PRIVATE, "retry-after": "10"})
    if isinstance(granted, ClientRefusal):
        said = {"error": granted.error, "error_description": granted.sentence}
        return JSONResponse(said, status_code=401 if granted.error == "invalid_client" else 400, headers=PRIVATE)
    answer = {
        "access_token": granted.access_token,
        "token_type": granted.token_type,
        "expires_in": granted.expires_in,
        "scope": granted.scope,
    }
    return JSONResponse(answer, headers=PRIVATE)


async def _witness(parts: Parts, granted: ClientToken | ClientRefusal, *, at: datetime) -> Refusal | None:
    """Given or not, it is written down before it is said: a token opens records for minutes. Else why it is not."""
    if isinstance(granted, ClientRefusal):
        detail = {"what": "token", "rule": granted.error}
        return await parts.door.witness_event("refused", staff=None, route=ROUTE, session="", at=at, detail=detail)
    known = await parts.clients.find(granted.access_token, at=at, cost=0)
    return await parts.door.witness_event(
        "signed_in",
        staff=known.staff if known else None,
        route=ROUTE,
        session=known.id if known else "",
        at=at,
        detail={"what": "token", "scope": granted.scope},
    )
