"""Objecting to the sharing of one's record: choose, read what it means for care, confirm; see what became of it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from carerecord.disclosure import Refusal
from carerecord.model import Heading
from carerecord.routing import Route
from carerecord.stewardship.objections import Objection, Scope, State
from carerecord.web import parts, words
from carerecord.web.ledger import frame
from carerecord.web.ledger.frame import Owning

STATES = {
    State.WEIGHED: "It holds from now on, while it is weighed. You will be told here what is decided.",
    State.UPHELD: "It was agreed to, and goes on holding.",
    State.OVERRULED: "It was not agreed to, so your record is shared again. The reason stands below.",
    State.WITHDRAWN: "You took it back, so your record is shared again.",
}
MEANS = {
    Scope.WHOLE: "Nobody will see your record here, except in an emergency that they must declare. You may be "
    "asked the same things again, tests may be repeated, and an allergy or a medicine may not be known in time.",
    Scope.ORGANISATION: "Nobody at this organisation will see your record here, except in an emergency that they must "
    "declare. They will care for you with what they know themselves and what you tell them.",
    Scope.HEADING: "Nobody will see this part of your record here, except in an emergency that they must declare. "
    "Whoever treats you will not know what is in it unless you tell them.",
}
WRONG = "Choose what you do not want to be shared"
PICKED = {Scope.ORGANISATION: "Choose an organisation", Scope.HEADING: "Choose a part of your record"}


class ObjectionLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    about: str
    received: str
    state: str
    reason: str
    may_withdraw: bool


async def show(request: Request, owning: Owning, *, wrong: str = "", done: str = "") -> Response:
    part = parts.of(request)
    known = await part.own_objections.list_own(owning.own)
    if isinstance(known, Refusal):
        return frame.refused(request, known)
    done = done or {"received": "Your objection holds from now on.", "withdrawn": "You took your objection back."}.get(
        request.query_params.get("done", ""), ""
    )
    return frame.draw(
        request,
        "ledger/sharing.html",
        here="sharing",
        owning=owning,
        status=400 if wrong else 200,
        wrong=wrong,
        done=done,
        objections=tuple(_line(each, part.region.organisation_name) for each in reversed(known)),
        organisations=sorted(
            ((each.ods_code, each.name) for each in part.region.organisations), key=lambda pair: pair[1]
        ),
        headings=tuple((heading.name, words.TITLES[heading]) for heading in Heading),
    )


async def confirm(request: Request, owning: Owning) -> Response:
    """What it means for care, before anything is done."""
    scope, value, wrong = _chosen(request, owning)
    if scope is None:
        return await show(request, owning, wrong=wrong)
    return frame.draw(
        request,
        "ledger/sharing_confirm.html",
        here="sharing",
        owning=owning,
        about=_about(scope, value, parts.of(request).region.organisation_name),
        means=MEANS[scope],
        scope=scope.value,
        value=value,
    )


async def receive(request: Request, owning: Owning) -> Response:
    scope, value, wrong = _chosen(request, owning)
    if scope is None:
        return await show(request, owning, wrong=wrong)
    received = await parts.of(request).own_objections.receive(owning.own, scope=scope, value=value)
    if isinstance(received, Refusal):
        return frame.refused(request, received, back=(frame.SHARING, "Sharing"))
    return RedirectResponse(f"{frame.SHARING}?done=received", status_code=303)


async def withdraw(request: Request, owning: Owning) -> Response:
    text = request.path_params["objection"]
    number = int(text) if text.isdecimal() and text.isascii() and len(text) <= 19 else 0
    withdrawn = await parts.of(request).own_objections.withdraw(owning.own, number)
    if isinstance(withdrawn, Refusal):
        return frame.refused(request, withdrawn, back=(frame.SHARING, "Sharing"))
    return RedirectResponse(f"{frame.SHARING}?done=withdrawn", status_code=303)


# --- Inside ---------------------------------------------------------------------------------------------------------


def _chosen(request: Request, owning: Owning) -> tuple[Scope | None, str, str]:
    """(scope, value, what is wrong)."""
    fields, text = owning.fields, owning.fields.get("scope", "")
    if text not in set(Scope):
        return None, "", WRONG
    scope = Scope(text)
    if scope is Scope.WHOLE:
        return scope, "", ""
    value = fields.get("value") or fields.get(scope.value, "")
    known = parts.of(request).region.find_organisation(value) if scope is Scope.ORGANISATION else None
    if known is None and not (scope is Scope.HEADING and value in Heading.__members__):
        return None, "", PICKED[scope]
    return scope, value, ""


def _about(scope: Scope, value: str, name: Callable[[str], str]) -> str:
    if scope is Scope.WHOLE:
        return "Your whole record"
    if scope is Scope.HEADING:
        return f"This part of your record: {words.TITLES[Heading[value]]}"
    return f"With {name(value)}"


def _line(objection: Objection, name: Callable[[str], str]) -> ObjectionLine:
    return ObjectionLine(
        id=str(objection.id),
        about=_about(objection.scope, objection.value, name),
        received=words.day_of(objection.received_at),
        state=STATES[objection.state],
        reason=objection.reason if objection.state in (State.UPHELD, State.OVERRULED) else "",
        may_withdraw=objection.state.restricts,
    )


routes: tuple[Route, ...] = (
    frame.page(frame.SHARING, show, summary="What this person objects to, and a form to object."),
    frame.form(f"{frame.SHARING}/confirm", confirm, summary="What an objection means for care, before it is made."),
    frame.form(f"{frame.SHARING}/object", receive, summary="Takes an objection: it restricts from this moment."),
    frame.form(f"{frame.SHARING}/{{objection}}/withdraw", withdraw, summary="Takes an objection back."),
)
