"""A page that is open asks here whether it may stay: the answer comes when its session is over, or after a while."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from carerecord.signin import AccessCut
from carerecord.web import parts
from carerecord.web.pages import chart, refusal


async def ask(request: Request) -> Response:
    """204: it may stay; ask again. 403: its session is closed, has expired or is cut, and the page must go."""
    part = parts.of(request)
    try:
        session = await chart.find_session(request, at=part.clock())
    except AccessCut:
        session = None  # Where the page goes from here says so, and whom to phone, and is witnessed.
    if session is None or await part.watch.is_over(session):
        return refusal.ended(request)
    return Response(status_code=204)
