"""Resources of every type are made from the definitions: they pass, and whatever is then broken in them is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from carerecord.fhir.definitions import Element, TypeRules, definitions
from carerecord.fhir.validate import validate

Object = dict[str, Any]
KNOWN = definitions()
DEPTH = 4
SAMPLES: dict[str, Any] = {
    "base64Binary": "YWJj",
    "boolean": True,
    "canonical": "https://example.org/x",
    "code": "x",
    "date": "2024-02-29",
    "dateTime": "2024-02-29T12:00:00.5+00:00",
    "decimal": 1.5,
    "id": "x-1",
    "instant": "2024-02-29T12:00:00Z",
    "integer": -1,
    "markdown": "*x*\ny",
    "oid": "urn:oid:1.2.840",
    "positiveInt": 1,
    "string": "x y",
    "time": "12:00:00",
    "unsignedInt": 0,
    "uri": "urn:oid:1.2",
    "url": "https://example.org/x?y=z",
    "uuid": "urn:uuid:04f10ba6-1f4b-4a1f-8f5c-5d7d5d3e1a10",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
}
EXTENSION = {"url": "https://example.org/x", "valueString": "x"}
SOME = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Names that occur in FHIR, with and without the underline of extensions, and any others.
MEMBERS = sorted({name for rules in KNOWN.types.values() for name in rules.elements})
names = st.sampled_from(MEMBERS) | st.sampled_from(MEMBERS).map("_{}".format) | st.text(max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["#", "#x", "A/1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


class Making:
    """Makes a resource with some of the elements that it may have, and remembers where each object in it stands."""

    def __init__(self, random: Random, name: str) -> None:
        self.random = random
        self.objects: list[tuple[str, Object, TypeRules]] = []
        self.resource = self.make(KNOWN.resources[name], name, 0)

    def make(self, rules: TypeRules, path: str, depth: int) -> Object:
        made: Object = {}
        self.objects.append((path, made, rules))
        for element in self.chosen(rules, depth):
            where = path + element.step + ("[0]" if element.repeats else "")
            value = self.value(element, where, depth)
            made[element.json_name] = [value] if element.repeats else value
        return made

    def chosen(self, rules: TypeRules, depth: int) -> Iterator[Element]:
        """What must be there, a few that may be, and one of each choice at most."""
        choices = {self.random.choice(sorted(among)) for _, among in rules.required_choices}
        stems = {stem for stem, _ in rules.required_choices}
        some = list(rules.elements.values())
        for element in some:
            name = element.json_name
            if name in rules.required or name in choices or name == "resourceType":
                yield element
            elif depth < DEPTH and element.choice not in stems and self.random.random() < 3 / len(some):
                if element.choice is not None:
                    stems.add(element.choice)
                if name != "contained":
                    yield element

    def value(self, element: Element, path: str, depth: int) -> Any:
        if element.rules is None and element.primitive is None:
            return self.make(KNOWN.resources[self.random.choice(["Basic", "Patient", "Parameters"])], path, depth + 1)
        if element.rules is not None:
            if element.coded:
                system, code = self.random.choice(sorted(element.coded))
                coding = {"system": system, "code": code}
                return {"coding": [coding]} if element.kind == "CodeableConcept" else coding
            made = self.make(element.rules, path, depth + 1)
            if element.kind == "Reference":
                made["reference"] = f"{self.random.choice(sorted(element.targets or ['Patient']))}/1"
                made.pop("type", None)
            if set(made) <= {"id"}:
                made["extension"] = [EXTENSION]
            return made
        if element.codes:
            return self.random.choice(sorted(element.codes))
        return SAMPLES[element.kind]


resource_names = st.sampled_from(sorted(KNOWN.resources))
randoms = st.randoms(use_true_random=False)


def refusals(resource: Object) -> list[tuple[str, str]]:
    """What the definitions refuse, leaving aside what must hold between elements, which are put together by chance."""
    return [(issue.path, issue.code) for issue in validate(resource) if issue.code != "invariant"]


@SOME
@given(resource_names, randoms)
def test_what_is_made_by_the_definitions_passes(name: str, random: Random) -> None:
    made = Making(random, name)
    assert refusals(made.resource) == []


@SOME
@given(resource_names, randoms)
def test_a_required_element_that_is_taken_away_is_missed(name: str, random: Random) -> None:
    made = Making(random, name)
    demanding = [one for one in made.objects if one[2].required or one[2].required_choices]
    assume(demanding)
    path, value, rules = random.choice(demanding)
    wanted = [(path + rules.elements[name].step, [name]) for name in rules.required]
    wanted += [(f"{path}.{stem}", sorted(among)) for stem, among in rules.required_choices]
    where, members = random.choice(sorted(wanted))
    for member in members:
        value.pop(member, None)
    assert (where, "required") in refusals(made.resource)


@SOME
@given(resource_names, randoms, st.sampled_from(["unheardOf", "_unheardOf", "Unheard of", "é"]))
def test_an_unknown_element_is_found_wherever_it_is(name: str, random: Random, unknown: str) -> None:
    made = Making(random, name)
    path, value, _ = random.choice(made.objects)
    value[unknown] = {"any": ["thing"]}
    step = unknown if unknown.isidentifier() and unknown.isascii() else f"`{ascii(unknown)[1:-1]}`"
    assert (f"{path}.{step}", "structure") in refusals(made.resource)


@SOME
@given(resource_names, randoms)
def test_a_value_of_another_type_is_found_wherever_it_is(name: str, random: Random) -> None:
    made = Making(random, name)
    full = [one for one in made.objects if set(one[1]) - {"resourceType"}]
    assume(full)
    path, value, rules = random.choice(full)
    element = rules.elements[random.choice(sorted(set(value) - {"resourceType"}))]
    is_text = element.primitive is not None and element.of is str
    wrong = random.choice([1, Decimal("1.5"), True, {}, None] if is_text else ["1", "true", "", None, []])
    value[element.json_name] = [wrong] if element.repeats else wrong
    where = path + element.step + ("[0]" if element.repeats else "")
    assert where in [found for found, _ in refusals(made.resource)]


@SOME
@given(resource_names, randoms)
def test_a_name_that_comes_twice_is_found_wherever_it_is(name: str, random: Random) -> None:
    made = Making(random, name)
    path, value, _ = random.choice([one for one in made.objects if one[1]])
    member = random.choice(sorted(value))
    value["twice"] = value[member]
    content = json.dumps(made.resource, indent=random.choice([None, 1])).replace('"twice"', json.dumps(member))
    assert any("comes more than once" in issue.sentence for issue in validate(content.encode())), path


@SOME
@given(st.dictionaries(names, json_values, max_size=5), resource_names)
def test_nothing_that_json_can_hold_makes_it_fail(members: Object, name: str) -> None:
    for resource in (members, {"resourceType": name, **members}):
        for issue in validate(resource):
            json.dumps(issue.in_outcome()).encode()
        validate(json.dumps(resource).encode())


@SOME
@given(st.binary(max_size=80))
def test_no_bytes_make_it_fail(content: bytes) -> None:
    validate(content)
    validate(b'{"resourceType":"Patient","name":' + content + b"}")


@SOME
@given(resource_names, randoms, json_values)
def test_nothing_put_into_a_right_resource_makes_it_fail(name: str, random: Random, anything: object) -> None:
    made = Making(random, name)
    _, value, rules = random.choice(made.objects)
    value[random.choice(sorted(rules.elements))] = anything
    for issue in validate(made.resource):
        json.dumps(issue.in_outcome()).encode()
