"""When what a source said of a person falls due: by its kind, the last contact, the birthday and the death. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

ANY: Final = "*"
ADULT_AT: Final = 18


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One class of the schedule. Without `years` nothing falls due while the person lives."""

    name: str
    kinds: tuple[str, ...]
    basis: str
    years: int | None = None  # after the last contact
    years_after_death: int | None = None
    child_until: int | None = None  # birthday until which a child's record is kept
    child_until_if_17: int | None = None  # if they were 17 at the last contact


class OwnRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source may keep less here than its class allows."""

    years: int | None = None
    basis: str


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: str
    review_by: date
    rule: tuple[Rule, ...]
    own: Mapping[str, OwnRule] = msgspec.field(name="source_rule", default_factory=dict)

    def rule_of(self, kind: str, source: str) -> Rule:
        """The first that fits, shortened where the source says so. Raises StopIteration if the schedule has no last."""
        rule = next(rule for rule in self.rule if kind in rule.kinds or ANY in rule.kinds)
        own = self.own.get(source)
        if own is None or own.years is None:
            return rule
        years = own.years if rule.years is None else min(own.years, rule.years)
        return msgspec.structs.replace(rule, years=years, basis=own.basis)


def due_on(rule: Rule, *, last_contact: date, birth_date: date | None, died_on: date | None) -> date | None:
    """The day from which it may no longer be kept; None while nothing says when that will be.

    After a death the years after death count, where they end sooner than those after the last contact.
    """
    days = []
    if rule.years is not None:
        days.append(_later(years_after(last_contact, rule.years), _child_until(rule, last_contact, birth_date)))
    if died_on is not None and rule.years_after_death is not None:
        days.append(years_after(max(died_on, last_contact), rule.years_after_death))
    return min(days, default=None)


def _child_until(rule: Rule, last_contact: date, birth_date: date | None) -> date | None:
    if birth_date is None or rule.child_until is None:
        return None
    if last_contact >= years_after(birth_date, ADULT_AT):
        return None
    was_17 = last_contact >= years_after(birth_date, ADULT_AT - 1)
    until = rule.child_until_if_17 if was_17 and rule.child_until_if_17 is not None else rule.child_until
    return years_after(birth_date, until)


def _later(one: date, other: date | None) -> date:
    return one if other is None else max(one, other)


def years_after(day: date, years: int) -> date:
    """The same day of a later year; 29 February is 1 March where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
