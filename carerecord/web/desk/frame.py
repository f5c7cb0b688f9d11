"""What every desk stands on: the guard that no page of a desk can be served without, and the frame it is drawn in.

A desk is one file here. Its routes are made by `page` and `form`, and listed in `web/routes.py`; its endpoints get a
`Working`, which only the guard makes. Whatever shows something about one person is witnessed by the desk's door
(`stewardship`) before it comes here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import wraps

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from carerecord.disclosure import Refusal
from carerecord.model import Staff
from carerecord.routing import DESKS, Route
from carerecord.signin import Session, desks_of, find_desk_session, find_staff_session
from carerecord.web import drawing, parts, words
from carerecord.web.pages import refusal
from carerecord.web.security import FORM_BYTES_MAX, read_form
from carerecord.web.views import Frame

NAMES = {
    "privacy": "Privacy",
    "guardian": "Guardian",
    "records": "Records",
    "administration": "Administration",
    "safety": "Safety",
}
WORK = {
    "privacy": "Looks that somebody has to look at: emergency access, weak evidence, and what the watch finds.",
    "guardian": "Who may see what, the agreements behind it, and how emergency access is used.",
    "records": "What must be put right or taken away: removals, objections, repairs, what a source asks back.",
    "administration": "Roles, leavers, keys, and the switches that cut or open access. Each takes two people.",
    "safety": "Safety problems that readers report, and the hazards they belong to.",
}
NO_DESK = Refusal(
    kind="not-allowed",
    sentences=(
        "Your role works at no desk of this record.",
        "If you look after the record, ask your registration authority for the role of that desk, then sign in again.",
    ),
)


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at work at a desk where their role may work. Made by the guard alone."""

    session: Session
    desk: str
    at: datetime
    fields: Mapping[str, str] = {}  # of the form that was sent, once it is known to be ours

    @property
    def staff(self) -> Staff:
        return self.session.staff


class Tab(msgspec.Struct, frozen=True):
    name: str
    address: str
    is_here: bool
    work: str = ""


class DeskFrame(Frame, frozen=True, kw_only=True):
    desk: str  # "Privacy desk"
    tabs: tuple[Tab, ...]
    drawn: str  # when, for paper


Endpoint = Callable[[Request, Working], Awaitable[Response]]


def page(path: str, endpoint: Endpoint, *, desk: str, summary: str) -> Route:
    """A page of a desk."""
    return Route(
        method="GET", path=path, endpoint=_guarded(endpoint, desk=desk), access="desk", desk=desk, summary=summary
    )


def form(path: str, endpoint: Endpoint, *, desk: str, summary: str, bytes_max: int = FORM_BYTES_MAX) -> Route:
    """A form of a desk: `Working.fields` holds what was sent, from a page of ours and nowhere else."""
    return Route(
        method="POST",
        path=path,
        endpoint=_guarded(endpoint, desk=desk, form_bytes_max=bytes_max),
        access="desk",
        desk=desk,
        summary=summary,
    )


def _guarded(endpoint: Endpoint, *, desk: str, form_bytes_max: int = 0) -> Callable[[Request], Awaitable[Response]]:
    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        part = parts.of(request)
        fields = await read_form(request, part.settings, bytes_max=form_bytes_max) if form_bytes_max else {}
        at = part.clock()
        session = await find_desk_session(part.sessions, request.cookies, desk=desk, at=at)
        if session is None:
            return await turned_away(request, desk=desk, at=at)
        return await endpoint(request, Working(session=session, desk=desk, at=at, fields=fields))

    return guarded


async def turned_away(request: Request, *, desk: str, at: datetime) -> Response:
    """Nobody is signed in here any more, or somebody whose role works elsewhere: that is written down."""
    part = parts.of(request)
    session = await find_staff_session(part.sessions, request.cookies, at=at)
    if session is None:
        return refusal.ended(request)
    unwitnessed = await part.door.witness_event(
        "refused", staff=session.staff, route=f"desk-{desk}", session=session.id, at=at
    )
    if unwitnessed is not None:
        return refusal.show(request, unwitnessed)
    said = Refusal(
        kind="not-allowed",
        sentences=(
            f"The {NAMES[desk].lower()} desk is for other roles than yours ({session.staff.role_name}).",
            "If it is your work, ask your registration authority for its role, then sign in again and choose it.",
        ),
    )
    back = ("/desk", "Your desks") if desks_of(session.staff.role) else ("/find", "Find a person")
    return refusal.show(request, said, heading="This desk is not yours", back=back)


def draw(request: Request, working: Working, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """`template` extends desk/layout.html."""
    return drawing.page(
        template, frame=_frame(request, working.session, working.desk, working.at), status=status, **values
    )


def refused(request: Request, said: Refusal, *, desk: str) -> Response:
    """What the desk's door would not do, and the way back to the desk."""
    return refusal.show(request, said, back=(f"/desk/{desk}", f"Back to the {NAMES[desk].lower()} desk"))


def to(address: str) -> Response:
    """After a form: on to a page, so that asking for it again sends nothing twice."""
    return RedirectResponse(address, status_code=303)


async def home(request: Request) -> Response:
    """The desks of this role."""
    part = parts.of(request)
    at = part.clock()
    session = await find_staff_session(part.sessions, request.cookies, at=at)
    if session is None:
        return refusal.ended(request)
    if not desks_of(session.staff.role):
        return refusal.show(request, NO_DESK, heading="There is no desk for you here", back=("/find", "Find a person"))
    frame = _frame(request, session, "", at)
    if len(frame.tabs) == 1:
        return to(frame.tabs[0].address)
    return drawing.page("desk/home.html", frame=frame)


def _frame(request: Request, session: Session, desk: str, at: datetime) -> DeskFrame:
    region = parts.of(request).region
    served = {getattr(route, "path", "") for route in request.app.routes}
    working_at = desks_of(session.staff.role)
    tabs = [Tab(NAMES[each], f"/desk/{each}", each == desk, WORK[each]) for each in DESKS if each in working_at]
    reader = ", ".join(filter(None, (session.staff.name, session.staff.role_name, session.staff.organisation_name)))
    return DeskFrame(
        title=region.title,
        phone=region.phone,
        reader=reader,
        desk=f"{NAMES[desk]} desk" if desk else "Desks",
        tabs=tuple(tab for tab in tabs if tab.address in served),
        drawn=words.moment(at),
    )


routes: tuple[Route, ...] = (
    Route(method="GET", path="/desk", endpoint=home, access="staff", summary="The desks at which this role works."),
)
