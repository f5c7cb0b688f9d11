"""OBX: one result, as Observation. https://hl7.org/fhir/R4/observation.html"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from carerecord.formats.hl7v2.codes import OBSERVATION_STATUSES
from carerecord.formats.hl7v2.datatypes import CACHED_LENGTH_MAX, Concept, concept, name_of_person, read_concept
from carerecord.formats.hl7v2.delimiters import REPETITIONS_MAX, Delimiters
from carerecord.formats.hl7v2.grammar import Message, Segment
from carerecord.formats.hl7v2.instants import parse_instant
from carerecord.formats.hl7v2.quantities import interpretation, quantity, reference_range, structured, unit_of
from carerecord.formats.hl7v2.translating import Translating, ready
from carerecord.model import Heading, Standing

_PADDING = [""] * 26
_WORDS = frozenset({"TX", "FT"})  # The types in which one report comes as many OBX, line by line.
LIKE_WORDS = frozenset({"ST", "TX", "FT"})
_NUMBERS = frozenset({"NM", "SN", ""})
_DATA_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
STANDINGS = {
    "final": Standing.CURRENT,
    "corrected": Standing.CORRECTED,
    "amended": Standing.CORRECTED,
    "cancelled": Standing.CANCELLED,
    "entered-in-error": Standing.ENTERED_IN_ERROR,
}  # anything else is PRELIMINARY: not known to be final
Noted = tuple[Segment, list[str]]  # an OBX and the words of the NTE below it


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What all results of one order share."""

    key: str  # the order's own id
    battery: Concept | None
    status: str  # OBR-25, for an OBX without OBX-11
    collected_at: datetime | None
    collected: str | None
    collected_as_sent: str  # OBR-7: most OBX-14 repeat it
    shared: dict[str, msgspec.Raw]  # category, encounter, specimen, derivedFrom


def padded(obx: Segment) -> Segment:
    """With every field that is looked at."""
    obx.extend(_PADDING[len(obx) :])
    return obx


def joined(results: list[Noted], message: Message) -> list[list[Noted]]:
    """Results, with the lines of one text together: same code, same status, the sub-id the same or counting lines."""
    runs: list[list[Noted]] = []
    for result in results:
        obx = padded(result[0])
        if obx[2] in _WORDS and runs:
            last = runs[-1][-1][0]
            same_place = last[4] == obx[4] or (last[4].isdigit() and obx[4].isdigit())
            if last[2] == obx[2] and last[3] == obx[3] and last[11] == obx[11] and same_place:
                runs[-1].append(result)
                continue
        runs.append([result])
    return runs


class Analyte(msgspec.Struct, frozen=True, gc=False):
    """What OBX-3, 6, 7 and 8 say: the same few thousand times over, whatever the value."""

    code: Concept | None
    unit: dict[str, str]
    rest: dict[str, msgspec.Raw]  # interpretation and referenceRange, ready made


def _read_analyte(code: str, unit: str, limits: str, flags: str, delimiters: Delimiters, source: str) -> Analyte:
    found = unit_of(unit, delimiters)
    rest: dict[str, msgspec.Raw] = {}
    if said := tuple(filter(None, (delimiters.component_of(each, 1) for each in delimiters.repetitions(flags)))):
        rest["interpretation"] = interpretation(said, source)
    if words := delimiters.text(limits.replace(delimiters.repetition, " ")):
        rest["referenceRange"] = reference_range(words, found.get("unit", ""))
    return Analyte(read_concept(code, delimiters, source=source, table="OBX-3"), found, rest)


_read_analyte_once = lru_cache(maxsize=16_384)(_read_analyte)


