"""What FHIR demands of resources that define something, where a definition must agree with the specification itself.

https://hl7.org/fhir/R4/valueset.html, /capabilitystatement.html, /structuredefinition.html, /parameters.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from carerecord.fhir import snomed
from carerecord.fhir.definitions import Definitions, TypeRules

Object = Mapping[str, Any]
# (the step of the path, what must change)
Finding = tuple[str, str]

_SEARCH = "http://hl7.org/fhir/SearchParameter/"
_ABOUT_A_CONCEPT = frozenset(("is-a", "descendent-of", "is-not-a", "generalizes"))
_DEPTH_MAX = 60


def findings(resource: Object, known: Definitions) -> Iterator[Finding]:
    rule = _RULES.get(str(resource.get("resourceType")))
    return rule(resource, known) if rule else iter(())


def _value_set(value_set: Object, _known: Definitions) -> Iterator[Finding]:
    """Codes and filters of SNOMED CT must at least be written as such: terminology decides whether they exist."""
    compose = value_set.get("compose")
    if not isinstance(compose, dict):
        return
    for part in ("include", "exclude"):
        for index, one in enumerate(_objects(compose, part)):
            if one.get("system") == snomed.SYSTEM:
                step = f".compose.{part}[{index}]"
                yield from ((step + rest, sentence) for rest, sentence in _of_snomed(one))


def _of_snomed(include: Object) -> Iterator[Finding]:
    for index, concept in enumerate(_objects(include, "concept")):
        code = concept.get("code")
        if isinstance(code, str) and not any(sign in code for sign in ":+=") and not snomed.is_concept(code):
            yield f".concept[{index}].code", "is no concept identifier of SNOMED CT: its digits do not check"
    for index, one in enumerate(_objects(include, "filter")):
        name, how, value = one.get("property"), one.get("op"), one.get("value")
        if not isinstance(value, str):
            continue
        if name == "concept" and how in _ABOUT_A_CONCEPT and not snomed.is_concept(value):
            yield f".filter[{index}].value", "is no concept identifier of SNOMED CT: its digits do not check"
        elif name == "constraint" and how == "=" and not snomed.is_expression_constraint(value):
            yield f".filter[{index}].value", "is no expression constraint of SNOMED CT: it cannot be read as one"


def _capability_statement(statement: Object, _known: Definitions) -> Iterator[Finding]:
    """A search parameter that FHIR itself defines has the type that FHIR gives it."""
    kinds = _search_parameters()
    for place, rest in enumerate(_objects(statement, "rest")):
        for number, resource in enumerate(_objects(rest, "resource")):
            for index, one in enumerate(_objects(resource, "searchParam")):
                definition = str(one.get("definition", "")).partition("|")[0]
                wanted = kinds.get(definition.removeprefix(_SEARCH)) if definition.startswith(_SEARCH) else None
                if wanted is not None and isinstance(one.get("type"), str) and one["type"] != wanted:
                    step = f".rest[{place}].resource[{number}].searchParam[{index}].type"
                    yield step, f"must be {wanted}, as the parameter that definition names is defined"


def _structure_definition(definition: Object, known: Definitions) -> Iterator[Finding]:
    """A constraint on a type of FHIR may only speak of elements that the type has."""
    name = definition.get("type")
    rules = known.types.get(name) if isinstance(name, str) else None
    differential = definition.get("differential")
    if rules is None or definition.get("derivation") != "constraint" or not isinstance(differential, dict):
        return
    for index, element in enumerate(_objects(differential, "element")):
        path = element.get("path")
        if isinstance(path, str) and not _leads_somewhere(path, rules):
            step = f".differential.element[{index}].path"
            yield step, f"names an element that {rules.name} does not have"


def _leads_somewhere(path: str, rules: TypeRules) -> bool:
    first, *steps = path.split(".")
    if first != rules.name:
        return True  # Another type's path: that is for other rules to judge.
    for step in steps:
        step = step.partition(":")[0]
        if step.endswith("[x]"):
            choice = step.removesuffix("[x]")
            return any(element.choice == choice for element in rules.elements.values())
        element = rules.elements.get(step)
        if element is None:
            return False
        if element.rules is None:
            return True
        rules = element.rules
    return True


def _parameters(parameters: Object, _known: Definitions) -> Iterator[Finding]:
    """Where resources travel together, what one says of another of a type that travels too must be found among them."""
    listed = list(_resources(parameters, "", 0))
    carried = {(resource.get("resourceType"), resource.get("id")) for _, resource in listed}
    kinds = {kind for kind, own_id in carried if isinstance(own_id, str)}
    for step, resource in listed:
        for rest, reference in _references(resource, 0):
            kind, _, own_id = reference.partition("/")
            if kind in kinds and own_id and "/" not in own_id and (kind, own_id) not in carried:
                yield step + rest, f"must be one of the {kind} resources that these parameters carry"


def _resources(holder: Object, step: str, depth: int) -> Iterator[tuple[str, Object]]:
    if depth > _DEPTH_MAX:
        return
    for name in ("parameter", "part"):
        for index, one in enumerate(_objects(holder, name)):
            here = f"{step}.{name}[{index}]"
            if isinstance(one.get("resource"), dict):
                yield f"{here}.resource", one["resource"]
            yield from _resources(one, here, depth + 1)


def _references(value: Object, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEPTH_MAX:
        return
    for name, item in value.items():
        if name == "contained":
            continue
        if name == "reference" and isinstance(item, str):
            yield ".reference", item
        elif isinstance(item, dict):
            yield from ((f".{name}{rest}", found) for rest, found in _references(item, depth + 1))
        elif isinstance(item, list):
            for index, one in enumerate(item):
                if isinstance(one, dict):
                    yield from ((f".{name}[{index}]{rest}", found) for rest, found in _references(one, depth + 1))


def _objects(holder: Object, name: str) -> list[dict[str, Any]]:
    """Places keep their number: what is no object stands as an empty one."""
    listed = holder.get(name)
    return [one if isinstance(one, dict) else {} for one in listed] if isinstance(listed, list) else []


@cache
def _search_parameters() -> dict[str, str]:
    text = files("carerecord.fhir").joinpath("tables", "search_parameters.json").read_text(encoding="utf-8")
    by_kind: dict[str, list[str]] = json.loads(text)["types"]
    return {name: kind for kind, names in by_kind.items() for name in names}


_RULES: Mapping[str, Callable[[Object, Definitions], Iterator[Finding]]] = {
    "CapabilityStatement": _capability_statement,
    "Parameters": _parameters,
    "StructureDefinition": _structure_definition,
    "ValueSet": _value_set,
}
