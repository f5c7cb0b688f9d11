"""The privacy desk and the ledgers of persons: their questions, and what is held to keep somebody safe."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.stewardship.ledger_values import HoldKind
from carerecord.web import parts, words
from carerecord.web.desk import frame
from carerecord.web.desk.frame import Working

DESK = "privacy"
HERE = f"/desk/{DESK}/ledger"
KINDS = {
    HoldKind.LEDGER: "A person’s whole list (name their case)",
    HoldKind.ORGANISATION: "The looks of one organisation at a person (name their case)",
    HoldKind.STAFF: "The looks of one member of staff",
    HoldKind.NAME: "The name of one member of staff, given to nobody who asks",
}


class QuestionLine(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    asked: str
    organisation: str
    words: str
    answer: str


class HoldLine(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    kind: str
    value: str
    because: str
    set_by: str


async def show(request: Request, working: Working, *, wrong: str = "") -> Response:
    part, staff = parts.of(request), working.staff
    questions = await part.ledger_desk.list_questions(staff, session=working.session.id, at=working.at)
    holds = await part.ledger_desk.list_holds(staff, session=working.session.id, at=working.at)
    name_of = part.region.organisation_name
    if isinstance(questions, Refusal):
        return frame.refused(request, questions, desk=DESK)
    if isinstance(holds, Refusal):
        return frame.refused(request, holds, desk=DESK)
    return frame.draw(
        request,
        working,
        "desk/privacy_ledger.html",
        status=400 if wrong else 200,
        wrong=wrong,
        filled={name: working.fields.get(name, "") for name in ("words", "kind", "case", "value", "because")},
        filled_at=str(next(iter(request.path_params.values()), "")),  # "": the form that holds something
        questions=tuple(
            QuestionLine(
                number=str(each.id),
                asked=words.moment(each.asked_at),
                organisation=part.region.organisation_name(each.organisation),
                words=each.words,
                answer=each.answer,
            )
            for each in questions
        ),
        holds=tuple(
            HoldLine(
                number=str(each.id),
                kind=KINDS[each.kind].partition(" (")[0],
                value=each.value,
                because=each.because,
                set_by=", ".join(
                    filter(
                        None, (each.set_by, each.organisation and name_of(each.organisation), words.day_of(each.set_at))
                    )
                ),
            )
            for each in holds
        ),
        kinds=tuple((kind.value, name) for kind, name in KINDS.items()),
    )


async def answer(request: Request, working: Working) -> Response:
    refused = await parts.of(request).ledger_desk.answer(
        working.staff,
        _number(request.path_params["question"]),
        words=working.fields.get("words", ""),
        session=working.session.id,
        at=working.at,
    )
    return await _done(request, working, refused)


async def set_hold(request: Request, working: Working) -> Response:
    fields, case = working.fields, working.fields.get("case", "").strip()
    if fields.get("kind") not in set(HoldKind):
        return await show(request, working, wrong="Choose what is held")
    held = await parts.of(request).ledger_desk.set_hold(
        working.staff,
        kind=HoldKind(fields["kind"]),
        value=fields.get("value", "")[:64],
        case_id=_number(case) if case else None,
        because=fields.get("because", ""),
        session=working.session.id,
        at=working.at,
    )
    return await _done(request, working, held if isinstance(held, Refusal) else None)


async def lift_hold(request: Request, working: Working) -> Response:
    refused = await parts.of(request).ledger_desk.lift_hold(
        working.staff,
        _number(request.path_params["hold"]),
        because=working.fields.get("because", ""),
        session=working.session.id,
        at=working.at,
    )
    return await _done(request, working, refused)


async def _done(request: Request, working: Working, refused: Refusal | None) -> Response:
    if refused is None:
        return frame.to(HERE)
    if refused.kind == "unavailable":
        return frame.refused(request, refused, desk=DESK)
    return await show(request, working, wrong=refused.sentences[0])


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= 18 + 1 and int(text) < 2**63 else 0


routes = (
    frame.page(HERE, show, desk=DESK, summary="Questions of persons about looks, and what is held from their ledgers."),
    frame.form(f"{HERE}/questions/{{question}}", answer, desk=DESK, summary="Answers a person's question."),
    frame.form(f"{HERE}/holds", set_hold, desk=DESK, summary="Holds something from a ledger."),
    frame.form(f"{HERE}/holds/{{hold}}/lift", lift_hold, desk=DESK, summary="Holds it no longer."),
)
