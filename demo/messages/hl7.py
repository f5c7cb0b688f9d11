"""Writes HL7 v2: escaping, segments, times. Written for the simulators alone; the record has its own reader."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

_ESCAPES = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\", "\r": ""}
)
_LONDON = ZoneInfo("Europe/London")


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


def with_offset(at: datetime | None) -> str:
    """To the second, with what London's clocks were ahead of UTC: +0000 in winter, +0100 in summer."""
    if not at:
        return ""
    return f"{at:%Y%m%d%H%M%S}+0{'1' if is_summer_time(at) else '0'}00"


def is_summer_time(at: datetime) -> bool:
    """Whether London's clocks were an hour ahead. Between November and February nobody need ask."""
    return 2 < at.month < 11 and bool(at.replace(tzinfo=_LONDON).dst())


def day(on: date) -> str:
    return f"{on:%Y%m%d}"
