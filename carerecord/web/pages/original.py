"""What of a message made one statement, as its source wrote it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.model import OriginalReference
from carerecord.web import drawing, parts, present
from carerecord.web.pages import chart, refusal

NOT_FOUND = Refusal(kind="not-found", sentences=("No original message of this record has this address.",))


async def show(request: Request) -> Response:
    part = parts.of(request)
    at = part.clock()
    session = await chart.find_session(request, at=at)
    if session is None:
        return refusal.ended(request)
    try:
        reference = OriginalReference.parse(request.path_params["reference"])
    except ValueError:
        return chart.refused(request, session, NOT_FOUND)
    shown = await part.door.original(chart.looking(session, at=at), reference, of=request.query_params.get("of", ""))
    if isinstance(shown, Refusal):
        return chart.refused(request, session, shown)
    return drawing.page("pages/original.html", frame=chart.frame(request, session), page=present.original(shown))
