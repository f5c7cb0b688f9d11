"""The token endpoint for programs (RFC 6749 §3.2, https://hl7.org/fhir/smart-app-launch/backend-services.html)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carerecord.api.answer import NotServed, read_form, witness_cut
from carerecord.api.parts import of
from carerecord.signin import AccessCut, ClientRefusal

PRIVATE = {"cache-control": "no-store", "pragma": "no-cache"}


async def token(request: Request) -> Response:
    """`POST /token`: an access token of five minutes for a signed assertion."""
    parts = of(request)
    try:
        form = await read_form(request)
    except NotServed as wrong:
        said = {"error": "invalid_request", "error_description": str(wrong)}
        return JSONResponse(said, status_code=400, headers=PRIVATE)
    try:
        granted = await parts.clients.grant(form, at=parts.clock())
    except AccessCut as cut:
        await witness_cut(request, cut)
        said = {"error": "access_denied", "error_description": f"{cut} Phone {parts.region.phone}."}
        return JSONResponse(said, status_code=cut.status, headers=PRIVATE)
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
