"""PV1, PV2: a stay or visit, as Encounter. https://hl7.org/fhir/R4/encounter.html"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from carerecord.fhir.references import local_id
from carerecord.formats.hl7v2.codes import ACT_CODE, ACT_PARTICIPATION, DISCHARGE_DESTINATIONS, NO_STAY, PATIENT_CLASSES
from carerecord.formats.hl7v2.datatypes import CACHED_LENGTH_MAX, concept, name_of_person, place
from carerecord.formats.hl7v2.grammar import Segment, value
from carerecord.formats.hl7v2.instants import Instant
from carerecord.formats.hl7v2.translating import Translating, ready
from carerecord.model import Heading, Standing, Subject

_PARTICIPANTS = ((7, "ATND", "attender"), (8, "REF", "referrer"), (9, "CON", "consultant"), (17, "ADM", "admitter"))
_STANDINGS = {
    "in-progress": Standing.CURRENT,
    "finished": Standing.RESOLVED,
    "planned": Standing.PLANNED,
    "cancelled": Standing.CANCELLED,
}
# Events that say themselves how a stay stands; of every other one it is told by PV1-45 and PV1-2.
_STATUSES = {
    "A03": "finished",
    "A05": "planned",
    "A11": "cancelled",  # of an admission (A01) or a registration (A04)
    "A13": "in-progress",
    "A38": "cancelled",  # of a pre-admission (A05)
}
_MOVES = frozenset({"A02", "A06", "A07"})


def visit_number(translating: Translating, pv1: Segment | None) -> str:
    """PV1-19, else the alternate visit id (PV1-50); the account number (PID-18) where a system numbers visits there."""
    if pv1 is None:
        return ""
    number = translating.text(pv1, 19) or translating.text(pv1, 50)
    return number or translating.text(translating.message.find("PID"), 18)


def encounter_reference(translating: Translating, pv1: Segment | None) -> msgspec.Raw | None:
    """To the stay that a result or letter belongs to; None where the message gives it no number."""
    number = visit_number(translating, pv1)
    if not number:
        return None
    return (
        _reference_once(translating.source.id, number)
        if len(number) <= CACHED_LENGTH_MAX
        else _reference(translating.source.id, number)
    )


def _reference(source: str, number: str) -> msgspec.Raw:
    return ready({"reference": f"Encounter/{local_id(source, 'Encounter', number)}"})


# Results and letters come many to a stay.
_reference_once = lru_cache(maxsize=4096)(_reference)


def read_stay(translating: Translating, subject: Subject, *, event: str) -> msgspec.Raw | None:
    """State the stay that an event is about, as it stands after it; its reference, or None where there is none."""
    message = translating.message
    pv1 = message.find("PV1")
    if pv1 is None:
        translating.problem("PV1", "required", f"There is no PV1: {event} must say which stay it is about.")
        return None
    patient_class = translating.text(pv1, 2).upper()
    if patient_class in NO_STAY:
        return None
    code, display = PATIENT_CLASSES.get(patient_class, ("", ""))
    start, end = _times(translating, pv1, event, is_expected=code == "PRENC")
    local = _own_id(translating, pv1, subject, start)
    if local is None:
        sentence = "PV1-19 (visit number) is missing, and PV1-44 too: the stay cannot be told from others; send PV1-19."
        translating.problem("PV1-19", "required", sentence)
        return None
    if event == "A03" and end is None:
        end = _time_of_event(translating)
        translating.problem(
            "PV1-45", "required", "PV1-45 (discharge time) is missing: the time of the event stands for it."
        )
    status = _STATUSES.get(event) or _status(code, end)
    body: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": local,
        "status": status,
        "class": _class_of(translating, patient_class, code, display),
    }
    if number := visit_number(translating, pv1):
        body["identifier"] = [{"system": translating.local_system("visit"), "value": number}]
    _describe(translating, body, pv1, message.find("PV2"), start, end)
    if hospitalization := _hospitalization(translating, pv1, event):
        body["hospitalization"] = hospitalization
    if places := _places(translating, pv1, event):
        body["location"] = places
    translating.state(
        body,
        heading=Heading.STAYS,
        code=f"{ACT_CODE}|{code}" if code else None,
        happened_at=start.at if start else end.at if end else None,
        standing=_STANDINGS[status],
        # PV2-22, the visit protection indicator
        mark="R" if translating.text(message.find("PV2"), 22).upper() == "Y" else "",
    )
    return ready({"reference": f"Encounter/{local}"})


def _times(
    translating: Translating, pv1: Segment, event: str, *, is_expected: bool
) -> tuple[Instant | None, Instant | None]:
    start, end = translating.instant(pv1, 44), translating.instant(pv1, 45)
    if start is None and (is_expected or event in {"A05", "A38"}):
        start = translating.instant(translating.message.find("PV2"), 8)
    if event == "A13":
        end = None  # The discharge did not take place, whatever PV1-45 still says of it.
    return start, end


def _status(code: str, end: Instant | None) -> str:
    if end is not None:
        return "finished"
    return "planned" if code == "PRENC" else "in-progress"


def _own_id(translating: Translating, pv1: Segment, subject: Subject, start: Instant | None) -> str | None:
    number = visit_number(translating, pv1)
    if number:
        return translating.id("Encounter", number)
    if start is None:
        return None
    # Whose, which class, since when: enough to tell one person's stays apart, and the same in every later message.
    patient = subject.local[0].value if subject.local else subject.nhs_number or ""
    return translating.id("Encounter", "unnumbered", patient, translating.text(pv1, 2), start.at.isoformat())


def _time_of_event(translating: Translating) -> Instant | None:
    evn = translating.message.find("EVN")
    return (translating.instant(evn, 6) or translating.instant(evn, 2)) if evn else None


def _class_of(translating: Translating, sent: str, code: str, display: str) -> dict[str, str]:
    if code:
        return {"system": ACT_CODE, "code": code, "display": display}
    if not sent:
        translating.problem("PV1-2", "required", "PV1-2 (patient class) is missing: write I, E or O.")
        return {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK", "display": "unknown"}
    translating.problem("PV1-2", "unknown code", "PV1-2 is no patient class of HL7 table 0004: write I, E or O.")
    return {"system": translating.local_system("PV1-2"), "code": sent, "display": sent}


def _describe(
    translating: Translating,
    body: dict[str, Any],
    pv1: Segment,
    pv2: Segment | None,
    start: Instant | None,
    end: Instant | None,
) -> None:
    message, source = translating.message, translating.source.id
    if service := concept(_first(translating, pv1, 10), message, source=source, table="PV1-10"):
        body["serviceType"] = service.json
    if participants := _participants(translating, pv1):
        body["participant"] = participants
    if start or end:
        body["period"] = {name: instant.text for name, instant in (("start", start), ("end", end)) if instant}
        if start and end and end.at < start.at:
            translating.problem(
                "PV1-45", "order", "PV1-45 (discharge) is before PV1-44 (admission): correct one of them."
            )
    if reason := concept(_first(translating, pv2, 3), message, source=source, table="PV2-3"):
        body["reasonCode"] = [reason.json]


def _hospitalization(translating: Translating, pv1: Segment, event: str) -> dict[str, Any]:
    message, source = translating.message, translating.source.id
    found: dict[str, Any] = {}
    if origin := concept(_first(translating, pv1, 14), message, source=source, table="PV1-14"):
        found["admitSource"] = origin.json
    if event != "A13" and (destination := _destination(translating, pv1)):
        found["dischargeDisposition"] = destination
    return found


def _places(translating: Translating, pv1: Segment, event: str) -> list[dict[str, Any]]:
    """Where the patient is (PV1-3), and after a transfer where they were (PV1-6), as this message says it.

    A cancelled transfer (A12) has the place that the patient never went to in PV1-6: it is left out.
    """
    now = _location(translating, _first(translating, pv1, 3))
    if event not in _MOVES and event != "A12":
        return [now] if now else []
    before = _location(translating, _first(translating, pv1, 6)) if event in _MOVES else None
    if event == "A02" and now is None:
        translating.problem("PV1-3", "required", "PV1-3 is missing: a transfer must say where the patient is now.")
    places = [(now, "active"), (before, "completed")]
    return [{**each, "status": status} for each, status in places if each]


def _location(translating: Translating, field: str) -> dict[str, Any] | None:
    message = translating.message
    said = place(field, message)
    if not said:
        return None
    parts = [message.text(part) for part in message.components(field)[:3]]
    return {"location": {"display": said, "identifier": {"value": "^".join(parts).rstrip("^") or said}}}


def _first(translating: Translating, segment: Segment | None, number: int) -> str:
    repetitions = translating.message.repetitions(value(segment, number))
    return repetitions[0] if repetitions else ""


def _participants(translating: Translating, pv1: Segment) -> list[dict[str, Any]]:
    """The same person often comes several times, once for each register that numbers them: named once."""
    found = []
    for number, code, display in _PARTICIPANTS:
        names = (
            name_of_person(each, translating.message) for each in translating.message.repetitions(value(pv1, number))
        )
        for name in dict.fromkeys(filter(None, names)):
            kind = {"coding": [{"system": ACT_PARTICIPATION, "code": code, "display": display}]}
            found.append({"type": [kind], "individual": {"display": name}})
    return found


def _destination(translating: Translating, pv1: Segment) -> dict[str, Any] | None:
    code = translating.text(pv1, 36)
    if not code:
        return None
    display = translating.text(pv1, 36, 2) or DISCHARGE_DESTINATIONS.get(code)
    coding = {"system": translating.local_system("PV1-36"), "code": code}
    if display:
        coding["display"] = display
    return {"coding": [coding], "text": display or code}
