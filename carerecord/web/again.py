"""Draws a look again, by the code that drew it: the page that somebody saw, byte for byte."""

from __future__ import annotations

import msgspec

from carerecord.disclosure import Document, Receipt, Refusal, Replay, ShownOriginal, Summary
from carerecord.web import drawing, emergency, present
from carerecord.web.pages import chart, entry
from carerecord.web.pages.document import answer
from carerecord.web.pages.refusal import HEADINGS
from carerecord.web.views import Frame


class Drawn(msgspec.Struct, frozen=True):
    """What left for the reader: the body of the answer, and what kind it was."""

    content: bytes
    content_type: str


def draw(replay: Replay) -> Drawn | None:
    """None where there is no page: the reasons of the replay say why."""
    page = replay.page
    if page is None:
        return None
    if isinstance(page, bytes):
        return Drawn(page, "application/fhir+json")
    if isinstance(page, Document):
        shown = answer(page)
        return Drawn(bytes(shown.body), shown.headers["content-type"])
    return Drawn(drawing.upright(_text(replay, page)), "text/html; charset=utf-8")


def _text(replay: Replay, page: Summary | Receipt | ShownOriginal | Refusal) -> str:
    looking, region = replay.looking, replay.region
    until = replay.emergency_until
    frame = Frame(
        title=region.title,
        phone=region.phone,
        reader=chart.reader(looking.staff),
        base=chart.base(looking.session),
        emergency=emergency.line(looking.evidence, until=until, at=looking.at) if until else None,
        printed=chart.printed(looking.staff, looking.form, at=looking.at),
        may_declare=replay.may_declare,
    )
    if isinstance(page, Refusal):
        back = (f"{chart.base(looking.session)}/summary", "Back to the summary") if page.kind == "not-found" else None
        return drawing.text(
            "pages/refusal.html",
            frame=frame,
            heading=HEADINGS[page.kind],
            sentences=page.sentences,
            phone=page.phone or "",
            back=back,
            opens_tab=False,
        )
    if isinstance(page, Summary):
        return drawing.text("pages/summary.html", frame=frame, page=present.summary(page, at=looking.at))
    if isinstance(page, Receipt):
        return drawing.text(
            entry.template(looking.form), frame=frame, page=present.receipt(page), phones=entry.phones(page, region)
        )
    return drawing.text("pages/original.html", frame=frame, page=present.original(page))
