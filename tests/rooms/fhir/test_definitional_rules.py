"""Definitions must agree with the specification: codes that are written as codes, parameters that have their type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carerecord.fhir import snomed
from carerecord.fhir.expressions import is_readable
from carerecord.fhir.validate import validate


def value_set(**include: Any) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "status": "draft",
        "compose": {"include": [{"system": snomed.SYSTEM, **include}]},
    }


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("91936005", True),
        ("999000041000000102", True),  # the namespace of the United Kingdom
        ("91936006", False),  # the last digit is wrong
        ("19936005", False),  # two digits have changed places
        ("1", False),
        ("", False),
        ("091936005", False),
        ("٩١٩٣٦٠٠٥", False),
    ],
)
def test_an_identifier_of_snomed_ct_checks_itself(text: str, is_one: bool) -> None:
    assert snomed.is_concept(text) is is_one


def test_an_identifier_of_a_description_is_no_concept() -> None:
    assert snomed.is_identifier("680946014")
    assert not snomed.is_concept("680946014")


@pytest.mark.parametrize(
    "text",
    [
        "<< 73211009 |Diabetes mellitus|",
        "(< 19829001 OR < 301867009) MINUS ^ 700043003",
        "< 404684003 : { 363698007 = << 39057004, 116676008 = << 72704001 }",
        "*: [1..3] 127489000 = *",
        "< 27658006: 1142135004 >= #250 /* milligrams */",
        '<< 64572001 {{ D term = "heart" }}',
        "< 125605004 . 363698007",
    ],
)
def test_expression_constraints_are_read(text: str) -> None:
    assert snomed.is_expression_constraint(text)


@pytest.mark.parametrize("text", ["234234 << 234234", "<<", "(<< 73211009", "73211009 AND", "< 404684003 :", "?"])
def test_what_is_no_expression_constraint_is_refused(text: str) -> None:
    assert not snomed.is_expression_constraint(text)
    found = validate(value_set(filter=[{"property": "constraint", "op": "=", "value": text}]))
    assert [issue.path for issue in found] == ["ValueSet.compose.include[0].filter[0].value"]


@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    assert snomed.is_expression_constraint(text) in (True, False)
    assert is_readable(text) in (True, False)
    assert snomed.is_identifier(text) in (True, False)


def test_deep_nesting_is_no_constraint_and_no_crash() -> None:
    assert not snomed.is_expression_constraint("(" * 5000 + "<< 73211009" + ")" * 5000)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Patient.name.where(use = 'official').given.first()", True),
        ("$this > 5 and %resource.id.exists()", True),
        ("@2026-11-22T10:00:00Z < now()", True),
        ("$ and %p-inactive", False),
        ("name.where(use = 'official'", False),
        ("name ? given", False),
    ],
)
def test_an_expression_is_read_token_by_token(text: str, is_one: bool) -> None:
    assert is_readable(text) is is_one


def capability(kind: str) -> dict[str, Any]:
    parameter = {"name": "date", "definition": "http://hl7.org/fhir/SearchParameter/clinical-date", "type": kind}
    return {
        "resourceType": "CapabilityStatement",
        "status": "draft",
        "date": "2026-11-22",
        "kind": "requirements",
        "description": "What we want.",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": [{"type": "Observation", "searchParam": [parameter]}]}],
    }


def test_a_search_parameter_has_the_type_that_fhir_gives_it() -> None:
    assert validate(capability("date")) == []
    assert [issue.path for issue in validate(capability("token"))] == [
        "CapabilityStatement.rest[0].resource[0].searchParam[0].type"
    ]


def constraint(path: str) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "url": "https://example.org/StructureDefinition/ours",
        "name": "Ours",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {"element": [{"id": path, "path": path}]},
    }


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("Observation", True),
        ("Observation.value[x]", True),
        ("Observation.valueQuantity.code", True),
        ("Observation.component.code.coding.system", True),
        ("Observation.valueBla", False),
        ("Observation.componant", False),
        ("Observation.code.codings", False),
    ],
)
def test_a_constraint_speaks_of_elements_that_exist(path: str, is_one: bool) -> None:
    assert [issue.path for issue in validate(constraint(path))] == (
        [] if is_one else ["StructureDefinition.differential.element[0].path"]
    )


def parameters(reference: str) -> dict[str, Any]:
    coverage = {
        "resourceType": "Coverage",
        "status": "active",
        "beneficiary": {"reference": reference},
        "payor": [{"display": "Somebody"}],
    }
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "resource": {"resourceType": "Patient", "id": "1"}},
            {"name": "coverage", "resource": coverage},
        ],
    }


def test_resources_that_travel_together_refer_to_each_other() -> None:
    assert validate(parameters("Patient/1")) == []
    assert validate(parameters("https://elsewhere.example/Patient/2")) == []
    assert [issue.path for issue in validate(parameters("Patient/2"))] == [
        "Parameters.parameter[1].resource.beneficiary.reference"
    ]
