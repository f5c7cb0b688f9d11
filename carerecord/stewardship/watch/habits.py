"""Rules of many looks: how much, how broad, how quick, how often. Pure; what it remembers it forgets by itself."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from carerecord.stewardship.watch.rules import OWN_REASON
from carerecord.stewardship.watch.values import About, Alert, Look, Rules

BEYOND = 0.995  # of a role's days: what is more than that is not its habit
DAYS_KEPT = 2_000  # of a role
WEEK = timedelta(days=7)
FORTNIGHT = timedelta(days=14)


class _Reader:
    """What one reader did of late."""

    __slots__ = ("days", "emergencies", "opened", "searches")

    def __init__(self) -> None:
        self.opened: deque[tuple[datetime, int, str, str, str, bool]] = deque()  # of this day
        self.searches: deque[tuple[datetime, str, bool]] = deque()
        self.emergencies: deque[datetime] = deque()
        self.days: dict[int, deque[date]] = {}  # patient -> days opened on one's own reason


class Habits:
    """Takes looks in order of time; says which rules of many a look completes."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._readers: dict[str, _Reader] = {}
        self._roles: dict[str, list[int]] = defaultdict(list)  # people opened a day, sorted, over the role's readers
        self._ages: dict[str, deque[int]] = defaultdict(deque)  # the same in order of time, to forget the oldest
        self._counts: dict[tuple[str, str], int] = {}  # (role, reader) -> people opened today
        self._day: date | None = None
        self._ended: tuple[date, dict[str, list[int]]] | None = None

    def take(self, look: Look, about: About) -> list[Alert]:
        self._turn_day(look.at.date())
        reader = self._readers.setdefault(look.user_id, _Reader())
        if look.kind == "searched":
            return list(self._searched(reader, look))
        if look.kind == "declared":
            return list(self._declared(reader, look))
        return list(self._opened(reader, look, about))

    def recall(self, days: Mapping[str, Sequence[int]]) -> None:
        """What was kept of each role's days before this process began, oldest first."""
        for role, counts in days.items():
            self._ages[role] = deque(counts)
            self._roles[role] = sorted(counts)

    def take_day(self) -> tuple[date, dict[str, list[int]]] | None:
        """The counts of the last whole day by role, once: to be kept beyond this process."""
        ended, self._ended = self._ended, None
        return ended

    def usual(self, role: str) -> int | None:
        """How many people's records hardly one of this role's days goes beyond; None until that is known."""
        days = self._roles[role]
        if len(days) < self.rules.rule["volume"].days_min:
            return None
        return days[min(int(len(days) * BEYOND), len(days) - 1)]

    def _opened(self, reader: _Reader, look: Look, about: About) -> Iterator[Alert]:
        is_unrelated = not about.is_related and not look.is_shown
        before = {key for _, key, *_ in reader.opened}
        reader.opened.append((look.at, look.patient_key, about.practice, about.postcode, look.area, is_unrelated))
        yield from self._travel(reader, look)
        yield from self._returning(reader, look)
        if look.patient_key in before:
            return
        count = len(before) + 1
        self._counts[look.role, look.user_id] = count
        yield from self._volume(look, count)
        yield from self._breadth(reader, count)
        if is_unrelated and about.postcode:
            yield from self._neighbourhood(reader, look, about.postcode)

    def _volume(self, look: Look, count: int) -> Iterator[Alert]:
        rule, usual = self.rules.rule["volume"], self.usual(look.role)
        # Told once, as it is passed, and again at each doubling: not at every record after.
        if usual is not None and count > max(usual, rule.floor) and _is_step(count, max(usual, rule.floor)):
            yield Alert(rule="volume", why=rule.why(count=count, usual=usual), weight=rule.weight)

    def _breadth(self, reader: _Reader, count: int) -> Iterator[Alert]:
        rule = self.rules.rule["breadth"]
        people = {key: (practice, unrelated) for _, key, practice, _, _, unrelated in reader.opened}
        strangers = [practice for practice, unrelated in people.values() if unrelated]
        practices = len({practice for practice in strangers if practice})
        if (
            practices >= rule.count
            and len(strangers) >= rule.unrelated_share * count
            and _is_step(practices, rule.count - 1)
        ):
            yield Alert(rule="breadth", why=rule.why(count=practices), weight=rule.weight)

    def _neighbourhood(self, reader: _Reader, look: Look, postcode: str) -> Iterator[Alert]:
        rule = self.rules.rule["neighbourhood"]
        since = look.at - timedelta(minutes=rule.minutes)
        near = {
            key for at, key, _, code, _, unrelated in reader.opened if at >= since and code == postcode and unrelated
        }
        if len(near) >= rule.count:
            yield Alert(rule="neighbourhood", why=rule.why(count=len(near)), weight=rule.weight)

    def _travel(self, reader: _Reader, look: Look) -> Iterator[Alert]:
        rule = self.rules.rule["travel"]
        since = look.at - timedelta(minutes=rule.minutes)
        areas = {area for at, *_, area, _ in reader.opened if at >= since and area}
        if len(areas) > 1:
            yield Alert(rule="travel", why=rule.why(minutes=rule.minutes), weight=rule.weight)

    def _returning(self, reader: _Reader, look: Look) -> Iterator[Alert]:
        if look.evidence not in OWN_REASON:
            return
        rule, day = self.rules.rule["returning"], look.at.date()
        days = reader.days.setdefault(look.patient_key, deque())
        if days and days[-1] == day:
            return
        days.append(day)
        while day - days[0] >= FORTNIGHT:
            days.popleft()
        if len(days) >= rule.count:
            yield Alert(rule="returning", why=rule.why(count=len(days)), weight=rule.weight)

    def _searched(self, reader: _Reader, look: Look) -> Iterator[Alert]:
        """Found nobody again and again, or asked for one number with one birth date after another."""
        rule = self.rules.rule["fishing"]
        reader.searches.append((look.at, look.asked, look.patient_key == 0))
        while look.at - reader.searches[0][0] > timedelta(minutes=rule.minutes):
            reader.searches.popleft()
        misses = sum(is_miss for _, _, is_miss in reader.searches)
        if misses >= rule.count and misses * 2 > len(reader.searches):
            yield Alert(rule="fishing", why=rule.why(count=misses, minutes=rule.minutes), weight=rule.weight)

    def _declared(self, reader: _Reader, look: Look) -> Iterator[Alert]:
        rule = self.rules.rule["emergency-rate"]
        reader.emergencies.append(look.at)
        while look.at - reader.emergencies[0] > WEEK:
            reader.emergencies.popleft()
        if len(reader.emergencies) >= rule.count:
            count = len(reader.emergencies)
            yield Alert(rule="emergency-rate", why=rule.why(count=count), weight=rule.weight)

    def _turn_day(self, day: date) -> None:
        """At the turn of a day its counts join the habits of each role, and what is older is forgotten."""
        if self._day is None or day <= self._day:
            self._day = self._day or day
            return
        ended: dict[str, list[int]] = defaultdict(list)
        for (role, _), count in self._counts.items():
            ended[role].append(count)
            insort(self._roles[role], count)
            self._ages[role].append(count)
            if len(self._ages[role]) > DAYS_KEPT:
                self._roles[role].remove(self._ages[role].popleft())
        self._counts.clear()
        self._ended, self._day = (self._day, dict(ended)), day
        for user_id, reader in list(self._readers.items()):
            reader.opened.clear()
            for patient_key in [key for key, days in reader.days.items() if day - days[-1] >= FORTNIGHT]:
                del reader.days[patient_key]
            if not reader.days and not reader.emergencies and not reader.searches:
                del self._readers[user_id]


def _is_step(count: int, beyond: int) -> bool:
    """True as a limit is passed, and at each doubling of it."""
    while beyond < count - 1:
        beyond *= 2
        if beyond <= 0:
            return False
    return count == beyond + 1
