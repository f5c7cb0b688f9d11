"""ORU R01: reports and their results, as DiagnosticReport and Observation (HL7 v2, chapter 7).

https://hl7.org/fhir/R4/diagnosticreport.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from carerecord.formats.hl7v2.attachments import read_attachment, with_words
from carerecord.formats.hl7v2.codes import FILLER, MEASURING_SERVICES, PLACER, REPORT_STATUSES
from carerecord.formats.hl7v2.datatypes import CACHED_LENGTH_MAX, Concept, concept, entity_identifier, name_of_person
from carerecord.formats.hl7v2.delimiters import Delimiters
from carerecord.formats.hl7v2.documents import Paper, state_document
from carerecord.formats.hl7v2.grammar import Message, Segment, value
from carerecord.formats.hl7v2.imaging import is_imaging, read_imaging_report
from carerecord.formats.hl7v2.instants import Instant, instant_text
from carerecord.formats.hl7v2.observations import STANDINGS, Noted, Setting, joined, read_observation, words_of
from carerecord.formats.hl7v2.stays import encounter_reference
from carerecord.formats.hl7v2.translating import Translating, ready
from carerecord.model import Heading, Standing, Subject

EVENTS = frozenset({"R01"})
_PADDING = [""] * 33
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_LABORATORY = ready([{"coding": [{"system": _CATEGORY, "code": "laboratory", "display": "Laboratory"}]}])


class Order:
    """OBR and what belongs to it."""

    __slots__ = ("notes", "obr", "results", "specimen")

    def __init__(self, obr: Segment | None) -> None:
        self.obr = obr
        self.notes: list[str] = []
        self.results: list[Noted] = []
        self.specimen: Segment | None = None


class Heard:
    """What the orders of one message have so far, for those that follow."""

    __slots__ = ("encounter", "isolates", "patient", "reports", "results")

    def __init__(self, patient: str, encounter: msgspec.Raw | None) -> None:
        self.patient = patient
        self.encounter = encounter
        self.reports: dict[str, int] = {}  # how often a report's own id came
        self.results: dict[str, dict[str, int]] = {}
        # (code, sub-id) of a coded result -> (its words, its id): the organism that later sensitivities are of
        self.isolates: dict[tuple[str, str], tuple[str, str]] = {}


def read_results(translating: Translating, subject: Subject, *, event: str) -> None:
    """State every report and result of a message."""
    message = translating.message
    patient = subject.local[0].value if subject.local else subject.nhs_number or ""
    heard = Heard(patient, encounter_reference(translating, message.find("PV1")))
    orders = _orders(translating)
    if not orders:
        sentence = "There is neither OBR nor OBX: a result message must hold a report."
        translating.problem("OBR", "required", sentence, fatal=True)
    for order in orders:
        _read_order(translating, order, heard)


def _orders(translating: Translating) -> list[Order]:
    message = translating.message
    orders: list[Order] = []
    for segment in message.segments:
        name = segment[0]
        if name == "OBX":
            if not orders:
                orders.append(Order(None))
            orders[-1].results.append((segment, []))
        elif name == "OBR":
            segment.extend(_PADDING[len(segment) :])
            orders.append(Order(segment))
        elif name == "NTE":
            _keep_note(translating, orders, segment)
        elif name == "SPM" and orders and orders[-1].specimen is None:
            orders[-1].specimen = segment
    return orders


def _keep_note(translating: Translating, orders: list[Order], nte: Segment) -> None:
    words = words_of(translating.message, value(nte, 3))
    if not orders:
        sentence = (
            "An NTE stands before every OBR and OBX and is kept with the original only: put it below what it notes."
        )
        translating.problem("NTE", "place", sentence)
    elif orders[-1].results:
        orders[-1].results[-1][1].append(words)
    else:
        orders[-1].notes.append(words)


def _read_order(translating: Translating, order: Order, heard: Heard) -> None:
    message = translating.message
    obr = order.obr
    battery = concept(value(obr, 4), message, source=translating.source.id, table="OBR-4") if obr else None
    collected = translating.instant(obr, 7) if obr else None
    if collected is None and order.specimen is not None:
        collected = translating.instant(order.specimen, 17)
    key = _own_id(translating, obr, battery, collected, heard.patient)
    ordinal = heard.reports[key] = heard.reports.get(key, 0) + 1
    setting = Setting(
        key=key,
        battery=battery,
        status=translating.text(obr, 25).upper() if obr else "",
        collected_at=collected.at if collected else None,
        collected=collected.text if collected else None,
        collected_as_sent=obr[7] if obr and collected else "",
        shared=_shared(translating, order, heard),
    )
    counted = heard.results.setdefault(key, {})
    if obr is not None and is_imaging(translating, obr):
        seen = heard.reports
        for obx in read_imaging_report(
            translating, obr, order.results, order.notes, patient=heard.patient, encounter=heard.encounter, seen=seen
        ):
            _read_file(translating, obx, setting, counted)
        return
    made: list[str] = []
    for run in joined(order.results, message):
        obx = run[0][0]
        if obx[2].strip().upper() == "ED":
            _read_file(translating, obx, setting, counted)
        elif local := read_observation(translating, run, setting, counted):
            made.append(local)
            if obx[4] and obx[2] in {"CE", "CWE"}:
                _remember_isolate(translating, obx, local, heard)
    if obr is not None:
        _state_report(translating, order, obr, setting, made, ordinal)


def _shared(translating: Translating, order: Order, heard: Heard) -> dict[str, msgspec.Raw]:
    """What all results of an order have. Sensitivities are of an organism, and say so: they are no use without it."""
    specimen = _specimen(translating.message, order)
    parts: dict[str, msgspec.Raw | None] = {
        "category": _category(translating, order),
        "encounter": heard.encounter,
        "specimen": ready(specimen) if specimen else None,
    }
    if order.obr is not None and order.obr[26]:
        isolate, parent = _find_isolate(translating, order.obr, heard)
        if isolate:
            taken = specimen.get("display") if specimen else None
            parts["specimen"] = ready({**(specimen or {}), "display": f"{isolate} from {taken}" if taken else isolate})
        if parent:
            parts["derivedFrom"] = ready([{"reference": f"Observation/{parent}"}])
    return {name: part for name, part in parts.items() if part is not None}


def _remember_isolate(translating: Translating, obx: Segment, local: str, heard: Heard) -> None:
    if said := concept(obx[5], translating.message, source=translating.source.id, table="OBX-5"):
        heard.isolates[(translating.text(obx, 3), translating.text(obx, 4))] = (said.text, local)


def _find_isolate(translating: Translating, obr: Segment, heard: Heard) -> tuple[str, str | None]:
    """(organism in words, id of its result) by OBR-26: parent's code, sub-id and words."""
    code, sub_id, words = translating.message.parts(obr[26], 3)
    if found := heard.isolates.get((code, sub_id)):
        return found
    return words or (f"isolate {sub_id}" if sub_id else ""), None


