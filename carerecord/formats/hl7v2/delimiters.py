"""The five marks of a message (MSH-1, MSH-2), and the reading of fields, components and texts by them."""

from __future__ import annotations

from functools import lru_cache

from carerecord.formats.hl7v2.escapes import unescape

# No field comes near these; they bound what a hostile or broken one can cost.
REPETITIONS_MAX = 1_000
COMPONENTS_MAX = 60


class Delimiters:
    """Field separator and encoding characters. One of each kind is kept: they are compared by identity."""

    __slots__ = ("component", "escape", "escapes", "field", "repetition", "subcomponent")

    def __init__(self, field: str, encoding: str) -> None:
        self.field = field
        self.component, self.repetition, self.escape, self.subcomponent = tuple(encoding)
        self.escapes = {
            "F": field,
            "S": self.component,
            "T": self.subcomponent,
            "R": self.repetition,
            "E": self.escape,
        }

    def repetitions(self, field: str) -> list[str]:
        """Those that say anything."""
        if self.repetition not in field:
            return [field] if field else []
        return [each for each in field.split(self.repetition, REPETITIONS_MAX) if each]

    def components(self, repetition: str) -> list[str]:
        return repetition.split(self.component, COMPONENTS_MAX)

    def component_of(self, repetition: str, number: int) -> str:
        if self.component not in repetition:
            return self.text(repetition) if number == 1 else ""
        parts = repetition.split(self.component, number)
        return self.text(parts[number - 1]) if len(parts) >= number else ""

    def parts(self, repetition: str, count: int) -> list[str]:
        """The first subcomponent of each of so many components, read; "" for those that were not sent."""
        parts = repetition.split(self.component, count)[:count]
        if self.escape in repetition or self.subcomponent in repetition or '""' in repetition:
            parts = [self.first_subcomponent(part) for part in parts]
        else:
            parts = [part.strip() for part in parts]
        parts.extend([""] * (count - len(parts)))
        return parts

    def text(self, raw: str) -> str:
        """What a field, component or subcomponent says, with its escape sequences read; "" for HL7's null."""
        if self.escape in raw:
            raw = unescape(raw, escape=self.escape, delimiters=self.escapes)
        raw = raw.strip()
        return "" if raw == '""' else raw

    def words(self, raw: str) -> str:
        """The same with the spaces around it."""
        return unescape(raw, escape=self.escape, delimiters=self.escapes) if self.escape in raw else raw

    def first_subcomponent(self, raw: str) -> str:
        return self.text(raw.split(self.subcomponent, 1)[0])


@lru_cache(maxsize=64)
def delimiters_of(field: str, encoding: str) -> Delimiters:
    return Delimiters(field, encoding)
