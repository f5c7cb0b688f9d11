"""One passage through a resource beside the definitions: what does not fit them is said with its path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from carerecord.fhir import bundle_rules, contained, definitional_rules, narrative, signature_rules
from carerecord.fhir.contained import Container
from carerecord.fhir.definitions import Definitions, Element, TypeRules
from carerecord.fhir.outcome import issue
from carerecord.fhir.primitives import problem

DEPTH_MAX = 100
MEMBERS_MAX = 5_000_000
ISSUES_MAX = 10_000
NAMES_TOLD_MAX = 12
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_REFERENCE = re.compile(r"(https?://\S+/)?([A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#\S*)?")
_OTHER_VERSION = re.compile(r"http://hl7\.org/fhir/[0-9]\.[0-9]/StructureDefinition/extension-")

Object = dict[str, Any]


class Issue(msgspec.Struct, frozen=True):
    """One error: a path as in FHIRPath, a code of HL7's issue types, and a sentence that holds no patient detail."""

    path: str
    code: str
    sentence: str

    def in_outcome(self) -> Object:
        """The same as an issue of an OperationOutcome."""
        told = issue(self.sentence, code=self.code)
        return {**told, "expression": [self.path]} if self.path else told


class Enough(Exception):
    """There is more in the resource than is looked at: send it in smaller parts."""


