"""SMART App Launch 2.2 scopes for resources: "system/Observation.rs".

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html. Scopes of version 1 (`.read`) are understood too.
"""

from __future__ import annotations

import re
from typing import Self

import msgspec

_SCOPE = re.compile(
    r"^(?P<context>system|user|patient)/(?P<resource>\*|[A-Z][A-Za-z]+)"
    r"\.(?P<may>read|write|\*|c?r?u?d?s?)(?:\?(?P<query>[\x21\x23-\x5b\x5d-\x7e]+))?$"
)
_VERSION_ONE = {"read": "rs", "write": "cud", "*": "cruds"}


class NotAScope(ValueError):
    """This is not a SMART scope for resources: write it like system/Observation.rs, one space between scopes."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:80]!r} is not a SMART scope for resources: write it like system/Observation.rs.")


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    context: str
    resource: str
    may: str  # letters of "cruds"
    query: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        found = _SCOPE.match(text)
        if not found or not found["may"]:
            raise NotAScope(text)
        may = _VERSION_ONE.get(found["may"], found["may"])
        return cls(context=found["context"], resource=found["resource"], may=may, query=found["query"] or "")

    def covers(self, asked: Scope) -> bool:
        """A scope with a query covers only the same query: what a query lets through is not compared."""
        return (
            self.context == asked.context
            and self.resource in ("*", asked.resource)
            and set(asked.may) <= set(self.may)
            and self.query in ("", asked.query)
        )


class Scopes(msgspec.Struct, frozen=True):
    """What a program may do: each scope as it was granted."""

    granted: tuple[Scope, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(tuple(Scope.parse(part) for part in text.split()))

    def covers(self, asked: Scopes) -> bool:
        return all(any(granted.covers(scope) for granted in self.granted) for scope in asked.granted)

    def may(self, resource: str, letter: str) -> bool:
        """May resources of this type be read ("r"), searched ("s") and so on? A scope with a query never says yes."""
        asked = Scope(context="system", resource=resource, may=letter)
        return any(granted.covers(asked) for granted in self.granted)
