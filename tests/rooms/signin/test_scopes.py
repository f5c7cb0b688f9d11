"""SMART scopes: what they mean, and that asking for more than was granted is seen."""

import pytest

from carerecord.signin import NotAScope, Scope, Scopes


@pytest.mark.parametrize(
    ("text", "resource", "may"),
    [
        ("system/Patient.r", "Patient", "r"),
        ("system/*.rs", "*", "rs"),
        ("system/Observation.cruds", "Observation", "cruds"),
        ("user/Observation.read", "Observation", "rs"),
        ("patient/Observation.write", "Observation", "cud"),
        ("system/Observation.*", "Observation", "cruds"),
    ],
)
def test_scopes_of_both_versions_are_read(text: str, resource: str, may: str) -> None:
    scope = Scope.parse(text)
    assert (scope.resource, scope.may) == (resource, may)


def test_a_scope_may_carry_a_query() -> None:
    scope = Scope.parse("patient/Observation.rs?category=laboratory")
    assert scope.query == "category=laboratory"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "system/Patient",
        "system/Patient.",
        "system/Patient.sr",
        "system/patient.r",
        "openid",
        "system/*.x",
        "nobody/*.r",
    ],
)
def test_what_is_not_a_scope_is_refused(text: str) -> None:
    with pytest.raises(NotAScope):
        Scope.parse(text)


@pytest.mark.parametrize(
    ("granted", "asked", "covered"),
    [
        ("system/*.rs", "system/Patient.r", True),
        ("system/*.rs", "system/*.rs", True),
        ("system/Patient.rs", "system/*.rs", False),
        ("system/Patient.r", "system/Patient.rs", False),
        ("system/*.rs", "user/Patient.r", False),
        ("system/Patient.r system/Observation.rs", "system/Observation.s system/Patient.r", True),
        ("system/Observation.rs?category=laboratory", "system/Observation.rs", False),
        ("system/Observation.rs?category=laboratory", "system/Observation.rs?category=laboratory", True),
        ("system/Observation.rs", "system/Observation.rs?category=laboratory", True),
    ],
)
def test_asking_for_more_than_was_granted_is_seen(granted: str, asked: str, covered: bool) -> None:
    assert Scopes.parse(granted).covers(Scopes.parse(asked)) is covered


def test_what_a_program_may_do() -> None:
    scopes = Scopes.parse("system/Patient.rs system/Observation.r system/Condition.rs?category=x")
    assert scopes.may("Patient", "s")
    assert not scopes.may("Observation", "s")
    assert not scopes.may("AllergyIntolerance", "r")
    assert not scopes.may("Condition", "r")