def read_observation(translating: Translating, run: list[Noted], setting: Setting, seen: dict[str, int]) -> str | None:
    """State one result; its id, or None with a problem. `seen` counts what comes twice under one code of one order."""
    obx = run[0][0]
    is_short = len(obx[3]) + len(obx[6]) + len(obx[7]) + len(obx[8]) <= CACHED_LENGTH_MAX
    read = _read_analyte_once if is_short else _read_analyte
    analyte = read(obx[3], obx[6], obx[7], obx[8], translating.message.delimiters, translating.source.id)
    code = analyte.code or setting.battery
    if code is None:
        sentence = "OBX-3 is missing, and OBR-4 too: the result has no name and is not used; send its code or its name."
        translating.problem("OBX-3", "required", sentence)
        return None
    status = OBSERVATION_STATUSES.get(obx[11]) or _read_status(translating, obx[11], setting.status)
    value = _read_value(translating, run, analyte.unit)
    if value is None:
        return None
    own = f"{code.code or code.text}\r{obx[4]}"
    ordinal = seen[own] = seen.get(own, 0) + 1
    local = translating.id("Observation", setting.key, own if ordinal == 1 else f"{own}\r{ordinal}")
    body: dict[str, Any] = {"resourceType": "Observation", "id": local, "status": status, "code": code.json}
    body |= setting.shared
    happened_at, effective = setting.collected_at, setting.collected
    if obx[14] and obx[14] != setting.collected_as_sent and (instant := translating.instant(obx, 14)):
        happened_at, effective = instant.at, instant.text
    if effective:
        body["effectiveDateTime"] = effective
    if obx[23] or obx[15]:
        is_short = len(obx[15]) + len(obx[16]) + len(obx[23]) <= CACHED_LENGTH_MAX
        performers = _read_performers_once if is_short else _read_performers
        if found := performers(obx[15], obx[16], obx[23], translating.message.delimiters):
            body["performer"] = found
    body |= value or _absent(status)
    if analyte.rest:
        body |= analyte.rest
    if notes := run[0][1] if len(run) == 1 else [note for _, notes in run for note in notes]:
        body["note"] = [{"text": "\n".join(notes)}]
    translating.state(
        body,
        heading=Heading.RESULTS,
        code=code.key,
        happened_at=happened_at,
        standing=STANDINGS.get(status, Standing.PRELIMINARY),
    )
    return local


def _read_status(translating: Translating, sent: str, of_order: str) -> str:
    code = sent.strip().upper() or of_order
    status = OBSERVATION_STATUSES.get(code)
    if status is None:
        rule = "unknown code" if sent.strip() else "required"
        sentence = "OBX-11 is no result status of HL7 table 0085: the result is shown as not final; write F, P or C."
        translating.problem("OBX-11", rule, sentence)
        return "unknown"
    return status


def _read_performers(producer: str, observers: str, organization: str, delimiters: Delimiters) -> msgspec.Raw | None:
    """The laboratory (OBX-23, else OBX-15), then who answers for the result (OBX-16)."""
    made_by = next(iter(delimiters.repetitions(producer)), "")
    laboratory = delimiters.component_of(next(iter(delimiters.repetitions(organization)), ""), 1)
    laboratory = laboratory or delimiters.component_of(made_by, 2) or delimiters.component_of(made_by, 1)
    if not laboratory:
        return None  # The first performer is always the laboratory; a person never stands in its place.
    found = [{"type": "Organization", "display": laboratory}]
    for each in delimiters.repetitions(observers):
        if name := name_of_person(each, delimiters):
            found.append({"type": "Practitioner", "display": name})
    return ready(found)


_read_performers_once = lru_cache(maxsize=4096)(_read_performers)


_ABSENT = {
    "final": ("unknown", "No value was sent"),
    "cancelled": ("not-performed", "Not performed"),
}


def _absent(status: str) -> dict[str, Any]:
    code, text = _ABSENT.get(status, ("temp-unknown", "No value yet"))
    return {"dataAbsentReason": {"coding": [{"system": _DATA_ABSENT, "code": code}], "text": text}}


# --- OBX-5 by its type ------------------------------------------------------------------------------------------------


def words_of(message: Message, field: str) -> str:
    """The words of a text field: repetitions are lines, and the spaces at their beginning are the author's."""
    if field == '""':
        return ""
    if message.repetition in field or message.escape in field:
        return "\n".join(message.words(part).rstrip() for part in field.split(message.repetition, REPETITIONS_MAX))
    return field.rstrip()


