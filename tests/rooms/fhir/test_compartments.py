"""Whose a resource is, and under which heading it stands: held against the definitions of R4."""

from __future__ import annotations

from typing import Any

import pytest

from carerecord.fhir.compartments import is_somebodys, patient_element
from carerecord.fhir.definitions import definitions
from carerecord.fhir.headings import heading_of
from carerecord.model import Heading
from carerecord.record.types import NUMBERS

# R4 says of these that anything may be referred to.
ANY = {"Basic", "Composition", "QuestionnaireResponse", "Task"}
# They name a patient among others, in a list, or only as one who did something.
LISTED = {"Account", "AppointmentResponse", "Contract", "Schedule"}


def test_the_member_that_names_the_patient_is_one_of_r4() -> None:
    for name, rules in definitions().resources.items():
        element = patient_element(name)
        by_name = [rules.elements[each] for each in ("subject", "patient") if each in rules.elements]
        may = [each for each in by_name if each.targets is not None and "Patient" in each.targets]
        if element is None:
            assert not may or name in LISTED, name
            continue
        found = rules.elements[element]
        assert found.kind == "Reference", name
        assert not found.repeats, name
        assert name in ANY or (found.targets is not None and "Patient" in found.targets), name


def test_what_must_name_a_patient_is_always_somebodys() -> None:
    for name, rules in definitions().resources.items():
        element = patient_element(name)
        if element in rules.required and rules.elements[element].targets == frozenset({"Patient"}):
            assert is_somebodys(name), name


def test_every_resource_of_r4_can_be_stored_and_stands_under_a_heading() -> None:
    for name in definitions().resources:
        assert name in NUMBERS
        assert isinstance(heading_of({"resourceType": name}, kind="hospital"), Heading)


def coded(*codes: str) -> list[dict[str, Any]]:
    return [{"coding": [{"code": code}]} for code in codes]


@pytest.mark.parametrize(
    ("resource", "kind", "heading"),
    [
        ({"resourceType": "Observation", "category": coded("vital-signs")}, "practice", Heading.OBSERVATIONS),
        ({"resourceType": "Observation", "category": coded("social-history")}, "practice", Heading.OBSERVATIONS),
        ({"resourceType": "Observation", "category": coded("survey")}, "practice", Heading.ASSESSMENTS),
        ({"resourceType": "Observation", "category": coded("imaging")}, "hospital", Heading.IMAGING),
        ({"resourceType": "Observation", "category": coded("laboratory")}, "hospital", Heading.RESULTS),
        ({"resourceType": "Observation"}, "hospital", Heading.RESULTS),
        ({"resourceType": "DiagnosticReport", "category": coded("RAD")}, "hospital", Heading.IMAGING),
        ({"resourceType": "DiagnosticReport", "category": coded("LP29684-5")}, "hospital", Heading.IMAGING),
        ({"resourceType": "DiagnosticReport", "category": coded("LAB")}, "hospital", Heading.RESULTS),
        ({"resourceType": "DiagnosticReport"}, "radiology", Heading.IMAGING),
        ({"resourceType": "ServiceRequest", "category": coded("363679005")}, "hospital", Heading.RESULTS),
        ({"resourceType": "ServiceRequest", "category": coded("108252007")}, "hospital", Heading.RESULTS),
        ({"resourceType": "ServiceRequest", "code": coded("306206005")[0]}, "practice", Heading.REFERRALS),
        ({"resourceType": "CarePlan"}, "mental-health", Heading.PLANS),
        ({"resourceType": "CarePlan"}, "social-care", Heading.SOCIAL_CARE),
        ({"resourceType": "Flag", "category": coded("safety"), "code": coded("x")[0]}, "hospital", Heading.ALERTS),
        ({"resourceType": "Flag", "category": coded("need")}, "hospital", Heading.NEEDS),
        ({"resourceType": "Flag", "category": coded("reasonable-adjustment")}, "hospital", Heading.NEEDS),
        ({"resourceType": "Flag", "category": coded("safeguarding")}, "social-care", Heading.SAFEGUARDING),
        ({"resourceType": "RelatedPerson"}, "practice", Heading.CONTACTS),
        ({"resourceType": "Consent"}, "plans", Heading.PLANS),
        ({"resourceType": "Claim"}, "hospital", Heading.OTHER),
    ],
)
def test_a_resource_stands_under_the_heading_of_its_category(
    resource: dict[str, Any], kind: str, heading: Heading
) -> None:
    assert heading_of(resource, kind=kind) is heading
