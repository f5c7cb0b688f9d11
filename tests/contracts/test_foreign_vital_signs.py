"""Vital signs that a London hospital's system sends as results, as that hospital's own software reads them."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contracts.test_foreign_hl7v2 import DIVERGENCES, messages_of, read

pytestmark = pytest.mark.foreign

MESSAGE = "hl7v2/emap-uclh/hl7/VitalSigns/MixedHL7Message.txt"
EXPECTED = "hl7v2/emap-uclh/interchange-expected-yaml/Flowsheets/hl7.yaml"
# Results that its software drops and we keep: without a value, or of a status that HL7 does not know.
KEPT = {"9": "", "6600": "", "666": "", "6666": "", "8": "90"}
REASON = "A result without a value, or of an unknown status, is kept"


def words_of(observation: dict[str, Any]) -> str:
    """The value alone, as written, whatever its type."""
    if quantity := observation.get("valueQuantity"):
        return str(quantity["value"])
    if concept := observation.get("valueCodeableConcept"):
        return str(concept.get("text") or concept["coding"][0]["code"])
    return str(observation.get("valueString") or observation.get("valueDateTime") or "")


def expected_words(item: dict[str, Any]) -> str:
    value = next(item[kind] for kind in ("stringValue", "numericValue", "dateValue") if kind in item)
    return "" if value["status"] == "DELETE" else str(value["value"])


def is_same(ours: str, theirs: str) -> bool:
    return ours == theirs or (ours.replace(".", "").isdigit() and float(ours) == float(theirs))


def test_vital_signs_are_read_as_the_hospital_reads_them(foreign_data: Path) -> None:
    with tarfile.open(foreign_data / "hl7v2.tar.xz") as archive:
        message, wanted = archive.extractfile(MESSAGE), archive.extractfile(EXPECTED)
        assert message
        assert wanted
        (content,) = messages_of(message.read())
        expected = yaml.safe_load(wanted.read())
    bodies = [json.loads(each.body) for each in read(content).statements if each.resource_type == "Observation"]
    ours = [(body["code"]["coding"][0]["code"], body) for body in bodies]
    assert len(expected) == 9
    for item in expected:
        body = next(body for code, body in ours if code == item["interfaceId"])
        assert is_same(words_of(body), expected_words(item)), item
        assert body.get("valueQuantity", {}).get("unit", "") == item.get("unit", {}).get("value", "")
        assert "\n".join(note["text"] for note in body.get("note", ())) == item.get("comment", {}).get("value", "")
        is_deleted = any(part.get("status") == "DELETE" for part in item.values() if isinstance(part, dict))
        assert (body["status"] == "entered-in-error") == is_deleted
        ours.remove((item["interfaceId"], body))
    assert {code: words_of(body) for code, body in ours} == KEPT
    assert f"**{REASON}**" in DIVERGENCES.read_text(encoding="utf-8")
