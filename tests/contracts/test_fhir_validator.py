"""Resources that others published: what HL7's validator finds right or wrong, and what other systems wrote.

Our validator reads definitions of the base specification. What needs profiles, terminology or FHIRPath stands in NEEDS.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carerecord.fhir.validate import validate

pytestmark = pytest.mark.foreign

DIVERGENCES = Path(__file__).parents[2] / "docs" / "divergences.md"

# The element that HL7's validator names first among those that the base specification can tell.
WRONG_ELEMENT = {
    "ai3": "Patient.unknownElement",
    "ai4": "Patient.birthDate",
    "allergy": "AllergyIntolerance.category[0]",
    "bad-json-close-2": "",
    "bundle-duplicate-id": "Bundle.entry[0].fullUrl",
    "bundle-duplicate-ids-not": "Bundle.entry[0].fullUrl",
    "bundle-ea-testcase": "Bundle.entry[1].resource.contained[0].entry[0].resource.status",
    "bundle-id-2": "Bundle.link[1].relation",
    "capstmt": "CapabilityStatement.rest[0].resource[0].searchParam[0].type",
    "contained-resource-bad-id": "Condition.contained[0].id",
    "empty-array": "DocumentReference.category[0].coding",
    "mni-patientOverview-bundle-example1": "Bundle.entry[0].fullUrl",
    "mr-covid-bnd1": "Bundle.entry[0].resource.subject.ofType(CodeableConcept).coding[0].system",
    "mr-covid-m": "Measure.group[0].population[0].criteria.language",
    "mr-covid-m3": "Measure.group[0].population[0].criteria",
    "obs-mz": "StructureDefinition.differential.element[0].path",
    "obs-vs-2": "Observation.text.div",
    "Observation-ex-pain.json": "Observation.code",
    "parameters-reference-bad": "Parameters.parameter[2].resource.beneficiary.reference",
    "pat-security-bad-xhtml": "Patient.text.div",
    "q-enablewhen-me-wrong": "Questionnaire.item[2].enableBehavior",
    "qr-bad-ref2": "QuestionnaireResponse.questionnaire",
    "resource-invalid-id-2": "Location.id",
    "risk-assessment-probability-range": "RiskAssessment.prediction[0].probability",
    "signatures-example-2": "Bundle.signature.data",
    "sp-composite": "SearchParameter.component",
    "synthea": "Encounter.reasonCode",
    "vs-bad-code": "ValueSet.compose.include[0].concept[0].code",
    "vs-bad-ecl": "ValueSet.compose.include[0].filter[0].value",
    "vs-bad-ecl-us": "ValueSet.compose.include[0].filter[0].value",
    "vs-bad-props": "ValueSet.compose.include[0].filter[0].value",
    "vs-canonical-urn-bad": "ValueSet.url",
    "vs-params-3": "ValueSet.compose.include[0].filter[0].value.extension[0].value.ofType(Expression).expression",
    "xml-bad-entities-json": "Encounter.text.div",
}
# What it would take to find the others: none of it is in the definitions of the base specification.
NEEDS = {
    "bad-markdown-no-html": "a setting of the other validator that forbids what FHIR allows",
    "cs-narrative-status-pub": "a setting of the other validator for HL7's own publications",
    "cvx": "terminology: CVX",
    "obs-temp-bad": "profiles: vital signs",
    "sdoh-type-slice": "terminology: LOINC",
}
# The same file, which its author wants passed when contained resources are not looked at.
OTHER_SETTING = {"contained-resource-bad-id-ignore"}
# Published as examples of R4 and not right by R4 -> why.
WRONG_EXAMPLES = {
    "bundle-questionnaire.json": "Questionnaire.item.linkId is 1..1, and 50 items have none",
    "devicemetric-example.json": "DeviceMetric.parent is a Device, not a DeviceDefinition",
    "deviceusestatement-example.json": "DeviceUseStatement.reasonReference has no Procedure among its targets",
    "medicationrequest0301.json": "MedicationRequest.dispenseRequest.performer is an Organization, not a Practitioner",
}


def files_of(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isfile() and member.name.endswith(".json") and (content := opened.extractfile(member)):
                yield member.name.split("/", 1)[1], content.read()


@pytest.fixture(scope="module")
def conformance(foreign_data: Path) -> dict[str, bytes]:
    return dict(files_of(foreign_data / "fhir-conformance.tar.xz"))


@pytest.fixture(scope="module")
def judged(conformance: dict[str, bytes]) -> list[dict[str, Any]]:
    """The cases in JSON, as the HL7 validator judged them."""
    cases = json.loads(conformance["validator-r4/_expected.json"])
    return [
        {**case, "content": conformance[f"validator-r4/{case['file']}"]}
        for case in cases
        if case["file"].endswith(".json")
    ]


def test_nothing_that_hl7_finds_right_is_refused(judged: list[dict[str, Any]]) -> None:
    right = [case for case in judged if case["errors"] == 0]
    assert len(right) == 41
    refused = {case["name"] for case in right if validate(case["content"])}
    assert refused == OTHER_SETTING


def test_what_hl7_finds_wrong_is_refused_for_the_same_element(judged: list[dict[str, Any]]) -> None:
    wrong = {case["name"]: case["content"] for case in judged if case["errors"]}
    assert set(wrong) == set(WRONG_ELEMENT) | set(NEEDS)
    found = {
        name
        for name, content in wrong.items()
        if WRONG_ELEMENT.get(name, "none") in {issue.path for issue in validate(content)}
    }
    assert found == set(WRONG_ELEMENT)
    # 34 of 39 (87 %); the other 5 pass, each for its reason: two of them the same bytes as cases that must pass.
    assert (len(found), len(wrong)) == (34, 39)
    assert {name for name in NEEDS if validate(wrong[name])} == set()


def test_what_is_not_checked_is_said() -> None:
    section = DIVERGENCES.read_text(encoding="utf-8").partition("## FHIR R4: what the validator does not check")[2]
    needed = {reason.partition(":")[0] for reason in NEEDS.values() if ":" in reason}
    assert {word for word in needed if word.lower() not in section.lower()} == set()


def test_examples_of_the_specification_are_right_but_for_its_own_slips(conformance: dict[str, bytes]) -> None:
    examples = {name: content for name, content in conformance.items() if name.startswith(("r4-examples/", "ips/"))}
    assert len(examples) > 60
    refused = {name.rpartition("/")[2] for name, content in examples.items() if validate(content)}
    assert refused == set(WRONG_EXAMPLES)


def test_records_of_a_generator_raise_no_alarm(foreign_data: Path) -> None:
    """Every 4th record: 38 of 152, and some 12,000 of 49,000 resources. All have been read once, without an alarm."""
    resources = 0
    for number, (name, content) in enumerate(files_of(foreign_data / "synthea-r4-2019.tar.xz")):
        if number % 4:
            continue
        assert validate(content) == [], name
        resources += content.count(b'"resource":')
    assert resources > 9_000


def test_the_one_fault_of_another_generator_is_in_its_bundles(foreign_data: Path) -> None:
    """Every 8th record. They are documents whose entries have requests, without a date and an identifier: none may."""
    kinds: Counter[str] = Counter()
    for number, (_, content) in enumerate(files_of(foreign_data / "pysynthea-ips-r4.tar.xz")):
        if number % 8 == 0:
            kinds.update(re.sub(r"\[\d+\]", "", issue.path) for issue in validate(content))
    kinds.pop("Bundle.entry.resource.author", None)  # One composition says nothing of its author, which is 1..*.
    assert set(kinds) == {"Bundle.entry.request", "Bundle.identifier", "Bundle.timestamp"}


# Published as R4 by the NHS and not right by R4; each looked up in the specification. Path without indexes -> why.
BRITISH_SLIPS = {
    "": "one file has a comma too many",
    "BodyStructure.patient.reference": "an id alone, without the type",
    "Bundle.entry.fullUrl": "relative addresses; twice the address of another entry",
    "Bundle.entry.resource.derivedFrom.reference": "an empty object",
    "Bundle.entry.resource.id": "ids that begin with urn:, and no id has a colon",
    "Bundle.entry.resource.requester.output": "Task.output put into the reference before it",
    "Bundle.entry.resource.sender.identifier": "a list: Reference.identifier is 0..1",
    "Bundle.entry.resource.subject.identifier": "a list: Reference.identifier is 0..1",
    "DiagnosticReport.basedOn.reference": "an id alone, without the type",
    "DiagnosticReport.media.link.type": "a DocumentReference: link is to Media",
    "Observation.subject.identifier": "a list: Reference.identifier is 0..1",
    "Patient.contact": "a contact that has extensions alone (pat-1)",
    "Patient.extension.extension.value.ofType(boolean)": "true in quotes",
    "Patient.generalPractitioner.reference": "begins with a slash",
    "Patient.name.prefix": "text: HumanName.prefix is a list",
    "Patient.name.suffix": "text: HumanName.suffix is a list",
    "QuestionnaireResponse.source.identifier": "a list: Reference.identifier is 0..1",
    "QuestionnaireResponse.subject.identifier": "a list: Reference.identifier is 0..1",
    "RelatedPerson.active": "true in quotes",
    "RelatedPerson.generalPractitioner": "an element of Patient",
    "RelatedPerson.name.prefix": "text: HumanName.prefix is a list",
    "ServiceRequest.basedOn.reference": "ids alone, and ServiceReques for a type",
    "ServiceRequest.subject.identifier": "a list: Reference.identifier is 0..1",
    "Task.focus.reference": "ids of more than 64 characters, and a type twice",
    "Task.for.identifier": "a list: Reference.identifier is 0..1",
    "Task.for.reference": "an id alone, without the type",
}
# Written for STU3, in whole or for the greater part; R4 is not what they want to be.
STU3 = ("FHIR-Mappings-STU3-CareConnect-to-R4-UKCore/Example-Input", "gpconnect-stu3-examples/", "guide-page-examples/")


def test_british_examples_are_refused_for_what_is_wrong_in_them(foreign_data: Path) -> None:
    files = [one for one in files_of(foreign_data / "uk-fhir-r4.tar.xz") if not one[0].startswith(STU3)]
    refused = {name: issues for name, content in files if (issues := validate(content))}
    paths = {re.sub(r"\[\d+\]", "", issue.path) for issues in refused.values() for issue in issues}
    assert paths == set(BRITISH_SLIPS)
    assert (len(refused), len(files)) == (45, 329)
