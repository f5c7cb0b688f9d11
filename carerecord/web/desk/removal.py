"""Removals at the records desk: what would go, two people, how far each is until its bytes are gone, and its proof."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.stewardship import removal_asked
from carerecord.stewardship.notices import parse_reference, reference_of
from carerecord.stewardship.proposals import Proposal
from carerecord.stewardship.removal_asked import BY_COMMAND, Content, Reach
from carerecord.stewardship.removal_desk import Ledger
from carerecord.stewardship.removal_plan import Authority, Part
from carerecord.web import parts
from carerecord.web.desk import frame
from carerecord.web.desk import removal_views as views
from carerecord.web.desk.frame import Working
from carerecord.web.desk.records import TABS

DESK = "records"
HOME = f"/desk/{DESK}/removals"
AUTHORITIES = [(each.value, each.value.replace("-", " ").capitalize()) for each in Authority]
FIELDS = (
    "named", "source", "reach", "authority", "because", "given_back", "nhs_number", "day", "month", "year", "objection",
)  # fmt: skip


async def show(request: Request, working: Working) -> Response:
    return await _draw(request, working)


async def find(request: Request, working: Working) -> Response:
    """Whom it is about, by number and birthday together or by their objection; then which source."""
    part, fields, how = parts.of(request), working.fields, _how(working)
    if reference := fields.get("objection", "").strip():
        known = await part.objections.list_objections(working.staff, only_weighed=False, **how)
        if isinstance(known, Refusal):
            return frame.refused(request, known, desk=DESK)
        number = parse_reference(reference)
        key = next((each.patient_key for each in known if each.id == number), 0)
        if not key:
            return await _draw(request, working, wrong={"objection": "No objection has this reference"})
    else:
        try:
            born = date(*(int(fields.get(name, "")) for name in ("year", "month", "day")))
        except ValueError:
            return await _draw(
                request, working, wrong={"day": "Give the date of birth, for example 15 3 1984"}, opened="person"
            )
        number_ = "".join(fields.get("nhs_number", "").split())
        said = await part.objections.find_person(working.staff, nhs_number=number_, birth_date=born, **how)
        if isinstance(said, Refusal):
            return await _draw(request, working, wrong={"nhs-number": said.sentences[0]}, opened="person")
        key = said
    found = await part.removals.sources_of(working.staff, key, **how)
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    named, sources = found
    if not sources:
        return await _draw(request, working, wrong={"nhs-number": "No source speaks of this person any more"})
    return _look_page(request, working, named=named, sources=sources)


async def look(request: Request, working: Working) -> Response:
    """What would go. Witnessed before it is looked at, and nothing is changed."""
    content = _content(working)
    asked: Proposal | None = None
    if reference := working.fields.get("reference", ""):  # What somebody asked for, as they asked for it.
        stands = await parts.of(request).proposals.find(working.staff, proposal_id=parse_reference(reference) or 0)
        if isinstance(stands, Refusal):
            return frame.refused(request, stands, desk=DESK)
        asked, content = stands, removal_asked.content_of(stands)
    if content is None:
        return await _draw(request, working, wrong={"authority": "Choose on whose authority"})
    if content.reach in BY_COMMAND:
        return _look_page(request, working, content=content, asked=asked)
    because = asked.because if asked else working.fields.get("because", "")
    found = await parts.of(request).removals.look(working.staff, content, because=because, **_how(working))
    if isinstance(found, Refusal):
        if found.kind != "reason-needed":
            return frame.refused(request, found, desk=DESK)
        return await _draw(request, working, wrong={"named": found.sentences[0]})
    return _look_page(request, working, content=content, found=found, asked=asked)


async def ask(request: Request, working: Working) -> Response:
    content = _content(working)
    if content is None:
        return await _draw(request, working, wrong={"authority": "Choose on whose authority"})
    because = working.fields.get("because", "")
    said = await parts.of(request).removals.ask(working.staff, content, because=because, **_how(working))
    if isinstance(said, Refusal):
        return _look_page(request, working, content=content, wrong={"because": said.sentences[0]})
    return frame.to(HOME)


async def step(request: Request, working: Working) -> Response:
    """Agree, which withdraws it from every reader; carry out what was agreed; or withdraw what was asked."""
    part = parts.of(request)
    how: dict[str, Any] = {"proposal_id": parse_reference(working.fields.get("reference", "")) or 0, **_how(working)}
    named = request.path_params["step"]
    if named == "agree":
        said = await part.removals.agree(working.staff, **how)
    elif named == "carry-out":
        said = await part.removals.carry_out(working.staff, **how)
    else:
        said = await part.proposals.withdraw(working.staff, **how)
    if isinstance(said, Refusal):
        return frame.refused(request, said, desk=DESK)
    return frame.to(HOME)


async def show_one(request: Request, working: Working) -> Response:
    """One removal: each step until it is proven, and its proofs."""
    found = await _ledger(request, working)
    if isinstance(found, Response):
        return found
    number = parse_reference(request.path_params["removal"]) or 0
    entries = [entry for entry in found.entries if entry.id == number]
    proofs = [each for each in found.proofs if each.removal in (number, 0)]
    if not entries:
        return frame.refused(
            request, Refusal(kind="not-found", sentences=("No removal has this reference.",)), desk=DESK
        )
    return frame.draw(
        request,
        working,
        "desk/records_removal.html",
        tabs=TABS,
        home=HOME,
        reference=reference_of(number),
        number=str(number),
        lines=[views.line_of(entry, found, at=working.at) for entry in entries],
        counts=views.counts_of([entry.counts for entry in entries]),
        proofs=[views.proof_row(each) for each in proofs],
        has_proof=bool(proofs),
        may_prove=all(entry.completed_at for entry in entries),
    )


async def prove(request: Request, working: Working) -> Response:
    number = parse_reference(request.path_params["removal"]) or 0
    said = await parts.of(request).removals.prove(working.staff, number, **_how(working))
    if isinstance(said, Refusal):
        return frame.refused(request, said, desk=DESK)
    return frame.to(f"{HOME}/{reference_of(number)}")


async def download(request: Request, working: Working) -> Response:
    """The removal and its proofs, for a file: no content, no key of any person."""
    found = await _ledger(request, working)
    if isinstance(found, Response):
        return found
    number = parse_reference(request.path_params["removal"]) or 0
    said = {
        "removal": str(number),
        "entries": [
            {
                "target": entry.target, "source": entry.source, "authority": entry.authority, "reason": entry.reason,
                "asked_by": entry.asked_by, "agreed_by": entry.agreed_by, "withdrawn_at": entry.withdrawn_at,
                "taken_out_at": entry.completed_at, "off_disk_at": entry.scrubbed_at, "counts": entry.counts,
            }
            for entry in found.entries if entry.id == number
        ],
        "proofs": [each for each in found.proofs if each.removal in (number, 0)],
    }  # fmt: skip
    name = f"removal-{reference_of(number)}.json"
    return Response(
        msgspec.json.format(msgspec.json.encode(said), indent=2),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def show_due(request: Request, working: Working) -> Response:
    """What may no longer be kept, and what each source that leaves has still here."""
    part = parts.of(request)
    found = await part.removals.due(working.staff, **_how(working))
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    return frame.draw(
        request,
        working,
        "desk/records_due.html",
        tabs=TABS,
        home=HOME,
        due=[(source, rule, str(count)) for source, rule, count in found.due],
        review_by=found.review_by,
        is_review_due=found.is_review_due,
        guardian=part.settings.retention_guardian,
        departures=[views.departure_row(each) for each in found.departures],
    )


# --- Drawing ----------------------------------------------------------------------------------------------------------


async def _ledger(request: Request, working: Working) -> Ledger | Response:
    found = await parts.of(request).removals.ledger(working.staff, **_how(working))
    return frame.refused(request, found, desk=DESK) if isinstance(found, Refusal) else found


async def _draw(
    request: Request, working: Working, *, wrong: dict[str, str] | None = None, opened: str = ""
) -> Response:
    found = await _ledger(request, working)
    if isinstance(found, Response):
        return found
    late = found.overdue(at=working.at)
    return frame.draw(
        request,
        working,
        "desk/records_removals.html",
        tabs=TABS,
        home=HOME,
        waiting=[views.waiting_of(each, working) for each in found.proposals],
        counted=[
            ("Withdrawn, to be taken out", str(sum(each.completed_at is None for each in found.entries)), False),
            ("Taken out, to leave the disk", str(sum(views.is_on_disk(each) for each in found.entries)), False),
            ("Later than 24 hours", str(len(late)), bool(late)),
        ],
        lines=[views.line_of(entry, found, at=working.at) for entry in found.entries[:200]],
        tables=[views.table_row(each) for each in found.tables],
        authorities=AUTHORITIES,
        sources=[("", "–"), *((source.id, source.name) for source in parts.of(request).region.sources)],
        opened=opened or ("person" if wrong and {"day", "nhs-number", "objection"} & set(wrong) else "named"),
        filled={name: working.fields.get(name, "") for name in FIELDS},
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _look_page(
    request: Request,
    working: Working,
    *,
    content: Content | None = None,
    found: Sequence[Part] = (),
    asked: Proposal | None = None,
    named: str = "",
    sources: Sequence[str] = (),
    wrong: dict[str, str] | None = None,
) -> Response:
    names = {source.id: source.name for source in parts.of(request).region.sources}
    return frame.draw(
        request,
        working,
        "desk/records_removal_look.html",
        tabs=TABS,
        home=HOME,
        what=removal_asked.said_of(msgspec.to_builtins(content)) if content else "",
        named=named or (content.named if content else ""),
        sources=[(each, names.get(each, each)) for each in sources],
        kept=views.fields_of(content) if content else (),
        is_by_command=bool(content and content.reach in BY_COMMAND),
        counts=views.counts_of([part.counts for part in found]),
        left=sum(each.counts.get("left_without_original", 0) for each in found),
        is_looked=bool(found),
        waiting=views.waiting_of(asked, working) if asked else None,
        authorities=AUTHORITIES,
        filled={name: working.fields.get(name, "") for name in FIELDS},
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _content(working: Working) -> Content | None:
    fields = working.fields
    if fields.get("authority", "") not in set(Authority) or fields.get("reach", "named") not in set(Reach):
        return None
    return Content(
        named=fields.get("named", "").strip()[:200],
        authority=Authority(fields["authority"]),
        source=fields.get("source", "").strip()[:200],
        reach=Reach(fields.get("reach", "named")),
        is_given_back=fields.get("given_back") == "yes",
    )


def _how(working: Working) -> dict[str, Any]:
    return {"session": working.session.id, "at": working.at}


routes: tuple[Route, ...] = (
    frame.page(HOME, show, desk=DESK, summary="The removals: what waits, how far each is, what is late."),
    frame.form(f"{HOME}/find", find, desk=DESK, summary="Finds whom a removal is about, and which sources know them."),
    frame.form(f"{HOME}/look", look, desk=DESK, summary="What would go, and what would be left. Nothing is changed."),
    frame.form(f"{HOME}/ask", ask, desk=DESK, summary="Asks a second person for a removal."),
    frame.page(f"{HOME}/due", show_due, desk=DESK, summary="What may no longer be kept, and sources that leave."),
    frame.form(f"{HOME}/step/{{step}}", step, desk=DESK, summary="Agrees, carries out, or withdraws what was asked."),
    frame.page(f"{HOME}/{{removal}}", show_one, desk=DESK, summary="One removal: its steps and its proofs."),
    frame.form(f"{HOME}/{{removal}}/prove", prove, desk=DESK, summary="Decodes all that is kept and looks for it."),
    frame.page(f"{HOME}/{{removal}}/proof.json", download, desk=DESK, summary="A removal and its proofs, as a file."),
)
