"""Observation: https://hl7.org/fhir/R4/observation.html"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from demo.messages.resources.speaking import Resource, Speaking, coded, instant, notes
from demo.people.contents import Measurement

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_DISPLAYS = {
    "vital-signs": "Vital Signs",
    "exam": "Exam",
    "social-history": "Social History",
    "survey": "Survey",
}
_UCUM = {
    "mmHg": "mm[Hg]", "kg": "kg", "g": "g", "cm": "cm", "m": "m", "%": "%", "°C": "Cel", "kg/m2": "kg/m2",
    "kg/m²": "kg/m2", "/min": "/min", "beats/min": "/min", "bpm": "/min", "breaths/min": "/min", "L/min": "L/min",
    "mmol/L": "mmol/L", "units/week": "{units}/wk", "L": "L", "mL": "mL", "cm2": "cm2", "cm²": "cm2", "h": "h",
}  # fmt: skip


def write(told: Measurement, speaking: Speaking) -> Resource:
    found = speaking.resource("Observation")
    found["status"] = "entered-in-error" if speaking.is_in_error else "final"
    found["category"] = [coded("observation-category", told.category, _DISPLAYS.get(told.category, ""))]
    found["code"] = speaking.concept(told.concept)
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    found["effectiveDateTime"] = instant(told.taken_at)
    found["performer"] = [{"display": speaking.organisation}]
    if told.value:
        found.update(_value(told.value, told.unit))
    if told.interpretation:
        found["interpretation"] = [{"text": told.interpretation}]
    if told.note:
        found["note"] = notes(told.note)
    if told.parts:
        found["component"] = [
            {"code": speaking.concept(concept), **_value(value, unit)} for concept, value, unit in told.parts
        ]
    return found


def _value(value: str, unit: str) -> dict[str, Any]:
    """A quantity with the digits as they were written, or words."""
    if not _NUMBER.fullmatch(value):
        return {"valueString": f"{value} {unit}".strip()}
    quantity: Resource = {"value": msgspec.Raw(value.encode())}
    if unit:
        quantity["unit"] = unit
    if unit in _UCUM:
        quantity |= {"system": "http://unitsofmeasure.org", "code": _UCUM[unit]}
    return {"valueQuantity": quantity}
