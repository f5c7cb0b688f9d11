"""FHIR R4's definitions as the validator needs them, read once from the table made of HL7's publication."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from carerecord.fhir.demands import Rule
from carerecord.fhir.invariants import INVARIANTS
from carerecord.fhir.primitives import PATTERNS, PRIMITIVES, Primitive

Coded = frozenset[tuple[str, str]]
HL7 = "http://hl7.org/fhir/"


class Element(msgspec.Struct, eq=False):
    """One JSON member: what may stand in it. A choice such as value[x] has one Element for each of its types."""

    json_name: str
    step: str
    kind: str
    repeats: bool
    primitive: Primitive | None = None
    of: type = dict
    accepts: Callable[[Any], object] = bool
    rules: TypeRules | None = None
    choice: str | None = None
    binding: str | None = None
    codes: frozenset[str] | None = None
    coded: Coded | None = None
    targets: frozenset[str] | None = None
    is_looked_into: bool = False


class TypeRules(msgspec.Struct, eq=False):
    """One type, resource or group inside one: its members, those it must have, and what must hold between them."""

    name: str
    elements: dict[str, Element] = msgspec.field(default_factory=dict)
    required: frozenset[str] = frozenset()
    required_choices: tuple[tuple[str, frozenset[str]], ...] = ()
    invariants: tuple[Rule, ...] = ()


class Definitions(msgspec.Struct, frozen=True, eq=False):
    version: str
    source: str
    licence: str
    types: dict[str, TypeRules]
    resources: dict[str, TypeRules]


class _Header(msgspec.Struct):
    fhir: str
    package: str
    licence: str


class _Table(msgspec.Struct):
    """`types`: name -> [base type, {element: [least, most (0 = any number), types, value set, reference targets]}]."""

    header: _Header
    resources: list[str]
    primitives: list[str]
    codes: dict[str, dict[str, list[str]]]
    types: dict[str, tuple[str, dict[str, list[Any]]]]


@cache
def definitions() -> Definitions:
    """The definitions of R4; the table is read at the first call."""
    content = files("carerecord.fhir").joinpath("tables/r4.json").read_bytes()
    return _Builder(msgspec.json.decode(content, type=_Table)).build()


class _Builder:
    def __init__(self, table: _Table) -> None:
        self.table = table
        self.types = {name: TypeRules(name=name) for name in table.types}
        self.codes = {url: frozenset(c for some in sets.values() for c in some) for url, sets in table.codes.items()}
        self.coded = {
            url: frozenset((system, code) for system, some in sets.items() for code in some)
            for url, sets in table.codes.items()
        }

    def build(self) -> Definitions:
        for name, rules in self.types.items():
            self._fill(rules, self._members(name))
        resources = {name: self.types[name] for name in self.table.resources}
        for name, rules in resources.items():
            rules.elements["resourceType"] = _type_member(name)
        header = self.table.header
        return Definitions(header.fhir, header.package, header.licence, self.types, resources)

    def _members(self, name: str) -> dict[str, list[Any]]:
        """A type's own members after those it has from its base."""
        base, own = self.table.types[name]
        return {**(self._members(base) if base in self.table.types else {}), **own}

    def _fill(self, rules: TypeRules, members: dict[str, list[Any]]) -> None:
        required, choices = set(), []
        for name, entry in members.items():
            mine = list(self._elements(name, *entry))
            if name in ("extension", "modifierExtension") and rules.name != "Extension":
                # Only inside another extension may the address of one be short.
                mine[0].is_looked_into = True
            rules.elements.update((element.json_name, element) for element in mine)
            if entry[0] and name.endswith("[x]"):
                choices.append((name[:-3], frozenset(element.json_name for element in mine)))
            elif entry[0]:
                required.add(name)
        base = self.table.types[rules.name][0]
        rules.required = frozenset(required)
        rules.required_choices = tuple(choices)
        rules.invariants = (*INVARIANTS.get(base, ()), *INVARIANTS.get(rules.name, ()))

    def _elements(
        self,
        name: str,
        _least: int,
        most: int,
        kinds: list[str],
        binding: str | None = None,
        targets: list[str] | None = None,
    ) -> Iterator[Element]:
        wanted = frozenset(targets) if targets else None
        for kind in kinds:
            json_name, step, choice = name, f".{name}", None
            if name.endswith("[x]"):
                choice = name[:-3]
                public = "Quantity" if kind == "SimpleQuantity" else kind
                json_name, step = choice + public[0].upper() + public[1:], f".{choice}.ofType({public})"
            element = Element(json_name, step, kind, most != 1, choice=choice)
            if kind in PRIMITIVES:
                self._make_primitive(element, binding, wanted)
            else:
                self._make_complex(element, binding, wanted)
            yield element

    def _make_primitive(self, element: Element, binding: str | None, targets: frozenset[str] | None) -> None:
        element.primitive = primitive = PRIMITIVES[element.kind]
        element.of, element.accepts = primitive.of, primitive.accepts
        if element.kind == "code" and binding is not None:
            element.binding, element.codes = binding, self.codes[binding]
            element.accepts = element.codes.__contains__
        if element.kind == "canonical" and targets is not None:
            element.targets = targets
            others = frozenset(self.table.resources) - targets
            element.accepts = lambda text: PATTERNS["canonical"].fullmatch(text) and not names_another(text, others)

    def _make_complex(self, element: Element, binding: str | None, targets: frozenset[str] | None) -> None:
        if element.kind != "Resource":
            element.rules = self.types[element.kind.removeprefix("@")]
        if binding is not None:
            element.binding, element.coded = binding, self.coded[binding]
        element.targets = targets
        element.is_looked_into = element.kind == "Reference" or element.coded is not None


def _type_member(name: str) -> Element:
    only = frozenset((name,))
    element = Element("resourceType", ".resourceType", "code", False, codes=only)
    element.primitive, element.of, element.accepts = PRIMITIVES["code"], str, only.__contains__
    return element


def names_another(address: str, others: frozenset[str]) -> bool:
    """Whether a canonical address is that of another type: HL7's own addresses say of what type they are."""
    return address.startswith(HL7) and address[len(HL7) :].partition("/")[0] in others
