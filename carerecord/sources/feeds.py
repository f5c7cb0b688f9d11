"""When each feed was heard: noted by those who hear, read by those who show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from carerecord import database
from carerecord.sources.rules import WEEKS_REMEMBERED, Feed, Hour, Rhythm, health, learn

if TYPE_CHECKING:
    from carerecord.database import Database

QUERIES = database.queries(__package__)

LAST_HEARD_FRESH = timedelta(seconds=10)
RHYTHM_FRESH = timedelta(minutes=10)
_REMEMBERED = timedelta(weeks=WEEKS_REMEMBERED)
_HOUR = timedelta(hours=1)


class _Counted:
    """What was heard of one source in one hour, while it goes on."""

    __slots__ = ("last_at", "messages", "quiet", "until")

    def __init__(self, hour: datetime, last_at: datetime) -> None:
        self.until = hour + timedelta(hours=1)
        self.last_at = last_at
        self.messages = 0
        self.quiet = 0


class Hearing:
    """What one process has heard and not yet noted. `heard` costs next to nothing; `note` is called now and then.

    A crash loses what was not noted: a few seconds of a rhythm, and of no message.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._last: dict[str, datetime] = {}
        self._hours: dict[tuple[str, datetime], _Counted] = {}
        self._now: dict[str, _Counted] = {}  # of each source the hour in which it was heard last
        self._forgot_at: datetime | None = None

    async def recall(self) -> None:
        """Goes on from what is noted already: the silence over a restart counts as one."""
        self._last = {row["source"]: row["last_at"] for row in await self._db.fetch(QUERIES["read_last_heard"])}

    def heard(self, source: str, at: datetime) -> None:
        last = self._last.get(source)
        now = self._now.get(source)
        if now is not None and last is not None and last < at < now.until and last >= now.until - _HOUR:
            now.messages += 1
            now.last_at = self._last[source] = at
            quiet = int((at - last).total_seconds())
            if quiet > now.quiet:
                now.quiet = quiet
            return
        if last is not None and at <= last:
            self._add(source, at, messages=1, last_at=last, quiet=0)
            return
        if last is not None:
            self._add(source, last, messages=0, last_at=last, quiet=int((at - last).total_seconds()))
        self._now[source] = self._add(source, at, messages=1, last_at=at, quiet=0)
        self._last[source] = at

    def _add(self, source: str, at: datetime, *, messages: int, last_at: datetime, quiet: int) -> _Counted:
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        counted = self._hours.get((source, hour))
        if counted is None:
            counted = self._hours[source, hour] = _Counted(hour, last_at)
        counted.messages += messages
        counted.last_at = max(last_at, counted.last_at)
        counted.quiet = max(quiet, counted.quiet)
        return counted

    async def note(self, *, at: datetime) -> None:
        """Notes what was heard since the last time. What could not be noted is noted with the next."""
        if self._forgot_at is None or at - self._forgot_at > timedelta(days=1):
            await self._db.execute(QUERIES["forget_heard"], at - _REMEMBERED)
            self._forgot_at = at
        noted = list(self._hours.items())
        if not noted:
            return
        self._hours, self._now = {}, {}
        try:
            await self._db.execute(
                QUERIES["keep_heard"],
                [source for (source, _), _ in noted],
                [hour for (_, hour), _ in noted],
                [counted.messages for _, counted in noted],
                [counted.last_at for _, counted in noted],
                [counted.quiet for _, counted in noted],
            )
        except Exception:
            for (source, hour), counted in noted:
                self._add(source, hour, messages=counted.messages, last_at=counted.last_at, quiet=counted.quiet)
            raise


class Feeds:
    """How every feed is, for those who show: read again every few seconds, its rhythm every few minutes."""

    def __init__(self, db: Database, *, timezone: str = "Europe/London") -> None:
        self._db = db
        self._timezone = timezone
        self._rhythms: dict[str, Rhythm] = {}
        self._feeds: dict[str, Feed] = {}
        self._last_read_at: datetime | None = None
        self._learnt_at: datetime | None = None

    async def read(self, expected: dict[str, float | None], *, at: datetime) -> dict[str, Feed]:
        """`expected` names the sources, each with the seconds between messages that were agreed with it, if any."""
        if self._last_read_at is not None and abs(at - self._last_read_at) <= LAST_HEARD_FRESH:
            return self._feeds
        if self._learnt_at is None or abs(at - self._learnt_at) > RHYTHM_FRESH:
            rows = await self._db.fetch(QUERIES["read_heard"], at - _REMEMBERED)
            self._rhythms = learn((Hour(**dict(row)) for row in rows), timezone=self._timezone)
            self._learnt_at = at
        last = {row["source"]: row["last_at"] for row in await self._db.fetch(QUERIES["read_last_heard"])}
        self._feeds = {
            source: health(
                source,
                last_heard_at=last.get(source),
                rhythm=self._rhythms.get(source),
                expected_every_seconds=seconds,
                at=at,
                timezone=self._timezone,
            )
            for source, seconds in expected.items()
        }
        self._last_read_at = at
        return self._feeds
