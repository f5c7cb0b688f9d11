"""Is a feed late? Judged by its own rhythm: how long it is usually quiet at this hour of such a day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

WEEKS_REMEMBERED = 5
# From here on one day in ten may have been an outage that must not teach the rhythm.
DAYS_BEFORE_ONE_IS_LEFT_OUT = 8
MESSAGES_OF_A_FIRST_DAY = 20
# A backlog loaded in a burst is no rhythm: after it, minutes of quiet would be called late of every source at once.
QUIET_OF_A_FIRST_DAY_SECONDS = 15 * 60
_HOURS_EITHER_SIDE = 1
_LATE, _LATE_MORE = 1.25, timedelta(minutes=2)
_SILENT, _SILENT_MORE = 4.0, timedelta(minutes=10)


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard of one source in one hour. A silence counts in the hour in which it began, once it is over."""

    source: str
    hour: datetime
    messages: int
    last_at: datetime
    longest_quiet_seconds: int


class Rhythm(msgspec.Struct, frozen=True):
    """How long a source is usually quiet, in seconds, by (is weekend, hour of the day)."""

    usual_quiet_seconds: Mapping[tuple[bool, int], float]


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """How a source's feed is now. "unknown": heard, but too little is known of its rhythm to judge."""

    source: str
    kind: Literal["well", "late", "silent", "unknown", "unheard"]
    last_heard_at: datetime | None = None


def learn(hours: Iterable[Hour], *, timezone: str) -> dict[str, Rhythm]:
    """The rhythm of each source, learnt from what was heard of it."""
    zone = ZoneInfo(timezone)
    by_source: dict[str, list[tuple[datetime, Hour]]] = {}
    for hour in hours:
        by_source.setdefault(hour.source, []).append((hour.hour.astimezone(zone), hour))
    return {source: Rhythm(_usual(listed)) for source, listed in by_source.items()}


def _usual(listed: Sequence[tuple[datetime, Hour]]) -> dict[tuple[bool, int], float]:
    usual: dict[tuple[bool, int], float] = {}
    for is_weekend in (False, True):
        for hour_of_day in range(24):
            near = [
                (local, hour)
                for local, hour in listed
                if (local.weekday() >= 5) == is_weekend and _is_near(local.hour, hour_of_day)
            ]
            quiet = _longest_usual(near)
            if quiet is not None:
                usual[is_weekend, hour_of_day] = quiet
    return usual


def _is_near(one: int, other: int) -> bool:
    apart = abs(one - other)
    return min(apart, 24 - apart) <= _HOURS_EITHER_SIDE


def _longest_usual(near: Sequence[tuple[datetime, Hour]]) -> float | None:
    """The longest silence of an ordinary day: each day counts once, and of many days the worst is left out."""
    by_day: dict[object, float] = {}
    for local, hour in near:
        day = local.date()
        by_day[day] = max(by_day.get(day, 0.0), hour.longest_quiet_seconds)
    if len(by_day) <= 1:
        # A first day teaches only a feed that is busy, and then with caution.
        busy = sum(hour.messages for _, hour in near) >= MESSAGES_OF_A_FIRST_DAY
        return max(2 * max(by_day.values()), QUIET_OF_A_FIRST_DAY_SECONDS) if by_day and busy else None
    longest = sorted(by_day.values())
    return longest[-2] if len(longest) >= DAYS_BEFORE_ONE_IS_LEFT_OUT else longest[-1]


def health(
    source: str,
    *,
    last_heard_at: datetime | None,
    rhythm: Rhythm | None,
    expected_every_seconds: float | None,
    at: datetime,
    timezone: str,
) -> Feed:
    """`expected_every_seconds` is what was agreed with the source: it speaks where its rhythm is not known yet."""
    if last_heard_at is None:
        return Feed(source=source, kind="unheard")
    since = last_heard_at.astimezone(ZoneInfo(timezone))
    usual = rhythm.usual_quiet_seconds.get((since.weekday() >= 5, since.hour)) if rhythm else None
    if usual is None:
        usual = expected_every_seconds
    if usual is None:
        return Feed(source=source, kind="unknown", last_heard_at=last_heard_at)
    quiet = at - last_heard_at
    if quiet > timedelta(seconds=usual * _SILENT) + _SILENT_MORE:
        return Feed(source=source, kind="silent", last_heard_at=last_heard_at)
    if quiet > timedelta(seconds=usual * _LATE) + _LATE_MORE:
        return Feed(source=source, kind="late", last_heard_at=last_heard_at)
    return Feed(source=source, kind="well", last_heard_at=last_heard_at)
