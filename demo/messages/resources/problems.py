"""Condition: https://hl7.org/fhir/R4/condition.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, called, coded, day, notes
from demo.people.contents import Problem

# GP Connect's own extension: UK Core R4 has none for it.
_SIGNIFICANCE = "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-ProblemSignificance-1"


def write(told: Problem, speaking: Speaking) -> Resource:
    found = speaking.resource("Condition")
    if told.significance:
        found["extension"] = [{"url": _SIGNIFICANCE, "valueCode": told.significance}]
    verification = "entered-in-error" if speaking.is_in_error else told.verification
    if verification != "entered-in-error":  # con-5: what is taken back has no clinical status.
        found["clinicalStatus"] = coded("condition-clinical", told.status)
    found["verificationStatus"] = coded("condition-ver-status", verification)
    category = ("encounter-diagnosis", "Encounter Diagnosis") if speaking.stay else ("problem-list-item", "Problem")
    found["category"] = [coded("condition-category", *category)]
    found["code"] = speaking.concept(told.concept)
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    if told.onset_on:
        found["onsetDateTime"] = day(told.onset_on)
    if told.ended_on and told.status != "active":  # con-4
        found["abatementDateTime"] = day(told.ended_on)
    found["recordedDate"] = day(told.recorded_on)
    if told.by:
        found["asserter"] = called(told.by)
    if told.note:
        found["note"] = notes(told.note)
    return found
