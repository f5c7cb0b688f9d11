"""One value of one analyte, in the laboratory's own figures: text, unit, range, flag, and whether it still stands."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from carerecord.fhir.resources import Annotation, Concept, Observation, Quantity, Range
from carerecord.reconciliation.entries import ResultValue

# HL7 v2 table 0078 and v3 ObservationInterpretation, in words. N, and what only repeats the value, is no flag.
FLAGS = {
    "H": "high",
    "L": "low",
    "HH": "critically high",
    "LL": "critically low",
    "HU": "significantly high",
    "LU": "significantly low",
    ">": "above the measuring range",
    "<": "below the measuring range",
    "A": "abnormal",
    "AA": "critically abnormal",
    "N": "",
    "NEG": "",
    "POS": "positive",
    "DET": "detected",
    "ND": "",
    "R": "resistant",
    "S": "susceptible",
    "I": "intermediate",
    "U": "significant rise",
    "D": "significant fall",
    "B": "better",
    "W": "worse",
    "WR": "weakly reactive",
    "RR": "reactive",
    "NR": "",
    "IND": "indeterminate",
    "E": "equivocal",
}
LONG_TEXT = 60
# https://hl7.org/fhir/R4/valueset-data-absent-reason.html
ABSENT = {
    "not-performed": "not performed",
    "temp-unknown": "awaited",
    "unknown": "no value was sent",
    "error": "failed",
}


class Said(msgspec.Struct, gc=False):
    """An Observation's value read once: as text with its unit apart, and as a number where it is one."""

    text: str
    number: float | None
    unit: str
    is_words: bool  # a report in words, not a figure and not a short finding


def value_of(observation: Observation) -> Said:
    quantity = observation.valueQuantity
    if quantity is not None:
        return quantity_of(quantity)
    text = _other_value(observation)
    limits = observation.valueRange
    bounds = (limits.low, limits.high) if limits else ()
    unit = next((bound.unit or bound.code for bound in bounds if bound), "")
    return Said(text, None, unit, len(text) > LONG_TEXT or "\n" in text)


def quantity_of(quantity: Quantity) -> Said:
    unit = quantity.unit or quantity.code
    if quantity.value is None:
        return Said("no value", None, unit, False)
    number = None if quantity.comparator else float(quantity.value)
    return Said(quantity.comparator + figures(quantity.value), number, unit, False)


def figures(value: Decimal) -> str:
    """The number with the sender's own precision: 5.0 stays 5.0."""
    return format(value, "f")


def _other_value(observation: Observation) -> str:
    if observation.valueString is not None:
        return observation.valueString
    if observation.valueCodeableConcept is not None:
        return observation.valueCodeableConcept.words
    if observation.valueRange is not None:
        return _span(observation.valueRange)
    if observation.valueRatio is not None:
        parts = (observation.valueRatio.numerator, observation.valueRatio.denominator)
        return ":".join(part.comparator + figures(part.value) for part in parts if part and part.value is not None)
    for plain in (observation.valueDateTime, observation.valueTime):
        if plain:
            return plain
    if observation.valueInteger is not None:
        return str(observation.valueInteger)
    if observation.valueBoolean is not None:
        return "yes" if observation.valueBoolean else "no"
    if observation.dataAbsentReason is not None:
        return ABSENT.get(observation.dataAbsentReason.words, observation.dataAbsentReason.words)
    return "" if observation.was_readable else "This value could not be read: open the original message"


def _span(limits: Range) -> str:
    low = figures(limits.low.value) if limits.low and limits.low.value is not None else ""
    high = figures(limits.high.value) if limits.high and limits.high.value is not None else ""
    if low and high:
        return f"{low} – {high}" if low.startswith("-") or high.startswith("-") else f"{low}–{high}"
    return f"{low} or more" if low else f"up to {high}" if high else ""


def range_words(limits: Range) -> str:
    return limits.text or _span(limits)


def flag_words(interpretation: tuple[Concept, ...]) -> str:
    if len(interpretation) == 1 and len(codes := interpretation[0].coding) == 1 and codes[0].code in FLAGS:
        return FLAGS[codes[0].code]
    said = []
    for concept in interpretation:
        known = next((FLAGS[coding.code] for coding in concept.coding if coding.code in FLAGS), None)
        said.append(concept.words if known is None else known)
    return ", ".join(dict.fromkeys(flag for flag in said if flag))


def note_words(notes: tuple[Annotation, ...]) -> str:
    return "\n".join(note.text for note in notes if note.text)


def limit(quantity: Quantity | None) -> float | None:
    return float(quantity.value) if quantity and quantity.value is not None else None


def detail_words(value: ResultValue) -> str:
    """ "6.1 mmol/L high (3.5–5.3)" """
    parts = [value.text if len(value.text) <= LONG_TEXT and "\n" not in value.text else "", value.unit, value.flag]
    parts.append(f"({value.range_text})" if value.range_text else "")
    return " ".join(part for part in parts if part)
