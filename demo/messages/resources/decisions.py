"""Consent: a decision about future care in its own words: https://hl7.org/fhir/R4/consent.html"""

from __future__ import annotations

import base64

from demo.messages.resources.speaking import Resource, Speaking, called, coded, day
from demo.people.contents import Decision

# Artifacts that replace others name them so; Consent has no member for it.
_REPLACES = "http://hl7.org/fhir/StructureDefinition/replaces"


def write(told: Decision, speaking: Speaking) -> Resource:
    found = speaking.resource("Consent", about="patient")
    if told.replaces:
        target = {"reference": f"Consent/{told.replaces}"}
        found["extension"] = [{"url": _REPLACES, "valueReference": target}]
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    found["scope"] = coded("consentscope", "adr", "Advanced Care Directive")
    found["category"] = [speaking.concept(told.concept)]
    found["dateTime"] = day(told.made_on)
    found["performer"] = [called(told.author)]
    if told.place:
        found["organization"] = [{"display": told.place}]
    words = "\n".join(filter(None, (told.words, told.note)))
    found["sourceAttachment"] = {
        "contentType": "text/plain; charset=utf-8",
        "title": told.concept.text,
        "data": base64.b64encode(words.encode()).decode(),
    }
    found["policyRule"] = {"text": told.words}
    return found
