"""Signing in to one's own record, and out of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from carerecord.disclosure import Refusal
from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.routing import Route
from carerecord.signin import OWN_COOKIE, OWN_ROUTE, OWN_SIGN_IN_COOKIE, find_own_session, person_staff
from carerecord.stewardship.ledger import Own
from carerecord.web import parts
from carerecord.web.ledger import frame
from carerecord.web.security import is_https, read_form

COOKIE_SECONDS = 600
AGAIN = (frame.HOME, "Back to the start")
NOT_SET_UP = Refusal(
    kind="not-allowed",
    sentences=("Signing in to your own record is not set up here yet. Phone us to ask who has looked at it.",),
)


async def front(request: Request) -> Response:
    """What this is, for anybody, and where to sign in."""
    region = parts.of(request).region
    provider = region.person_sign_in.name if region.person_sign_in else ""
    return frame.draw(
        request, "ledger/front.html", provider=provider, signed_out=request.query_params.get("left") == "1"
    )


async def start(request: Request) -> Response:
    part = parts.of(request)
    if part.nhs_login is None or not part.nhs_login.is_configured:
        return frame.refused(request, NOT_SET_UP, back=AGAIN)
    begun = await part.nhs_login.start(at=part.clock())
    if isinstance(begun, Refusal):
        return frame.refused(request, begun, heading="You could not sign in", back=AGAIN)
    response = RedirectResponse(begun.url, status_code=303)
    _leave_cookie(request, response, OWN_SIGN_IN_COOKIE, begun.cookie, COOKIE_SECONDS)
    return response


async def finish(request: Request) -> Response:
    """Back from the provider: bound to one person, or refused; and let in only once that is witnessed."""
    part = parts.of(request)
    if part.nhs_login is None:
        return frame.refused(request, NOT_SET_UP, back=AGAIN)
    asked, at = request.query_params, part.clock()
    known = await part.nhs_login.finish(
        state=asked.get("state"),
        code=asked.get("code"),
        cookie=request.cookies.get(OWN_SIGN_IN_COOKIE),
        at=at,
        error=asked.get("error"),
    )
    if isinstance(known, Refusal):
        return frame.refused(request, known, heading="We could not open your record", back=AGAIN)
    staff = person_staff(part.region.person_sign_in.name if part.region.person_sign_in else "")
    evidence = Evidence(kind=EvidenceClass.NONE, said_by="own")
    new = await part.sessions.create_patient(
        staff, patient_key=known.patient_key, evidence=evidence, purpose=Purpose.PATRQT, route=OWN_ROUTE, at=at
    )
    session = await part.sessions.find_own(new.token, at=at)
    if session is None:
        return frame.refused(request, frame.ENDED, back=AGAIN)
    refused = await part.door.witness_event(
        "signed_in", staff=staff, route=OWN_ROUTE, session=new.id, patient_key=known.patient_key,
        purpose=Purpose.PATRQT, at=at,
    )  # fmt: skip
    own = Own(patient_key=known.patient_key, staff=staff, session=new.id, at=at)
    refused = refused or await part.ledger.may_open(own, birth_date=known.birth_date)
    if refused is not None:
        await part.sessions.close(session, because="not opened", at=at)
        return frame.refused(request, refused, heading="Let us talk first", back=AGAIN)
    response = RedirectResponse(frame.LOOKS, status_code=303)
    _leave_cookie(request, response, OWN_COOKIE, new.token, max(int((new.expires_at - at).total_seconds()), 0))
    response.delete_cookie(OWN_SIGN_IN_COOKIE, path=frame.HOME, httponly=True, samesite="lax")
    return response


async def sign_out(request: Request) -> Response:
    part = parts.of(request)
    await read_form(request, part.settings)
    at = part.clock()
    session = await find_own_session(part.sessions, request.cookies, at=at)
    if session is not None:
        await part.sessions.close(session, because="signed out", at=at)
        # They are out whether or not this can be written down now.
        await part.door.witness_event(
            "signed_out", staff=session.staff, route=OWN_ROUTE, session=session.id, purpose=Purpose.PATRQT,
            patient_key=session.patient_key or 0, at=at,
        )  # fmt: skip
    response = RedirectResponse(f"{frame.HOME}?left=1", status_code=303)
    response.delete_cookie(OWN_COOKIE, path=frame.HOME, httponly=True, samesite="lax")
    return response


def _leave_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        path=frame.HOME,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=is_https(parts.of(request).settings),
    )


routes: tuple[Route, ...] = (
    Route(
        method="GET",
        path=frame.HOME,
        endpoint=front,
        access="public",
        summary="Where a person signs in to see who has looked at their record.",
    ),
    Route(
        method="GET",
        path=f"{frame.HOME}/sign-in",
        endpoint=start,
        access="public",
        summary="On to the provider that knows the people whose record it is.",
    ),
    Route(
        method="GET",
        path=f"{frame.HOME}/callback",
        endpoint=finish,
        access="public",
        summary="Back from that provider: bound to one person.",
    ),
    Route(
        method="POST",
        path=f"{frame.HOME}/sign-out",
        endpoint=sign_out,
        access="public",
        summary="Ends a person's own session.",
    ),
)
