"""Immunization: https://hl7.org/fhir/R4/immunization.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, day, notes
from demo.people.contents import Immunisation


def write(told: Immunisation, speaking: Speaking) -> Resource:
    found = speaking.resource("Immunization", about="patient")
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["vaccineCode"] = speaking.concept(told.concept)
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    found["occurrenceDateTime"] = day(told.given_on)
    found["recorded"] = day(speaking.at.date())
    found["primarySource"] = True
    if told.batch:
        found["lotNumber"] = told.batch
    if told.note:
        found["note"] = notes(told.note)
    if told.dose:
        found["protocolApplied"] = [{"doseNumberString": told.dose}]
    return found
