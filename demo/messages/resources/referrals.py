"""ServiceRequest: somebody asks a service to see the person: https://hl7.org/fhir/R4/servicerequest.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, called, instant, notes
from demo.people.contents import Referral

_REFERRAL = {"system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral"}
_UBRN = "https://fhir.nhs.uk/Id/UBRN"


def write(told: Referral, speaking: Speaking) -> Resource:
    found = speaking.resource("ServiceRequest")
    if told.ubrn:
        found["identifier"] = [{"system": _UBRN, "value": told.ubrn}]
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["intent"] = "order"
    found["category"] = [{"coding": [_REFERRAL]}]
    if told.priority:
        found["priority"] = told.priority
    found["code"] = speaking.concept(told.concept)
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    found["authoredOn"] = instant(told.requested_at)
    found["requester"] = called(told.by) if told.by else {"display": speaking.organisation}
    if told.to:
        found["performer"] = [{"display": told.to}]
    if told.reason:
        found["reasonCode"] = [{"text": told.reason}]
    if told.note:
        found["note"] = notes(told.note)
    return found