class Walk:
    """Paths are made for objects only; a primitive gets its own when it is wrong, which most are not."""

    def __init__(self, known: Definitions) -> None:
        self.known = known
        self.element_rules = known.types["Element"]
        self.issues: list[Issue] = []
        self.members = 0
        self.items = 0
        self.depth = 0
        self.container = Container()

    def say(self, path: str, code: str, sentence: str) -> None:
        self.issues.append(Issue(path, code, f"{path} {sentence}."))
        if len(self.issues) >= ISSUES_MAX:
            raise Enough

    def root(self, value: object) -> None:
        if not isinstance(value, dict):
            self.issues.append(Issue("", "structure", "A resource is one JSON object: send one that begins with {."))
            return
        name = value.get("resourceType")
        self.check_resource(value, name if isinstance(name, str) and name in self.known.resources else "")

    def check_resource(self, value: Object, path: str) -> None:
        """A resource that stands on its own, with what it contains."""
        outer = self.container
        listed = value.get("contained")
        self.container = Container(listed) if listed else contained.NOTHING
        self.check_members(value, path)
        for index in self.container.unused(listed) if listed else ():
            where = f"{path}.contained[{index}]"
            self.say(where, "invariant", "is referred to by nothing in the resource: leave it out (dom-3)")
        self.container = outer

    def check_members(self, value: Object, path: str) -> None:
        name = value.get("resourceType")
        rules = self.known.resources.get(name) if isinstance(name, str) else None
        if rules is None:
            said = "is missing: say of what type the resource is" if name is None else "is no resource of FHIR R4"
            return self.say(f"{path}.resourceType" if path else "resourceType", "structure", said)
        self.check_object(value, rules, path)
        if name == "Bundle":
            for step, sentence in bundle_rules.findings(value, self.known.resources):
                self.say(path + step, "invariant", sentence)
            for step, sentence in signature_rules.findings(value):
                self.say(path + step, "invariant", sentence)
        for step, sentence in definitional_rules.findings(value, self.known):
            self.say(path + step, "invariant", sentence)
        return None

    def check_contained(self, value: Object, path: str) -> None:
        outer, self.container.is_inside = self.container.is_inside, True
        self.check_members(value, path)
        self.container.is_inside = outer
        for step, sentence in contained.findings(value):
            self.say(path + step, "invariant", sentence)

    def check_object(self, value: Object, rules: TypeRules, path: str) -> None:
        self.members += len(value)
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise RecursionError
        if self.members > MEMBERS_MAX:
            raise Enough
        if not value or (len(value) == 1 and "id" in value):
            self.say(path, "structure", "says nothing: leave it out (ele-1)")
        find = rules.elements.get
        chosen: dict[str, str] | None = None
        for name, item in value.items():
            element = find(name)
            if element is None:
                self.check_other_member(name, value, rules, path)
                continue
            if element.repeats:
                self.check_list(item, element, value, path)
            elif element.primitive is not None:
                if type(item) is not element.of or not element.accepts(item):
                    self.check_primitive(item, element, path + element.step)
            elif element.rules is not None and type(item) is dict and not element.is_looked_into:
                self.check_object(item, element.rules, path + element.step)
            else:
                self.check_complex(item, element, path + element.step)
            if element.choice is not None:
                chosen = {} if chosen is None else chosen
                first = chosen.setdefault(element.choice, name)
                if first != name:
                    self.say(f"{path}.{element.choice}", "structure", f"is both {first} and {name}: leave one out")
        if (rules.required and not rules.required <= value.keys()) or rules.required_choices:
            self.check_required(value, rules, path)
        for rule in rules.invariants:
            if (finding := rule(value)) is not None:
                self.say(path + finding[0], "invariant", finding[1])
        self.depth -= 1

    def check_required(self, value: Object, rules: TypeRules, path: str) -> None:
        """A primitive without a value is there all the same if it has an extension: `_name`."""
        for name in sorted(rules.required - value.keys()):
            if f"_{name}" not in value:
                self.say(f"{path}.{name}", "required", "is missing: give it")
        for choice, names in rules.required_choices:
            if names.isdisjoint(value) and not any(f"_{name}" in value for name in names):
                self.say(f"{path}.{choice}", "required", f"is missing: give {_or(names)}")

    def check_complex(self, item: object, element: Element, path: str) -> None:
        if not isinstance(item, dict):
            said = "must not be null: leave it out instead" if item is None else "must be one object, between { and }"
            self.say(path, "structure", said)
        elif element.rules is not None:
            self.check_object(item, element.rules, path)
            if element.is_looked_into:
                self.check_whole(item, element, path)
        elif element.json_name == "contained":
            self.check_contained(item, path)
        else:
            self.check_resource(item, path)

    def check_list(self, items: object, element: Element, owner: Object, path: str) -> None:
        path += element.step
        if not isinstance(items, list | tuple):
            self.say(path, "structure", "must be a list, between [ and ]")
            items = () if items is None else (items,)
        elif not items:
            self.say(path, "structure", "must not be an empty list: leave it out instead")
        self.items += len(items)
        if self.items > MEMBERS_MAX:
            raise Enough
        if element.primitive is None:
            for index, item in enumerate(items):
                self.check_complex(item, element, f"{path}[{index}]")
            return
        for index, item in enumerate(items):
            if type(item) is element.of and element.accepts(item):
                continue
            if item is not None or not _has_extension(owner, element.json_name, index):
                self.check_primitive(item, element, f"{path}[{index}]")

    def check_primitive(self, item: object, element: Element, path: str) -> None:
        """A value that was not plainly right: what is wrong with it, if anything."""
        if element.primitive is None:
            return
        if isinstance(item, str) and item.startswith("#") and element.kind in ("uri", "canonical", "url"):
            self.check_fragment(item, element, path)
        elif element.kind == "xhtml" and isinstance(item, str) and item:
            for sentence in narrative.problems(item):
                self.say(path, "value", sentence)
        elif element.codes is not None and isinstance(item, str) and item and item not in element.codes:
            self.say(path, "code-invalid", _must_be_a_code(element))
        elif (found := problem(item, element.primitive)) is not None:
            self.say(path, *found)
        elif element.targets is not None and not element.accepts(item):
            self.say(path, "value", f"must be the address of a {_or(element.targets)}")

    def check_fragment(self, item: str, element: Element, path: str) -> None:
        """An address "#id": a canonical one is that of something contained, others may mean anything."""
        if item.split() != [item]:
            self.say(path, "value", "must be an address without spaces")
        elif element.kind == "canonical":
            self.check_local_reference(item[1:], path, None)
        else:
            self.container.refer(item[1:], path)

    def check_whole(self, item: Object, element: Element, path: str) -> None:
        """What a definition says of a whole object, beyond its type."""
        if element.kind == "Reference":
            self.check_reference(item, element.targets, path)
        elif element.kind == "Extension":
            url = item.get("url")
            if isinstance(url, str) and url and ":" not in url:
                self.say(f"{path}.url", "value", "must be a whole address that begins with its scheme, such as https:")
        elif not _holds_one_of(item, element):
            self.say(path, "code-invalid", f"must have a code of the value set {element.binding}, with its system")

    def check_reference(self, item: Object, targets: frozenset[str] | None, path: str) -> None:
        said, kind = item.get("reference"), item.get("type")
        if isinstance(kind, str) and targets is not None and kind not in targets and kind in self.known.resources:
            self.say(f"{path}.type", "value", f"must be {_or(targets)}")
        if not isinstance(said, str) or not said or said.startswith("urn:"):
            return
        if said[0] == "#":
            self.check_local_reference(said[1:], f"{path}.reference", targets)
        elif (found := _REFERENCE.fullmatch(said)) is None:
            # In a transaction the server finds "Patient?identifier=…"; an address with a scheme may be anybody's.
            if (":" not in said.partition("/")[0] and "?" not in said) or said.split() != [said]:
                told = "must be Type/id with an id of at most 64 characters, a whole address, urn:uuid:… or #id"
                self.say(f"{path}.reference", "value", told)
        elif found[2] in self.known.resources:
            if targets is not None and found[2] not in targets:
                self.say(f"{path}.reference", "value", f"must be to {_or(targets)}, not to {found[2]}")
        elif found[1] is None:
            self.say(f"{path}.reference", "value", "must begin with the name of a resource of FHIR R4")

    def check_local_reference(self, own_id: str, path: str, targets: frozenset[str] | None) -> None:
        """To something contained (ref-1), or, as "#" alone, to the container."""
        self.container.refer(own_id, path)
        kind = self.container.types.get(own_id)
        if not own_id:
            return
        if kind is None:
            self.say(path, "invariant", "refers to nothing contained: contain it, or refer to it otherwise (ref-1)")
        elif targets is not None and kind not in targets and kind in self.known.resources:
            self.say(path, "value", f"must be to {_or(targets)}, not to {kind}")

    def check_other_member(self, name: object, value: Object, rules: TypeRules, path: str) -> None:
        """A member that no definition has: the extensions of a primitive (`_name`), or an error."""
        if not isinstance(name, str):
            return self.say(path, "structure", "has a member whose name is no text")
        element = rules.elements.get(name[1:]) if name[:1] == "_" else None
        if element is not None and element.primitive is not None and name != "_resourceType":
            return self.check_sibling(value[name], element, value, path)
        close = [e.json_name for e in rules.elements.values() if name in (e.choice, e.json_name.lower())]
        close = close or [known for known in rules.elements if known.lower() == name.lower()]
        step = name if NAME.fullmatch(name) else f"`{ascii(name[:64])[1:-1]}`"
        remedy = f"did you mean {_or(close)}" if close else "leave it out, or send it as an extension"
        return self.say(f"{path}.{step}", "structure", f"is no element of {rules.name}: {remedy}")

    def check_sibling(self, item: object, element: Element, owner: Object, path: str) -> None:
        """`_name`: id and extensions of a primitive, in a list as long as that of its values if it repeats."""
        path += element.step
        values = owner.get(element.json_name)
        if not element.repeats:
            if values is None and element.codes is not None and not _is_of_another_version(item):
                self.say(path, "code-invalid", _must_be_a_code(element))
            return self.check_extensions(item, path)
        if not isinstance(item, list | tuple) or not item:
            return self.say(path, "structure", f"has _{element.json_name}, which must be a list that is not empty")
        if not isinstance(values, list | tuple):
            values = ()
        elif len(values) != len(item):
            self.say(path, "structure", f"and _{element.json_name} must be equally long: fill up with null")
        self.items += len(item)
        for index, one in enumerate(item):
            if one is not None:
                self.check_extensions(one, f"{path}[{index}]")
            is_alone = index >= len(values) or values[index] is None
            if is_alone and element.codes is not None and not _is_of_another_version(one):
                self.say(f"{path}[{index}]", "code-invalid", _must_be_a_code(element))
        return None

    def check_extensions(self, item: object, path: str) -> None:
        if isinstance(item, dict):
            self.check_object(item, self.element_rules, path)
        else:
            self.say(path, "structure", "has extensions that must be one object, between { and }")


