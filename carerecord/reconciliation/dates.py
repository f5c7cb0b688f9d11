"""FHIR dates as NHS guidance writes them, with no more precision than was said. Pure."""

from __future__ import annotations

from datetime import datetime

from carerecord.fhir.resources import Period
from carerecord.reconciliation.versions import less_than_a_day, written_day


def written(text: str) -> str:
    """ "2026-11-12T09:00:00Z" is 12-Nov-2026, "2026-11" is Nov-2026; what is no date stays as it was said."""
    if not text:
        return ""
    if short := less_than_a_day(text):
        return short
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        return text
    # A date has no zone, and must not be moved by one.
    return written_day(said) if said.tzinfo else f"{said:%d-%b-%Y}"


def recorded_only(onset: str, recorded: str, happened_at: datetime | None) -> str:
    """ "recorded" where the day of an entry is when it was written down: an illness of twenty years, listed at an
    admission, did not begin with it."""
    if onset or not recorded or happened_at is None:
        return ""
    return "recorded" if written(recorded) == written_day(happened_at) else ""


def span(period: Period | None) -> str:
    """ "02-Sep-2026 to 14-Nov-2026", "since 02-Sep-2026", "until 14-Nov-2026"."""
    if period is None:
        return ""
    start, end = written(period.start), written(period.end)
    if start and end:
        return start if start == end else f"{start} to {end}"
    return f"since {start}" if start else f"until {end}" if end else ""