def _read_value(translating: Translating, run: list[Noted], unit: dict[str, str]) -> dict[str, Any] | None:
    """value[x] by OBX-2; {} where nothing was sent, None with a problem where it could not be used."""
    message = translating.message
    obx = run[0][0]
    kind = obx[2].strip().upper()
    if kind in LIKE_WORDS or len(run) > 1:
        text = "\n".join([words_of(message, each[5]) for each, _ in run]).strip("\n")
        if not text.strip():
            return {}
        # Some laboratories send numbers as text: with a unit or a range beside it, it is a number.
        if kind == "ST" and (obx[6] or obx[7]) and (found := quantity(text.strip(), unit)):
            return {"valueQuantity": found}
        return {"valueString": _with_unit(text, unit)}
    if not obx[5].strip() or obx[5] == '""':
        return {}
    if kind == "RP":
        sentence = "OBX-5 (RP) points to a file elsewhere, which is not fetched: send the file itself as ED."
        translating.problem("OBX-5", "not translated yet", sentence)
        return None
    reader = _READERS.get(kind)
    if reader is not None:
        found = reader(translating, obx, unit)
        if found is not None:
            return found
        sentence = f"OBX-5 is not what its type {kind} asks for: it is kept as text; correct OBX-2 or OBX-5."
        translating.problem("OBX-5", "data type", sentence)
    elif not kind:
        sentence = "OBX-2 is missing: OBX-5 is kept as text; send the type of the value."
        translating.problem("OBX-2", "required", sentence)
    text = as_text(message, obx[5])
    return {"valueString": _with_unit(text, unit) if kind in _NUMBERS else text}


def _with_unit(text: str, unit: dict[str, str]) -> str:
    """A figure in words keeps its unit, for which a valueString has no place: "5.4 (haemolysed) mmol/L"."""
    own = unit.get("unit", "")
    is_figure = own and "\n" not in text and any(letter.isdigit() for letter in text)
    return f"{text} {own}" if is_figure and own not in text.split() else text


def as_text(message: Message, field: str) -> str:
    """A value of any type in words: components apart by spaces, repetitions by line ends."""
    lines = (
        " ".join(filter(None, (message.text(part) for part in message.components(each))))
        for each in message.repetitions(field)
    )
    return "\n".join(lines) or field


def _read_number(translating: Translating, obx: Segment, unit: dict[str, str]) -> dict[str, Any] | None:
    found = quantity(translating.message.text(obx[5]), unit)
    return {"valueQuantity": found} if found else None


def _read_structured(translating: Translating, obx: Segment, unit: dict[str, str]) -> dict[str, Any] | None:
    message = translating.message
    if message.repetition in obx[5]:
        return None
    return structured([message.text(part) for part in message.components(obx[5])], unit)


def _read_coded(translating: Translating, obx: Segment, unit: dict[str, str]) -> dict[str, Any] | None:
    message, source = translating.message, translating.source.id
    found = [
        said for each in message.repetitions(obx[5]) if (said := concept(each, message, source=source, table="OBX-5"))
    ]
    if not found:
        return None
    if len(found) == 1:
        return {"valueCodeableConcept": found[0].json}
    # R4 has one value: several codes are joined as words, each as it was sent.
    return {"valueString": "\n".join(each.text for each in found)}


def _read_instant(translating: Translating, obx: Segment, unit: dict[str, str]) -> dict[str, Any] | None:
    instant = parse_instant(translating.text(obx, 5), translating.timezone)
    return {"valueDateTime": instant.text} if instant else None


def _read_time(translating: Translating, obx: Segment, unit: dict[str, str]) -> dict[str, Any] | None:
    digits = translating.text(obx, 5).replace(":", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in {4, 6}:
        return None
    hour, minute, second = digits[:2], digits[2:4], digits[4:6] or "00"
    if hour > "23" or minute > "59" or second > "59":
        return None
    return {"valueTime": f"{hour}:{minute}:{second}"}


_READERS: dict[str, Callable[[Translating, Segment, dict[str, str]], dict[str, Any] | None]] = {
    "NM": _read_number,
    "SN": _read_structured,
    "CE": _read_coded,
    "CWE": _read_coded,
    "CNE": _read_coded,
    "CF": _read_coded,
    "IS": _read_coded,
    "ID": _read_coded,
    "DT": _read_instant,
    "TS": _read_instant,
    "DTM": _read_instant,
    "TM": _read_time,
}
