"""Device: an implant, an aid, an appliance: https://hl7.org/fhir/R4/device.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, day, notes
from demo.people.contents import Implant


def write(told: Implant, speaking: Speaking) -> Resource:
    found = speaking.resource("Device", about="patient")
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["deviceName"] = [{"name": told.concept.text, "type": "user-friendly-name"}]
    found["type"] = speaking.concept(told.concept)
    # Device has no member for the day on which it came to the person.
    found["note"] = notes(f"In place since {day(told.since_on)}.", told.note)
    if told.mri:
        found["safety"] = [{"text": told.mri}]
    return found
