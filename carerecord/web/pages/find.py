"""Find a person: by NHS number and date of birth together, never by one alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Found, Refusal
from carerecord.model import Evidence, EvidenceClass, NHSNumber, NotAnNHSNumber, Purpose
from carerecord.signin import SEARCH_COSTS, Session, find_staff_session
from carerecord.web import drawing, parts, words
from carerecord.web.pages import chart, refusal
from carerecord.web.security import read_form
from carerecord.web.views import Frame, Person

FIELDS = ("nhs_number", "day", "month", "year")
NUMBER_MISSING = "Enter the NHS number"
NUMBER_WRONG = "Check the NHS number: it has 10 digits, and one of these does not fit the others"
BORN_MISSING = "Enter the date of birth, with day, month and year"
BORN_WRONG = "Check the date of birth: there is no such day"
BORN_LATER = "Check the date of birth: it is in the future"


async def ask(request: Request) -> Response:
    session = await _session(request, at=parts.of(request).clock())
    if session is None:
        return refusal.ended(request)
    return _page(request, session, filled=dict.fromkeys(FIELDS, ""), wrong={})


async def find(request: Request) -> Response:
    part = parts.of(request)
    fields = await read_form(request, part.settings)
    at = part.clock()
    session = await _session(request, at=at, cost=SEARCH_COSTS)
    if session is None:
        return refusal.ended(request)
    filled = {field: fields.get(field, "").strip()[:40] for field in FIELDS}
    nhs_number, birth_date, wrong = read_asked(filled, today=at.astimezone(words.ZONE).date())
    if nhs_number is None or birth_date is None:
        return _page(request, session, filled=filled, wrong=wrong)
    found = await part.door.find(
        session.staff, nhs_number=nhs_number, birth_date=birth_date, route=session.route, session=session.id, at=at
    )
    if isinstance(found, Refusal):
        return refusal.show(request, found, back=("/find", "Search again"))
    if fields.get("open") == "yes":
        return await _open(request, session, found, at=at)
    return _found_page(request, session, found, filled)


def read_asked(filled: Mapping[str, str], *, today: date) -> tuple[NHSNumber | None, date | None, dict[str, str]]:
    """What was asked for, or what to mend: sentences by the id of the field they belong to."""
    wrong: dict[str, str] = {}
    nhs_number = birth_date = None
    try:
        nhs_number = NHSNumber.parse(filled["nhs_number"])
    except NotAnNHSNumber:
        wrong["nhs-number"] = NUMBER_WRONG if filled["nhs_number"] else NUMBER_MISSING
    given = [filled["year"], filled["month"], filled["day"]]
    if not all(given):
        wrong["day"] = BORN_MISSING
        return nhs_number, None, wrong
    try:
        year, month, day = (int(part) for part in given if part.isascii() and part.isdigit() and len(part) <= 4)
        birth_date = date(year, month, day)
    except ValueError:
        wrong["day"] = BORN_WRONG
        return nhs_number, None, wrong
    if birth_date > today or year < 1850:
        wrong["day"] = BORN_LATER if birth_date > today else BORN_WRONG
        birth_date = None
    return nhs_number, birth_date, wrong


async def _session(request: Request, *, at: datetime, cost: float = 1) -> Session | None:
    return await find_staff_session(parts.of(request).sessions, request.cookies, at=at, cost=cost)


async def _open(request: Request, session: Session, found: Found, *, at: datetime) -> Response:
    """A chart of its own, resting on nothing yet: the door will ask for a reason."""
    new = await parts.of(request).sessions.create_patient(
        session.staff,
        patient_key=found.patient_key,
        evidence=Evidence(kind=EvidenceClass.NONE),
        purpose=Purpose.TREAT,
        route=session.route,
        at=at,
        parent=session,
    )
    return chart.enter(request, new, at=at)


def _frame(request: Request, session: Session) -> Frame:
    region = parts.of(request).region
    return Frame(title=region.title, phone=region.phone, reader=chart.reader(session.staff))


def _page(request: Request, session: Session, *, filled: Mapping[str, str], wrong: Mapping[str, str]) -> Response:
    return drawing.page(
        "pages/find.html",
        frame=_frame(request, session),
        status=422 if wrong else 200,
        filled=filled,
        wrong=wrong,
        errors=list(wrong.items()),
    )


def _found_page(request: Request, session: Session, found: Found, filled: Mapping[str, str]) -> Response:
    return drawing.page(
        "pages/found.html",
        frame=_frame(request, session),
        person=Person(
            name=found.name,
            born=words.day(found.birth_date) if found.birth_date else "not known",
            nhs_number=found.nhs_number or "not known",
        ),
        filled=filled,
    )
