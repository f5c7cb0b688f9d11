"""FHIR's primitive types: which JSON values are one, and how to say what was wrong (https://hl7.org/fhir/R4/datatypes.html)."""

from __future__ import annotations

import math
import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from carerecord.fhir import narrative

STRING_CHARACTERS_MAX = 1_048_576
INTEGER_MAX = 2**31 - 1


class Primitive(msgspec.Struct, frozen=True):
    """A primitive type. A value of exactly the class `of` that it `accepts` is right; others are looked at closely."""

    name: str
    of: type
    accepts: Callable[[Any], object]
    rule: str


# HL7's own patterns let 31 February pass, so days are counted here; each is linear in the length of what it reads.
_LEAP = r"(?=[0-9]{2}(?:0[48]|[2468][048]|[13579][26])-|(?:[02468][048]|[13579][26])00-)"
_YEAR = r"(?!0000)[0-9]{4}"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}{_YEAR}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_UUID = r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ANY_UUID = r"urn:uuid:(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_OID = r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"
_TEXT = rf"[^\x00-\x08\x0b\x0c\x0e-\x1f]{{1,{STRING_CHARACTERS_MAX}}}"
# "#id" is right too, but is looked at closely: whoever checks what is contained must know of it.
_URI = rf"(?!#|urn:uuid:|urn:oid:)\S+|{_ANY_UUID}(?:#\S+)?|{_OID}"

_TEXT_RULE = "must be text of at most 1,048,576 characters without control characters"
_URI_RULE = "must be an address without spaces; after urn:uuid: comes a UUID, after urn:oid: an OID"
_PATTERNS = {
    "canonical": (_URI, _URI_RULE),
    "code": (r"\S+(?:\s\S+)*", "must be a code: no spaces at its ends, no two spaces together"),
    "date": (
        rf"{_DAY}|{_YEAR}(?:-{_MONTH})?",
        "must be a date as YYYY, YYYY-MM or YYYY-MM-DD, and a day that exists",
    ),
    "dateTime": (
        rf"{_DAY}(?:T{_TIME}{_ZONE})?|{_YEAR}(?:-{_MONTH})?",
        "must be a date, or a date and time with seconds and offset as YYYY-MM-DDThh:mm:ss+zz:zz",
    ),
    "id": (r"[A-Za-z0-9\-.]{1,64}", "must have 1 to 64 characters, each a letter A-Z, a digit, '-' or '.'"),
    "instant": (rf"{_DAY}T{_TIME}{_ZONE}", "must be a date and time with offset as YYYY-MM-DDThh:mm:ss+zz:zz"),
    "markdown": (_TEXT, _TEXT_RULE),
    "oid": (_OID, "must be an OID as urn:oid:1.2.3"),
    "string": (_TEXT, _TEXT_RULE),
    "time": (_TIME, "must be a time of day as hh:mm:ss, without offset"),
    "uri": (_URI, _URI_RULE),
    "url": (_URI, _URI_RULE),
    "uuid": (_UUID, "must be a UUID in small letters as urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
}
PATTERNS = {name: re.compile(pattern) for name, (pattern, _) in _PATTERNS.items()}


def _is_base64(text: str) -> bool:
    try:
        a2b_base64(text if text.isalnum() else "".join(text.split()), strict_mode=True)
    except (NotBase64, ValueError):
        return False
    return True


def _is_integer(value: int) -> bool:
    return -INTEGER_MAX - 1 <= value <= INTEGER_MAX


def _is_unsigned(value: int) -> bool:
    return 0 <= value <= INTEGER_MAX


def _is_positive(value: int) -> bool:
    return 0 < value <= INTEGER_MAX


# A number is read into a double by most who read it, and FHIR's own libraries: beyond it nothing is left of it.
DECIMAL_EXPONENT_MAX = 307


def _is_decimal(value: Decimal) -> bool:
    return value.is_finite() and value.adjusted() <= DECIMAL_EXPONENT_MAX


PRIMITIVES: dict[str, Primitive] = {
    name: Primitive(name, str, PATTERNS[name].fullmatch, rule) for name, (_, rule) in _PATTERNS.items()
} | {
    one.name: one
    for one in (
        Primitive("base64Binary", str, _is_base64, "must be base64, padded with '=' to a multiple of four characters"),
        Primitive("boolean", bool, (True, False).__contains__, "must be true or false"),
        Primitive("decimal", Decimal, _is_decimal, "must be a number"),
        Primitive("integer", int, _is_integer, "must be a whole number that fits 32 bits"),
        Primitive("positiveInt", int, _is_positive, f"must be a whole number from 1 to {INTEGER_MAX}"),
        Primitive("unsignedInt", int, _is_unsigned, f"must be a whole number from 0 to {INTEGER_MAX}"),
        Primitive("xhtml", str, narrative.is_safe, "must be safe XHTML"),
    )
}
_WANTED = {str: "text in quotes", bool: "true or false without quotes", int: "a number without quotes"}


def problem(value: object, primitive: Primitive) -> tuple[str, str] | None:
    """(issue code, what must change) of a value that is not plainly right; None where it is right after all."""
    if value is None:
        return "structure", "must not be null: leave it out instead"
    if isinstance(value, list | tuple):
        return "structure", "must be one value, not a list"
    if isinstance(value, dict):
        return "structure", f"must be a {primitive.name}, not an object"
    if primitive.of is Decimal:
        return _decimal_problem(value)
    if not isinstance(value, primitive.of) or (primitive.of is int and isinstance(value, bool)):
        return "value", f"must be {_WANTED[primitive.of]}"
    if value == "":
        return "value", "must not be empty: leave it out instead"
    if isinstance(value, str) and len(value) > STRING_CHARACTERS_MAX and primitive.name in ("string", "markdown"):
        return "too-long", primitive.rule
    return None if primitive.accepts(value) else ("value", primitive.rule)


def _decimal_problem(value: object) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "value", f"must be {_WANTED[int]}"
    if isinstance(value, Decimal):
        is_right = _is_decimal(value)
    elif isinstance(value, int):
        is_right = abs(value) < 10**DECIMAL_EXPONENT_MAX
    else:
        is_right = math.isfinite(value)
    return None if is_right else ("value", f"must be a number smaller than 10 to the power of {DECIMAL_EXPONENT_MAX}")
