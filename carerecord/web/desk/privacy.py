"""The privacy desk: cases to look at, one case, how good the rules are, and what this organisation was told."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.stewardship.privacy_values import NamedPerson, Wanted
from carerecord.web import parts, words
from carerecord.web.desk import frame, pictures
from carerecord.web.desk import privacy_words as said
from carerecord.web.desk.frame import Working
from carerecord.web.desk.privacy_views import (
    Concerned,
    NoticeLine,
    address,
    case_line,
    case_view,
    concerned_view,
    filters,
    hours,
    month,
    person_view,
    rule_line,
    unlisted,
)
from carerecord.web.pages import refusal

DESK = "privacy"
HOME = f"/desk/{DESK}"


async def list_cases(request: Request, working: Working) -> Response:
    asked = request.query_params
    wanted = Wanted(
        is_open=asked.get("state") != "closed",
        kind=asked.get("kind", "")[:40],
        rule=asked.get("rule", "")[:60],
        organisation=asked.get("organisation", "")[:20],
    )
    listed = await parts.of(request).privacy.list_cases(
        working.staff, wanted, session=working.session.id, at=working.at
    )
    if isinstance(listed, Refusal):
        return refusal.show(request, listed)
    region = parts.of(request).region
    return frame.draw(
        request,
        working,
        "desk/privacy.html",
        figures=(
            ("Open cases", listed.open_count, False),
            ("Late", listed.late_count, listed.late_count > 0),
            ("Raised since yesterday", listed.new_count, False),
        ),
        cases=tuple(
            case_line(case, organisation=region.organisation_name(case.organisation), at=working.at)
            for case in listed.cases
        ),
        filters=filters(listed, wanted, region.organisation_name),
        open_address=address(wanted, state="open"),
        closed_address=address(wanted, state="closed"),
        is_open=wanted.is_open,
        is_narrowed=bool(wanted.kind or wanted.rule or wanted.organisation),
        unlisted=unlisted(listed, wanted),
    )


async def show_case(request: Request, working: Working) -> Response:
    return await _case(request, working)


async def name_reader(request: Request, working: Working) -> Response:
    return await _case(request, working, names_reader=True, because=working.fields.get("because", ""))


async def name_person(request: Request, working: Working) -> Response:
    """Who it is about stands on this one answer and nowhere else: asking for the page again names nobody."""
    number = _number(request)
    named = await parts.of(request).privacy.name_person(
        working.staff, number, because=working.fields.get("because", ""), session=working.session.id, at=working.at
    )
    if isinstance(named, Refusal) and named.kind != "reason-needed":
        return frame.refused(request, named, desk=DESK)
    if isinstance(named, Refusal):
        return await _case(request, working, wrong={"because-person": named.sentences[0]})
    return await _case(request, working, person=named)


async def write_note(request: Request, working: Working) -> Response:
    refused = await parts.of(request).privacy.write_note(
        working.staff,
        _number(request),
        words=working.fields.get("words", ""),
        session=working.session.id,
        at=working.at,
    )
    if refused is not None and refused.kind == "reason-needed":
        return await _case(request, working, wrong={"words": refused.sentences[0]})
    return _back(request, refused)


async def share(request: Request, working: Working) -> Response:
    return _back(
        request,
        await parts.of(request).privacy.share(
            working.staff,
            _number(request),
            organisation=working.fields.get("organisation", "")[:20],
            session=working.session.id,
            at=working.at,
        ),
    )


async def close(request: Request, working: Working) -> Response:
    disposition, why = working.fields.get("disposition", ""), working.fields.get("why", "")
    wrong = {}
    if disposition not in said.FOUND:
        wrong["found-appropriate"] = "Choose what you found"
    if not why.strip():
        wrong["why"] = "Say in a few words why"
    if wrong:
        return await _case(request, working, wrong=wrong)
    return _back(
        request,
        await parts.of(request).privacy.close(
            working.staff,
            _number(request),
            disposition=disposition,
            words=why,
            session=working.session.id,
            at=working.at,
        ),
    )


async def reopen(request: Request, working: Working) -> Response:
    """What was found was wrong, or something new came: it counts no longer, and stays among the notes."""
    refused = await parts.of(request).privacy.reopen(
        working.staff,
        _number(request),
        words=working.fields.get("again", ""),
        session=working.session.id,
        at=working.at,
    )
    if refused is not None and refused.kind == "reason-needed":
        return await _case(request, working, wrong={"again": refused.sentences[0]})
    return _back(request, refused)


async def show_rules(request: Request, working: Working) -> Response:
    """How good the rules are: of what each raised, how much was found inappropriate."""
    record = await parts.of(request).privacy.read_record(working.staff, at=working.at)
    if isinstance(record, Refusal):
        return refusal.show(request, record)
    rules = tuple(rule_line(each, said.rule(each.name)) for each in record.rules)
    weeks = [(words.day(monday)[:6], count, found) for monday, count, found in record.weeks]
    return frame.draw(
        request,
        working,
        "desk/privacy_rules.html",
        rules=rules,
        months=tuple(rule_line(each, month(each.name)) for each in reversed(record.months)),
        weeks=tuple((words.day(monday), count, found) for monday, count, found in reversed(record.weeks)),
        weeks_picture=pictures.weeks(weeks, label=f"Cases raised in each of {words.counted(len(weeks), 'week')}"),
        rules_picture=pictures.shares(
            [(line.name, each.share, line.share) for line, each in zip(rules, record.rules, strict=True)],
            label="Share of judged cases found inappropriate, by rule",
        ),
        median="" if record.median_hours is None else hours(record.median_hours),
    )


async def list_notices(request: Request, working: Working) -> Response:
    return await _notices(request, working)


async def _notices(request: Request, working: Working, concerned: Concerned | None = None) -> Response:
    told = await parts.of(request).privacy.list_notices(working.staff, at=working.at)
    if isinstance(told, Refusal):
        return refusal.show(request, told)
    return frame.draw(
        request,
        working,
        "desk/privacy_notices.html",
        notices=tuple(
            NoticeLine(
                reference=notice.reference,
                sentence=notice.sentence,
                at=words.moment(notice.created_at),
                read=words.moment(notice.read_at) if notice.read_at else "",
                is_case=bool(notice.detail.get("case")),
                is_objection=notice.kind == "objection",
            )
            for notice in told
        ),
        organisation=working.staff.organisation_name,
        concerned=concerned,
    )


async def read_notice(request: Request, working: Working) -> Response:
    """On to a case; of an objection, whom it concerns: that stands on this one answer and nowhere else."""
    if reference := working.fields.get("objection", "")[:40]:
        read = await parts.of(request).objections.read_notice(
            working.staff, reference=reference, session=working.session.id, at=working.at
        )
        if isinstance(read, Refusal):
            return frame.refused(request, read, desk=DESK)
        return await _notices(request, working, concerned_view(read, parts.of(request).region.organisation_name))
    case = await parts.of(request).privacy.read_notice(
        working.staff, working.fields.get("reference", "")[:40], session=working.session.id, at=working.at
    )
    if isinstance(case, Refusal):
        return frame.refused(request, case, desk=DESK)
    return frame.to(f"{HOME}/cases/{case}" if case else f"{HOME}/notices")


async def _case(
    request: Request,
    working: Working,
    *,
    names_reader: bool = False,
    because: str = "",
    person: NamedPerson | None = None,
    wrong: dict[str, str] | None = None,
) -> Response:
    read = parts.of(request).privacy.read_case
    number, session, at = _number(request), working.session.id, working.at
    file = await read(working.staff, number, names_reader=names_reader, because=because, session=session, at=at)
    if isinstance(file, Refusal) and file.kind == "reason-needed":
        wrong = {"because-reader": file.sentences[0]}
        file = await read(working.staff, number, session=session, at=at)
    if isinstance(file, Refusal):
        return frame.refused(request, file, desk=DESK)
    return frame.draw(
        request,
        working,
        "desk/privacy_case.html",
        status=422 if wrong else 200,
        case=case_view(file, at=at),
        person=person_view(person) if person else None,
        filled={field: working.fields.get(field, "") for field in ("words", "why", "disposition", "because")},
        found=[(name, title, hint) for name, (title, hint) in said.FOUND.items()],
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _back(request: Request, refused: Refusal | None) -> Response:
    if refused is not None:
        return frame.refused(request, refused, desk=DESK)
    return frame.to(f"{HOME}/cases/{_number(request)}")


def _number(request: Request) -> int:
    """The case in the address; 0, which is no case, for whatever is no number."""
    text = str(request.path_params["case"])
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0


_CASE = f"{HOME}/cases/{{case}}"
routes: tuple[Route, ...] = (
    frame.page(HOME, list_cases, desk=DESK, summary="The cases that this desk looks at; nobody is named."),
    frame.page(f"{HOME}/rules", show_rules, desk=DESK, summary="How often each rule was right, and cases by week."),
    frame.page(f"{HOME}/notices", list_notices, desk=DESK, summary="What this officer's organisation was told."),
    frame.form(
        f"{HOME}/notices", read_notice, desk=DESK, summary="Opens a notice by its reference, and marks it read."
    ),
    frame.page(_CASE, show_case, desk=DESK, summary="One case: why it was raised, and what its reader did around it."),
    frame.form(f"{_CASE}/reader", name_reader, desk=DESK, summary="Names the reader, for a reason that is witnessed."),
    frame.form(f"{_CASE}/person", name_person, desk=DESK, summary="Names the person, for a reason that is witnessed."),
    frame.form(f"{_CASE}/note", write_note, desk=DESK, summary="Writes a note on a case."),
    frame.form(f"{_CASE}/share", share, desk=DESK, summary="Shares a case with the other organisation's desk."),
    frame.form(f"{_CASE}/close", close, desk=DESK, summary="Closes a case with what was found."),
    frame.form(f"{_CASE}/reopen", reopen, desk=DESK, summary="Opens a closed case again; what was found stays noted."),
)