def _own_id(
    translating: Translating, obr: Segment | None, battery: Concept | None, collected: Instant | None, patient: str
) -> str:
    """What makes a report the same report in a later message.

    The filler's number alone is not enough: laboratories give it to a specimen, with a battery in each OBR, a time in
    each of a series, and a parent (OBR-26) in each set of sensitivities.
    """
    number = obr and (_number(translating, obr[3]) or _number(translating, obr[2]))
    when = collected.text if collected else ""
    which = (battery.code or battery.text) if battery else ""
    parent = obr[26] if obr else ""
    if number:
        return "\r".join((number, which, when, parent))
    return "\r".join(("unnumbered", patient, which, when or translating.control_id, parent))


def _number(translating: Translating, field: str) -> str:
    if not field:
        return ""
    number, authority = entity_identifier(field.split(translating.message.repetition, 1)[0], translating.message)
    return f"{number}^{authority}" if number and authority else number


def _category(translating: Translating, order: Order) -> msgspec.Raw | None:
    service = translating.text(order.obr, 24).upper() if order.obr else ""
    if service in MEASURING_SERVICES:
        return None
    if service or order.specimen or value(order.obr, 15) or translating.source.kind == "laboratory":
        return _LABORATORY
    return None


def _specimen(message: Message, order: Order) -> dict[str, Any] | None:
    """What was taken: SPM-4, else OBR-15, with its own number (SPM-2)."""
    if order.specimen is not None:
        spm = order.specimen
        kind = message.component_of(value(spm, 4), 2) or message.component_of(value(spm, 4), 1)
        number = value(spm, 2).split(message.component)
        own = message.first_subcomponent(number[-1] or number[0]) if number else ""
        found: dict[str, Any] = {"display": kind} if kind else {}
        if own:
            found["identifier"] = {"value": own}
        return found or None
    if order.obr is None or not (source := order.obr[15]):
        return None
    read = _specimen_source_once if len(source) <= CACHED_LENGTH_MAX else _specimen_source
    return read(source, message.delimiters)


