"""DG1: a diagnosis, as Condition. https://hl7.org/fhir/R4/condition.html"""

from __future__ import annotations

from typing import Any

import msgspec

from carerecord.formats.hl7v2.datatypes import concept_of_field, name_of_person
from carerecord.formats.hl7v2.grammar import value
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import Heading, Standing

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/condition-category",
            "code": "encounter-diagnosis",
            "display": "Encounter Diagnosis",
        }
    ]
}


def read_diagnoses(translating: Translating, encounter: msgspec.Raw | None) -> None:
    """State every DG1 of a message."""
    message, source = translating.message, translating.source.id
    for segment in message.all("DG1"):
        method = translating.text(segment, 2)
        # Where DG1-3 names no code system, the older DG1-2 may: I10, SCT.
        diagnosis = concept_of_field(value(segment, 3), message, source=source, table=method or "DG1-3")
        described = translating.text(segment, 4)
        if diagnosis is None and not described:
            sentence = "DG1-3 and DG1-4 are missing: the diagnosis has neither code nor words; send one of them."
            translating.problem("DG1-3", "required", sentence)
            continue
        own = translating.text(segment, 20)
        when = translating.instant(segment, 5)
        key = diagnosis.key if diagnosis else None
        is_deleted = translating.text(segment, 21).upper() == "D"
        body: dict[str, Any] = {
            "resourceType": "Condition",
            "id": translating.id("Condition", own or key or (diagnosis.text if diagnosis else described)),
        }
        if own:
            body["identifier"] = [{"system": translating.local_system("diagnosis"), "value": own}]
        # No clinicalStatus: DG1 says what was diagnosed then, not whether the person still has it.
        certainty = "confirmed" if translating.text(segment, 6).upper() == "F" else "provisional"
        verification = "entered-in-error" if is_deleted else certainty
        body["verificationStatus"] = {"coding": [{"system": _VERIFICATION, "code": verification}]}
        body["category"] = [_CATEGORY]
        body["code"] = diagnosis.json if diagnosis else {"text": described}
        if encounter:
            body["encounter"] = encounter
        if when:
            body["recordedDate"] = when.text
        if clinician := name_of_person(_first_repetition(translating, value(segment, 16)), message):
            body["asserter"] = {"display": clinician}
        if described and diagnosis and described != diagnosis.text:
            body["note"] = [{"text": described}]
        translating.state(
            body,
            heading=Heading.PROBLEMS,
            code=key,
            happened_at=when.at if when else None,
            standing=Standing.ENTERED_IN_ERROR if is_deleted else Standing.CURRENT,
            mark="R" if translating.text(segment, 18).upper() == "Y" else "",  # the confidential indicator
        )


def _first_repetition(translating: Translating, field: str) -> str:
    repetitions = translating.message.repetitions(field)
    return repetitions[0] if repetitions else ""
