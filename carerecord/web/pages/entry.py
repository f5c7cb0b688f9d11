"""One line opened: what each source said, word for word. In place (`?in=place`) or as a page of its own."""

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
    shown = await part.door.receipt(chart.looking(session, at=at), request.path_params["entry_id"])
    if isinstance(shown, Refusal):
        return chart.refused(request, session, shown)
    sources = (part.region.find_source(saying.source) for saying in shown.sayings)
    return drawing.page(
        "pages/entry_in_place.html" if request.query_params.get("in") == "place" else "pages/entry.html",
        frame=chart.frame(request, session),
        page=present.receipt(shown),
        phones={source.id: source.phone for source in sources if source and source.phone},
    )
