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


def out(statements: list[StoredStatement], *, hidden: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    person = Person(patient_key=PATIENT_KEY, identities={7: PATIENT_KEY}, subject=Subject(), said_by="gp", said_at=AT)
    bundle = everything_bundle(person, statements, answers=(), hidden=hidden, base="https://r.example/fhir", at=AT)
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


def test_a_reference_to_what_is_held_is_ours_and_any_other_is_as_it_was_said() -> None:
    statements = [
        *stored(JOAN, report("Observation/w-1", "Observation/never-sent")),
        *stored(JOAN, weight("w-1"), number=2),
    ]
    (found,) = [each for each in out(statements) if each["resourceType"] == "DiagnosticReport"]
    assert found["result"] == [
        {"reference": f"Observation/{ours('Observation', 'w-1')}"},
        {"reference": "Observation/never-sent"},
    ]


def test_a_reference_to_what_is_withheld_leaves_no_trace() -> None:
    statements = stored(JOAN, report("Observation/w-1", "Observation/w-2"))
    hidden = frozenset({local_id(SOURCE.id, "Observation", "w-1")})
    (found,) = [each for each in out(statements, hidden=hidden) if each["resourceType"] == "DiagnosticReport"]
    assert found["result"] == [{"reference": "Observation/w-2"}]


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
