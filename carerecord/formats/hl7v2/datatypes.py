"""Data types of HL7 v2 that carry codes and people (CWE, CE, XCN, XPN, EI, PL), read into what FHIR has for them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from carerecord.formats.hl7v2.codes import system
from carerecord.formats.hl7v2.delimiters import COMPONENTS_MAX, Delimiters
from carerecord.formats.hl7v2.grammar import Message

_ENCODER = msgspec.json.Encoder()
CACHED_LENGTH_MAX = 200


class Concept(msgspec.Struct, frozen=True, gc=False):
    """A coded thing: `json` is its CodeableConcept, ready made; `key` is "system|code" of its first coding."""

    json: msgspec.Raw
    key: str | None
    text: str
    code: str


def concept(raw: str, message: Message, *, source: str, table: str) -> Concept | None:
    """CE, CNE, CWE or IS; None where nothing is said. `table` names the field, for codes without a system."""
    return read_concept(raw, message.delimiters, source=source, table=table)


def concept_of_field(field: str, message: Message, *, source: str, table: str) -> Concept | None:
    """The same of a field in which further repetitions are other codes for the same thing: ICD-10~SNOMED CT."""
    if message.repetition not in field:
        return concept(field, message, source=source, table=table)
    read = (concept(each, message, source=source, table=table) for each in message.repetitions(field))
    said = [each for each in read if each]
    if len(said) < 2:
        return said[0] if said else None
    bodies = [msgspec.json.decode(each.json) for each in said]
    codings = {(each["system"], each["code"]): each for body in bodies for each in body.get("coding", ())}
    merged = {"coding": list(codings.values()), "text": said[0].text} if codings else {"text": said[0].text}
    key = next((each.key for each in said if each.key), None)
    return Concept(msgspec.Raw(_ENCODER.encode(merged)), key, said[0].text, said[0].code)


def read_concept(raw: str, delimiters: Delimiters, *, source: str, table: str) -> Concept | None:
    if not raw or raw == '""':
        return None
    read = _read_concept_once if len(raw) <= CACHED_LENGTH_MAX else _read_concept
    return read(raw, delimiters, source, table)


def _read_concept(raw: str, delimiters: Delimiters, source: str, table: str) -> Concept | None:
    parts = [delimiters.text(part) for part in raw.split(delimiters.component, COMPONENTS_MAX)]
    parts.extend([""] * (9 - len(parts)))
    codings: list[dict[str, str]] = []
    for code, display, name in (parts[0:3], parts[3:6]):
        if not code:
            continue
        # A field that says its own system elsewhere (DG1-2) says it of its first code, not of the alternate one.
        place_named = table if not codings else f"{table}.alternate" if table.isalnum() else table
        coding = {"system": system(name, source=source, table=place_named), "code": code}
        if display:
            coding["display"] = display
        codings.append(coding)
    text = parts[8] or parts[1] or parts[0] or parts[4] or parts[3]
    if not text:
        return None
    body: dict[str, Any] = {"coding": codings, "text": text} if codings else {"text": text}
    key = f"{codings[0]['system']}|{codings[0]['code']}" if codings else None
    return Concept(msgspec.Raw(_ENCODER.encode(body)), key, text, parts[0] or parts[3])


# The codes of a laboratory are a few thousand and come again in every message: each is read once.
_read_concept_once = lru_cache(maxsize=16_384)(_read_concept)


def name_of_person(raw: str, message: Delimiters) -> str:
    """XCN (with an id first) as people read it: "Dr Honey Badger"; its id where it has no name."""
    if not raw:
        return ""
    number, family, given, middle, suffix, prefix = message.parts(raw, 6)
    words = [word for word in (prefix, given, middle, family, suffix) if word]
    if not family and not given:
        return number
    return " ".join(words)


def entity_identifier(raw: str, message: Message) -> tuple[str, str]:
    """EI: (identifier, who gave it)."""
    number, authority = message.parts(raw, 2)
    return number, authority


def place(raw: str, message: Delimiters) -> str:
    """PL as people read it: "T42E, BY02, 17": building, ward, room, bed, without saying the same thing twice."""
    ward, room, bed, facility, _, _, building, floor, description = message.parts(raw, 9)
    said: list[str] = []
    for part in (ward, room, bed):
        if part and part not in said:
            said.append(part)
    if description:
        return ", ".join([description, *(part for part in said[1:] if part not in description)])
    if not said:
        return ", ".join(filter(None, (floor, building, facility)))
    return ", ".join(said)
