"""Encounter: a consultation, a visit, an incident: https://hl7.org/fhir/R4/encounter.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, called, period
from demo.people.contents import Encounter

_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_DISPLAYS = {
    "AMB": "ambulatory",
    "HH": "home health",
    "FLD": "field",
    "VR": "virtual",
    "EMER": "emergency",
    "IMP": "inpatient encounter",
}


def write(told: Encounter, speaking: Speaking) -> Resource:
    found = speaking.resource("Encounter")
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    setting = {"system": _ACT_CODE, "code": told.setting}
    if told.setting in _DISPLAYS:
        setting["display"] = _DISPLAYS[told.setting]
    found["class"] = setting
    found["type"] = [speaking.concept(told.concept)]
    if told.by:
        found["participant"] = [{"individual": called(told.by)}]
    found["period"] = period(told.start, told.end)
    if told.note:
        found["reasonCode"] = [{"text": told.note}]
    if told.place:
        found["location"] = [{"location": {"display": told.place}}]
    found["serviceProvider"] = {"display": speaking.organisation}
    return found
