"""The Guardian's view: who sees what and on which basis, the agreements behind it, and how it is used."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.stewardship import removal_asked
from carerecord.stewardship.notices import parse_reference
from carerecord.stewardship.proposals import Kind, Proposal
from carerecord.web import parts
from carerecord.web.desk import frame, guardian_views, removal_views, two_people, what_if_views
from carerecord.web.desk.frame import Working

DESK = "guardian"
HOME = f"/desk/{DESK}"
WHAT_IF_BYTES_MAX = 1_000_000  # of an answer of the command, as a form sends it
TABS = (
    ("Overview", HOME),
    ("Who sees what", f"{HOME}/matrix"),
    ("Policies and law", f"{HOME}/policies"),
    ("How it is used", f"{HOME}/use"),
    ("Two people", f"{HOME}/proposals"),
)


async def show_overview(request: Request, working: Working) -> Response:
    desk = parts.of(request).guardian
    read = await desk.overview(working.staff, session=working.session.id, at=working.at)
    if isinstance(read, Refusal):
        return frame.refused(request, read, desk=DESK)
    return frame.draw(request, working, "desk/guardian.html", tabs=TABS, page=guardian_views.overview(read, None))


async def count_retention(request: Request, working: Working) -> Response:
    """Asked for by a form, since it reads the whole index of people."""
    desk = parts.of(request).guardian
    read = await desk.overview(working.staff, session=working.session.id, at=working.at)
    due = await desk.count_due(working.staff, session=working.session.id, at=working.at)
    if isinstance(read, Refusal):
        return frame.refused(request, read, desk=DESK)
    if isinstance(due, Refusal):
        return frame.refused(request, due, desk=DESK)
    return frame.draw(request, working, "desk/guardian.html", tabs=TABS, page=guardian_views.overview(read, due))


async def show_matrix(request: Request, working: Working) -> Response:
    read = await parts.of(request).guardian.read_policy(
        working.staff, what="matrix", session=working.session.id, at=working.at
    )
    if isinstance(read, Refusal):
        return frame.refused(request, read, desk=DESK)
    return frame.draw(request, working, "desk/guardian_matrix.html", tabs=TABS, page=guardian_views.matrix(read))


async def show_policies(request: Request, working: Working) -> Response:
    return await _policies(request, working, said="")


async def try_change(request: Request, working: Working) -> Response:
    return await _policies(request, working, said=working.fields.get("said", "") or "nothing")


async def show_use(request: Request, working: Working) -> Response:
    read = await parts.of(request).guardian.usage(working.staff, session=working.session.id, at=working.at)
    if isinstance(read, Refusal):
        return frame.refused(request, read, desk=DESK)
    shown = guardian_views.usage(read, organisation=working.staff.organisation_name)
    return frame.draw(request, working, "desk/guardian_use.html", tabs=TABS, page=shown)


async def show_proposal(request: Request, working: Working) -> Response:
    """With what it would do: there, and only there, a second Guardian agrees to what opens or hides."""
    part = parts.of(request)
    number = parse_reference(request.path_params["reference"]) or 0
    how: dict[str, Any] = {"session": working.session.id, "at": working.at}
    found = await part.guardian.read_proposal(working.staff, proposal_id=number, **how)
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    asked, would = found
    law: tuple[tuple[str, ...], ...] = ()
    if asked.kind is Kind.LEGAL_BAR:
        read = await part.guardian.read_policy(working.staff, what="policies", **how)
        if isinstance(read, Refusal):
            return frame.refused(request, read, desk=DESK)
        law = guardian_views.law_of(read, str(asked.content.get("bar", "")))
    shown = two_people.view(asked, user_id=working.staff.user_id, at=working.at)
    page = what_if_views.proposal(shown, would, law=law)
    if asked.kind is Kind.REMOVAL:
        page = await _what_goes(request, working, asked, page)
    return frame.draw(request, working, "desk/guardian_proposal.html", tabs=TABS, page=page, home=f"{HOME}/proposals")


async def _what_goes(
    request: Request, working: Working, asked: Proposal, page: what_if_views.ProposalPage
) -> what_if_views.ProposalPage:
    """The Guardian is often the second person, and works at no desk where removals are looked at."""
    content = removal_asked.content_of(asked)
    if content.reach in removal_asked.BY_COMMAND or page.proposal.outcome:
        return page
    found = await parts.of(request).removals.look(
        working.staff, content, because=asked.because, session=working.session.id, at=working.at
    )
    if isinstance(found, Refusal):
        return msgspec.structs.replace(page, wrong=found.sentences[0])
    return msgspec.structs.replace(
        page,
        goes=tuple(removal_views.counts_of([part.counts for part in found])),
        left=sum(part.counts.get("left_without_original", 0) for part in found),
    )


async def close_route(request: Request, working: Working) -> Response:
    """One person shuts what lets through a legal bar."""
    bar = working.fields.get("bar", "")
    said = await parts.of(request).guardian.close_route(
        working.staff,
        bar=bar,
        because=working.fields.get("because", ""),
        session=working.session.id,
        at=working.at,
    )
    if isinstance(said, Refusal):
        if said.kind == "reason-needed":
            return await _policies(request, working, said="", wrong={f"close-{bar}": said.sentences[0]})
        return frame.refused(request, said, desk=DESK)
    return frame.to(f"{HOME}/policies")


async def _policies(request: Request, working: Working, *, said: str, wrong: dict[str, str] | None = None) -> Response:
    desk = parts.of(request).guardian
    how = {"session": working.session.id, "at": working.at}
    read = await desk.read_policy(working.staff, what="policies", **how)  # type: ignore[arg-type]
    if isinstance(read, Refusal):
        return frame.refused(request, read, desk=DESK)
    tried = await desk.try_change(working.staff, said=said, **how) if said else None  # type: ignore[arg-type]
    agreed = await desk.list_agreed(working.staff, **how)  # type: ignore[arg-type]
    if isinstance(agreed, Refusal):
        return frame.refused(request, agreed, desk=DESK)
    wrong = wrong or {}
    if isinstance(tried, Refusal):
        if tried.kind != "reason-needed":
            return frame.refused(request, tried, desk=DESK)
        wrong, tried = {"said": tried.sentences[0]}, None
    return frame.draw(
        request,
        working,
        "desk/guardian_policies.html",
        tabs=TABS,
        page=guardian_views.policies(read, agreed, tried),
        wrong=wrong,
        errors=list(wrong.items()),
    )


routes: tuple[Route, ...] = (
    frame.page(HOME, show_overview, desk=DESK, summary="Reviews, seals, agreements, objections and retention."),
    frame.form(
        f"{HOME}/retention", count_retention, desk=DESK, summary="Counts what may no longer be kept, by source."
    ),
    frame.page(f"{HOME}/matrix", show_matrix, desk=DESK, summary="Roles by headings, as the policy decides."),
    frame.page(f"{HOME}/policies", show_policies, desk=DESK, summary="Policies, legal bars and their legal basis."),
    frame.form(
        f"{HOME}/what-if",
        try_change,
        desk=DESK,
        summary="Shows who would gain or lose by a change.",
        bytes_max=WHAT_IF_BYTES_MAX,
    ),
    frame.form(f"{HOME}/routes/close", close_route, desk=DESK, summary="Shuts the route through a legal bar, alone."),
    frame.page(
        f"{HOME}/proposals/{{reference}}", show_proposal, desk=DESK, summary="A proposal, with what it would do."
    ),
    frame.page(f"{HOME}/use", show_use, desk=DESK, summary="Emergency access and matched evidence, by month."),
    *two_people.routes_of(DESK, TABS),
)
