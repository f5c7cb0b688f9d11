"""CarePlan of a council: a service that somebody has at home (PRSB: information provided by local authorities)."""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, day, notes, period
from demo.people.contents import Service

_ACTIVITIES = {"active": "in-progress", "completed": "completed", "revoked": "cancelled"}


def write(told: Service, speaking: Speaking) -> Resource:
    found = speaking.resource("CarePlan")
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["intent"] = "plan"
    found["category"] = [speaking.concept(told.concept)]
    found["title"] = told.concept.text
    found["period"] = period(told.started_on, told.ended_on)
    found["created"] = day(told.started_on)
    found["author"] = {"display": speaking.organisation}
    detail: Resource = {
        "status": "entered-in-error" if speaking.is_in_error else _ACTIVITIES.get(told.status, "unknown"),
        "description": told.concept.text,
    }
    if told.frequency:
        detail["scheduledString"] = told.frequency
    if told.provider:
        detail["performer"] = [{"display": told.provider}]
        found["contributor"] = [{"display": told.provider}]
    found["activity"] = [{"detail": detail}]
    if told.note:
        found["note"] = notes(told.note)
    return found
