"""The summary: one person's record on one page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.web import drawing, parts, present
from carerecord.web.pages import chart, refusal


async def show(request: Request) -> Response:
    part = parts.of(request)
    at = part.clock()
    session = await chart.find_session(request, at=at)
    if session is None:
        return refusal.ended(request)
    shown = await part.door.summary(chart.looking(session, at=at, form=chart.form_of(request)))
    if isinstance(shown, Refusal):
        return chart.refused(request, session, shown)
    return drawing.page("pages/summary.html", frame=chart.frame(request, session), page=present.summary(shown, at=at))
