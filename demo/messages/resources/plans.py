"""CarePlan of those who treat: https://hl7.org/fhir/R4/careplan.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, called, day, notes, period
from demo.people.contents import Plan


def write(told: Plan, speaking: Speaking) -> Resource:
    found = speaking.resource("CarePlan")
    if told.replaces:
        found["replaces"] = [{"reference": f"CarePlan/{told.replaces}"}]
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["intent"] = "plan"
    found["category"] = [speaking.concept(told.concept)]
    found["title"] = told.title
    if told.lines:
        found["description"] = "\n".join(told.lines)
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    found["period"] = period(told.made_on, None)
    found["created"] = day(told.made_on)
    found["author"] = called(told.author)
    if told.place:
        found["contributor"] = [{"display": told.place}]
    if told.review_on:
        # A plan has no member for its review: it is the next thing to be done under it.
        review = {"status": "scheduled", "description": "Review of this plan", "scheduledString": day(told.review_on)}
        found["activity"] = [{"detail": review}]
    if told.note:
        found["note"] = notes(told.note)
    return found
