"""Each rule of the validator: what is wrong is said once, where it is, and nothing right is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from carerecord.fhir.outcome import outcome
from carerecord.fhir.validate import CONTENT_BYTES_MAX, Issue, validate
from carerecord.fhir.walk import DEPTH_MAX, ISSUES_MAX, MEMBERS_MAX

Object = dict[str, Any]
MILL_ROW = {"url": "https://example.org/fhir/StructureDefinition/row", "valueString": "Mill Row"}
PATIENT: Object = {"resourceType": "Patient", "gender": "female", "birthDate": "1948-03-12"}
OBSERVATION: Object = {"resourceType": "Observation", "status": "final", "code": {"text": "Weight"}}


def patient(**more: Any) -> Object:
    return {**PATIENT, **more}


def observation(**more: Any) -> Object:
    return {**OBSERVATION, **more}


def told(resource: Object) -> list[tuple[str, str]]:
    """(path, code) of each error; every sentence begins with the path, so that it can be read alone."""
    issues = validate(resource)
    assert all(issue.sentence.startswith(issue.path) and issue.sentence.endswith(".") for issue in issues), issues
    return [(issue.path, issue.code) for issue in issues]


RIGHT: list[Object] = [
    PATIENT,
    OBSERVATION,
    patient(birthDate="1948", active=True, multipleBirthInteger=2),
    patient(birthDate="2024-02-29"),
    patient(_birthDate={"extension": [MILL_ROW]}),
    patient(name=[{"given": ["Joan", None], "_given": [None, {"extension": [MILL_ROW]}]}]),
    patient(name=[{"_given": [{"extension": [MILL_ROW]}]}]),
    patient(link=[{"other": {"reference": "Patient/2"}, "type": "seealso"}]),
    patient(generalPractitioner=[{"reference": "https://example.org/anything/at/all"}]),
    patient(generalPractitioner=[{"reference": "urn:uuid:04f10ba6-1f4b-4a1f-8f5c-5d7d5d3e1a10"}]),
    patient(generalPractitioner=[{"reference": "Practitioner?identifier=x|1"}]),
    observation(valueQuantity={"value": 5.25, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}),
    observation(effectiveDateTime="2024-05-01T09:30:00+01:00", issued="2024-05-01T09:30:00.123456789Z"),
    observation(subject={"reference": "#p"}, contained=[patient(id="p")]),
    {"resourceType": "Parameters", "parameter": [{"name": "x", "part": [{"name": "y", "resource": PATIENT}]}]},
    {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "1.1", "type": "string"}]}],
    },
]


@pytest.mark.parametrize("resource", RIGHT)
def test_what_is_right_passes(resource: Object) -> None:
    assert told(resource) == []
    assert validate(json.dumps(resource).encode()) == []


WRONG: list[tuple[Object, list[tuple[str, str]]]] = [
    ({"birthDate": "1948"}, [("resourceType", "structure")]),
    ({"resourceType": "Pateint"}, [("resourceType", "structure")]),
    ({"resourceType": "DomainResource"}, [("resourceType", "structure")]),
    (patient(eyes="blue"), [("Patient.eyes", "structure")]),
    (patient(**{"eye colour": "blue"}), [("Patient.`eye colour`", "structure")]),
    (patient(_contact={}), [("Patient._contact", "structure")]),
    (
        patient(contact=[{"resourceType": "Patient", "name": {"text": "A"}}]),
        [("Patient.contact[0].resourceType", "structure")],
    ),
    ({"resourceType": "Observation", "code": {"text": "Weight"}}, [("Observation.status", "required")]),
    ({"resourceType": "Observation"}, [("Observation.code", "required"), ("Observation.status", "required")]),
    (
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "Joan"}},
        [("MedicationRequest.medication", "required")],
    ),
    (patient(birthDate=1948), [("Patient.birthDate", "value")]),
    (patient(active="true"), [("Patient.active", "value")]),
    (patient(multipleBirthInteger=Decimal("1.0")), [("Patient.multipleBirth.ofType(integer)", "value")]),
    (patient(multipleBirthInteger=True), [("Patient.multipleBirth.ofType(integer)", "value")]),
    (patient(multipleBirthInteger=2**31), [("Patient.multipleBirth.ofType(integer)", "value")]),
    (observation(valueQuantity={"value": "5"}), [("Observation.value.ofType(Quantity).value", "value")]),
    (observation(valueQuantity={"value": True}), [("Observation.value.ofType(Quantity).value", "value")]),
    (observation(valueQuantity={"value": float("inf")}), [("Observation.value.ofType(Quantity).value", "value")]),
    (observation(valueQuantity={"value": Decimal("sNaN")}), [("Observation.value.ofType(Quantity).value", "value")]),
    (observation(valueQuantity=5), [("Observation.value.ofType(Quantity)", "structure")]),
    (observation(valueString="5", valueInteger=5), [("Observation.value", "structure")]),
    (observation(value=5), [("Observation.value", "structure")]),
    (patient(gender="woman"), [("Patient.gender", "code-invalid")]),
    (patient(gender=None), [("Patient.gender", "structure")]),
    (patient(gender=""), [("Patient.gender", "value")]),
    (patient(gender=["female"]), [("Patient.gender", "structure")]),
    (patient(gender={"code": "female"}), [("Patient.gender", "structure")]),
    (patient(id="a b"), [("Patient.id", "value")]),
    (patient(id="x" * 65), [("Patient.id", "value")]),
    (patient(name={"text": "Joan"}), [("Patient.name", "structure")]),
    (patient(name=[]), [("Patient.name", "structure")]),
    (patient(name=None), [("Patient.name", "structure")]),
    (patient(name=[{}]), [("Patient.name[0]", "structure")]),
    (patient(name=[{"id": "n"}]), [("Patient.name[0]", "structure")]),
    (patient(name=[None]), [("Patient.name[0]", "structure")]),
    (patient(name=[{"given": [None, "Joan"]}]), [("Patient.name[0].given[0]", "structure")]),
    (
        patient(name=[{"given": ["Joan"], "_given": [None, {"id": "x", "extension": [MILL_ROW]}]}]),
        [("Patient.name[0].given", "structure")],
    ),
    (patient(_birthDate="1948"), [("Patient.birthDate", "structure")]),
    (
        patient(_birthDate={"extension": [{"url": "age"}]}),
        [
            ("Patient.birthDate.extension[0]", "invariant"),
            ("Patient.birthDate.extension[0].url", "value"),
        ],
    ),
    (patient(extension=[{"valueString": "x"}]), [("Patient.extension[0].url", "required")]),
    (patient(managingOrganization={"reference": "Patient/1"}), [("Patient.managingOrganization.reference", "value")]),
    (
        patient(managingOrganization={"reference": "Organisation/1"}),
        [("Patient.managingOrganization.reference", "value")],
    ),
    (patient(managingOrganization={"reference": "R1H"}), [("Patient.managingOrganization.reference", "value")]),
    (
        patient(managingOrganization={"reference": "https://example.org/fhir/Patient/1/_history/2"}),
        [("Patient.managingOrganization.reference", "value")],
    ),
    (patient(managingOrganization={"type": "Patient"}), [("Patient.managingOrganization.type", "value")]),
    (patient(managingOrganization={"reference": "#o"}), [("Patient.managingOrganization.reference", "invariant")]),
    (
        observation(subject={"reference": "#p"}, contained=[{"resourceType": "Organization", "id": "p", "name": "P"}]),
        [("Observation.subject.reference", "value")],
    ),
    (observation(contained=[patient(id="p")]), [("Observation.contained[0]", "invariant")]),
    (
        observation(subject={"reference": "#p"}, contained=[patient(id="p", meta={"versionId": "1"}, birthDate="x")]),
        [("Observation.contained[0].birthDate", "value"), ("Observation.contained[0].meta.versionId", "invariant")],
    ),
    (patient(identifier=[{"system": "urn:oid:x.1"}]), [("Patient.identifier[0].system", "value")]),
    (patient(identifier=[{"system": "nhs"}]), [("Patient.identifier[0].system", "invariant")]),
    (patient(meta={"profile": ["http://hl7.org/fhir/ValueSet/x"]}), [("Patient.meta.profile[0]", "value")]),
    (patient(photo=[{"data": "YQ=", "contentType": "text/plain"}]), [("Patient.photo[0].data", "value")]),
    (patient(photo=[{"data": "YQ=="}]), [("Patient.photo[0].contentType", "invariant")]),
    (
        patient(photo=[{"data": "YQ==", "contentType": "text/plain", "size": 2}]),
        [("Patient.photo[0].size", "invariant")],
    ),
    (observation(dataAbsentReason={"text": "x"}, valueString="x"), [("Observation.dataAbsentReason", "invariant")]),
    (
        observation(effectivePeriod={"start": "2024-05-02", "end": "2024-05-01"}),
        [("Observation.effective.ofType(Period).end", "invariant")],
    ),
    (
        {"resourceType": "AllergyIntolerance", "patient": {"display": "Joan"}, "clinicalStatus": {"text": "active"}},
        [("AllergyIntolerance.clinicalStatus", "code-invalid")],
    ),
    (
        {"resourceType": "AllergyIntolerance", "patient": {"display": "Joan"}},
        [("AllergyIntolerance.clinicalStatus", "invariant")],
    ),
    (patient(text={"status": "generated", "div": "<p>x</p>"}), [("Patient.text.div", "value")]),
]


@pytest.mark.parametrize(("resource", "expected"), WRONG)
def test_what_is_wrong_is_said_with_its_path(resource: Object, expected: list[tuple[str, str]]) -> None:
    assert sorted(told(resource)) == sorted(expected)


def test_every_error_of_a_bundle_is_told_with_the_path_to_its_entry() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "total": 2,
        "entry": [
            {"fullUrl": "https://example.org/fhir/Patient/1", "resource": patient(id="2", gender="woman")},
            {"fullUrl": "Observation/1", "resource": {"resourceType": "Observation"}},
            {"fullUrl": "urn:uuid:04f10ba6-1f4b-4a1f-8f5c-5d7d5d3e1a10", "resource": {"resourceType": "Pateint"}},
            {"fullUrl": "urn:uuid:04f10ba6-1f4b-4a1f-8f5c-5d7d5d3e1a10", "request": {"method": "GET", "url": "x"}},
        ],
    }
    assert sorted(told(bundle)) == [
        ("Bundle.entry[0].fullUrl", "invariant"),
        ("Bundle.entry[0].resource.gender", "code-invalid"),
        ("Bundle.entry[1].fullUrl", "invariant"),
        ("Bundle.entry[1].resource.code", "required"),
        ("Bundle.entry[1].resource.status", "required"),
        ("Bundle.entry[2].resource.resourceType", "structure"),
        ("Bundle.entry[3].fullUrl", "invariant"),
        ("Bundle.entry[3].request", "invariant"),
        ("Bundle.total", "invariant"),
    ]


def test_a_document_begins_with_its_composition() -> None:
    document = {"resourceType": "Bundle", "type": "document", "entry": [{"resource": PATIENT}]}
    assert [path for path, _ in told(document)] == ["Bundle.entry", "Bundle.identifier", "Bundle.timestamp"]


def test_what_is_contained_in_one_entry_is_not_found_from_another() -> None:
    holds = observation(subject={"reference": "#p"}, contained=[patient(id="p")])
    lacks = observation(subject={"reference": "#p"})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": holds}, {"resource": lacks}]}
    assert told(bundle) == [("Bundle.entry[1].resource.subject.reference", "invariant")]


def test_a_contained_resource_that_refers_to_its_container_needs_no_reference() -> None:
    provenance = {
        "resourceType": "Provenance",
        "id": "p",
        "target": [{"reference": "#"}],
        "recorded": "2024-05-01T09:30:00Z",
        "agent": [{"who": {"display": "Ward 4"}}],
    }
    assert told(observation(contained=[provenance])) == []


def test_the_code_of_another_version_may_stand_in_its_extension() -> None:
    url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Patient.gender"
    without = {"resourceType": "Patient", "_gender": {"extension": [{"url": url, "valueCode": "x"}]}}
    assert told(without) == []
    assert told({"resourceType": "Patient", "_gender": {"extension": [MILL_ROW]}}) == [
        ("Patient.gender", "code-invalid")
    ]


def test_a_name_that_comes_twice_is_told_from_json() -> None:
    twice = b'{"resourceType":"Patient","name":[{"text":"Joan"},{"text":"A","text":"B"}],"gender":"female"}'
    assert [(issue.path, issue.code) for issue in validate(twice)] == [("Patient.name[1].text", "structure")]
    spaced = b'{"resourceType" : "Patient", "gender"\n:\t"female", "gender": "female"}'
    assert [issue.path for issue in validate(spaced)] == ["Patient.gender"]
    looks_like_it = b'{"resourceType":"Patient","name":[{"text":"\\":","family":":\\":"}]}'
    assert validate(looks_like_it) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"null", b"\xff", b'{"a":1}}', b'{"a":NaN}', b"<Patient/>"]
)
def test_what_is_no_object_of_json_is_one_error(content: bytes) -> None:
    issues = validate(content)
    assert [(issue.path, issue.code) for issue in issues] == [("", "structure")]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert validate(b"\xef\xbb\xbf" + json.dumps(PATIENT).encode()) == []


def test_numbers_that_no_reader_can_hold_are_refused_by_their_field() -> None:
    for number in ("1e308", "1e999", "-1e999", "9" * 400):
        content = json.dumps(observation(valueQuantity={"value": 0})).replace(": 0", f": {number}").encode()
        (found,) = validate(content)
        assert (found.path, found.code) == ("Observation.value.ofType(Quantity).value", "value")


def test_numbers_with_many_digits_are_read() -> None:
    for number in ("1e307", "0.1234567890123456789012345678901234567890", "9" * 300, "-1E-400"):
        assert (
            validate(json.dumps(observation(valueQuantity={"value": 0})).replace(": 0", f": {number}").encode()) == []
        )
    beyond = json.dumps(observation(valueQuantity={"value": 0})).replace(": 0", ": 1e99999999999999999999").encode()
    assert [issue.path for issue in validate(beyond)] == ["Observation.value.ofType(Quantity).value"]


def test_depth_size_and_number_of_errors_are_bounded() -> None:
    nested: Object = {"linkId": "1", "type": "group"}
    for _ in range(DEPTH_MAX + 1):
        nested = {"linkId": "1", "type": "group", "item": [nested]}
    questionnaire = {"resourceType": "Questionnaire", "status": "draft", "item": [nested]}
    assert ("", "too-costly") in [(issue.path, issue.code) for issue in validate(questionnaire)]
    assert validate(b'{"a":' * 100_000)[0].code in ("too-costly", "structure")
    assert validate(b" " * (CONTENT_BYTES_MAX + 1))[0].code == "too-long"
    many = patient(name=[{}] * (ISSUES_MAX + 5))
    assert len(validate(many)) == ISSUES_MAX + 1
    assert validate(many)[-1].code == "too-costly"
    assert validate(patient(name=[{"text": "x"}] * (MEMBERS_MAX + 1)))[-1].code == "too-costly"


def test_a_dict_that_holds_itself_ends() -> None:
    extension: Object = {"url": "https://example.org/x"}
    extension["extension"] = [extension, extension]
    assert validate(patient(extension=[extension]))[-1].code == "too-costly"


def test_an_issue_becomes_one_of_an_operation_outcome() -> None:
    (issue,) = validate(patient(gender="woman"))
    assert issue == Issue("Patient.gender", "code-invalid", "Patient.gender must be female, male, other or unknown.")
    answer = outcome([issue.in_outcome()])
    assert answer["issue"][0]["expression"] == ["Patient.gender"]
    assert answer["issue"][0]["severity"] == "error"
    assert validate(answer) == []
    assert "expression" not in validate(b"{")[0].in_outcome()


def test_no_sentence_repeats_what_was_sent() -> None:
    secret = "9990123454"
    sent = patient(
        birthDate=secret + "x", gender=secret, id=secret + " ", name=secret, managingOrganization={"reference": secret}
    )
    assert len(validate(sent)) == 6
    assert secret not in repr(validate(sent))


def test_a_misspelt_element_is_told_its_name() -> None:
    assert "did you mean birthDate" in validate(patient(birthdate="1948"))[0].sentence
    assert "valueQuantity" in validate(observation(value={"value": 1}))[0].sentence
