"""A page that is open asks here whether it may stay: the answer comes when its session is over, or after a while."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from carerecord.signin import AccessCut
from carerecord.web import parts
from carerecord.web.pages import chart, refusal

SECONDS_MAX = 86_400


async def ask(request: Request) -> Response:
    """204: it may stay; ask again. 403: its session is over, or its person objects, and the page must be asked anew."""
    part = parts.of(request)
    at = part.clock()
    try:
        session = await chart.find_session(request, at=at)
    except AccessCut:
        session = None  # Where the page goes from here says so, and whom to phone, and is witnessed.
    if session is None or await part.watch.is_over(session, drawn_at=at - _age(request)):
        return refusal.ended(request)
    return Response(status_code=204)


def _age(request: Request) -> timedelta:
    """For how long the page has been open, by its own word: clocks differ, and what it gains by lying it has seen."""
    said = request.query_params.get("seconds", "")
    return timedelta(seconds=min(int(said), SECONDS_MAX) if said.isdecimal() and said.isascii() else 0)
