"""AllergyIntolerance: https://hl7.org/fhir/R4/allergyintolerance.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, coded, day, notes
from demo.people.contents import AllergyEntry


def write(told: AllergyEntry, speaking: Speaking) -> Resource:
    found = speaking.resource("AllergyIntolerance", about="patient")
    if not speaking.is_in_error:  # ait-2: what is taken back has no clinical status.
        found["clinicalStatus"] = coded("allergyintolerance-clinical", told.status)
    verification = "entered-in-error" if speaking.is_in_error else "confirmed"
    found["verificationStatus"] = coded("allergyintolerance-verification", verification)
    if told.category:
        found["category"] = [told.category]
    if told.criticality:
        found["criticality"] = told.criticality
    found["code"] = speaking.concept(told.concept)
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    found["recordedDate"] = day(told.recorded_on)
    if told.note:
        found["note"] = notes(told.note)
    if told.reaction:
        reaction: Resource = {"manifestation": [{"text": told.reaction}]}
        if told.severity:
            reaction["severity"] = told.severity
        found["reaction"] = [reaction]
    return found
