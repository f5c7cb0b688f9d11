"""RelatedPerson: next of kin, carers, who holds parental responsibility: https://hl7.org/fhir/R4/relatedperson.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, coded
from demo.people.contents import Contact


def write(told: Contact, speaking: Speaking) -> Resource:
    found = speaking.resource("RelatedPerson", about="patient")
    found["active"] = not speaking.is_in_error
    relationships = [speaking.concept(told.concept)]
    if told.is_next_of_kin:
        relationships.append({**coded("v2-0131", "N", "Next-of-Kin"), "text": "Next of kin"})
    if told.has_parental_responsibility:
        relationships.append({"text": "Has parental responsibility"})
    found["relationship"] = relationships
    found["name"] = [{"text": told.name}]
    if told.phone:
        found["telecom"] = [{"system": "phone", "value": told.phone}]
    return found
