"""What every page of a person's own stands on: the guard that none is served without, and the frame it is drawn in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.signin import Session, find_own_session
from carerecord.stewardship.ledger import Own
from carerecord.web import drawing, parts, words
from carerecord.web.pages import refusal
from carerecord.web.security import read_form
from carerecord.web.views import Frame

HOME = "/my-record"
LOOKS = f"{HOME}/looks"
SHARING = f"{HOME}/sharing"
BACK = (LOOKS, "Who has looked at your record")
ENDED = Refusal(
    kind="not-allowed",
    sentences=("You are signed out, or were away for too long. Nothing of yours is open here any more.",),
)


class Owning(msgspec.Struct, frozen=True, kw_only=True):
    """A person at what is their own. Made by the guard alone."""

    own: Own
    session: Session
    fields: Mapping[str, str] = {}


class OwnFrame(Frame, frozen=True, kw_only=True):
    here: str  # which page
    drawn: str


Endpoint = Callable[[Request, Owning], Awaitable[Response]]


def page(path: str, endpoint: Endpoint, *, summary: str) -> Route:
    return Route(method="GET", path=path, endpoint=_guarded(endpoint), access="person", summary=summary)


def form(path: str, endpoint: Endpoint, *, summary: str) -> Route:
    return Route(method="POST", path=path, endpoint=_guarded(endpoint, is_form=True), access="person", summary=summary)


def _guarded(endpoint: Endpoint, *, is_form: bool = False) -> Callable[[Request], Awaitable[Response]]:
    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        part = parts.of(request)
        fields = await read_form(request, part.settings) if is_form else {}
        at = part.clock()
        session = await find_own_session(part.sessions, request.cookies, at=at)
        if session is None or session.patient_key is None:
            return refusal.show(request, ENDED, heading="You are signed out", back=(HOME, "Sign in again"))
        own = Own(patient_key=session.patient_key, staff=session.staff, session=session.id, at=at)
        return await endpoint(request, Owning(own=own, session=session, fields=fields))

    return guarded


def draw(
    request: Request,
    template: str,
    *,
    here: str = "",
    owning: Owning | None = None,
    status: int = 200,
    **values: object,
) -> HTMLResponse:
    """`template` extends ledger/layout.html."""
    part = parts.of(request)
    frame = OwnFrame(
        title=part.region.title,
        phone=part.region.phone,
        reader="signed in to your own record" if owning else "",
        here=here,
        drawn=words.moment(part.clock()),
    )
    return drawing.page(template, frame=frame, status=status, **values)


def refused(
    request: Request, said: Refusal, *, heading: str = "", back: tuple[str, str] = BACK, status: int | None = None
) -> Response:
    """In plain words, with a way on."""
    headings = {"unavailable": "This cannot be shown now", "not-found": "This is not here"}
    return draw(
        request,
        "ledger/refused.html",
        status=status or refusal.STATUSES[said.kind],
        heading=heading or headings.get(said.kind, "We cannot show you this here"),
        sentences=said.sentences,
        phone=said.phone or parts.of(request).region.phone,
        back=back,
    )
