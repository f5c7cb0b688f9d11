"""Which codes a FHIR value set holds, where that can be known in full from what is at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]
Codes = dict[str, set[str]]


class ValueSets:
    """Value sets and code systems by their address, as HL7 published them."""

    def __init__(self, resources: Iterable[Json]) -> None:
        self.sets: dict[str, Json] = {}
        self.systems: dict[str, Json] = {}
        for resource in resources:
            if resource["resourceType"] == "ValueSet":
                self.sets.setdefault(resource["url"], resource)
            elif resource["resourceType"] == "CodeSystem":
                self.systems.setdefault(resource["url"], resource)

    def codes_of(self, url: str) -> Codes | None:
        """The codes by system; None where one part of the set cannot be enumerated."""
        definition = self.sets.get(url)
        if definition is None or "compose" not in definition:
            return None
        found = self._sum(definition["compose"]["include"])
        without = self._sum(definition["compose"].get("exclude", []))
        if found is None or without is None:
            return None
        return {system: rest for system, codes in found.items() if (rest := codes - without.get(system, set()))}

    def _sum(self, parts: list[Json]) -> Codes | None:
        total: Codes = {}
        for part in parts:
            codes = self._part(part)
            if codes is None:
                return None
            for system, some in codes.items():
                total.setdefault(system, set()).update(some)
        return total

    def _part(self, part: Json) -> Codes | None:
        """What one include or exclude stands for: everything in its system and in all of its value sets."""
        found: Codes | None = None
        if "system" in part:
            own = self._of_system(part)
            if own is None:
                return None
            found = {part["system"]: own}
        for url in part.get("valueSet", ()):
            other = self.codes_of(url.partition("|")[0])
            if other is None:
                return None
            found = other if found is None else {s: found[s] & other[s] for s in found.keys() & other.keys()}
        return found

    def _of_system(self, part: Json) -> set[str] | None:
        if "concept" in part:
            return {concept["code"] for concept in part["concept"]}
        system = self.systems.get(part["system"])
        if system is None or system.get("content") != "complete":
            return None
        codes = dict(_ancestry(system.get("concept", []), ()))
        for rule in part.get("filter", ()):
            if rule["property"] != "concept" or rule["op"] not in ("is-a", "descendent-of"):
                return None
            wanted = rule["value"]
            codes = {
                code: above
                for code, above in codes.items()
                if wanted in above or (code == wanted and rule["op"] == "is-a")
            }
        return set(codes)


def _ancestry(concepts: list[Json], above: tuple[str, ...]) -> Iterator[tuple[str, frozenset[str]]]:
    for concept in concepts:
        # Some systems of HL7 v3 name further parents in a property instead of by nesting.
        more = [item["valueCode"] for item in concept.get("property", ()) if item.get("code") == "subsumedBy"]
        yield concept["code"], frozenset((*above, *more))
        yield from _ancestry(concept.get("concept", []), (*above, concept["code"]))
