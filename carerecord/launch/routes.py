"""The two requests of a launch: the signed message that the host sends, and the browser that follows with its code."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from carerecord import logs
from carerecord.disclosure.values import Found, Refusal
from carerecord.launch import attestation, closing
from carerecord.launch.context_link import LaunchRefusal, verify
from carerecord.launch.host import MEDIA_TYPE, PRIVATE, ROUTE, is_signed, read_message, refused, witness_refused
from carerecord.launch.parts import Parts, parts_of
from carerecord.launch.rules import is_like_the_name_held
from carerecord.routing import Route
from carerecord.signin import AccessCut, ArrivalRefusal, Launch, NewSession, chart_cookie, is_framed
from carerecord.signin.device import device

BYTES_MAX = 16_384
STATUS_OF_CLAIM = {"organisation": 403, "iss": 401, "kid": 401, "alg": 401, "signature": 401}
NOT_FRAMED = (
    "The record system that opens this is not registered to show it inside its own page: open it in a window of its"
    " own, or ask those who run the record to register the address of that page."
)
STATUS_OF_REFUSAL = {"not-allowed": 403, "reason-needed": 403, "not-found": 404, "unavailable": 503}


async def announce(request: Request) -> Response:
    """`POST /launch`: a host announces that its reader arrives, and is told where to send them."""
    parts, at = parts_of(request), parts_of(request).clock()
    if not is_signed(request):
        return refused("Content-Type", f"Content-Type: it must be {MEDIA_TYPE}.", status=415)
    compact = await read_message(request, bytes_max=BYTES_MAX)
    if compact is None:
        return refused("message", f"message: it must be text of at most {BYTES_MAX} bytes.", status=413)
    base = parts.settings.public_url.rstrip("/")
    launch = verify(compact, region=parts.region, audience=f"{base}/launch", at=at)
    if isinstance(launch, Launch):
        try:
            arrival = await parts.arrivals.keep(launch, at=at)
        except AccessCut as cut:
            return await _cut_off(parts, cut, at=at)
        if arrival:
            url = f"{base}/launch/{arrival.code}"
            return JSONResponse({"url": url, "expires_in": arrival.expires_in}, status_code=201, headers=PRIVATE)
        launch = LaunchRefusal(
            claim="jti",
            sentence="jti: this launch was sent before, and each is used once; make a new one.",
            neighbour=parts.region.find_neighbour(launch.issuer),
        )
    logs.say(logs.Line.LAUNCH_REFUSED, claim=launch.claim)
    if launch.neighbour:
        await witness_refused(parts, launch.neighbour, rule=launch.claim, at=at)
    return refused(launch.claim, launch.sentence, status=STATUS_OF_CLAIM.get(launch.claim, 400))


async def arrive(request: Request) -> Response:
    """`GET /launch/{code}`: the reader's browser comes in, once, and goes on to the chart of that person."""
    parts, at = parts_of(request), parts_of(request).clock()
    if request.method != "GET":  # Asking for the headers alone would use up the code.
        return Response(status_code=405, headers={"Allow": "GET"})
    launch = await parts.arrivals.redeem(request.path_params["code"], at=at)
    if isinstance(launch, ArrivalRefusal):
        return await _turned_away(request, parts, launch, at=at)
    # From here on it is known whose launch it is: that system's pages alone may show the answer (decision 0028).
    request.state.framed_by = parts.region.frame_origins_of(launch.issuer)
    if is_framed(request.headers) and not request.state.framed_by:
        return await _not_framed(request, parts, launch, at=at)
    found = await parts.door.find(
        launch.staff, nhs_number=launch.nhs_number, birth_date=launch.birth_date, route=ROUTE, session=ROUTE, at=at
    )
    if isinstance(found, Refusal):
        return _page(request, parts, _not_held(parts) if found.kind == "not-found" else found)
    if not is_like_the_name_held(launch.family, held=found.name):
        # Number and birth date agree, so care is not held up; the page tells the reader to check (hazards H01, H20).
        launch = replace(launch, evidence=replace(launch.evidence, called=launch.family))
    return await _open(request, parts, launch, found, at=at)


