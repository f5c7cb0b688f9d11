"""The safety desk: what readers report, which hazards it belongs to, and what was found."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.web import parts, words
from carerecord.web.desk import frame, privacy_words
from carerecord.web.desk.frame import Working
from carerecord.web.desk.privacy_views import PersonView, person_view

DESK = "safety"
HOME = f"/desk/{DESK}"
FOUND = (
    ("hazard", "A hazard", "The record can harm so. It stands in the hazard log, or is put there."),
    ("no-hazard", "No hazard of the record", "It was no fault of the record, or nothing that could harm."),
    ("training", "A need for training", "The record was right, and was not understood."),
    ("duplicate", "Duplicate", "Another report is about the same."),
)
HAZARD = re.compile(r"H\d{2,3}")


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    reference: str
    sentence: str
    reported: str
    due: str
    is_late: bool
    found: str


async def list_cases(request: Request, working: Working) -> Response:
    is_open = request.query_params.get("state") != "closed"
    found = await parts.of(request).safety.list_cases(working.staff, is_open=is_open, **_how(working))
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    if is_open:
        found = tuple(sorted(found, key=lambda each: (each.due_at is None, each.due_at or each.opened_at)))
    lines = [_line(each, working) for each in found]
    return frame.draw(request, working, "desk/safety.html", cases=lines, is_open=is_open)


async def show_case(request: Request, working: Working) -> Response:
    return await _case(request, working)


async def name_person(request: Request, working: Working) -> Response:
    """Who it is about stands on this one answer and nowhere else."""
    said = await parts.of(request).safety.name_person(
        working.staff, _number(request), because=working.fields.get("because", ""), **_how(working)
    )
    if isinstance(said, Refusal):
        if said.kind != "reason-needed":
            return frame.refused(request, said, desk=DESK)
        return await _case(request, working, wrong={"because": said.sentences[0]})
    return await _case(request, working, person=person_view(said))


async def write_note(request: Request, working: Working) -> Response:
    said = await parts.of(request).safety.write_note(
        working.staff, _number(request), words=working.fields.get("words", ""), **_how(working)
    )
    return await _after(request, working, said, "words")


async def close(request: Request, working: Working) -> Response:
    fields = working.fields
    hazards = fields.get("hazards", "").replace(",", " ").split()
    if any(HAZARD.fullmatch(each) is None for each in hazards):
        return await _case(request, working, wrong={"hazards": "Name hazards by their number, such as H03 H11"})
    said = await parts.of(request).safety.close(
        working.staff,
        _number(request),
        found=fields.get("found", ""),
        hazards=hazards,
        words=fields.get("why", ""),
        **_how(working),
    )
    return await _after(request, working, said, "found-hazard")


async def _after(request: Request, working: Working, said: Refusal | None, field: str) -> Response:
    if said is None:
        return frame.to(f"{HOME}/reports/{_number(request)}")
    if said.kind != "reason-needed":
        return frame.refused(request, said, desk=DESK)
    return await _case(request, working, wrong={field: said.sentences[0]})


async def _case(
    request: Request, working: Working, *, wrong: dict[str, str] | None = None, person: PersonView | None = None
) -> Response:
    read = await parts.of(request).safety.read_case(working.staff, _number(request), **_how(working))
    if isinstance(read, Refusal):
        return frame.refused(request, read, desk=DESK)
    detail = read.case.detail
    return frame.draw(
        request,
        working,
        "desk/safety_case.html",
        case=_line(read.case, working),
        is_open=read.case.closed_at is None,
        facts=(
            ("Harmed", "yes" if detail.get("harm") else "no"),
            ("Could happen again", {"yes": "yes", "no": "no"}.get(str(detail.get("again")), "not known")),
            ("Reported by", f"{read.reporter}, {read.organisation}"),
            ("Page", str(detail.get("page") or "not known")),
            ("What was open", str(detail.get("reference") or "nothing in particular")),
        ),
        about_somebody=read.case.patient_key != 0,
        notes=[(each.words, f"{each.by_name}, {each.organisation}, {words.moment(each.at)}") for each in read.notes],
        person=person,
        found=FOUND,
        filled={name: working.fields.get(name, "") for name in ("because", "words", "why", "hazards", "found")},
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _line(case: Any, working: Working) -> ReportLine:
    due, is_late = privacy_words.due(case.due_at, working.at)
    names = {name: title for name, title, _ in FOUND}
    found = names.get(case.disposition.value, case.disposition.value) if case.disposition else ""
    digits = f"{case.id:016X}"
    return ReportLine(
        number=str(case.id),
        reference="-".join(digits[place : place + 4] for place in range(0, 16, 4)),
        sentence=case.sentence,
        reported=words.moment(case.opened_at),
        due=due,
        is_late=is_late and case.closed_at is None,
        found=found,
    )


def _how(working: Working) -> dict[str, Any]:
    return {"session": working.session.id, "at": working.at}


def _number(request: Request) -> int:
    text = str(request.path_params["case"])
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0


_CASE = f"{HOME}/reports/{{case}}"
routes: tuple[Route, ...] = (
    frame.page(HOME, list_cases, desk=DESK, summary="Safety problems that were reported; nobody is named."),
    frame.page(_CASE, show_case, desk=DESK, summary="One report: what happened, and what was found."),
    frame.form(f"{_CASE}/person", name_person, desk=DESK, summary="Names the person, for a reason that is witnessed."),
    frame.form(f"{_CASE}/note", write_note, desk=DESK, summary="Writes a note on a report."),
    frame.form(f"{_CASE}/close", close, desk=DESK, summary="Closes a report with what was found, and its hazards."),
)
