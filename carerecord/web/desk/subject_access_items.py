"""The records desk's worklist of subject access: in groups, one by one, and what is left out and why."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Document, Refusal
from carerecord.routing import Route
from carerecord.stewardship.subject_access import Choice, Files, Ground, Item
from carerecord.web.desk import frame
from carerecord.web.desk import subject_access_views as views
from carerecord.web.desk.frame import Working
from carerecord.web.desk.records import TABS
from carerecord.web.desk.subject_access_frame import (
    DESK,
    HOME,
    do,
    filled,
    how,
    number,
    progress,
    read_worklist,
    text_number,
)
from carerecord.web.pages import document

PER_PAGE = 10
LONG_FORM_BYTES_MAX = 131_072  # passages to take out are sent with it


async def list_items(request: Request, working: Working) -> Response:
    return await _items(request, working)


async def decide_items(request: Request, working: Working) -> Response:
    """One decision for every item that is ticked on this page."""
    fields = working.fields
    worklist = await read_worklist(request, working)
    if isinstance(worklist, Refusal):
        return frame.refused(request, worklist, desk=DESK)
    ticked = {fields[name] for name in fields if name.startswith("item-")}
    chosen = [item for item in worklist.items if item.id in ticked]
    wrong = _wrong(fields)
    if not chosen:
        wrong = {"item-0": "Tick what you decide", **wrong}
    without = [item for item in chosen if not item.spans] if fields.get("choice") == Choice.REDACT else []
    if without and "choice-keep" not in wrong:
        wrong["choice-keep"] = f"{len(without)} of these have no marked words: decide them by themselves"
    if wrong:
        return await _items(request, working, wrong)
    decided = await do(request, working, lambda files: _decide_all(files, request, working, chosen, spans=None))
    if isinstance(decided, Refusal):
        return await _items(request, working, {"choice-keep": decided.sentences[0]})
    return frame.to(f"{HOME}/{number(request)}/items?ground={_ground(request)}")


async def show_item(request: Request, working: Working) -> Response:
    return await _item(request, working)


async def decide_item(request: Request, working: Working) -> Response:
    fields = working.fields
    worklist = await read_worklist(request, working)
    if isinstance(worklist, Refusal):
        return frame.refused(request, worklist, desk=DESK)
    item = next((each for each in worklist.items if each.id == request.path_params["item"]), None)
    if item is None:
        return await _item(request, working)
    spans = tuple(line.strip() for line in fields.get("spans", "").splitlines() if line.strip())
    wrong = _wrong(fields)
    if fields.get("choice") == Choice.REDACT and not spans:
        wrong["spans"] = "Give the words to take out, each passage on a line"
    if wrong:
        return await _item(request, working, wrong)
    decided = await do(request, working, lambda files: _decide_all(files, request, working, [item], spans=spans))
    if isinstance(decided, Refusal):
        return await _item(request, working, {"choice-keep": decided.sentences[0]})
    waits = [each for each in worklist.undecided if each.id != item.id]
    follows = next((each for each in waits if each.ground is item.ground), next(iter(waits), None))
    return frame.to(f"{HOME}/{number(request)}/items/{follows.id}" if follows else f"{HOME}/{number(request)}")


async def show_attachment(request: Request, working: Working) -> Response:
    """A file within an item, as its own answer: a browser shows what it can, and runs nothing of it."""
    found = await do(
        request,
        working,
        lambda files: files.read_attachment(
            working.staff,
            number(request),
            item=request.path_params["item"],
            place=number(request, "place"),
            **how(working),
        ),
    )
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    return document.answer(Document(content_type=found[0], content=found[1], title=""))


async def show_left_out(request: Request, working: Working) -> Response:
    """Before the file is made, a preview of it; afterwards, what is kept for a complaint."""
    worklist = await read_worklist(request, working)
    if isinstance(worklist, Refusal):
        return frame.refused(request, worklist, desk=DESK)
    left = views.left_out(worklist)
    return frame.draw(
        request,
        working,
        "desk/subject_access_left_out.html",
        tabs=TABS,
        here=f"{HOME}/{worklist.request.id}",
        line=views.line(worklist.request, on=views.local_day(working.at)),
        left=left,
        statements=worklist.statements,
        whole=worklist.statements - len(left),
        redacted=sum(bool(each.after) for each in left),
        withheld=sum(not each.after for each in left),
        waiting=len(worklist.undecided),
    )


# --- Inside ---------------------------------------------------------------------------------------------------------


async def _items(request: Request, working: Working, wrong: dict[str, str] | None = None) -> Response:
    worklist = await read_worklist(request, working)
    if isinstance(worklist, Refusal):
        return frame.refused(request, worklist, desk=DESK)
    ground, is_all = _ground(request), request.query_params.get("state") == "all"
    fitting = [item for item in (worklist.items if is_all else worklist.undecided) if ground in ("", item.ground.value)]
    pages = max(1, -(-len(fitting) // PER_PAGE))
    page = min(max(text_number(request.query_params.get("page", "1")), 1), pages)
    shown = fitting[(page - 1) * PER_PAGE : page * PER_PAGE]
    name, law = views.GROUNDS[Ground(ground)] if ground else ("Everything", "")
    return frame.draw(
        request,
        working,
        "desk/subject_access_items.html",
        status=422 if wrong else 200,
        tabs=TABS,
        here=f"{HOME}/{worklist.request.id}",
        line=views.line(worklist.request, on=views.local_day(working.at)),
        items=[views.item_view(item, worklist.decided.get(item.id), place=place) for place, item in enumerate(shown)],
        ticked={working.fields[field] for field in working.fields if field.startswith("item-")},
        name=name,
        law=law,
        ground=ground,
        is_all=is_all,
        count=len(fitting),
        page=page,
        pages=pages,
        **progress(worklist),
        **filled(working, wrong),
    )


async def _item(request: Request, working: Working, wrong: dict[str, str] | None = None) -> Response:
    worklist = await read_worklist(request, working)
    if isinstance(worklist, Refusal):
        return frame.refused(request, worklist, desk=DESK)
    place = next((place for place, each in enumerate(worklist.items) if each.id == request.path_params["item"]), None)
    if place is None:
        gone = Refusal(kind="not-found", sentences=("This item is not on the worklist, or not any more.",))
        return frame.refused(request, gone, desk=DESK)
    item = worklist.items[place]
    view = views.item_view(item, worklist.decided.get(item.id), place=place)
    values = filled(working, wrong)
    if not working.fields:
        values["filled"] |= {
            "choice": view.choice, "ground": view.ground, "words": view.words, "advised_by": view.advised_by,
            "spans": view.spans,
        }  # fmt: skip
    return frame.draw(
        request,
        working,
        "desk/subject_access_item.html",
        status=422 if wrong else 200,
        tabs=TABS,
        here=f"{HOME}/{worklist.request.id}",
        item=view,
        place=place + 1,
        before=worklist.items[place - 1].id if place else "",
        after=worklist.items[place + 1].id if place + 1 < len(worklist.items) else "",
        **progress(worklist),
        **values,
    )


async def _decide_all(
    files: Files, request: Request, working: Working, items: list[Item], *, spans: tuple[str, ...] | None
) -> bool | Refusal:
    """`spans` None: of each the words that are marked in it."""
    fields, choice = working.fields, Choice(working.fields["choice"])
    for item in items:
        said = await files.decide(
            working.staff,
            number(request),
            item=item.id,
            choice=choice,
            ground=Ground.NONE if choice is Choice.KEEP else Ground(fields["ground"]),
            words=fields.get("words", ""),
            spans=(item.spans if spans is None else spans) if choice is Choice.REDACT else (),
            advised_by=fields.get("advised_by", ""),
            **how(working),
        )
        if isinstance(said, Refusal):
            return said
    return True


def _wrong(fields: Mapping[str, str]) -> dict[str, str]:
    """What a decision lacks, by the id of the field."""
    choice = fields.get("choice", "")
    if choice not in set(Choice):
        return {"choice-keep": "Choose what is done with it"}
    if choice == Choice.KEEP:
        return {}
    wrong = {}
    if fields.get("ground") not in {ground.value for ground in views.GROUNDS_TO_CHOOSE}:
        wrong["ground"] = "Choose on which ground"
    if len(fields.get("words", "").strip()) < 5:
        wrong["words"] = "Say in a few words why: it is kept for a complaint"
    if fields.get("ground") == Ground.SERIOUS_HARM and len(fields.get("advised_by", "").strip()) < 5:
        wrong["advised-by"] = "Name the health professional who advised: serious harm is theirs to judge"
    return wrong


def _ground(request: Request) -> str:
    named = request.query_params.get("ground", "")
    return named if named in set(Ground) else ""


_ONE = f"{HOME}/{{request}}"
_ITEM = f"{_ONE}/items/{{item}}"
routes: tuple[Route, ...] = (
    frame.page(f"{_ONE}/items", list_items, desk=DESK, summary="What must be decided, in groups."),
    frame.form(f"{_ONE}/items", decide_items, desk=DESK, summary="Decides every item that is ticked."),
    frame.page(_ITEM, show_item, desk=DESK, summary="One item with its words marked."),
    frame.form(
        _ITEM, decide_item, desk=DESK, summary="Decides one item, and on to the next.", bytes_max=LONG_FORM_BYTES_MAX
    ),
    frame.page(
        f"{_ITEM}/files/{{place}}", show_attachment, desk=DESK, summary="A file within an item, to be read by somebody."
    ),
    frame.page(
        f"{_ONE}/left-out", show_left_out, desk=DESK, summary="What is left out, and why: kept for a complaint."
    ),
)
