"""Resources are read field by field: what fits is kept, what does not is left out, nothing is refused."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from carerecord.fhir.outcome import issue, outcome
from carerecord.fhir.resources import (
    read_allergy,
    read_condition,
    read_document,
    read_encounter,
    read_observation,
    read_other,
    read_report,
)

READERS = (read_allergy, read_condition, read_document, read_encounter, read_observation, read_other, read_report)


def test_a_number_keeps_its_digits() -> None:
    observation = read_observation(b'{"valueQuantity":{"value":5.00,"unit":"mmol/L"}}')
    assert observation.valueQuantity is not None
    assert observation.valueQuantity.value == Decimal("5.00")
    assert str(observation.valueQuantity.value) == "5.00"


def test_fields_that_no_view_needs_are_skipped() -> None:
    assert read_encounter(b'{"status":"finished","class":{"code":"IMP"},"unheard":{"of":[1,2]}}').was_readable


def test_a_resource_that_does_not_fit_keeps_what_fits() -> None:
    allergy = read_allergy(b'{"code":{"text":"Penicillin"},"category":"medication","reaction":7}')
    assert allergy.code is not None
    assert allergy.code.text == "Penicillin"
    assert not allergy.was_readable


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_nothing_a_body_holds_makes_reading_fail(body: bytes) -> None:
    for reader in READERS:
        reader(body)


def test_the_words_of_a_concept_are_the_sources_own_first() -> None:
    both = read_condition(b'{"code":{"text":"Bad chest","coding":[{"code":"1","display":"Asthma"}]}}')
    assert both.code is not None
    assert both.code.words == "Bad chest"
    coded = read_condition(b'{"code":{"coding":[{"code":"1"},{"code":"2","display":"Asthma"}]}}')
    assert coded.code is not None
    assert coded.code.words == "Asthma"


def test_an_outcome_always_says_something() -> None:
    assert outcome([])["issue"][0]["severity"] == "information"
    said = outcome([issue("Search again.", code="not-found")])
    assert said["issue"] == [
        {"severity": "error", "code": "not-found", "diagnostics": "Search again.", "details": {"text": "Search again."}}
    ]
