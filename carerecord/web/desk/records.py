"""The records desk: objections, what takes a removal, who saw what proved wrong, and a look as it was seen."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.model import Heading
from carerecord.routing import Route
from carerecord.stewardship.notices import parse_reference
from carerecord.stewardship.objections import Objection, Scope, State
from carerecord.stewardship.subject_access.due_rules import month_later
from carerecord.web import again, parts, words
from carerecord.web.desk import frame, two_people
from carerecord.web.desk.frame import Working
from carerecord.web.desk.guardian_views import STATES

DESK = "records"
HOME = f"/desk/{DESK}"
TABS = (
    ("Objections", HOME),
    ("Who saw it", f"{HOME}/recall"),
    ("As it was seen", f"{HOME}/replay"),
    ("Unsettled", f"{HOME}/unsettled"),
    ("Removals", f"{HOME}/removals"),
    ("Two people", f"{HOME}/proposals"),
    ("Subject access", f"{HOME}/subject-access"),
)
SCOPES = {Scope.WHOLE: "The whole record", Scope.ORGANISATION: "One organisation", Scope.HEADING: "One heading"}


class ObjectionLine(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    what: str
    state: str
    received: str
    decided: str
    reason: str
    due: str
    is_late: bool
    is_weighed: bool
    is_over: bool


async def list_objections(request: Request, working: Working) -> Response:
    return await _objections(request, working)


async def receive(request: Request, working: Working) -> Response:
    """Restricts at once. Whom it is about is found by number and birthday together, and named on no page."""
    fields, wrong = working.fields, {}
    try:
        born = date(*(int(fields.get(name, "")) for name in ("year", "month", "day")))
    except ValueError:
        return await _objections(request, working, {"day": "Give the date of birth, for example 15 3 1984"})
    scope = fields.get("scope", "")
    if scope not in set(Scope):
        return await _objections(request, working, {"scope": "Choose what they object to"})
    asking, how = parts.of(request).objections, _how(working)
    number = "".join(fields.get("nhs_number", "").split())
    found = await asking.find_person(working.staff, nhs_number=number, birth_date=born, **how)
    if isinstance(found, Refusal):
        wrong = {"nhs-number": found.sentences[0]}
        return await _objections(request, working, wrong)
    value = {Scope.ORGANISATION: fields.get("organisation", ""), Scope.HEADING: fields.get("heading", "")}
    said = await asking.receive(
        working.staff, patient_key=found, scope=Scope(scope), value=value.get(Scope(scope), ""), **how
    )
    if isinstance(said, Refusal):
        return await _objections(request, working, {"scope": said.sentences[0]})
    return frame.to(HOME)


async def decide(request: Request, working: Working) -> Response:
    asking, how = parts.of(request).objections, _how(working)
    number = parse_reference(working.fields.get("reference", "")) or 0
    reason, step = working.fields.get("reason", ""), working.fields.get("step", "")
    if step == "withdraw":
        said = await asking.withdraw(working.staff, objection_id=number, reason=reason, **how)
    else:
        said = await asking.decide(working.staff, objection_id=number, is_upheld=step == "uphold", reason=reason, **how)
    if isinstance(said, Refusal):
        field = f"reason-{working.fields.get('reference', '')}"
        return await _objections(request, working, {field: said.sentences[0]})
    return frame.to(HOME)


async def ask_recall(request: Request, working: Working) -> Response:
    return _recall(request, working)


async def recall(request: Request, working: Working) -> Response:
    fields = working.fields
    found = await parts.of(request).records.recall(
        working.staff,
        named=fields.get("named", ""),
        because=fields.get("because", ""),
        notify=fields.get("notify") == "yes",
        **_how(working),
    )
    if isinstance(found, Refusal):
        if found.kind != "reason-needed":
            return frame.refused(request, found, desk=DESK)
        field = "because" if len(fields.get("because", "").strip()) < 5 else "named"
        return _recall(request, working, wrong={field: found.sentences[0]})
    return _recall(request, working, found=found)


async def ask_replay(request: Request, working: Working) -> Response:
    return _replay(request, working)


async def replay(request: Request, working: Working) -> Response:
    """The page stands on this one answer and nowhere else: its reason is witnessed about that person first."""
    fields = working.fields
    stream, _, seq = fields.get("event", "").strip().partition("-")
    if not (stream.isascii() and stream.isdigit() and seq.isascii() and seq.isdigit() and len(stream + seq) < 19):
        return _replay(request, working, wrong={"event": "Give the number of the look, such as 3-120"})
    found = await parts.of(request).records.replay(
        working.staff, stream=int(stream), seq=int(seq), because=fields.get("because", ""), **_how(working)
    )
    if isinstance(found, Refusal):
        if found.kind != "reason-needed":
            return frame.refused(request, found, desk=DESK)
        field = "because" if len(fields.get("because", "").strip()) < 5 else "event"
        return _replay(request, working, wrong={field: found.sentences[0]})
    return _replay(request, working, found=found)


async def show_unsettled(request: Request, working: Working) -> Response:
    found = await parts.of(request).records.count_unsettled(working.staff, **_how(working))
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    rows = [(each.source, each.outcome, str(each.count), str(each.oldest)) for each in found]
    return frame.draw(request, working, "desk/records_unsettled.html", tabs=TABS, rows=rows)


async def _objections(request: Request, working: Working, wrong: dict[str, str] | None = None) -> Response:
    part = parts.of(request)
    found = await part.objections.list_objections(working.staff, only_weighed=False, **_how(working))
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    lines = [_line(each, part.region.organisation_name, on=working.at.date()) for each in found]
    filled = ("nhs_number", "day", "month", "year", "scope", "organisation", "heading", "reference", "reason")
    return frame.draw(
        request,
        working,
        "desk/records.html",
        tabs=TABS,
        weighed=[each for each in reversed(lines) if each.is_weighed],
        others=[each for each in lines if not each.is_weighed],
        scopes=[(scope.value, said) for scope, said in SCOPES.items()],
        organisations=[("", "–"), *((each.ods_code, each.name) for each in part.region.organisations)],
        headings=[("", "–"), *((heading.name, words.TITLES[heading]) for heading in Heading)],
        filled={name: working.fields.get(name, "") for name in filled},
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _recall(request: Request, working: Working, *, found: Any = None, wrong: dict[str, str] | None = None) -> Response:
    saw = [
        (
            words.moment(each.at),
            f"{each.role}, {each.organisation_name}",
            "seen" if each.how == "seen" else "sent to a program",
            each.what,
            f"{each.stream}-{each.seq}",
            "proven" if each.is_proven else "likely",
        )
        for each in (found.saw if found else ())
    ]
    told = [
        (
            each.name,
            str(each.people),
            str(each.programs),
            str(each.looks),
            each.reference or ("told before" if found.is_told else "not told yet"),
        )
        for each in (found.told if found else ())
    ]
    return frame.draw(
        request,
        working,
        "desk/records_recall.html",
        tabs=TABS,
        is_found=found is not None,
        is_told=bool(found and found.is_told),
        saw=saw,
        told=told,
        filled={name: working.fields.get(name, "") for name in ("named", "because")},
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _replay(request: Request, working: Working, *, found: Any = None, wrong: dict[str, str] | None = None) -> Response:
    drawn = again.draw(found) if found else None
    is_page = drawn is not None and drawn.content_type.startswith("text/html")
    verdict = ""
    if found:
        verdict = "The same page, byte for byte." if found.is_identical else "Not the same page, byte for byte."
    staff = found.looking.staff if found else None
    unavailable = found.unavailable if found else None
    missing = [
        f"{each.count} under {each.heading} of {each.source}, arrived from {words.moment(each.first_at)}"
        for each in (unavailable.arrived_since if unavailable else ())
    ]
    missing += [f"{count} under {heading}, withheld from this reader" for heading, count in
                (unavailable.withheld.items() if unavailable else ())]  # fmt: skip
    missing += list(unavailable.not_heard if unavailable else ())
    return frame.draw(
        request,
        working,
        "desk/records_replay.html",
        tabs=TABS,
        verdict=verdict,
        is_alarm=bool(found and found.is_alarm),
        seen_on=words.moment(found.shown_at) if found else "",
        seen_by=f"{staff.name}, {staff.role_name}, {staff.organisation_name}" if staff else "",
        reasons=found.reasons if found else (),
        missing=missing,
        digest=sha256(drawn.content).hexdigest() if drawn else "",
        page=drawn.content.decode() if drawn and is_page else "",
        kind=drawn.content_type if drawn and not is_page else "",
        filled={name: working.fields.get(name, "") for name in ("event", "because")},
        wrong=wrong or {},
        errors=list((wrong or {}).items()),
    )


def _line(each: Objection, name_of: Any, *, on: date) -> ObjectionLine:
    """UK GDPR Article 12(3): the person is told what became of it within a month of receipt."""
    due = month_later(each.received_at.date())
    what = SCOPES[each.scope]
    if each.scope is Scope.ORGANISATION:
        what = f"Sharing with {name_of(each.value)}"
    elif each.scope is Scope.HEADING:
        what = words.TITLES[Heading[each.value]]
    decided = f"{words.moment(each.decided_at)}, {each.decided_by}" if each.decided_at else ""
    return ObjectionLine(
        reference=each.reference,
        what=what,
        state=STATES[each.state.value],
        received=f"{words.moment(each.received_at)}, {each.received_by}",
        decided=decided,
        reason=each.reason,
        due=words.day(due),
        is_late=due < on,
        is_weighed=each.state is State.WEIGHED,
        is_over=each.state is State.WITHDRAWN,
    )


def _how(working: Working) -> dict[str, Any]:
    return {"session": working.session.id, "at": working.at}


routes: tuple[Route, ...] = (
    frame.page(HOME, list_objections, desk=DESK, summary="Objections: weighed, decided, withdrawn. Nobody is named."),
    frame.form(HOME, receive, desk=DESK, summary="Receives an objection, which restricts at once."),
    frame.form(f"{HOME}/decide", decide, desk=DESK, summary="Upholds, overrules or withdraws an objection."),
    frame.page(f"{HOME}/recall", ask_recall, desk=DESK, summary="Asks what proved wrong."),
    frame.form(f"{HOME}/recall", recall, desk=DESK, summary="Lists who saw it, and tells their organisations."),
    frame.page(f"{HOME}/replay", ask_replay, desk=DESK, summary="Asks which look is to be made again."),
    frame.form(f"{HOME}/replay", replay, desk=DESK, summary="Makes a look again, for a reason that is witnessed."),
    frame.page(f"{HOME}/unsettled", show_unsettled, desk=DESK, summary="How many messages wait, source by source."),
    *two_people.routes_of(DESK, TABS),
)
