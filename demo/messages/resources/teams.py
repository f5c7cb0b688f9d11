"""CareTeam: who cares for the person and whom to phone: https://hl7.org/fhir/R4/careteam.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, notes, period
from demo.people.contents import Team


def write(told: Team, speaking: Speaking) -> Resource:
    found = speaking.resource("CareTeam")
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["category"] = [speaking.concept(told.concept)]
    found["name"] = told.concept.text
    found["period"] = period(told.since_on, None)
    if told.members:
        found["participant"] = [
            {"role": [{"text": role}], "member": {"display": name}} if role else {"member": {"display": name}}
            for name, role in told.members
        ]
    found["managingOrganization"] = [{"display": speaking.organisation}]
    if told.phone:
        found["telecom"] = [{"system": "phone", "value": told.phone}]
    if told.note:
        found["note"] = notes(told.note)
    return found
