"""The engine: each look against every rule; one finding for each reader and person a day. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from math import prod

from carerecord.stewardship.watch import rules as one_look
from carerecord.stewardship.watch.habits import Habits
from carerecord.stewardship.watch.values import About, Alert, Colleague, Finding, Look, Rules, read_rules

SURNAMES_PEOPLE_MAX = 200_000
DOUBT = "no-relationship"


class Watch:
    """Takes looks in order of time. What it knows besides is the registers of staff that organisations gave."""

    def __init__(self, rules: Rules | None = None, *, staff: Iterable[Colleague] = ()) -> None:
        self.rules = rules or read_rules()
        self.habits = Habits(self.rules)
        self._readers: dict[str, Colleague] = {}
        self._colleagues: dict[str, dict[str, Colleague]] = {}  # organisation -> mark -> who
        for each in staff:
            self._readers[each.user_id] = each
            known = self._colleagues.setdefault(each.organisation, {})
            known.update((mark, each) for mark in one_look.marks(each))
        self._surnames: Counter[str] = Counter()
        self._people: set[int] = set()
        self._doubts: deque[tuple[datetime, Look]] = deque()  # nothing shows a relationship yet
        self._told: dict[tuple[str, int], set[str]] = {}  # what was found of this reader and person today
        self._day: date | None = None

    def learn(self, rules: Rules) -> None:
        """Other weights, from what the desk found; what was seen so far stays known."""
        self.rules = self.habits.rules = rules

    def take(self, look: Look, about: About) -> Finding | None:
        """None where nothing fits, or nothing new since the last finding of this reader and person today."""
        if look.at.date() != self._day:
            self._day = look.at.date()
            self._told.clear()
        alerts = [*self._of_this_look(look, about), *self.habits.take(look, about)]
        self._meet(look, about)
        if not alerts:
            return None
        if [alert.rule for alert in alerts] == [DOUBT]:
            self._doubts.append((look.at + timedelta(minutes=self.rules.rule[DOUBT].minutes), look))
            return None
        return self._finding(look, alerts)

    def doubts_due(self, *, at: datetime) -> list[tuple[datetime, Look]]:
        """Looks on nothing but the reader's reason whose time to be shown right is over: ask again, then `settle`."""
        due = []
        while self._doubts and self._doubts[0][0] <= at:
            due.append(self._doubts.popleft())
        return due

    def settle(self, look: Look, about: About) -> Finding | None:
        """`about` as known a day after the look: most that was not shown then is shown now."""
        alert = one_look.no_relationship(look, about, self.rules)
        return self._finding(look, [alert]) if alert else None

    def _finding(self, look: Look, alerts: list[Alert]) -> Finding | None:
        score = 1 - prod(1 - alert.weight for alert in alerts)
        known = self._told.setdefault((look.user_id, look.patient_key), set())
        if score < self.rules.threshold or known.issuperset(alert.rule for alert in alerts):
            return None
        known.update(alert.rule for alert in alerts)
        return Finding(look=look, alerts=tuple(sorted(alerts, key=lambda alert: -alert.weight)), score=score)

    def _of_this_look(self, look: Look, about: About) -> list[Alert]:
        if look.kind != "opened":
            return []
        reader = self._readers.get(look.user_id)
        own = one_look.own_record(look, about, reader, self.rules)
        if own:
            return [own]
        found = (
            one_look.household(about, reader, self.rules),
            one_look.family(look, about, reader, self._surnames, len(self._people), self.rules),
            one_look.colleague(look, about, self._colleagues.get(look.organisation, {}), self.rules),
            one_look.listed(look, about, self.rules),
            one_look.after_death(look, about, self.rules),
            one_look.no_relationship(look, about, self.rules),
        )
        return [alert for alert in found if alert is not None]

    def _meet(self, look: Look, about: About) -> None:
        """Surnames are counted once a person, so that how common one is here shows."""
        if look.patient_key and look.patient_key not in self._people and len(self._people) < SURNAMES_PEOPLE_MAX:
            self._people.add(look.patient_key)
            self._surnames[one_look.one_word(about.family)] += 1
