"""The way into every page about one person: their session, or the page that says it has ended."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from carerecord.disclosure import PLACE, PRINT, Looking, Refusal
from carerecord.model import Staff
from carerecord.signin import NewSession, Session, chart_cookie, find_patient_session, may_declare_emergency
from carerecord.web import emergency, framing, parts, words
from carerecord.web.pages import refusal
from carerecord.web.security import is_by_a_person, is_https
from carerecord.web.views import Frame


async def find_session(request: Request, *, at: datetime) -> Session | None:
    """The open session whose id stands in the address and whose secret is in that address's own cookie."""
    request.state.at = at  # One look has one time: what the page says of it and what is kept of it agree.
    part = parts.of(request)
    session = await find_patient_session(
        part.sessions,
        request.cookies,
        session_id=request.path_params["session"],
        at=at,
        is_use=is_by_a_person(request),
    )
    if session is not None:
        framing.allow(request, part.region.frame_origins_of(session.issuer))
    return session


def looking(session: Session, *, at: datetime, form: str = "") -> Looking:
    assert session.patient_key is not None  # find_patient_session gives no other.
    return Looking(
        staff=session.staff,
        patient_key=session.patient_key,
        evidence=session.evidence,
        purpose=session.purpose,
        route=session.route,
        session=session.id,
        at=at,
        form=form,
    )


def frame(request: Request, session: Session) -> Frame:
    part = parts.of(request)
    return Frame(
        title=part.region.title,
        phone=part.region.phone,
        reader=reader(session.staff),
        base=base(session.id),
        emergency=emergency.view(session, at=request.state.at),
        printed=printed(session.staff, form_of(request), at=request.state.at),
        may_declare=may_declare_emergency(session.staff),
    )


def form_of(request: Request) -> str:
    """In which form a page is asked for: as paper, in the place of its line, or ("") as a page of its own."""
    asked = request.query_params.get("in", "")
    return asked if asked in (PLACE, PRINT) else ""


def printed(staff: Staff, form: str, *, at: datetime) -> str:
    """The line at the head of what is printed: whose hands it was in first."""
    if form != PRINT:
        return ""
    whose = f"Printed {words.moment(at)} by {reader(staff)}."
    return f"{whose} The record may say more than paper may. Keep it as notes are kept, then shred it."


def base(session_id: str) -> str:
    return f"/patient/{session_id}"


def reader(staff: Staff) -> str:
    return ", ".join(part for part in (staff.name, staff.role_name, staff.organisation_name) if part)


def refused(request: Request, session: Session, said: Refusal) -> Response:
    """A missing reason is asked for, emergency access is offered; anything else is said."""
    if said.kind == "reason-needed":
        return RedirectResponse(f"{base(session.id)}/reason", status_code=303)
    if said.kind == "emergency-needed":
        return RedirectResponse(f"{base(session.id)}/emergency", status_code=303)
    back = (f"{base(session.id)}/summary", "Back to the summary") if said.kind == "not-found" else None
    return refusal.show(request, said, back=back, frame=frame(request, session))


def enter(request: Request, new: NewSession, *, at: datetime) -> Response:
    """Sends the browser to a chart, with the cookie that opens this chart and no other."""
    response = RedirectResponse(f"{base(new.id)}/summary", status_code=303)
    response.headers["set-cookie"] = chart_cookie(
        new.id,
        new.token,
        seconds=int((new.expires_at - at).total_seconds()),
        is_https=is_https(parts.of(request).settings),
    )
    return response
