"""HL7 v2 dates and times (TS, DTM, DT): to aware instants and FHIR dateTimes, keeping the precision that was sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

YEARS = range(1800, 2200)  # Outside these it is a slip of the keyboard, and time zones have no meaning.


class Instant(NamedTuple):
    at: datetime  # aware; the first moment of what was said
    text: str  # as FHIR dateTime, with the precision that was sent
    has_time: bool


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("Europe/London")  # A misspelt setting must not stop the messages of a whole hospital.


@lru_cache(maxsize=8192)
def parse_instant(text: str, timezone_name: str) -> Instant | None:
    """YYYY[MM[DD[HHMM[SS[.S]]]]][±ZZZZ], or ISO 8601; None where it is neither.

    A time without an offset is local time of the source. In the hour that autumn repeats it is taken as the first one.
    """
    if len(text) in {12, 14} and (found := _plain(text, timezone_name)) is not None:
        return found
    text = _compact(text.strip())
    digits, fraction, offset = _take_apart(text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in {4, 6, 8, 10, 12, 14}:
        return None
    try:
        year, month, day = int(digits[:4]), int(digits[4:6] or 1), int(digits[6:8] or 1)
        if year not in YEARS:
            return None
        if len(digits) <= 8:
            at = _fixed(datetime(year, month, day, tzinfo=zone(timezone_name)))
            return Instant(at, _date_text(digits), has_time=False)
        second = int(digits[12:14] or 0)
        clock = (int(digits[8:10]), int(digits[10:12] or 0), second, _microseconds(fraction))
        at = _fixed(datetime(year, month, day, *clock, tzinfo=offset or zone(timezone_name)))
    except ValueError:
        return None
    return Instant(at, at.isoformat(timespec="milliseconds" if fraction else "seconds"), has_time=True)


def _plain(text: str, timezone_name: str) -> Instant | None:
    """YYYYMMDDHHMM[SS], as most are written; None where it is anything else, and is to be looked at more closely."""
    if not (text.isascii() and text.isdigit()) or not "18" <= text[:2] <= "21" or text[8:10] > "23":
        return None
    try:
        if (offset := _offset_of_day(text[:8], timezone_name)) is not None:
            said = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:] or '00'}{offset}"
            return Instant(datetime.fromisoformat(said), said, True)
        at = _fixed(datetime.fromisoformat(f"{text[:8]}T{text[8:]}").replace(tzinfo=zone(timezone_name)))
    except ValueError:
        return None
    return Instant(at, at.isoformat(timespec="seconds"), has_time=True)


@lru_cache(maxsize=8192)
def _offset_of_day(digits: str, timezone_name: str) -> str | None:
    """ "+01:00" where it is the same from midnight to midnight; None on the days on which the clocks change."""
    begins = datetime.fromisoformat(digits).replace(tzinfo=zone(timezone_name))
    offset = begins.utcoffset()
    if offset is None or offset != (begins + timedelta(days=1)).utcoffset() or offset.total_seconds() % 60:
        return None
    return begins.isoformat()[19:]


def _fixed(at: datetime) -> datetime:
    """With its offset in place of its zone.

    Python finds a time of the hour that autumn repeats equal to no time of another zone: so no zone leaves this room.
    """
    fixed = _fixed_zone(at.utcoffset())
    if fixed is None:
        return at.astimezone(UTC)  # Local mean time before railways: no offset of FHIR can say it.
    return at.replace(tzinfo=fixed)


@lru_cache(maxsize=1024)
def _fixed_zone(shift: timedelta | None) -> timezone | None:
    """The zone that is always so far from UTC; None where that is no whole number of minutes."""
    if not shift:
        return UTC
    return None if shift.total_seconds() % 60 else timezone(shift)


def parse_birth_date(text: str, timezone_name: str) -> date | None:
    """The day of birth as it was written.

    Some systems keep a day as its local midnight and send it in UTC: born on 4 July (summer time) is 23:00 of the 3rd.
    So where the instant is exactly local midnight, the local day counts; else the day as written.
    """
    instant = parse_instant(text, timezone_name)
    if instant is None or (not instant.has_time and len(instant.text) < 10):
        return None
    if instant.has_time:
        local = instant.at.astimezone(zone(timezone_name))
        if (local.hour, local.minute, local.second) == (0, 0, 0):
            return local.date()
    return instant.at.date()


def instant_text(at: datetime) -> str:
    """An aware instant as FHIR writes it."""
    return at.isoformat(timespec="seconds")


def _compact(text: str) -> str:
    if len(text) == 7 and text[4] == "-":
        return text[:4] + text[5:]
    if text[4:5] == "-" and text[7:8] == "-":
        text = text[:4] + text[5:7] + text[8:10] + text[10:].lstrip(" T").replace(":", "")
    return text


def _take_apart(text: str) -> tuple[str, str, timezone | None]:
    """(digits, fraction of a second, offset)."""
    offset: timezone | None = None
    at = max(text.find("+", 4), text.find("-", 4))
    if at >= 0:
        offset = _offset(text[at], text[at + 1 :])
        text = text[:at]
    elif text[-1:] in {"Z", "z"}:
        offset, text = UTC, text[:-1]
    digits, _, fraction = text.rstrip().partition(".")
    return digits, fraction if fraction.isascii() and fraction.isdigit() else "", offset


def _offset(sign: str, digits: str) -> timezone | None:
    digits = digits.replace(":", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in {2, 4}:
        return None
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    if minutes > 14 * 60:
        return None
    return timezone(timedelta(minutes=-minutes if sign == "-" else minutes))


def _microseconds(fraction: str) -> int:
    return int((fraction + "000000")[:6]) if fraction else 0


def _date_text(digits: str) -> str:
    return "-".join(filter(None, (digits[:4], digits[4:6], digits[6:8])))