def _specimen_source(field: str, delimiters: Delimiters) -> dict[str, Any] | None:
    """OBR-15: SPS-1 is a code in subcomponents; many laboratories write it as two components, BLD^Blood."""
    parts = delimiters.components(field.split(delimiters.repetition, 1)[0])
    code = [delimiters.text(part) for part in parts[0].split(delimiters.subcomponent)]
    words = code[1] if len(code) > 1 and code[1] else delimiters.text(parts[1]) if len(parts) > 1 else ""
    display = words or code[0]
    return {"display": display} if display else None


_specimen_source_once = lru_cache(maxsize=4096)(_specimen_source)


def _state_report(
    translating: Translating, order: Order, obr: Segment, setting: Setting, made: list[str], ordinal: int
) -> None:
    message, source = translating.message, translating.source.id
    status = REPORT_STATUSES.get(setting.status)
    if status is None:
        if setting.status:
            sentence = "OBR-25 is no result status of HL7 table 0123: write F, P or C."
            translating.problem("OBR-25", "unknown code", sentence)
        status = "unknown"
    issued = translating.instant(obr, 22)
    body: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "id": translating.id("DiagnosticReport", setting.key, *((str(ordinal),) if ordinal > 1 else ())),
    }
    if identifiers := _identifiers(translating, obr):
        body["identifier"] = identifiers
    body["status"] = status
    if service := concept(obr[24], message, source=source, table="OBR-24"):
        body["category"] = [service.json]
    body["code"] = setting.battery.json if setting.battery else {"text": "Report"}
    if encounter := setting.shared.get("encounter"):
        body["encounter"] = encounter
    if setting.collected:
        body["effectiveDateTime"] = setting.collected
    if issued:
        body["issued"] = issued.text if issued.has_time else instant_text(issued.at)
    if obr[32] and (interpreter := name_of_person(obr[32].replace(message.subcomponent, message.component), message)):
        body["resultsInterpreter"] = [{"display": interpreter}]
    if specimen := setting.shared.get("specimen"):
        body["specimen"] = [specimen]
    if order.notes:
        # An R4 report has no note: comments on the whole of it stand where they are read, in its conclusion.
        body["conclusion"] = "\n".join(order.notes)
    if made:
        body["result"] = [{"reference": f"Observation/{local}"} for local in made]
    translating.state(
        body,
        heading=Heading.RESULTS,
        code=setting.battery.key if setting.battery else None,
        happened_at=setting.collected_at or (issued.at if issued else None),
        standing=STANDINGS.get(status, Standing.PRELIMINARY),
    )


def _identifiers(translating: Translating, obr: Segment) -> list[dict[str, Any]]:
    found = []
    if number := translating.text(obr, 3):
        found.append({"type": FILLER, "system": translating.local_system("filler"), "value": number})
    if number := translating.text(obr, 2):
        found.append({"type": PLACER, "system": translating.local_system("placer"), "value": number})
    return found


def _read_file(translating: Translating, obx: Segment, setting: Setting, seen: dict[str, int]) -> None:
    """A report that came as a file: a document of its own, since a result cannot hold one in R4."""
    found = read_attachment(translating, obx[5])
    if found is None:
        return
    code = concept(obx[3], translating.message, source=translating.source.id, table="OBX-3") or setting.battery
    own = f"{code.code or code.text if code else ''}\r{obx[4]}"
    ordinal = seen[own] = seen.get(own, 0) + 1
    title = setting.battery.text if setting.battery else code.text if code else "Report"
    paper = Paper(
        local_id=translating.id("DocumentReference", setting.key, own, str(ordinal)),
        type=code,
        title=title,
        written_at=setting.collected_at or translating.said_at,
        attachments=with_words({**found, "title": title}),
        encounter=setting.shared.get("encounter"),
    )
    state_document(translating, paper, happened_at=setting.collected_at, standing=Standing.CURRENT)
