"""Every example message beside what becomes of it. Run this file as a program to write the expected readings anew, and
read the difference before it is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carerecord.fhir.validate import validate
from carerecord.formats import hl7v2
from carerecord.model import Heading, Original, Reading, Source, Standing

EXAMPLES = Path(__file__).parents[2] / "examples" / "hl7v2"
RECEIVED_AT = datetime(2026, 12, 31, 12, tzinfo=UTC)
SOURCE = Source(id="riverside", organisation="RJ1", name="Riverside Hospital")


def read(content: bytes, source: Source = SOURCE) -> Reading:
    return hl7v2.translate(Original(source=source.id, content=content, received_at=RECEIVED_AT), source=source)


def written(reading: Reading) -> dict[str, Any]:
    """A reading as JSON for people: numbers as names, bodies opened."""
    found: dict[str, Any] = json.loads(msgspec.json.encode(msgspec.structs.replace(reading, statements=())))
    for elsewhere in ("about_nobody", "must_be_known"):  # Other formats say these.
        assert not found.pop(elsewhere, False)
    # Where a reading says that none of its statements bears a mark, nobody looks for one.
    is_looked_for = found.pop("may_bear_marks")
    assert not reading.statements or is_looked_for == any(b'"security' in each.body for each in reading.statements)
    found["statements"] = [
        {
            "heading": Heading(each.heading).name,
            "standing": Standing(each.standing).name,
            "code": each.code,
            "happened_at": each.happened_at and each.happened_at.isoformat(),
            "said_at": each.said_at.isoformat(),
            "body": json.loads(each.body, parse_float=str),  # So that 5.0 is not 5.
        }
        for each in reading.statements
    ]
    found["acknowledged"] = hl7v2.acknowledgement_code(reading)
    return found


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.hl7")))
def test_an_example_is_read_as_it_is_written_beside_it(name: str) -> None:
    expected = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert written(read((EXAMPLES / f"{name}.hl7").read_bytes())) == expected


def test_every_example_has_its_reading_and_every_reading_its_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.hl7")} == {path.stem for path in EXAMPLES.glob("*.json")}


def test_the_id_of_every_statement_is_the_id_in_its_body_and_no_body_says_whose_it_is() -> None:
    for path in EXAMPLES.glob("*.hl7"):
        for statement in read(path.read_bytes()).statements:
            body = json.loads(statement.body)
            assert (body["resourceType"], body["id"]) == (statement.resource_type, statement.local_id)
            assert "subject" not in body
            assert "patient" not in body
            assert body["meta"]["source"] == "urn:carerecord:source:riverside"


SUBJECT = {"reference": "Patient/1"}


def whole(body: dict[str, Any]) -> dict[str, Any]:
    """A body as it is disclosed: with whose it is."""
    if body["resourceType"] == "Appointment":
        patient = {"actor": SUBJECT, "status": "accepted"}
        return {**body, "participant": [patient, *body.get("participant", ())]}
    return {**body, "patient" if body["resourceType"] == "AllergyIntolerance" else "subject": SUBJECT}


def test_every_statement_of_an_example_is_sound_fhir() -> None:
    for path in EXAMPLES.glob("*.hl7"):
        for statement in read(path.read_bytes()).statements:
            assert validate(whole(json.loads(statement.body))) == [], path.stem


def test_the_same_message_makes_the_same_statements_byte_for_byte() -> None:
    for path in EXAMPLES.glob("*.hl7"):
        assert read(path.read_bytes()) == read(path.read_bytes())


if __name__ == "__main__":
    for path in EXAMPLES.glob("*.hl7"):
        text = json.dumps(written(read(path.read_bytes())), indent=2, ensure_ascii=False, sort_keys=False)
        path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
