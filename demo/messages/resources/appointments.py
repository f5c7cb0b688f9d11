"""Appointment: https://hl7.org/fhir/R4/appointment.html"""

from __future__ import annotations

from datetime import timedelta

from demo.messages.resources.speaking import Resource, Speaking, called, instant
from demo.people.contents import Slot


def write(told: Slot, speaking: Speaking) -> Resource:
    found = speaking.resource("Appointment")
    subject = found.pop("subject")
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["serviceType"] = [speaking.concept(told.concept)]
    if told.note:
        found["comment"] = told.note
    found["start"] = instant(told.start)
    found["end"] = instant(told.start + timedelta(minutes=told.minutes))
    found["minutesDuration"] = told.minutes
    others = [called(told.by)] if told.by else []
    if told.place:
        others.append({"display": told.place})
    found["participant"] = [{"actor": actor, "status": "accepted"} for actor in (subject, *others)]
    return found
