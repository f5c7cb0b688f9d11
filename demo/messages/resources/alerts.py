"""Flag: what whoever meets the person must know: https://hl7.org/fhir/R4/flag.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, period
from demo.people.contents import Alert

_CATEGORY = "urn:carerecord:flag-category"
_DISPLAYS = {"alert": "Alert", "need": "Reasonable adjustment", "safeguarding": "Safeguarding"}


def write(told: Alert, speaking: Speaking) -> Resource:
    found = speaking.resource("Flag")
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    category = {"system": _CATEGORY, "code": told.category, "display": _DISPLAYS.get(told.category, told.category)}
    found["category"] = [{"coding": [category]}]
    code = speaking.concept(told.concept)
    if told.note:
        # Flag has no note: what more there is to say is part of its words.
        code["text"] = f"{told.concept.text}: {told.note}"
    found["code"] = code
    found["period"] = period(told.since_on, told.until_on)
    found["author"] = {"display": speaking.organisation}
    return found
