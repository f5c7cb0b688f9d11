"""One line opened: what each source said, word for word. In place (`?in=place`), as a page, or on paper."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import PLACE, Receipt, Refusal
from carerecord.organisations import Region
from carerecord.web import drawing, parts, present
from carerecord.web.pages import chart, refusal


async def show(request: Request) -> Response:
    part = parts.of(request)
    at = part.clock()
    session = await chart.find_session(request, at=at)
    if session is None:
        return refusal.ended(request)
    form = chart.form_of(request)
    shown = await part.door.receipt(chart.looking(session, at=at, form=form), request.path_params["entry_id"])
    if isinstance(shown, Refusal):
        return chart.refused(request, session, shown)
    return drawing.page(
        template(form),
        frame=chart.frame(request, session),
        page=present.receipt(shown),
        phones=phones(shown, part.region),
    )


def template(form: str) -> str:
    return "pages/entry_in_place.html" if form == PLACE else "pages/entry.html"


def phones(shown: Receipt, region: Region) -> dict[str, str]:
    """Whom to ask about what each source said."""
    sources = (region.find_source(saying.source) for saying in shown.sayings)
    return {source.id: source.phone for source in sources if source and source.phone}
