"""Local administration: what is cut, who left, which national role is which of ours, and keys with their custody."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.stewardship.administration import Administration, read_leavers
from carerecord.stewardship.in_force.custody import Key
from carerecord.stewardship.proposals import DoesNotFit
from carerecord.web import parts, words
from carerecord.web.desk import frame, two_people
from carerecord.web.desk.frame import Working

DESK = "administration"
HOME = f"/desk/{DESK}"
TABS = (("Access and keys", HOME), ("Two people", f"{HOME}/proposals"))
LEAVERS_BYTES_MAX = 65_536
EFFECTS = (
    ("A switch, cut or restored", "by itself", "within 5 seconds of the second person’s word, on open pages too"),
    ("A leaver", "by itself", "as a switch: their sessions end, and no new one begins; the audit keeps their name"),
    ("An agreement that ends", "by itself", "after its last day nothing new is opened"),
    ("A role, or what it is here", "by itself", "within 5 seconds; whoever is signed in with it signs in again"),
    ("A key of a neighbour or a program", "by itself", "within 5 seconds; the key before it goes on for the overlap"),
    ("The key that seals the audit", "by itself", "within a minute; its next seal announces it, signed by the old one"),
    ("The secret or key of sign-in", "by the operator", "in its file, as the provider gave it, and a new start"),
    ("A legal route, or narrowing", "by itself", "within 5 seconds; a route ends by itself on its last day"),
)


async def show(request: Request, working: Working) -> Response:
    return await _draw(request, working)


async def import_leavers(request: Request, working: Working) -> Response:
    """One proposal for each who left: whoever agrees reads whom they cut."""
    try:
        user_ids = read_leavers(working.fields.get("leavers", ""))
    except DoesNotFit as wrong:
        return await _draw(request, working, {"leavers": str(wrong)})
    said = await parts.of(request).administration.cut_leavers(
        working.staff,
        user_ids=user_ids,
        because=working.fields.get("because", ""),
        session=working.session.id,
        at=working.at,
    )
    if isinstance(said, Refusal):
        return await _draw(request, working, {"because": said.sentences[0]})
    return frame.to(f"{HOME}/proposals")


async def _draw(request: Request, working: Working, wrong: dict[str, str] | None = None) -> Response:
    read = await parts.of(request).administration.read(working.staff, session=working.session.id, at=working.at)
    if isinstance(read, Refusal):
        return frame.refused(request, read, desk=DESK)
    return frame.draw(
        request,
        working,
        "desk/administration.html",
        tabs=TABS,
        switches=_switches(read),
        roles=[(code, read.role_names.get(role, role) or "nothing", where) for code, role, where in read.roles],
        keys=[_key(each, at=working.at) for each in read.keys],
        effects=EFFECTS,
        filled={name: working.fields.get(name, "") for name in ("leavers", "because")},
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _switches(read: Administration) -> list[tuple[str, ...]]:
    names = dict(read.organisations) | dict(read.neighbours)
    return [
        (
            f"{each.kind.value.capitalize()} {names.get(each.name, each.name)}",
            words.moment(each.cut_at),
            each.cut_by,
            each.because,
        )
        for each in read.switches
    ]


def _key(key: Key, *, at: datetime) -> tuple[str, ...]:
    since = (
        f"{words.counted((at - key.since).days, 'day')}, since {words.day_of(key.since)}" if key.since else "not said"
    )
    until = words.day_of(key.until) if key.until else "none set"
    if key.until and key.until < at:
        until = f"overdue since {until}"
    used = words.moment(key.used_at) if key.used_at else "not seen yet"
    custody = f"{key.custody}; {key.state}" if key.state else key.custody
    return (f"{key.whose}: {key.what_for}", key.key_id, key.thumbprint or "–", since, used, until, custody)


routes: tuple[Route, ...] = (
    frame.page(HOME, show, desk=DESK, summary="What is cut, roles, and keys with their custody; never private parts."),
    frame.form(
        f"{HOME}/leavers",
        import_leavers,
        desk=DESK,
        summary="Asks to cut everybody on a list of leavers; another person agrees to each.",
        bytes_max=LEAVERS_BYTES_MAX,
    ),
    *two_people.routes_of(DESK, TABS),
)
