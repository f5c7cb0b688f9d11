"""Why are you opening this record? One tap where one's own system named no reason, or only a weak one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from carerecord.signin import ReasonMissing, Session
from carerecord.web import drawing, parts
from carerecord.web.pages import chart, refusal
from carerecord.web.security import read_form

REASONS = (
    "Seeing this person in clinic today",
    "On my ward or list",
    "Referral or advice request",
    "Urgent care",
)
SENTENCES = {
    "launch": "Your own system opened this record without saying how you are involved in this person’s care.",
    "sign-in": "You found this person yourself, so this record cannot know how you are involved in their care.",
}


async def ask(request: Request) -> Response:
    session = await chart.find_session(request, at=parts.of(request).clock())
    if session is None:
        return refusal.ended(request)
    return _page(request, session)


async def give(request: Request) -> Response:
    part = parts.of(request)
    fields = await read_form(request, part.settings)
    at = part.clock()
    session = await chart.find_session(request, at=at)
    if session is None:
        return refusal.ended(request)
    chosen = fields.get("reason", "")
    reason = chosen if chosen in REASONS else fields.get("other", "")
    try:
        await part.sessions.give_reason(session, reason=reason, at=at)
    except ReasonMissing as missing:
        return _page(request, session, error=str(missing))
    return RedirectResponse(f"{chart.base(session.id)}/summary", status_code=303)


def _page(request: Request, session: Session, *, error: str = "") -> Response:
    return drawing.page(
        "pages/reason.html",
        frame=chart.frame(request, session),
        status=422 if error else 200,
        sentences=[SENTENCES.get(session.route, SENTENCES["launch"])],
        reasons=REASONS,
        errors=[("other", error)] if error else [],
    )
