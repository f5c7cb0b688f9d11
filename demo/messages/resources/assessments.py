"""QuestionnaireResponse, or RiskAssessment where what is assessed is a risk.

https://hl7.org/fhir/R4/questionnaireresponse.html, https://hl7.org/fhir/R4/riskassessment.html
"""

from __future__ import annotations

import re

from demo.messages.resources.speaking import Resource, Speaking, called, instant, notes
from demo.people.contents import Assessment

_RISK = re.compile(r"\brisks?\b", re.IGNORECASE)
_SHOWN_AS = "http://hl7.org/fhir/StructureDefinition/display"


def write(told: Assessment, speaking: Speaking) -> Resource:
    return _risk(told, speaking) if _RISK.search(told.concept.text) else _answers(told, speaking)


def _answers(told: Assessment, speaking: Speaking) -> Resource:
    found = speaking.resource("QuestionnaireResponse")
    name = re.sub(r"[^a-z0-9]+", "-", told.concept.text.lower()).strip("-")
    found["questionnaire"] = f"https://fhir.{speaking.source}.example/Questionnaire/{name}"
    found["_questionnaire"] = {"extension": [{"url": _SHOWN_AS, "valueString": told.concept.text}]}
    found["status"] = "entered-in-error" if speaking.is_in_error else "completed"
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    found["authored"] = instant(told.made_at)
    if told.by:
        found["author"] = called(told.by)
    answers = (*told.answers, ("Note", told.note)) if told.note else told.answers
    if answers:
        found["item"] = [
            {"linkId": f"{place}", "text": question, "answer": [{"valueString": answer}]}
            for place, (question, answer) in enumerate(answers, 1)
        ]
    return found


def _risk(told: Assessment, speaking: Speaking) -> Resource:
    found = speaking.resource("RiskAssessment", profile="")
    found["status"] = "entered-in-error" if speaking.is_in_error else "final"
    found["code"] = speaking.concept(told.concept)
    if speaking.stay:
        found["encounter"] = speaking.encounter()
    found["occurrenceDateTime"] = instant(told.made_at)
    if told.by:
        found["performer"] = called(told.by)
    if told.answers:
        found["prediction"] = [
            {"outcome": {"text": question}, "qualitativeRisk": {"text": answer}} for question, answer in told.answers
        ]
    if told.note:
        found["note"] = notes(told.note)
    return found
