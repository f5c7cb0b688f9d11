"""Numbers, units, ranges and flags of OBX (NM, SN, OBX-6, OBX-7, OBX-8), with the laboratory's own digits."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from carerecord.formats.hl7v2.codes import ABNORMAL_FLAGS, FLAG_CODES, INTERPRETATION, local_system
from carerecord.formats.hl7v2.delimiters import Delimiters

AS_SENT = "urn:carerecord:as-sent"
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})")
_RANGE = re.compile(
    r"\s*([+-]?[0-9]{0,30}\.?[0-9]{1,30})\s{0,5}(?:-|–|to)\s{0,5}([+-]?[0-9]{0,30}\.?[0-9]{1,30})\s*(?:[^0-9\s.<>-][^<>]*)?"
)
_BOUND = re.compile(r"\s*(<=|>=|<|>|≤|≥)\s{0,5}([+-]?[0-9]{0,30}\.?[0-9]{1,30})\s*(?:[^0-9\s.<>-][^<>]*)?")
_COMPARATORS = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "=<": "<=", "=>": ">=", "≤": "<=", "≥": ">="}
_RANGE_LENGTH_MAX = 200


def find_digits(text: str) -> str | None:
    """The number as JSON may write it, with the sender's own decimals ("5.0" stays 5.0); None where it is no number."""
    if _PLAIN.fullmatch(text):
        return text
    if not _NUMBER.fullmatch(text):
        return None
    sign = "-" if text[0] == "-" else ""
    whole, point, decimals = text.lstrip("+-").partition(".")
    return f"{sign}{whole.lstrip('0') or '0'}{point and decimals and '.'}{decimals}"


def quantity(text: str, unit: dict[str, str]) -> dict[str, Any] | None:
    """ "7.18" or "<7" as a Quantity; None where it is neither."""
    if _PLAIN.fullmatch(text):
        return {"value": msgspec.Raw(text.encode()), **unit}
    comparator = None
    number = text
    if text[:1] in "<>≤≥=" and text:
        mark = text[:2] if text[:2] in _COMPARATORS else text[:1]
        comparator = _COMPARATORS.get(mark)
        if comparator is None:
            return None
        number = text[len(mark) :].strip()
    digits = find_digits(number)
    if digits is None:
        return None
    found: dict[str, Any] = {}
    if digits != number:
        found["extension"] = [{"url": AS_SENT, "valueString": text}]
    found["value"] = msgspec.Raw(digits.encode())
    if comparator:
        found["comparator"] = comparator
    found.update(unit)
    return found


def structured(parts: list[str], unit: dict[str, str]) -> dict[str, Any] | None:
    """SN (comparator, number, separator, number) as value[x]; None where its parts make no number."""
    comparator, first, separator, second = ([part.strip() for part in parts] + [""] * 4)[:4]
    if comparator == "=":
        comparator = ""
    if not separator and not second:
        found = quantity(comparator + first, unit)
        return {"valueQuantity": found} if found else None
    low, high = quantity(first, unit), quantity(second, unit)
    if comparator or low is None or high is None:
        return None
    if separator == "-":
        return {"valueRange": {"low": low, "high": high}}
    if separator in {":", "/"}:
        plain: dict[str, str] = {}
        return {"valueRatio": {"numerator": quantity(first, plain), "denominator": quantity(second, plain)}}
    return None


def unit_of(field: str, delimiters: Delimiters) -> dict[str, str]:
    """OBX-6 as the fields of a Quantity: the short form that people read, and the code where the system is UCUM."""
    code, display, system = delimiters.parts(field, 3)
    unit = code or display
    if not unit:
        return {}
    if system.upper() == "UCUM" and code:
        return {"unit": unit, "system": "http://unitsofmeasure.org", "code": code}
    return {"unit": unit}


@lru_cache(maxsize=16_384)
def reference_range(text: str, unit: str) -> msgspec.Raw:
    """OBX-7 as referenceRange: low and high where they are beyond doubt, and always the words that were sent."""
    found: dict[str, Any] = {}
    if len(text) <= _RANGE_LENGTH_MAX:
        named = {"unit": unit} if unit else {}
        if match := _RANGE.fullmatch(text):
            low, high = find_digits(match[1]), find_digits(match[2])
            if low is not None and high is not None and float(low) <= float(high):
                found["low"] = {"value": msgspec.Raw(low.encode()), **named}
                found["high"] = {"value": msgspec.Raw(high.encode()), **named}
        elif (match := _BOUND.fullmatch(text)) and (bound := find_digits(match[2])) is not None:
            side = "high" if match[1] in {"<", "<=", "≤"} else "low"
            found[side] = {"value": msgspec.Raw(bound.encode()), **named}
    found["text"] = text
    return msgspec.Raw(msgspec.json.encode([found]))


@lru_cache(maxsize=1024)
def interpretation(flags: tuple[str, ...], source: str) -> msgspec.Raw:
    """OBX-8, each flag a CodeableConcept: those of HL7 table 0078 with their FHIR code, others as the source's own."""
    found = []
    for flag in flags:
        display = ABNORMAL_FLAGS.get(flag.upper())
        if display:
            code = FLAG_CODES.get(flag.upper(), flag.upper())
            found.append({"coding": [{"system": INTERPRETATION, "code": code, "display": display}], "text": flag})
        else:
            found.append({"coding": [{"system": local_system("OBX-8", source=source), "code": flag}], "text": flag})
    return msgspec.Raw(msgspec.json.encode(found))
