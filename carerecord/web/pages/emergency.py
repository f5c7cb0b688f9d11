"""Emergency access (break-glass): declared by the reader for one person and a stated time, and looked at afterwards.

HL7 v3 PurposeOfUse BTG; NHS: "legitimate relationship, self-claimed". Whoever may not declare it is told whom to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from carerecord.disclosure import Refusal
from carerecord.model import Evidence, EvidenceClass
from carerecord.signin import EMERGENCY_HOURS, Session, may_declare_emergency
from carerecord.web import drawing, parts, words
from carerecord.web.emergency import REASONS, line, read_asked
from carerecord.web.pages import chart, refusal
from carerecord.web.security import read_form


async def ask(request: Request) -> Response:
    at = parts.of(request).clock()
    session = await chart.find_session(request, at=at)
    if session is None:
        return refusal.ended(request)
    if not may_declare_emergency(session.staff):
        return may_not(request, session)
    if session.emergency_until is not None:
        return _to_summary(session)
    return _page(request, session, is_rehearsal=request.query_params.get("rehearse") == "yes", fields={}, wrong={})


async def declare(request: Request) -> Response:
    """Witness and case first, then the access itself: nobody is let in before the privacy desk knows."""
    part = parts.of(request)
    fields = await read_form(request, part.settings)
    at = part.clock()
    session = await chart.find_session(request, at=at)
    if session is None:
        return refusal.ended(request)
    if not may_declare_emergency(session.staff):
        return may_not(request, session)
    is_rehearsal = fields.get("rehearsal") == "yes"
    asked = read_asked(fields)
    if asked.wrong:
        return _page(request, session, is_rehearsal=is_rehearsal, fields=fields, wrong=asked.wrong)
    until = at + timedelta(hours=asked.hours)
    evidence = Evidence(
        kind=EvidenceClass.EMERGENCY,
        id=asked.code,
        start=at.isoformat(),
        place=session.evidence.place,
        said_by="reader",
        reason=asked.words,
        called=session.evidence.called,
    )
    declared = await part.door.declare_emergency(
        chart.looking(session, at=at), evidence=evidence, until=until, is_rehearsal=is_rehearsal
    )
    if isinstance(declared, Refusal):
        return chart.refused(request, session, declared)
    if is_rehearsal:
        return _rehearsed(request, session, evidence=evidence, until=until, at=at)
    await part.sessions.begin_emergency(session, evidence=evidence, until=until, at=at)
    return _to_summary(session)


async def end(request: Request) -> Response:
    """Ends it before its time: from now on what the evidence allows, and no more."""
    part = parts.of(request)
    await read_form(request, part.settings)
    at = part.clock()
    session = await chart.find_session(request, at=at)
    if session is None:
        return refusal.ended(request)
    if await part.sessions.end_emergency(session, at=at):
        # It is over whether or not this can be written down now.
        await part.door.witness_event(
            "declared",
            staff=session.staff,
            route=session.route,
            session=session.id,
            at=at,
            patient_key=session.patient_key or 0,
            evidence=session.evidence,
            purpose=session.purpose,
            detail={"what": "ended"},
        )
    return _to_summary(session)


def may_not(request: Request, session: Session) -> Response:
    """Care must not wait for a right that is not there: who can open it, and whom to phone."""
    region = parts.of(request).region
    said = Refusal(
        kind="not-allowed",
        sentences=(
            f"Your role ({session.staff.role_name}) may not declare emergency access, so nothing was opened.",
            "If somebody needs this record now, ask the doctor, nurse or paramedic who is treating this person: "
            "they can open it under their own name.",
            "If you think your role should be able to, ask your organisation’s privacy officer.",
        ),
        phone=region.phone,
    )
    heading = "You cannot declare emergency access"
    return refusal.show(request, said, heading=heading, frame=chart.frame(request, session))


def _to_summary(session: Session) -> Response:
    return RedirectResponse(f"{chart.base(session.id)}/summary", status_code=303)


def _page(
    request: Request, session: Session, *, is_rehearsal: bool, fields: Mapping[str, str], wrong: Mapping[str, str]
) -> Response:
    return drawing.page(
        "pages/emergency.html",
        frame=chart.frame(request, session),
        status=422 if wrong else 200,
        is_rehearsal=is_rehearsal,
        reasons=REASONS,
        hours=[(each, _hours(each)) for each in EMERGENCY_HOURS],
        filled={field: fields.get(field, "") for field in ("reason", "words", "hours", "confirmed")},
        told_after=_told_after(parts.of(request).region.tell_after_days),
        wrong=wrong,
        errors=list(wrong.items()),
    )


def _told_after(days: int) -> str:
    return f"after {words.counted(days, 'day')}" if days else "within minutes"


def _hours(number: int) -> str:
    return "12 hours, a whole shift" if number == EMERGENCY_HOURS[-1] else words.counted(number, "hour")


def _rehearsed(request: Request, session: Session, *, evidence: Evidence, until: datetime, at: datetime) -> Response:
    return drawing.page(
        "pages/emergency_rehearsed.html",
        frame=chart.frame(request, session),
        rehearsed=line(evidence, until=until, at=at),
    )
