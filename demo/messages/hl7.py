"""Writes HL7 v2: escaping, segments, times. Written for the simulators alone; the record has its own reader."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

_ESCAPES = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\", "\r": ""}
)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message as one source sends it. `about` is the number of the person it is about."""

    source: str
    at: datetime
    kind: str  # "ADT^A01"
    control_id: str
    about: int
    content: bytes


def escape(text: str) -> str:
    return text.translate(_ESCAPES)


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment from its fields by number; those not named are empty."""
    row = [""] * (max(fields) + 1)
    row[0] = name
    for place, field in fields.items():
        row[place] = field
    return "|".join(row)


def seconds(at: datetime | None) -> str:
    return f"{at:%Y%m%d%H%M%S}" if at else ""


def minutes(at: datetime | None) -> str:
    return f"{at:%Y%m%d%H%M}" if at else ""


def day(on: date) -> str:
    return f"{on:%Y%m%d}"
