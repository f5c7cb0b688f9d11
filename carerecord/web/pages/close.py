"""Closing one chart: its session ends, and nothing of it opens again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from carerecord.disclosure import Refusal
from carerecord.signin import find_staff_session, forget_chart_cookie
from carerecord.web import framing, parts
from carerecord.web.pages import chart, refusal
from carerecord.web.security import is_https, read_form

CLOSED = Refusal(
    kind="not-allowed",
    sentences=(
        "Nothing of it is left open in this browser window.",
        "To see it again, open it from your own system, or find the person again.",
    ),
)


async def close(request: Request) -> Response:
    part = parts.of(request)
    await read_form(request, part.settings)
    at = part.clock()
    session = await chart.find_session(request, at=at)
    if session is not None:
        await part.sessions.close(session, because="closed by the reader", at=at)
    response = RedirectResponse("/closed", status_code=303)
    session_id = request.path_params["session"]
    for cookie in forget_chart_cookie(session_id, is_https=is_https(part.settings), headers=request.headers):
        response.headers.append("set-cookie", cookie)
    return response


async def closed(request: Request) -> Response:
    part = parts.of(request)
    opens_tab = framing.allow_sentences(request)
    staff = await find_staff_session(part.sessions, request.cookies, at=part.clock())
    back = ("/find", "Find a person") if staff else None
    return refusal.show(request, CLOSED, status=200, heading="The record is closed", back=back, opens_tab=opens_tab)
