"""A letter's own file, in an answer of its own: what a browser can show safely is shown, and nothing is ever run."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Document, Refusal
from carerecord.web import parts
from carerecord.web.pages import chart, refusal
from carerecord.web.security import DOCUMENT_POLICY

SHOWN = {
    "application/pdf": ("application/pdf", "pdf"),
    "image/png": ("image/png", "png"),
    "image/jpeg": ("image/jpeg", "jpg"),
    "text/plain": ("text/plain; charset=utf-8", "txt"),
}


async def show(request: Request) -> Response:
    part = parts.of(request)
    at = part.clock()
    session = await chart.find_session(request, at=at)
    if session is None:
        return refusal.ended(request)
    shown = await part.door.document(chart.looking(session, at=at), request.path_params["statement_id"])
    if isinstance(shown, Refusal):
        return chart.refused(request, session, shown)
    return answer(shown)


def answer(document: Document) -> Response:
    """The name of the file says nothing of the patient: it stays in the folder of downloads."""
    kind, suffix = SHOWN.get(document.content_type.partition(";")[0].strip().lower(), ("application/octet-stream", ""))
    disposition = f'inline; filename="letter.{suffix}"' if suffix else 'attachment; filename="letter"'
    return Response(
        document.content,
        headers={
            "Content-Type": kind,
            "Content-Disposition": disposition,
            "Content-Security-Policy": DOCUMENT_POLICY,
            "Cache-Control": "no-store",
        },
    )