def _has_extension(owner: Object, name: str, index: int) -> bool:
    """Whether a null in a list of primitives stands for one that has an extension instead of a value."""
    siblings = owner.get(f"_{name}")
    return isinstance(siblings, list | tuple) and index < len(siblings) and isinstance(siblings[index], dict)


def _holds_one_of(item: Object, element: Element) -> bool:
    """Whether a concept holds one code of the value set that FHIR requires; words alone do not say it."""
    codings = item.get("coding") if element.kind == "CodeableConcept" else [item]
    for coding in codings if isinstance(codings, list | tuple) else ():
        if isinstance(coding, dict):
            system, code = coding.get("system"), coding.get("code")
            if isinstance(system, str) and isinstance(code, str) and (system, code) in (element.coded or ()):
                return True
    return False


def _is_of_another_version(item: object) -> bool:
    """Whether an extension holds a code that only another version of FHIR has: then R4's own list does not bind."""
    listed = item.get("extension") if isinstance(item, dict) else None
    urls = [one.get("url") for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict)]
    return any(isinstance(url, str) and _OTHER_VERSION.match(url) for url in urls)


def _must_be_a_code(element: Element) -> str:
    codes = element.codes or frozenset()
    return f"must be {_or(codes)}" if len(codes) <= NAMES_TOLD_MAX else f"must be a code of {element.binding}"


def _or(names: Iterable[str]) -> str:
    listed = sorted(names)
    if len(listed) > NAMES_TOLD_MAX:
        return f"{', '.join(listed[:NAMES_TOLD_MAX])} or another of {len(listed)}"
    return f"{', '.join(listed[:-1])} or {listed[-1]}" if len(listed) > 1 else "".join(listed)
