"""Kinds of demand between the members of one object, of which invariants are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

Object = Mapping[str, Any]
# (the member it is about, as a step of a path, or ""; what must change), or None where all is well.
Finding = tuple[str, str] | None
Rule = Callable[[Object], Finding]


@cache
def presence(name: str) -> Callable[[Object], bool]:
    """Whether an element is there: one without a value may still have an extension. `name[x]` is any of a choice."""
    hidden = f"_{name}"
    if not name.endswith("[x]"):
        return lambda value: name in value or hidden in value
    stem = name[:-3]
    # After the stem comes the name of a type, which begins with a capital.
    chosen = re.compile(f"_?{stem}[A-Z]").match

    return lambda value: any(isinstance(key, str) and chosen(key) for key in value)


def has(value: Object, name: str) -> bool:
    return presence(name)(value)


def objects_in(value: Object, name: str) -> list[Object]:
    """The objects in a member, whether it is one or a list; whatever else it holds is said elsewhere."""
    found = value.get(name)
    return [one for one in (found if isinstance(found, list | tuple) else [found]) if isinstance(one, dict)]


def text_in(value: Object, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def number_in(value: Object, name: str) -> Decimal | float | int | None:
    found = value.get(name)
    if isinstance(found, Decimal):
        return found if found.is_finite() else None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and found == found else None


def needs(key: str, name: str, *others: str) -> Rule:
    """Where one member is, one of the others must be."""
    is_there, is_met = presence(name), [presence(other) for other in others]

    def rule(value: Object) -> Finding:
        if not is_there(value) or any(met(value) for met in is_met):
            return None
        return f".{others[0].removesuffix('[x]')}", f"is needed beside {name}: give {_or(others)} ({key})"

    return rule


def one_of(key: str, *names: str) -> Rule:
    """At least one of these must be there."""
    tests = [presence(name) for name in names]

    def rule(value: Object) -> Finding:
        return None if any(is_there(value) for is_there in tests) else ("", f"must have {_or(names)} ({key})")

    return rule


def just_one_of(key: str, *names: str) -> Rule:
    def rule(value: Object) -> Finding:
        if sum(has(value, name) for name in names) == 1:
            return None
        return "", f"must have one, and only one, of {_or(names)} ({key})"

    return rule


def not_both(key: str, first: str, second: str) -> Rule:
    has_first, has_second = presence(first), presence(second)

    def rule(value: Object) -> Finding:
        if has_second(value) and has_first(value):
            return f".{second.removesuffix('[x]')}", f"must not stand beside {first}: leave out one of them ({key})"
        return None

    return rule


def not_negative(key: str, name: str) -> Rule:
    def rule(value: Object) -> Finding:
        number = number_in(value, name)
        return (f".{name}", f"must not be negative ({key})") if number is not None and number < 0 else None

    return rule


def only_where(key: str, name: str, member: str, *values: str) -> Rule:
    """One member may only be there where another has one of these values."""

    def rule(value: Object) -> Finding:
        if not has(value, name) or value.get(member) in values:
            return None
        return f".{name.removesuffix('[x]')}", f"may only stand where {member} is {_or(values)} ({key})"

    return rule


def also_where(key: str, name: str, member: str, *values: str) -> Rule:
    """One member must be there where another has one of these values."""

    def rule(value: Object) -> Finding:
        if value.get(member) not in values or has(value, name):
            return None
        return f".{name.removesuffix('[x]')}", f"is needed where {member} is {_or(values)} ({key})"

    return rule


def distinct(key: str, name: str, *members: str) -> Rule:
    """No two of a list's objects may be the same in these members."""

    def rule(value: Object) -> Finding:
        seen = set()
        for index, one in enumerate(objects_in(value, name)):
            same = tuple(text_in(one, member) for member in members)
            if all(same) and same in seen:
                return f".{name}[{index}]", f"has the {' and '.join(members)} of another: each may come once ({key})"
            seen.add(same)
        return None

    return rule


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)
