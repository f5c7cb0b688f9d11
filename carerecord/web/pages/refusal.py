"""Nothing is shown: what happened, what it means for care now, and what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from carerecord import logs
from carerecord.disclosure import Refusal
from carerecord.signin import AccessCut, TooOften
from carerecord.web import drawing, framing, parts, security
from carerecord.web.patience import NotInTime
from carerecord.web.security import FormRefused
from carerecord.web.views import Frame

HEADINGS = {
    "not-allowed": "This record cannot be opened for you",
    "reason-needed": "A reason is needed first",
    "emergency-needed": "Nothing shows that you are involved in this person’s care",
    "not-found": "Nothing was found",
    "unavailable": "The record cannot be shown now",
}
STATUSES = {"not-allowed": 403, "reason-needed": 403, "emergency-needed": 403, "not-found": 404, "unavailable": 503}
ENDED = Refusal(
    kind="not-allowed",
    sentences=(
        "This session has ended, or was closed. Nothing of the record is open here any more.",
        "Open it again from your own system, or sign in again.",
    ),
)
ENDED_IN_FRAME = Refusal(
    kind="not-allowed",
    sentences=(
        "This session has ended, was closed, or this browser keeps nothing for a page that stands inside another.",
        "Open the record again from your own system. If this comes back, have it opened in a window of its own.",
        "If you sign in here instead, it opens in a tab of its own, and what you open there is shown there, not here.",
    ),
)
NOT_IN_FRAME = Refusal(
    kind="not-allowed",
    sentences=(
        "You cannot sign in inside another system’s page. Signing in opens in a tab of its own, "
        "and what you open there is shown there, not here.",
        "To see a record here, open it from your own system: that asks no second sign-in.",
    ),
)
SIGN_IN = ("/", "Sign in (opens in a new tab)")
Handler = Callable[[Request, Any], Awaitable[Response]]


class Pages:
    """What other mouths may borrow: a refusal drawn as a page."""

    def refusal(self, request: Request, refusal: Refusal, status: int | None = None) -> Response:
        return show(request, refusal, status=status)


def show(
    request: Request,
    refusal: Refusal,
    *,
    status: int | None = None,
    heading: str = "",
    back: tuple[str, str] | None = None,
    opens_tab: bool = False,
    frame: Frame | None = None,
) -> Response:
    """`back` is (address, words) of the way on from here, and `opens_tab` if it leaves the frame that it stands in;
    `frame` is that of the session it is said in, if any."""
    region = parts.of(request).region
    return drawing.page(
        "pages/refusal.html",
        frame=frame or Frame(title=region.title, phone=region.phone),
        status=status or STATUSES[refusal.kind],
        heading=heading or HEADINGS[refusal.kind],
        sentences=refusal.sentences,
        phone=refusal.phone or "",
        back=back,
        opens_tab=opens_tab,
    )


def ended(request: Request) -> Response:
    """Also where a panel stays open after its host ended the session: it must say so, and not stand there empty."""
    if not request.url.path.startswith("/patient/") or not framing.allow_sentences(request):
        return show(request, ENDED, heading="This session has ended", back=("/", "Sign in again"))
    return show(request, ENDED_IN_FRAME, heading="Nothing is open here", back=SIGN_IN, opens_tab=True)


def not_in_frame(request: Request) -> Response:
    """In place of signing in: a provider's page asks for a password, so no page may stand around it."""
    return show(request, NOT_IN_FRAME, heading="Signing in needs a window of its own", back=SIGN_IN, opens_tab=True)


async def cut(request: Request, said: AccessCut) -> Response:
    """Access is switched off: the page that stands in the record's place says whom to phone."""
    part = parts.of(request)
    # Nothing is shown whether or not this can be written down now.
    await part.door.witness_event(
        "refused",
        staff=said.staff,
        patient_key=said.patient_key or 0,
        route=said.route,
        session=said.session,
        detail={"rule": said.rule},
        at=part.clock(),
    )
    framing.allow(request, part.region.frame_origins_of(said.issuer))
    refusal = Refusal(kind="not-allowed", sentences=said.sentences, phone=part.region.phone)
    return show(request, refusal, status=said.status, heading="Access to this record is switched off")


