"""Report a safety problem: from any page of the record, and from any desk. Which page it was is taken along unseen."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.signin import Session, desks_of, find_staff_session
from carerecord.stewardship.safety import Report
from carerecord.web import drawing, parts
from carerecord.web.pages import chart, refusal
from carerecord.web.security import read_form
from carerecord.web.views import Frame

CHART = "/patient/{session}/safety"
STAFF = "/safety"
AGAIN = (("yes", "Yes"), ("no", "No"), ("unknown", "I do not know"))
FIELDS = ("words", "harm", "again", "page", "reference")
PAGES = ("summary", "entry", "original", "document", "reason", "emergency", "find", "desk")


async def ask(request: Request) -> Response:
    session = await chart.find_session(request, at=parts.of(request).clock())
    return _page(request, session, base=chart.base(session.id)) if session else refusal.ended(request)


async def send(request: Request) -> Response:
    fields = await read_form(request, parts.of(request).settings)
    session = await chart.find_session(request, at=parts.of(request).clock())
    return await _sent(request, session, fields, chart.base(session.id)) if session else refusal.ended(request)


async def ask_staff(request: Request) -> Response:
    session = await _staff(request)
    return _page(request, session, base="") if session else refusal.ended(request)


async def send_staff(request: Request) -> Response:
    fields = await read_form(request, parts.of(request).settings)
    session = await _staff(request)
    return await _sent(request, session, fields, "") if session else refusal.ended(request)


async def _staff(request: Request) -> Session | None:
    part = parts.of(request)
    return await find_staff_session(part.sessions, request.cookies, at=part.clock())


async def _sent(request: Request, session: Session, fields: dict[str, str], base: str) -> Response:
    wrong = {}
    if fields.get("harm") not in ("yes", "no"):
        wrong["harm-yes"] = "Say whether somebody was harmed"
    if fields.get("again") not in dict(AGAIN):
        wrong["again-yes"] = "Say whether it could happen again"
    if len(fields.get("words", "").strip()) < 10:
        wrong["words"] = "Say in a sentence or two what happened"
    if wrong:
        return _page(request, session, base=base, wrong=wrong, fields=fields)
    part = parts.of(request)
    page = fields.get("page", "")
    said = await part.safety.report(
        session.staff,
        Report(
            words=fields["words"],
            was_harm=fields["harm"] == "yes",
            again=fields["again"],
            page=page if page in PAGES else "",
            reference=fields.get("reference", "")[:120],
        ),
        patient_key=session.patient_key or 0,
        route=session.route,
        session=session.id,
        at=part.clock(),
    )
    if isinstance(said, Refusal):
        return refusal.show(request, said)
    return _page(request, session, base=base, reference=said)


def _page(
    request: Request,
    session: Session,
    *,
    base: str,
    wrong: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
    reference: str = "",
) -> Response:
    """What was open is known from where the browser came from, which is a page of ours; it is never in an address."""
    filled = {name: (fields or {}).get(name, "") for name in FIELDS}
    if fields is None:
        filled["page"], filled["reference"] = came_from(request.headers.get("referer", ""))
    region = parts.of(request).region
    frame = Frame(title=region.title, phone=region.phone, reader=chart.reader(session.staff))
    if base:
        frame = chart.frame(request, session)
    back = ("/desk", "Back to your desks") if desks_of(session.staff.role) else ("/find", "Back")
    return drawing.page(
        "pages/safety.html",
        frame=frame,
        status=422 if wrong else 200,
        action=f"{base}/safety" if base else STAFF,
        back=(f"{base}/summary", "Back to the summary") if base else back,
        again=AGAIN,
        filled=filled,
        sent=reference,
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def came_from(referer: str) -> tuple[str, str]:
    """(kind of page, line or message that was open) of an address of ours."""
    steps = [step for step in urlsplit(referer).path.split("/") if step]
    if steps[:1] == ["patient"] and len(steps) >= 3:
        return (steps[2] if steps[2] in PAGES else ""), (steps[3] if len(steps) > 3 else "")
    return (steps[0] if steps and steps[0] in PAGES else ""), ""


routes: tuple[Route, ...] = (
    Route(method="GET", path=CHART, endpoint=ask, access="session", summary="Asks what happened: a safety problem."),
    Route(
        method="POST", path=CHART, endpoint=send, access="session", summary="Takes the report to the safety officer."
    ),
    Route(method="GET", path=STAFF, endpoint=ask_staff, access="staff", summary="The same, away from any record."),
    Route(method="POST", path=STAFF, endpoint=send_staff, access="staff", summary="Takes that report."),
)