async def _open(request: Request, parts: Parts, launch: Launch, found: Found, *, at: datetime) -> Response:
    session = await parts.sessions.create_patient(
        launch.staff,
        patient_key=found.patient_key,
        evidence=launch.evidence,
        purpose=launch.purpose,
        route=ROUTE,
        at=at,
        issuer=launch.issuer,
        launch=launch.jti,
    )
    unwitnessed = await parts.door.witness_event(
        "arrived",
        staff=launch.staff,
        patient_key=found.patient_key,
        evidence=launch.evidence,
        purpose=launch.purpose,
        route=ROUTE,
        session=session.id,
        detail={"issuer": launch.issuer, "jti": launch.jti, "device": device(request.headers)},
        at=at,
    )
    if unwitnessed is not None:  # The token was given to nobody: the session ends by itself.
        return _page(request, parts, unwitnessed)
    return _to_chart(request, parts, session, at=at)


def _to_chart(request: Request, parts: Parts, session: NewSession, *, at: datetime) -> Response:
    response = RedirectResponse(f"/patient/{session.id}/summary", status_code=303, headers=PRIVATE)
    response.headers["set-cookie"] = chart_cookie(
        session.id,
        session.token,
        seconds=int((session.expires_at - at).total_seconds()),
        is_https=parts.settings.public_url.startswith("https:"),
        headers=request.headers,
    )
    return response


async def _not_framed(request: Request, parts: Parts, launch: Launch, *, at: datetime) -> Response:
    """No session begins where its browser would show nothing. The frame stays empty: whoever builds it reads why."""
    logs.say(logs.Line.LAUNCH_REFUSED, claim="frame")
    if neighbour := parts.region.find_neighbour(launch.issuer):
        await witness_refused(parts, neighbour, rule="frame", at=at)
    return _page(request, parts, Refusal(kind="not-allowed", sentences=(NOT_FRAMED,), phone=parts.region.phone))


async def _turned_away(request: Request, parts: Parts, refusal: ArrivalRefusal, *, at: datetime) -> Response:
    logs.say(logs.Line.LAUNCH_REFUSED, claim=f"code {refusal.rule}")
    if is_framed(request.headers):  # A code that nobody knows may be any system's: the page holds a sentence alone.
        origins = parts.region.frame_origins_of(refusal.issuer) if refusal.issuer else parts.region.frame_origins
        request.state.framed_by = origins
    if neighbour := parts.region.find_neighbour(refusal.issuer or ""):
        await witness_refused(parts, neighbour, rule=f"code {refusal.rule}", at=at)
    return _page(request, parts, Refusal(kind="not-allowed", sentences=(refusal.sentence,), phone=parts.region.phone))


async def _cut_off(parts: Parts, cut: AccessCut, *, at: datetime) -> Response:
    """The launch was genuine and its way is switched off: the host is told, with whom its reader can phone."""
    logs.say(logs.Line.LAUNCH_REFUSED, claim="switch")
    if cut.staff:
        await parts.door.witness_event(
            "refused", staff=cut.staff, route=ROUTE, session=ROUTE, detail={"rule": cut.rule}, at=at
        )
    return refused("switch", f"{cut.sentence} Phone {parts.region.phone}.", status=cut.status)


def _not_held(parts: Parts) -> Refusal:
    return Refusal(
        kind="not-found",
        sentences=(
            f"The {parts.region.title} holds nothing for this person under that NHS number and date of birth.",
            "Check both in your own system. If they are right, nothing was sent about this person from here:"
            " ask them, and phone the hospital or practice they name.",
        ),
        phone=parts.region.phone,
    )


def _page(request: Request, parts: Parts, refusal: Refusal) -> Response:
    response = parts.pages.refusal(request, refusal, STATUS_OF_REFUSAL[refusal.kind])
    response.headers.update(PRIVATE)
    return response


routes = (
    Route(
        method="POST",
        path="/launch",
        endpoint=announce,
        access="back-channel",
        summary="A neighbour's record system announces that a reader arrives for one person.",
    ),
    Route(
        method="GET",
        path="/launch/{code}",
        endpoint=arrive,
        access="public",
        summary="The reader's browser arrives with its code, which works once and for a minute.",
    ),
    attestation.route,
    closing.route,
)
