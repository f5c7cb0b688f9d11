"""FHIR's dates and times as aware instants (https://hl7.org/fhir/R4/datatypes.html#dateTime)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_PARTIAL = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@lru_cache(maxsize=4096)
def parse_moment(text: str, timezone: str) -> datetime | None:
    """The first instant of what is said: of the year, month or day where no more is. None where it is none."""
    try:
        if _PARTIAL.fullmatch(text):
            year, month, day = (int(part) for part in (text + "-01-01")[:10].split("-"))
            return datetime(year, month, day, tzinfo=ZoneInfo(timezone)).astimezone(UTC)
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def moment_in(value: Any, timezone: str) -> datetime | None:
    """The instant of a dateTime, or the start (else the end) of a Period, or the first event of a Timing."""
    if isinstance(value, str):
        return parse_moment(value, timezone)
    if not isinstance(value, dict):
        return None
    event = value.get("event")
    said = value.get("start") or value.get("end") or (event[0] if isinstance(event, list) and event else None)
    return parse_moment(said, timezone) if isinstance(said, str) else None
