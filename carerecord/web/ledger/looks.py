"""Who looked at this record: by day and organisation, newest first; and one look, with its proof and a question."""

from __future__ import annotations

from itertools import groupby
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.stewardship.ledger_values import Look, Month, Wanted
from carerecord.web import parts, words
from carerecord.web.desk import pictures
from carerecord.web.ledger import frame
from carerecord.web.ledger import words as said
from carerecord.web.ledger.frame import Owning

QUESTION_LETTERS_MAX = 1_000


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    at: str
    what: str
    proof: str


class LookLine(msgspec.Struct, frozen=True, kw_only=True):
    """One look as the page shows it."""

    ref: str
    who: str
    time: str
    purpose: str
    why: str
    route: str
    whats: tuple[str, ...]
    headings: tuple[str, ...]
    is_emergency: bool
    reason: str
    told: str
    steps: tuple[StepLine, ...]
    asked: str
    question: str
    answer: str
    answered: str


class OfOrganisation(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    looks: tuple[LookLine, ...]


class Day(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    organisations: tuple[OfOrganisation, ...]


async def list_looks(request: Request, owning: Owning) -> Response:
    wanted = _wanted(request)
    shown = await parts.of(request).ledger.read(owning.own, wanted)
    if isinstance(shown, Refusal):
        return frame.refused(request, shown, heading="Let us talk first", back=(frame.HOME, "Back to the start"))
    return frame.draw(
        request,
        "ledger/looks.html",
        here="looks",
        owning=owning,
        days=_days(shown.looks),
        counts=(
            (words.counted(shown.seen, "look by a person", "looks by people"), _address(wanted, is_sent=False)),
            (f"Sent to computer systems {words.counted(shown.sent, 'time')}", _address(wanted, is_sent=True)),
        ),
        is_sent=wanted.is_sent,
        picture=_picture(shown.months),
        months=tuple((f"{said.MONTHS_SHORT[m.first.month]} {m.first.year}", m.seen, m.sent) for m in shown.months),
        organisations=tuple((code, name, code == wanted.organisation) for code, name in shown.organisations),
        spans=tuple((count, name, count == wanted.months) for count, name in said.SPANS.items()),
        is_narrowed=bool(wanted.organisation),
        page=shown.page,
        pages=shown.pages,
        newer=_address(wanted, page=shown.page - 1) if shown.page > 1 else "",
        older=_address(wanted, page=shown.page + 1) if shown.page < shown.pages else "",
        own=tuple(words.moment(at) for at in shown.own),
        stewards=tuple(
            f"{words.moment(look.at)}: {said.who(look)}, {look.organisation_name}" for look in shown.stewards
        ),
        news=f"{words.counted(shown.news, 'time')}" if shown.news else "",
        emergencies=sum(look.is_emergency for look in shown.looks),
    )


async def list_as_json(request: Request, owning: Owning) -> Response:
    """The same, for a program that the person chooses: its schema stands in docs/reference/ledger.md."""
    shown = await parts.of(request).ledger.read(owning.own, _wanted(request))
    if isinstance(shown, Refusal):
        return _json(msgspec.json.encode({"sentences": shown.sentences}), status=403)
    return _json(msgspec.json.encode(shown))


async def show_look(request: Request, owning: Owning, *, wrong: str = "", words_given: str = "") -> Response:
    found = await parts.of(request).ledger.find_look(owning.own, request.path_params["ref"])
    if isinstance(found, Refusal):
        return frame.refused(request, found)
    return frame.draw(
        request,
        "ledger/look.html",
        owning=owning,
        status=400 if wrong else 200,
        look=_line(found),
        day=words.day_of(found.at),
        organisation=found.organisation_name,
        is_sent=found.is_sent,
        wrong=wrong,
        words_given=words_given,
    )


async def prove(request: Request, owning: Owning) -> Response:
    """A file that anybody can check with the record's public key, without this record."""
    proof = await parts.of(request).ledger.prove(owning.own, request.path_params["ref"])
    if isinstance(proof, Refusal):
        return frame.refused(request, proof)
    if not proof.file:
        said_now = Refusal(kind="not-found", sentences=(proof.sentence,))
        return frame.refused(request, said_now, heading="There is no proof yet")
    return Response(
        proof.file,
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="proof-of-a-look.json"'},
    )


async def ask(request: Request, owning: Owning) -> Response:
    given = owning.fields.get("words", "")[:QUESTION_LETTERS_MAX]
    asked = await parts.of(request).ledger.ask(owning.own, request.path_params["ref"], words=given)
    if isinstance(asked, Refusal):
        return frame.refused(request, asked)
    return frame.draw(request, "ledger/asked.html", owning=owning)


# --- Inside ---------------------------------------------------------------------------------------------------------


def _wanted(request: Request) -> Wanted:
    asked = request.query_params
    return Wanted(
        is_sent=asked.get("kind") == "sent",
        organisation=asked.get("organisation", "")[:20],
        months=_number(asked.get("months"), 12),
        page=_number(asked.get("page"), 1),
    )


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and text.isascii() and len(text) <= 4 else default


def _address(wanted: Wanted, *, is_sent: bool | None = None, page: int = 1) -> str:
    asked = {
        "kind": "sent" if (wanted.is_sent if is_sent is None else is_sent) else "",
        "organisation": wanted.organisation,
        "months": str(wanted.months) if wanted.months != 12 else "",
        "page": str(page) if page != 1 else "",
    }
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{frame.LOOKS}?{query}" if query else frame.LOOKS


def _days(looks: tuple[Look, ...]) -> tuple[Day, ...]:
    days = []
    for name, of_day in groupby(looks, key=lambda look: words.day_of(look.at)):
        by_organisation: dict[str, list[LookLine]] = {}
        for look in of_day:
            by_organisation.setdefault(look.organisation_name, []).append(_line(look))
        found = tuple(OfOrganisation(name=each, looks=tuple(lines)) for each, lines in by_organisation.items())
        days.append(Day(name=name, organisations=found))
    return tuple(days)


def _line(look: Look) -> LookLine:
    question = look.question
    return LookLine(
        ref=look.ref,
        who=said.who(look),
        time=said.clock_time(look),
        purpose=said.PURPOSES.get(look.purpose, "To care for you"),
        why=said.why(look),
        route=said.ROUTES.get(look.route, ""),
        whats=tuple(dict.fromkeys(said.what(step.what) for step in look.steps)),
        headings=said.headings(look),
        is_emergency=look.is_emergency,
        reason=said.emergency_reason(look.reason) if look.is_emergency else "",
        told=words.day_of(look.told_at) if look.told_at else "",
        steps=tuple(
            StepLine(at=words.moment(step.at), what=said.what(step.what), proof=f"{frame.LOOKS}/{step.ref}/proof")
            for step in look.steps
        ),
        asked=words.day_of(question.asked_at) if question else "",
        question=question.words if question else "",
        answer=question.answer if question else "",
        answered=f"{question.answered_by}, {words.day_of(question.answered_at)}"
        if question and question.answered_at
        else "",
    )


def _picture(months: tuple[Month, ...]) -> Markup:
    rows = [
        (f"{said.MONTHS_SHORT[each.first.month]} {each.first.year % 100:02}", each.seen + each.sent, each.seen)
        for each in months
    ]
    label = "How often your record was looked at by people (dark) and sent to computer systems (light), by month"
    return pictures.weeks(rows, label=label)


def _json(content: bytes, *, status: int = 200) -> Response:
    return Response(content, status_code=status, media_type="application/json")


_LOOK = f"{frame.LOOKS}/{{ref}}"
routes: tuple[Route, ...] = (
    frame.page(frame.LOOKS, list_looks, summary="Who looked at this person's record, and to whom it was sent."),
    frame.page(f"{frame.LOOKS}.json", list_as_json, summary="The same as JSON."),
    frame.page(_LOOK, show_look, summary="One look: each step with its proof, and a question about it."),
    frame.page(f"{_LOOK}/proof", prove, summary="A proof, to be verified offline, that an entry is as it was sealed."),
    frame.form(f"{_LOOK}/question", ask, summary="Asks the organisation that looked why it did."),
)
