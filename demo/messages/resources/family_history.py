"""FamilyMemberHistory: https://hl7.org/fhir/R4/familymemberhistory.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, day, notes
from demo.people.contents import FamilyHistory


def write(told: FamilyHistory, speaking: Speaking) -> Resource:
    found = speaking.resource("FamilyMemberHistory", about="patient")
    found["status"] = "entered-in-error" if speaking.is_in_error else "completed"
    found["date"] = day(told.recorded_on)
    found["relationship"] = {"text": told.relationship}
    found["condition"] = [{"code": speaking.concept(told.concept)}]
    if told.note:
        found["note"] = notes(told.note)
    return found
