"""A push read into what a source says: whose it is, one statement of each resource, nothing lost, nothing raised."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from carerecord.fhir.references import local_id
from carerecord.formats import fhir
from carerecord.formats.fhir import Asked, asked_of
from carerecord.formats.fhir.standing import standing_of
from carerecord.model import Heading, Identifier, Original, Reading, Source, Standing

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
SOURCE = Source(id="gp-mile-end", organisation="Y99101", name="Mile End Green Surgery", kind="practice")
NHS = "https://fhir.nhs.uk/Id/nhs-number"
JOAN: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p-17",
    "identifier": [
        {
            "system": NHS,
            "value": "9990123454",
            "extension": [
                {
                    "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
                    "valueCodeableConcept": {
                        "coding": [
                            {
                                "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland",
                                "code": "01",
                            }
                        ]
                    },
                }
            ],
        },
        {"system": "https://mile-end.example/number", "value": "17"},
    ],
    "name": [
        {"use": "maiden", "family": "Ashdown", "given": ["Joan"]},
        {"use": "official", "family": "Hartley", "given": ["Joan", "Mary"], "prefix": ["Mrs"]},
    ],
    "telecom": [{"system": "phone", "value": "020 7946 0111", "use": "home"}],
    "gender": "female",
    "birthDate": "1948-03-12",
    "deceasedBoolean": False,
    "address": [{"use": "home", "line": ["4 Mill Row"], "city": "London", "postalCode": "E1 4AA"}],
    "generalPractitioner": [
        {
            "type": "Organization",
            "identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "Y99101"},
            "display": "Mile End Green Surgery",
        }
    ],
    "communication": [
        {
            "language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "bn", "display": "Bengali"}]},
            "extension": [
                {"url": "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired", "valueBoolean": True}
            ],
        }
    ],
}


def weight(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "w-1",
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Weight"},
        "effectiveDateTime": "2026-11-20",
        **more,
    }


def transaction(*resources: dict[str, Any], **more: Any) -> bytes:
    entries = [
        {
            "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012}",
            "resource": resource,
            "request": {"method": "POST", "url": resource["resourceType"]},
        }
        for number, resource in enumerate(resources)
    ]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries, **more}).encode()


def uuid(number: int) -> dict[str, str]:
    return {"reference": f"urn:uuid:00000000-0000-4000-8000-{number:012}"}


def read(content: bytes | dict[str, Any], *, asked: str = "POST", source: Source = SOURCE) -> Reading:
    sent = content if isinstance(content, bytes) else json.dumps(content).encode()
    original = Original(source=source.id, content=sent, received_at=AT, control_id=asked, format="fhir")
    return fhir.translate(original, source=source)


def body(reading: Reading, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reading.statements[number].body)
    return found


def test_a_transaction_says_who_its_patient_is() -> None:
    subject = read(transaction(JOAN, weight(subject=uuid(0)))).subject
    assert subject is not None
    assert subject.local == (
        Identifier("Patient", "p-17"),
        Identifier("https://mile-end.example/number", "17"),
    )
    assert (subject.nhs_number, subject.nhs_number_status) == ("9990123454", "01")
    assert (subject.family, subject.given, subject.prefix) == ("Hartley", ("Joan", "Mary"), "Mrs")
    assert subject.former_names == ("Joan Ashdown",)
    assert (subject.birth_date, subject.gender, subject.deceased) == (date(1948, 3, 12), "female", False)
    assert (subject.address, subject.postcode) == (("4 Mill Row", "London"), "E1 4AA")
    assert subject.phone == "020 7946 0111"
    assert (subject.gp_practice, subject.gp_practice_name) == ("Y99101", "Mile End Green Surgery")
    assert subject.language == "Bengali, interpreter needed"


def test_each_resource_is_one_statement_under_its_own_id() -> None:
    reading = read(transaction(JOAN, weight(subject=uuid(0)), timestamp="2026-11-21T02:00:00Z"))
    patient, observation = reading.statements
    assert (patient.heading, observation.heading) == (Heading.DEMOGRAPHICS, Heading.OBSERVATIONS)
    assert observation.local_id == local_id(SOURCE.id, "Observation", "w-1")
    assert observation.code == "http://loinc.org|29463-7"
    assert observation.happened_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert observation.said_at == datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert observation.standing is Standing.CURRENT
    assert reading.updates_demographics
    assert not reading.must_be_known


def test_the_body_keeps_every_byte_but_ids_references_and_whose_it_is() -> None:
    sent = (
        b'{"resourceType": "Observation", "id": "w-1", "text": {"status": "generated", '
        b'"div": "<div xmlns=\\"http://www.w3.org/1999/xhtml\\">5.0 \\u00e9</div>"}, "status": "final", '
        b'"subject": {"display": "Joan", "reference": "Patient/p-17"}, "code": {"text": "Weight"}, '
        b'"valueQuantity": {"value": 70.50, "unit": "kg"}}'
    )
    reading = read(sent, asked="POST Observation")
    own = local_id(SOURCE.id, "Observation", "w-1").encode()
    assert reading.statements[0].body == (
        b'{"resourceType":"Observation","id":"%b","text":{"status":"generated",'
        b'"div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">5.0 \\u00e9</div>"},"status":"final",'
        b'"subject":{"display":"Joan"},"code":{"text":"Weight"},"valueQuantity":{"value":70.50,"unit":"kg"}}' % own
    )


def test_references_to_what_the_source_says_become_ours_and_others_stay() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Weights"},
        "subject": uuid(0),
        "result": [
            uuid(1),
            {"reference": "Observation/from-before"},
            {"reference": "https://elsewhere.example/fhir/Observation/9"},
            {"reference": "#inside"},
        ],
        "contained": [{"resourceType": "Observation", "id": "inside", "status": "final", "code": {"text": "x"}}],
    }
    found = body(read(transaction(JOAN, weight(subject=uuid(0)), report)), 2)["result"]
    assert found[0] == {"reference": f"Observation/{local_id(SOURCE.id, 'Observation', 'w-1')}"}
    before = local_id(SOURCE.id, "Observation", "from-before")
    assert found[1]["reference"] == f"Observation/{before}"
    assert found[1]["_reference"]["extension"][0]["valueString"] == "Observation/from-before"
    assert found[2:] == report["result"][2:]  # type: ignore[index]


@pytest.mark.parametrize(
    ("full_url", "more", "own_id"),
    [
        ("urn:uuid:8d2b4c1e-5f60-4a7b-9c8d-0e1f2a3b4c5d", {"id": "w-1"}, "w-1"),
        ("urn:uuid:8d2b4c1e-5f60-4a7b-9c8d-0e1f2a3b4c5d", {}, "8d2b4c1e-5f60-4a7b-9c8d-0e1f2a3b4c5d"),
        ("https://gp.example/fhir/Observation/77", {}, "77"),
        ("", {"identifier": [{"system": "urn:x", "value": "5"}]}, "urn:x|5"),
    ],
)
def test_a_resource_is_known_again_by_its_own_id(full_url: str, more: dict[str, Any], own_id: str) -> None:
    resource = {name: value for name, value in weight(subject={"reference": "Patient/p-17"}).items() if name != "id"}
    entry: dict[str, Any] = {"resource": resource | more, "request": {"method": "POST", "url": "Observation"}}
    if full_url:
        entry["fullUrl"] = full_url
    reading = read({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert reading.statements[0].local_id == local_id(SOURCE.id, "Observation", own_id)


def test_who_is_only_referred_to_must_be_known() -> None:
    reading = read(weight(subject={"reference": "Patient/p-17"}), asked="POST Observation")
    assert reading.must_be_known
    assert reading.subject is not None
    assert reading.subject.local == (Identifier("Patient", "p-17"),)
    by_number = read(weight(subject={"identifier": {"system": NHS, "value": "9990123454"}}), asked="POST Observation")
    assert by_number.must_be_known
    assert by_number.subject is not None
    assert (by_number.subject.local, by_number.subject.nhs_number) == ((), "9990123454")


def test_a_contained_patient_is_the_patient_and_a_statement_of_their_own() -> None:
    contained = {**JOAN, "id": "joan"}
    sent = weight(contained=[contained], subject={"reference": "#joan"})
    reading = read(sent, asked="PUT Observation/w-1")
    assert [statement.resource_type for statement in reading.statements] == ["Observation", "Patient"]
    assert reading.subject is not None
    assert reading.subject.family == "Hartley"
    assert "contained" not in body(reading, 0)
    assert body(reading, 0)["subject"] == {}
    assert body(reading, 1)["name"] == JOAN["name"]


def problem_of(reading: Reading) -> tuple[str, str]:
    assert reading.statements == ()
    assert [problem.fatal for problem in reading.problems] == [True]
    return reading.problems[0].field, reading.problems[0].sentence


MICHAEL = {"resourceType": "Patient", "id": "p-18", "birthDate": "1950-01-02"}


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (transaction(JOAN, MICHAEL), "Bundle.entry[1].resource"),
        (transaction(JOAN, weight(subject={"reference": "Patient/p-18"})), "Bundle.entry[1].resource.subject"),
        (
            transaction(JOAN, weight(subject={"identifier": {"system": NHS, "value": "9990123462"}})),
            "Bundle.entry[1].resource.subject",
        ),
        (
            transaction(
                weight(subject={"reference": "Patient/p-17"}),
                weight(id="w-2", subject={"reference": "Patient/p-18"}),
            ),
            "Bundle.entry[1].resource.subject",
        ),
    ],
)
def test_a_transaction_is_about_one_patient(sent: bytes, path: str) -> None:
    found, sentence = problem_of(read(sent))
    assert found == path
    assert "batch" in sentence


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        ({"method": "GET", "url": "Observation/w-1"}, "method"),
        ({"method": "DELETE", "url": "Observation/w-1"}, "method"),
        ({"method": "PATCH", "url": "Observation/w-1"}, "method"),
        ({"method": "POST", "url": "Observation", "ifNoneExist": "identifier=5"}, "ifNoneExist"),
        ({"method": "PUT", "url": "Observation/w-1", "ifMatch": 'W/"1"'}, "ifMatch"),
        ({"method": "PUT", "url": "Observation?identifier=5"}, "url"),
        ({"method": "PUT", "url": "Observation/another"}, "url"),
        ({"method": "POST", "url": "Condition"}, "url"),
    ],
)
def test_what_would_have_to_be_searched_or_taken_back_is_refused(request_: dict[str, str], path: str) -> None:
    entry = {"resource": weight(subject={"reference": "Patient/p-17"}), "request": request_}
    found, _ = problem_of(read({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
    assert found == f"Bundle.entry[0].request.{path}"


def test_a_reference_that_is_a_search_is_refused_with_its_path() -> None:
    sent = weight(subject=uuid(0), performer=[{"reference": "Practitioner?identifier=5"}])
    assert problem_of(read(transaction(JOAN, sent)))[0] == "Bundle.entry[1].resource.performer[0].reference"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("POST Condition", weight(subject={"reference": "Patient/p-17"})),
        ("PUT Observation/w-2", weight(subject={"reference": "Patient/p-17"})),
        ("POST Observation", weight()),
        ("POST", weight()),
        ("POST Bundle", {"resourceType": "Bundle", "type": "collection"}),
        ("POST", {"resourceType": "Bundle", "type": "collection"}),
        ("POST Observation", weight(subject={"reference": "Patient/p-17"}, status="invented")),
        ("POST", b"<Bundle/>"),
        ("POST", b""),
        ("POST", b"[" * 300),
        ("entry", b"{}"),
        ("entry", b"null"),
        ("entry", {"request": {"method": "POST", "url": "Observation"}}),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(asked: str, sent: bytes | dict[str, Any]) -> None:
    reading = read(sent, asked=asked)
    assert reading.statements == ()
    assert all(problem.fatal and problem.sentence.endswith(".") for problem in reading.problems)
    assert reading.problems != ()


def test_a_directory_is_about_nobody() -> None:
    surgery = {"resourceType": "Organization", "name": "Mile End Green Surgery"}
    doctor = {"resourceType": "Practitioner", "name": [{"family": "Osei"}]}
    reading = read(transaction(surgery, doctor))
    assert reading.about_nobody
    assert (reading.statements, reading.problems) == ((), ())


def test_what_is_said_of_a_group_is_no_patients() -> None:
    reading = read(weight(subject={"reference": "Group/ward-4"}), asked="POST Observation")
    assert reading.about_nobody


def test_an_nhs_number_with_a_wrong_check_digit_is_told_and_not_used() -> None:
    wrong = {**JOAN, "identifier": [{"system": NHS, "value": "9990123455"}]}
    reading = read(transaction(wrong))
    assert reading.subject is not None
    assert (reading.subject.nhs_number, reading.subject.nhs_number_as_sent) == (None, "9990123455")
    assert [(problem.field, problem.fatal) for problem in reading.problems] == [
        ("Bundle.entry[0].resource.identifier", False)
    ]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"implicitRules": "https://x.example/rules"}, "Observation.implicitRules"),
        (
            {"modifierExtension": [{"url": "https://x.example/not", "valueBoolean": True}]},
            "Observation.modifierExtension",
        ),
        (
            {
                "component": [
                    {"code": {"text": "A"}, "modifierExtension": [{"url": "https://x.example/n", "valueCode": "a"}]}
                ]
            },
            "Observation.component[0].modifierExtension",
        ),
    ],
)
def test_what_may_turn_the_rest_into_its_contrary_is_refused_by_its_path(more: dict[str, Any], path: str) -> None:
    weight = {"resourceType": "Observation", "id": "w", "status": "final", "code": {"text": "Weight"}} | more
    reading = read(weight | {"subject": {"reference": "Patient/p-17"}}, asked="PUT Observation/w")
    assert [(found.field, found.rule, found.fatal) for found in reading.problems] == [(path, "not-supported", True)]
    assert reading.statements == ()


@pytest.mark.parametrize(("kind", "told"), [("replaced-by", True), ("replaces", True), ("seealso", False)])
def test_a_patient_that_is_said_to_replace_another_is_told_that_this_joins_nobody(kind: str, told: bool) -> None:
    link = {"type": kind, "other": {"reference": "Patient/p-18"}}
    reading = read(transaction({**JOAN, "link": [link]}))
    assert [found.field for found in reading.problems] == (["Bundle.entry[0].resource.link"] if told else [])
    assert not any(found.fatal for found in reading.problems)


def test_a_clock_that_is_ahead_silences_nobody() -> None:
    reading = read(transaction(JOAN, timestamp="2036-01-01T00:00:00Z"))
    assert reading.statements[0].said_at == AT
    assert [problem.fatal for problem in reading.problems] == [False]


@pytest.mark.parametrize(
    ("resource", "standing"),
    [
        ({"resourceType": "Observation", "status": "entered-in-error"}, Standing.ENTERED_IN_ERROR),
        ({"resourceType": "Observation", "status": "corrected"}, Standing.CORRECTED),
        ({"resourceType": "Observation", "status": "preliminary"}, Standing.PRELIMINARY),
        ({"resourceType": "MedicationRequest", "status": "completed"}, Standing.RESOLVED),
        ({"resourceType": "Immunization", "status": "completed"}, Standing.CURRENT),
        ({"resourceType": "Immunization", "status": "not-done"}, Standing.CANCELLED),
        ({"resourceType": "Appointment", "status": "booked"}, Standing.PLANNED),
        ({"resourceType": "Encounter", "status": "finished"}, Standing.RESOLVED),
        ({"resourceType": "CarePlan", "status": "revoked"}, Standing.CANCELLED),
        (
            {"resourceType": "Condition", "clinicalStatus": {"coding": [{"code": "remission"}]}},
            Standing.RESOLVED,
        ),
        (
            {"resourceType": "Condition", "verificationStatus": {"coding": [{"code": "entered-in-error"}]}},
            Standing.ENTERED_IN_ERROR,
        ),
        ({"resourceType": "RelatedPerson", "active": False}, Standing.RESOLVED),
    ],
)
def test_a_status_says_what_still_stands(resource: dict[str, Any], standing: Standing) -> None:
    assert standing_of(resource) is standing


@pytest.mark.parametrize(
    "asked",
    [
        Asked("POST"),
        Asked("POST", "Observation"),
        Asked("PUT", "Observation", "w-1"),
        Asked("entry"),
        Asked("entry", said_at="2026-11-22T02:00:00Z"),
    ],
)
def test_what_was_asked_is_kept_as_one_line(asked: Asked) -> None:
    assert asked_of(str(asked)) == asked


def test_a_batch_is_split_byte_for_byte() -> None:
    first = b'{ "resource":{"resourceType":"Patient"},\n "request":{"method":"POST","url":"Patient"}}'
    sent = b'{"resourceType":"Bundle","type":"batch","timestamp":"2026-11-22T02:00:00Z","entry":[ %b , {} ]}' % first
    batch = fhir.split(sent)
    assert batch is not None
    assert batch.entries == (first, b"{}")
    assert str(batch.asked) == "entry 2026-11-22T02:00:00Z"
    assert fhir.split(transaction(JOAN)) is None


@hypothesis.given(st.binary(max_size=200), st.sampled_from(["POST", "POST Observation", "PUT Patient/1", "entry", ""]))
def test_nothing_that_is_pushed_raises(content: bytes, asked: str) -> None:
    read(content, asked=asked)


FRAGMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resource", "request", "subject", "reference", "id", "contained", "identifier", "entry", "name"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@hypothesis.given(FRAGMENTS, st.sampled_from(["Patient", "Observation", "Appointment", "Bundle", "Basic"]))
def test_no_shape_of_a_resource_raises(value: Any, kind: str) -> None:
    resource = {"resourceType": kind, **(value if isinstance(value, dict) else {"code": value})}
    entry = {"fullUrl": "urn:uuid:1", "resource": resource, "request": {"method": "POST", "url": kind}}
    read({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    read(resource, asked=f"POST {kind}")
    read(entry, asked="entry")
