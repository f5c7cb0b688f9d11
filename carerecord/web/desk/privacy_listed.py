"""The privacy desk's list of people whose record may draw the curious: by reasons and ends; who, only when asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.stewardship.listed import Listed
from carerecord.stewardship.notices import parse_reference
from carerecord.stewardship.privacy_values import NamedPerson
from carerecord.web import parts, words
from carerecord.web.desk import frame
from carerecord.web.desk.frame import Working
from carerecord.web.desk.privacy_views import person_view

DESK = "privacy"
HOME = f"/desk/{DESK}/listed"
FIELDS = ("nhs_number", "day", "month", "year", "why", "until_day", "until_month", "until_year", "reference", "because")
MONTH_MISSING = "Give the date of birth, for example 15 3 1984"
END_MISSING = "Give the last day on the list, for example 30 6 2027"


class ListedLine(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    because: str
    until: str
    added: str


async def show(request: Request, working: Working) -> Response:
    return await _list(request, working)


async def add(request: Request, working: Working) -> Response:
    """Whom it is about is found by number and birthday together, and named on no page."""
    fields = working.fields
    born, until = _date(fields, "day", "month", "year"), _date(fields, "until_day", "until_month", "until_year")
    wrong = {} if born else {"day": MONTH_MISSING}
    wrong |= {} if until else {"until-day": END_MISSING}
    if len(fields.get("why", "").strip()) < 5:
        wrong["why"] = "Say in a few words why: it is kept"
    if wrong or born is None or until is None:
        return await _list(request, working, wrong)
    added = await parts.of(request).listed.do(
        working.staff,
        lambda people: people.add(
            working.staff,
            nhs_number="".join(fields.get("nhs_number", "").split()),
            birth_date=born,
            because=fields.get("why", ""),
            until=until,
            **_how(working),
        ),
    )
    if isinstance(added, Refusal):
        field = "until-day" if "end date" in added.sentences[0] else "nhs-number"
        return await _list(request, working, {field: added.sentences[0]})
    return frame.to(HOME)


async def entry(request: Request, working: Working) -> Response:
    """Who it is stands on this one answer and nowhere else: asking for the page again names nobody."""
    fields = working.fields
    reference, because = fields.get("reference", ""), fields.get("because", "")
    number = parse_reference(reference) or 0
    desk = parts.of(request).listed
    if fields.get("step") == "remove":
        gone = await desk.do(
            working.staff,
            lambda people: people.remove(working.staff, number=number, because=because, **_how(working)),
        )
        if gone is None:
            return frame.to(HOME)
        return await _refused(request, working, gone)
    named = await desk.do(
        working.staff, lambda people: people.name_person(working.staff, number=number, because=because, **_how(working))
    )
    if isinstance(named, Refusal):
        return await _refused(request, working, named)
    return await _list(request, working, person=named)


async def _refused(request: Request, working: Working, said: Refusal) -> Response:
    if said.kind != "reason-needed":
        return frame.refused(request, said, desk=DESK)
    return await _list(request, working, {f"because-{working.fields.get('reference', '')}": said.sentences[0]})


async def _list(
    request: Request, working: Working, wrong: dict[str, str] | None = None, *, person: NamedPerson | None = None
) -> Response:
    part = parts.of(request)
    found = await part.listed.do(working.staff, lambda people: people.list_people(working.staff, **_how(working)))
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    return frame.draw(
        request,
        working,
        "desk/privacy_listed.html",
        status=422 if wrong else 200,
        lines=[_line(each, part.region.organisation_name(each.organisation)) for each in found],
        person=person_view(person) if person else None,
        named=working.fields.get("reference", ""),
        filled={name: working.fields.get(name, "") for name in FIELDS},
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _line(each: Listed, organisation: str) -> ListedLine:
    whose = organisation if each.organisation else "those who run the record"
    return ListedLine(
        reference=each.reference,
        because=each.because,
        until=words.day_of(each.until) if each.until else "it is taken off",
        added=f"listed {words.day_of(each.added_at)} by {each.added_by}, {whose}",
    )


def _date(fields: Mapping[str, str], *names: str) -> date | None:
    try:
        day, month, year = (int(fields.get(name, "")) for name in names)
        return date(year, month, day)
    except ValueError:
        return None


def _how(working: Working) -> dict[str, Any]:
    return {"session": working.session.id, "at": working.at}


routes = (
    frame.page(HOME, show, desk=DESK, summary="People whose record may draw the curious: by reasons, nobody named."),
    frame.form(HOME, add, desk=DESK, summary="Puts a person on the list, with a reason and an end."),
    frame.form(
        f"{HOME}/entry", entry, desk=DESK, summary="Says who an entry is about, or takes it off; witnessed first."
    ),
)
