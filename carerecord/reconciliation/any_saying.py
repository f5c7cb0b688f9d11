"""A resource of any kind as (label, the source's own words), element by element: nothing that has words is left out.

For a receipt only: one resource at a time, when somebody opens its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import Any

import msgspec

from carerecord.reconciliation.same import SHARED_SYSTEMS
from carerecord.reconciliation.versions import CLOCK

Lines = list[tuple[str, str]]
OWN_LIST = "urn:carerecord:source:"
DEPTH_MAX = 12
# Whose it is stands on its row; the rest is how it was sent, not what was said.
SILENT = frozenset(
    [
        "resourceType",
        "id",
        "meta",
        "text",
        "contained",
        "implicitRules",
        "subject",
        "patient",
        "encounter",
        "data",
        "hash",
        "size",
        "url",
        "linkId",
        "questionnaire",
        "instantiatesCanonical",
        "instantiatesUri",
        "partOf",
        "basedOn",
    ]
)
LABELS = {
    "medicationCodeableConcept": "Medicine",
    "medicationReference": "Medicine",
    "vaccineCode": "Vaccine",
    "code": "What",
    "dosageInstruction": "Dose",
    "dosage": "Dose",
    "doseAndRate": "Dose",
    "effectiveDateTime": "When",
    "effectivePeriod": "When",
    "occurrenceDateTime": "When",
    "performedDateTime": "When",
    "performedPeriod": "When",
    "performer": "By",
    "participant": "With",
    "telecom": "Phone or address",
    "lotNumber": "Batch",
    "authoredOn": "Written",
    "dateAsserted": "Recorded",
    "recordedDate": "Recorded",
    "reasonCode": "Reason",
    "clinicalStatus": "Clinical status",
    "verificationStatus": "Verification",
    "birthDate": "Born",
    "note": "Note",
    "identifier": "Number",
    "item": "Question",
    "activity": "Part of the plan",
    "provision": "Provision",
    "extension": "Also said",
}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TYPED = re.compile(
    r"(?:CodeableConcept|Reference|DateTime|Quantity|String|Boolean|Integer|Decimal|Period|Coding|Date|Code|Age|Range)$"
)
_BREAK = re.compile(r"<br ?/?>|</(?:p|li|div|tr|h\d)>")
_TAG = re.compile(r"<[^>]*>")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?")


def said_by_any(body: bytes) -> Lines:
    try:
        resource = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if not isinstance(resource, dict):
        return []
    inside = {
        f"#{each['id']}": each
        for each in resource.get("contained", ())
        if isinstance(each, dict) and isinstance(each.get("id"), str)
    }
    lines: Lines = []
    for name, value in resource.items():
        if name not in SILENT:
            lines += _element(label_of(name), value, inside, 0)
    return lines


def code_words(system: str, code: str, display: str) -> str:
    """ "SNOMED CT 91936005 (Allergy to penicillin)". A source's own list goes by the name that the source gives it."""
    called = SHARED_SYSTEMS.get(system, system)
    if system.startswith(OWN_LIST):
        called = f"own code of {system.rpartition(':')[2] or 'the source'}:"
    return " ".join(part for part in (called, code, f"({display})" if display else "") if part)


def when(text: str) -> str:
    """A FHIR instant as people write it, with the zone it was understood in; a year or a month stays as it was said."""
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        return text
    if "T" not in text:
        return f"{said:%d-%b-%Y}" if len(text) == 10 else text
    return f"{said.astimezone(CLOCK):%d-%b-%Y %H:%M %Z}" if said.tzinfo else f"{said:%d-%b-%Y %H:%M}"


def label_of(name: str) -> str:
    return LABELS.get(name) or _WORD.sub(" ", _TYPED.sub("", name) or name).capitalize()


def _element(label: str, value: Any, inside: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEPTH_MAX:
        return
    if isinstance(value, list):
        for each in value:
            yield from _element(label, each, inside, depth)
    elif isinstance(value, dict):
        yield from _object(label, value, inside, depth)
    elif isinstance(value, bool):
        yield label, "Yes" if value else "No"
    elif isinstance(value, str):
        yield label, when(value) if _DATE.fullmatch(value) else value
    elif value is not None:
        yield label, str(value)


def _object(label: str, value: dict[str, Any], inside: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    if "coding" in value:
        yield from _concept(label, value)
    elif "code" in value and isinstance(value["code"], str) and ("system" in value or "display" in value):
        if "value" in value:
            yield label, f"{value.get('comparator', '')}{value['value']} {value.get('unit') or value['code']}"
        else:
            yield label, code_words(str(value.get("system", "")), value["code"], str(value.get("display", "")))
    elif "value" in value and not isinstance(value["value"], dict | list):
        unit = value.get("unit") or ""
        use = f" ({value['use']})" if isinstance(value.get("use"), str) and not unit else ""
        yield label, f"{value.get('comparator', '')}{value['value']} {unit}".strip() + use
    elif "reference" in value or set(value) <= {"display", "type", "identifier"}:
        yield from _reference(label, value, inside, depth)
    elif "family" in value or "given" in value:
        given = value.get("given")
        parts = [*_texts(value.get("prefix")), *_texts(given), *_texts(value.get("family"))]
        yield label, str(value.get("text") or " ".join(parts))
    elif "line" in value or "postalCode" in value:
        parts = [text for name in ("line", "city", "district", "postalCode") for text in _texts(value.get(name))]
        yield label, str(value.get("text") or ", ".join(parts))
    elif set(value) <= {"start", "end", "extension"}:
        start, end = when(str(value.get("start", ""))), when(str(value.get("end", "")))
        yield label, f"{start} to {end}" if start and end else f"since {start}" if start else f"until {end}"
    else:
        yield from _parts(label, value, inside, depth)


def _concept(label: str, value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    codings = [each for each in value["coding"] if isinstance(each, dict)] if isinstance(value["coding"], list) else []
    shown = next((str(each["display"]) for each in codings if each.get("display")), "")
    yield label, str(value.get("text") or shown or next((str(each.get("code", "")) for each in codings), ""))
    for each in codings:
        if each.get("code"):
            yield "Code", code_words(str(each.get("system", "")), str(each["code"]), str(each.get("display", "")))


def _reference(label: str, value: dict[str, Any], inside: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    if value.get("display"):
        yield label, str(value["display"])
    elif isinstance(found := inside.get(str(value.get("reference", ""))), dict):
        for name, part in found.items():
            if name not in SILENT:
                yield from _element(label, part, {}, depth + 1)


def _parts(label: str, value: dict[str, Any], inside: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    """An element of several parts: its own words under its own label, its parts under theirs."""
    for name, part in value.items():
        if name in ("text", "description", "div") and isinstance(part, str):
            yield label, narrative_text(part) if name == "div" else part
        elif name.startswith("value") and name != "value":
            yield label, "" if part is None else "; ".join(text for _, text in _element(label, part, inside, depth + 1))
        elif name == "text" and isinstance(part, dict):
            yield label, narrative_text(str(part.get("div", "")))
        elif name not in SILENT:
            yield from _element(label_of(name), part, inside, depth + 1)


def narrative_text(div: str) -> str:
    """The words of a narrative, without its marks."""
    return re.sub(r"[ \t]+", " ", unescape(_TAG.sub(" ", _BREAK.sub("\n", div)))).strip()


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value if each]
    return [str(value)] if value else []
