"""What leaves for programs: each statement once, under the ids of the record, saying whose it is and nothing hidden."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from carerecord.disclosure.documents import original_text
from carerecord.disclosure.programs import everything_bundle
from carerecord.fhir.references import local_id, logical_id, patient_part
from carerecord.fhir.validate import validate
from carerecord.formats import fhir
from carerecord.formats.document import Dropped, pack
from carerecord.model import Original, OriginalReference, Person, Source, StoredStatement, Subject
from carerecord.record.chunk import Said, unpack
from carerecord.record.chunk import pack as pack_statements
from tests.said import PATIENT_KEY

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
SOURCE = Source(id="gp", organisation="Y99101", name="Mile End Green", kind="practice")
PART = patient_part(PATIENT_KEY)
JOAN = {"resourceType": "Patient", "id": "p-17", "birthDate": "1948-03-12"}
SUBJECT = {"reference": "Patient/p-17", "display": "Joan"}


def stored(*resources: dict[str, Any], number: int = 1) -> list[StoredStatement]:
    entries = [{"resource": each, "request": {"method": "POST", "url": each["resourceType"]}} for each in resources]
    content = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    original = Original(source=SOURCE.id, content=content, received_at=AT, control_id="POST", format="fhir")
    reading = fhir.translate(original, source=SOURCE)
    assert reading.problems == ()
    said = Said(7, SOURCE.id, OriginalReference(date(2026, 11, 22), number), AT)
    return unpack(*pack_statements(reading.statements), patient_key=PATIENT_KEY, said=said)


def out(statements: list[StoredStatement]) -> list[dict[str, Any]]:
    person = Person(patient_key=PATIENT_KEY, identities={7: PATIENT_KEY}, subject=Subject(), said_by="gp", said_at=AT)
    bundle = everything_bundle(person, statements, answers=(), base="https://r.example/fhir", at=AT)
    assert validate(bundle) == []
    return [entry["resource"] for entry in json.loads(bundle)["entry"]]


def ours(kind: str, own_id: str) -> str:
    return logical_id(PATIENT_KEY, local_id(SOURCE.id, kind, own_id))


def report(*results: str) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": "r-1",
        "status": "final",
        "code": {"text": "Weights"},
        "subject": SUBJECT,
        "result": [{"reference": each} for each in results],
    }


def weight(own_id: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": own_id, "status": "final", "code": {"text": "W"}, "subject": SUBJECT}


def test_a_reference_to_what_is_held_is_ours_and_one_to_nothing_clinical_is_as_it_was_said() -> None:
    ordered = {**report("Observation/w-1"), "performer": [{"reference": "Practitioner/never-sent"}]}
    statements = [*stored(JOAN, ordered), *stored(JOAN, weight("w-1"), number=2)]
    (found,) = [each for each in out(statements) if each["resourceType"] == "DiagnosticReport"]
    assert found["result"] == [{"reference": f"Observation/{ours('Observation', 'w-1')}"}]
    assert found["performer"] == [{"reference": "Practitioner/never-sent"}]


def test_what_was_withheld_and_what_was_never_sent_look_the_same() -> None:
    """Held beside it, held by another push, or never sent: the reference is gone in each case, with all it says."""
    plain = out(stored(JOAN, report("Observation/w-1"), weight("w-1")))
    telling = report("Observation/w-1")
    telling["result"].append({"reference": "Observation/w-2", "display": "HIV antibody"})
    telling["encounter"] = {"reference": "Encounter/clinic", "display": "Sexual health"}
    telling["extension"] = [{"url": "https://x.example/about", "valueReference": {"reference": "Condition/c-1"}}]
    beside = stored(JOAN, telling, weight("w-1"), weight("w-2"))
    hidden = local_id(SOURCE.id, "Observation", "w-2")
    never = stored(JOAN, telling, weight("w-1"))
    for statements in ([each for each in beside if each.local_id != hidden], never):
        found = out(statements)
        assert hidden not in json.dumps(found)
        assert [each for each in found if each["resourceType"] != "DiagnosticReport"] == [
            each for each in plain if each["resourceType"] != "DiagnosticReport"
        ]
        left, expected = (
            [each for each in some if each["resourceType"] == "DiagnosticReport"] for some in (found, plain)
        )
        assert {**left[0], "meta": None} == {**expected[0], "meta": None}


def test_a_diagnosis_of_a_stay_goes_with_its_condition_and_the_stay_remains() -> None:
    stay = {
        "resourceType": "Encounter",
        "id": "v-1",
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": SUBJECT,
        "diagnosis": [{"condition": {"reference": "Condition/c-1"}, "rank": 1}],
    }
    assert "diagnosis" not in out(stored(JOAN, stay))[-1]


def test_what_fhir_demands_says_that_it_is_not_known() -> None:
    signed = {
        "resourceType": "Provenance",
        "id": "v-1",
        "target": [{"reference": "Observation/w-9"}],
        "recorded": "2026-11-20T10:00:00Z",
        "agent": [{"who": {"display": "Dr Rao"}}],
    }
    (target,) = out(stored(JOAN, signed))[-1]["target"]
    assert target["extension"][0]["valueCode"] == "unknown"


def test_everything_is_said_of_the_person_and_their_sources_own_patients_are_linked() -> None:
    consent = {
        "resourceType": "Provenance",
        "id": "v-1",
        "target": [{"reference": "Patient/p-17"}, {"reference": "Observation/w-1"}],
        "recorded": "2026-11-20T10:00:00Z",
        "agent": [{"who": {"display": "Dr Rao"}}],
    }
    person, patient, observation, provenance = out(stored(JOAN, weight("w-1"), consent))
    assert person["link"] == [{"other": {"reference": f"Patient/{ours('Patient', 'p-17')}"}, "type": "seealso"}]
    assert (person["id"], patient["id"]) == (PART, ours("Patient", "p-17"))
    assert observation["subject"] == {"reference": f"Patient/{PART}", "display": "Joan"}
    assert provenance["target"][0] == {"reference": f"Patient/{PART}"}
    assert "subject" not in provenance


def test_what_is_said_of_another_thing_stays_said_of_it() -> None:
    ward = {**weight("w-9"), "subject": {"reference": "Location/ward-4"}}
    found = out(stored(JOAN, ward))[-1]
    assert found["subject"] == {"reference": "Location/ward-4"}


def test_an_appointment_names_its_patient_among_those_who_take_part() -> None:
    told = {
        "resourceType": "Appointment",
        "id": "a-1",
        "status": "booked",
        "start": "2026-12-01T10:00:00Z",
        "end": "2026-12-01T10:10:00Z",
        "participant": [{"actor": {"reference": "Patient/p-17"}, "status": "accepted"}],
    }
    assert out(stored(JOAN, told))[-1]["participant"][0]["actor"] == {"reference": f"Patient/{PART}"}


def test_an_original_is_shown_as_text_whatever_its_format() -> None:
    assert original_text('{"family":"Löwe"}'.encode(), charset="latin-1") == '{"family":"Löwe"}'
    dropped = pack(Dropped("4711.pdf", b'{"resourceType":"DocumentReference"}', b"%PDF-1.4\x00\xff"))
    assert original_text(dropped, charset="utf-8") == (
        '4711.pdf, 10 bytes, is kept with this:\n\n{"resourceType":"DocumentReference"}'
    )
