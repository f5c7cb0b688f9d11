"""London wall-clock time as an instant: systems write no offset, the truth does."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

_LONDON = ZoneInfo("Europe/London")


def iso(at: datetime | None) -> str | None:
    return at.replace(tzinfo=_LONDON).isoformat() if at else None