async def too_often(request: Request, said: TooOften) -> Response:
    """Who asked too often waits, and is told how long; it is witnessed once a minute, not with every request."""
    part = parts.of(request)
    if not said.is_told:  # Nothing is shown whether or not this can be written down now.
        await part.door.witness_event(
            "refused",
            staff=said.staff,
            patient_key=said.patient_key,
            route=said.route,
            session=said.session,
            detail={"rule": said.rule},
            at=part.clock(),
        )
    framing.allow(request, part.region.frame_origins_of(said.issuer))
    refusal = Refusal(kind="unavailable", sentences=said.sentences, phone=part.region.phone)
    response = show(request, refusal, status=429, heading="Too much was asked in a short time")
    response.headers["retry-after"] = str(said.seconds)
    return response


async def not_found(request: Request, _: Exception) -> Response:
    _allow_in_chart(request)
    said = Refusal(
        kind="not-found",
        sentences=(
            "There is no page at this address.",
            "Open the record again from your own system, or start at the first page.",
        ),
    )
    return show(request, said, heading="There is no such page", back=("/", "Go to the first page"))


async def not_understood(request: Request, problem: HTTPException) -> Response:
    said = Refusal(
        kind="not-allowed",
        sentences=("This request was not understood, so nothing was done.", "Go back and try again."),
    )
    response = show(
        request, said, status=problem.status_code, heading="This was not understood", back=("/", "Go to the first page")
    )
    response.headers.update(problem.headers or {})  # With 405 goes `Allow` (RFC 9110 §15.5.6).
    return response


async def form_refused(request: Request, problem: FormRefused) -> Response:
    _allow_in_chart(request)
    said = Refusal(kind="not-allowed", sentences=(str(problem),))
    return show(request, said, heading="This form was not accepted", back=("/", "Go to the first page"))


def _allow_in_chart(request: Request) -> None:
    if request.url.path.startswith("/patient/"):
        framing.allow_sentences(request)


async def late(request: Request, problem: NotInTime) -> Response:
    logs.say(logs.Line.REQUEST_FAILED, error=type(problem).__name__)
    _allow_in_chart(request)
    said = Refusal(
        kind="unavailable",
        sentences=(
            "The record did not answer in time, so nothing is shown. Nothing in it is lost.",
            "Care should not wait for it: ask the person, and phone their hospital or practice.",
            "Try again in a minute.",
        ),
        phone=parts.of(request).region.phone,
    )
    return show(request, said)


async def failed(request: Request, problem: Exception) -> Response:
    logs.say(logs.Line.REQUEST_FAILED, error=type(problem).__name__)
    said = Refusal(
        kind="unavailable",
        sentences=(
            "Something went wrong here, so nothing is shown. Nothing about this person was changed or lost.",
            "Do not wait for it: ask the hospital or practice that knows this person.",
            "Try again in a minute.",
        ),
        phone=parts.of(request).region.phone,
    )
    response = show(request, said, status=500)
    if not framing.allowed(request.scope):
        _allow_in_chart(request)  # A panel must say whom to phone, too.
    # This is answered outside of the middleware that gives every other answer its headers.
    added = security.headers(is_https=security.is_https(parts.of(request).settings))
    response.raw_headers[:] = security.safe(response.raw_headers, added, framed_by=framing.allowed(request.scope))
    return response


def exception_handlers() -> Mapping[Any, Handler]:
    return {
        404: not_found,
        HTTPException: not_understood,
        FormRefused: form_refused,
        AccessCut: cut,
        TooOften: too_often,
        NotInTime: late,
        Exception: failed,
    }
