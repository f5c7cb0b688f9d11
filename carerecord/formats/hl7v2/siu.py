"""SIU S12 to S17, S26: an appointment, as Appointment (HL7 v2, chapter 10). https://hl7.org/fhir/R4/appointment.html"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from carerecord.formats.hl7v2.allergies import read_allergies
from carerecord.formats.hl7v2.codes import ACT_PARTICIPATION, FILLER, PLACER
from carerecord.formats.hl7v2.datatypes import Concept, concept, name_of_person, place
from carerecord.formats.hl7v2.diagnoses import read_diagnoses
from carerecord.formats.hl7v2.grammar import Segment, value
from carerecord.formats.hl7v2.instants import Instant, instant_text, parse_instant
from carerecord.formats.hl7v2.observations import words_of
from carerecord.formats.hl7v2.stays import encounter_reference
from carerecord.formats.hl7v2.translating import DATA_ABSENT, Translating
from carerecord.model import Heading, Standing, Subject

# Booked, moved, changed, cancelled, discontinued, deleted, did not attend: what the event says by itself.
_STATUSES = {
    "S12": "booked",
    "S13": "booked",
    "S14": "booked",
    "S15": "cancelled",
    "S16": "cancelled",
    "S17": "entered-in-error",
    "S26": "noshow",
}
EVENTS = frozenset(_STATUSES)
# SCH-25 (table 0278), which says more of an appointment that is booked, moved or changed
_FILLER_STATUSES = {
    "PENDING": "pending",
    "WAITLIST": "waitlist",
    "BOOKED": "booked",
    "OVERBOOK": "booked",
    "STARTED": "arrived",
    "COMPLETE": "fulfilled",
    "COMPLETED": "fulfilled",
    "CANCELLED": "cancelled",
    "CANCELED": "cancelled",
    "DC": "cancelled",
    "DELETED": "entered-in-error",
    "NOSHOW": "noshow",
}
_STANDINGS = {
    "arrived": Standing.CURRENT,
    "fulfilled": Standing.RESOLVED,
    "noshow": Standing.RESOLVED,
    "cancelled": Standing.CANCELLED,
    "entered-in-error": Standing.ENTERED_IN_ERROR,
}  # anything else is PLANNED
EVENT_REASON = "urn:carerecord:event-reason"
_UNITS = {"M": 60, "MIN": 60, "MINS": 60, "MINUTE": 60, "MINUTES": 60, "S": 1, "SEC": 1, "H": 3600, "HR": 3600}
_UNITS |= {"": 60, "HOUR": 3600, "HOURS": 3600, "SECONDS": 1, "D": 86_400}
_MINUTES_MAX = 366 * 24 * 60
# Segment and field: where a resource of the appointment says when it is needed.
_BEGINNINGS = (("AIS", 4), ("AIP", 6), ("AIL", 6), ("AIG", 8))
_DURATIONS = (("SCH", 9), ("AIS", 7), ("AIP", 9), ("AIL", 9), ("AIG", 11))


def read_appointment(translating: Translating, subject: Subject, *, event: str) -> None:
    """State the one appointment of a message, with all its resources, and what else it says of the patient."""
    message = translating.message
    sch = message.find("SCH")
    if sch is None:
        sentence = "There is no SCH: a message about an appointment must say which."
        translating.problem("SCH", "required", sentence, fatal=True)
        return
    start, end = _times(translating, sch)
    local = _own_id(translating, sch, subject, start)
    if local is None:
        sentence = "SCH-2 (filler appointment id) is missing, and SCH-1 and the time too: send SCH-2."
        translating.problem("SCH-2", "required", sentence, fatal=True)
        return
    status = _status(translating, sch, event)
    body: dict[str, Any] = {"resourceType": "Appointment", "id": local}
    if identifiers := _identifiers(translating, sch):
        body["identifier"] = identifiers
    body["status"] = status
    code = _describe(translating, body, sch, is_over=status in {"cancelled", "noshow"})
    _say_when(translating, body, start, end)
    if participants := _participants(translating, is_certain=status not in {"pending", "waitlist"}):
        body["participant"] = participants
    translating.state(
        body,
        heading=Heading.APPOINTMENTS,
        code=code,
        happened_at=start.at if start else None,
        standing=_STANDINGS.get(status, Standing.PLANNED),
    )
    read_allergies(translating)
    read_diagnoses(translating, encounter_reference(translating, message.find("PV1")))
    translating.leave_results("SIU")


def _own_id(translating: Translating, sch: Segment, subject: Subject, start: Instant | None) -> str | None:
    number = translating.text(sch, 2) or translating.text(sch, 1)
    if number:
        return translating.id("Appointment", number)
    if start is None:
        return None
    sentence = (
        "SCH-2 (filler appointment id) is missing, and SCH-1 too: a change of this appointment will be another one."
    )
    translating.problem("SCH-2", "required", sentence)
    patient = subject.local[0].value if subject.local else subject.nhs_number or ""
    return translating.id("Appointment", "unnumbered", patient, start.at.isoformat())


def _identifiers(translating: Translating, sch: Segment) -> list[dict[str, Any]]:
    found = []
    for number, kind, name in ((2, FILLER, "filler"), (1, PLACER, "placer")):
        if text := translating.text(sch, number):
            found.append({"type": kind, "system": translating.local_system(f"appointment-{name}"), "value": text})
    return found


def _status(translating: Translating, sch: Segment, event: str) -> str:
    status = _STATUSES[event]
    sent = translating.text(sch, 25)
    if status != "booked" or not sent:
        return status
    known = _FILLER_STATUSES.get(sent.upper().replace(" ", "").replace("-", ""))
    if known is None:
        sentence = "SCH-25 is no status of HL7 table 0278: the event stands for it; write Booked, Complete, Noshow..."
        translating.problem("SCH-25", "unknown code", sentence)
    return known or status


# --- When -------------------------------------------------------------------------------------------------------------


def _times(translating: Translating, sch: Segment) -> tuple[Instant | None, Instant | None]:
    """From TQ1-7 and 8, else SCH-11.4 and 5, else the first of its resources; the end also by how long it takes."""
    message = translating.message
    tq1 = message.find("TQ1")
    start, end = translating.instant(tq1, 7), translating.instant(tq1, 8)
    if start is None:
        start, end = (_component_instant(translating, sch, number) for number in (4, 5))
    for name, number in _BEGINNINGS:
        if start is not None:
            break
        for segment in message.all(name):
            start = start or translating.instant(segment, number)
    if start is not None and end is not None and end.at < start.at:
        translating.problem("SCH-11", "order", "SCH-11 ends before it begins: the end is not used; correct it.")
        end = None
    if start is not None and start.has_time and end is None and (seconds := _seconds(translating, sch)):
        at = start.at + timedelta(seconds=seconds)
        end = Instant(at, instant_text(at), has_time=True)
    return start, end


def _component_instant(translating: Translating, sch: Segment, number: int) -> Instant | None:
    text = translating.text(sch, 11, number)
    if not text:
        return None
    instant = parse_instant(text, translating.timezone)
    if instant is None:
        sentence = f"SCH-11.{number} is no date or time of HL7: write YYYYMMDDHHMMSS+ZZZZ."
        translating.problem(f"SCH-11.{number}", "date and time", sentence)
    return instant


def _seconds(translating: Translating, sch: Segment) -> int:
    """How long it takes: SCH-9 in the unit of SCH-10, SCH-11.3 (M30), or as long as the first of its resources."""
    timing = translating.text(sch, 11, 3).upper()
    if timing[1:].isascii() and timing[1:].isdigit() and timing[0] in _UNITS and len(timing) < 8:
        return min(int(timing[1:]) * _UNITS[timing[0]], _MINUTES_MAX * 60)
    for name, number in _DURATIONS:
        for segment in translating.message.all(name):
            length, unit = translating.text(segment, number), translating.text(segment, number + 1).upper()
            if length.isascii() and length.isdigit() and len(length) < 8 and unit in _UNITS:
                return min(int(length) * _UNITS[unit], _MINUTES_MAX * 60)
    return 0


def _say_when(translating: Translating, body: dict[str, Any], start: Instant | None, end: Instant | None) -> None:
    """`start` and `end` are both there or neither (app-2), and both where it is not cancelled (app-3)."""
    if start is None and body["status"] not in {"cancelled", "waitlist"}:
        translating.problem("SCH-11", "required", "SCH-11.4 and TQ1-7 are missing: nothing says when it is; send one.")
    if start is not None and not start.has_time:
        body["requestedPeriod"] = [{"start": start.text}]
        start = end = None
    if start is None and body["status"] in {"cancelled", "waitlist"}:
        return
    for name, instant in (("start", start), ("end", end)):
        if instant is not None and instant.has_time:
            body[name] = instant.text
        else:
            body[f"_{name}"] = {"extension": [{"url": DATA_ABSENT, "valueCode": "unknown"}]}
    if start is not None and end is not None and (minutes := int((end.at - start.at).total_seconds()) // 60) > 0:
        body["minutesDuration"] = minutes


# --- What, why, with whom ---------------------------------------------------------------------------------------------


def _describe(translating: Translating, body: dict[str, Any], sch: Segment, *, is_over: bool) -> str | None:
    """Kind, service, specialty and reasons; the code that it is found by."""
    message, pv1 = translating.message, translating.message.find("PV1")
    event_reason = _concept(translating, sch, 6)
    if event_reason and is_over:
        body["cancelationReason"] = event_reason.json
    elif event_reason:
        body["extension"] = [{"url": EVENT_REASON, "valueString": event_reason.text}]
    services = [said for ais in message.all("AIS") if (said := _concept(translating, ais, 3))]
    if services:
        body["serviceType"] = [service.json for service in services]
    specialty, kind = _concept(translating, pv1, 10), _concept(translating, sch, 8)
    if specialty:
        body["specialty"] = [specialty.json]
    if kind:
        body["appointmentType"] = kind.json
    reasons = [_concept(translating, sch, 7), _concept(translating, message.find("PV2"), 3)]
    if any(reasons):
        body["reasonCode"] = [reason.json for reason in reasons if reason]
    if notes := [words for nte in message.all("NTE") if (words := words_of(message, value(nte, 3)).strip())]:
        body["comment"] = "\n".join(notes)
    about = next((each for each in (*services, specialty, kind) if each), None)
    return about.key if about else None


def _concept(translating: Translating, segment: Segment | None, number: int) -> Concept | None:
    if segment is None:
        return None
    raw = next(iter(translating.message.repetitions(value(segment, number))), "")
    return concept(raw, translating.message, source=translating.source.id, table=f"{segment[0]}-{number}")


def _participants(translating: Translating, *, is_certain: bool) -> list[dict[str, Any]]:
    """Whom (AIP, else PV1-7), where (AIL, else PV1-3), with what (AIG). The patient is added when it is shown."""
    message, pv1 = translating.message, translating.message.find("PV1")
    people = [
        (each, _concept(translating, aip, 4)) for aip in message.all("AIP") for each in _repeated(translating, aip)
    ]
    places = [
        (each, _concept(translating, ail, 4)) for ail in message.all("AIL") for each in _repeated(translating, ail)
    ]
    if not any(raw for raw, _ in people):
        people = [(raw, None) for raw in message.repetitions(value(pv1, 7))]
    if not any(raw for raw, _ in places):
        places = [(raw, None) for raw in message.repetitions(value(pv1, 3))]
    found: dict[str, dict[str, Any]] = {}
    for raw, role in people:
        _take_part(found, "Practitioner", name_of_person(raw, message), role, "PPRF")
    for raw, role in places:
        _take_part(found, "Location", place(raw, message), role, "LOC")
    for aig in message.all("AIG"):
        thing = _concept(translating, aig, 3)
        _take_part(found, "Device", thing.text if thing else "", _concept(translating, aig, 4), "")
    status = "accepted" if is_certain else "tentative"
    return [{**each, "status": status} for each in found.values()]


def _repeated(translating: Translating, segment: Segment) -> list[str]:
    return translating.message.repetitions(value(segment, 3))


def _take_part(
    found: dict[str, dict[str, Any]], kind: str, name: str, role: Concept | None, participation: str
) -> None:
    """The same person often comes several times, as one of the staff and as a resource: named once."""
    if not name or name.casefold() in found:
        return
    actor = {"type": kind, "display": name}
    coded = {"coding": [{"system": ACT_PARTICIPATION, "code": participation}]} if participation else None
    types = [each for each in (coded, role.json if role else None) if each]
    found[name.casefold()] = {"type": types, "actor": actor} if types else {"actor": actor}
