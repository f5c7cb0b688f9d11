"""Procedure: https://hl7.org/fhir/R4/procedure.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, called, day, notes
from demo.people.contents import Operation


def write(told: Operation, speaking: Speaking) -> Resource:
    found = speaking.resource("Procedure")
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["code"] = speaking.concept(told.concept)
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    found["performedDateTime"] = day(told.done_on)
    if told.by:
        found["performer"] = [{"actor": called(told.by)}]
    if told.outcome:
        found["outcome"] = {"text": told.outcome}
    if told.note:
        found["note"] = notes(told.note)
    return found
