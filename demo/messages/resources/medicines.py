"""MedicationStatement: https://hl7.org/fhir/R4/medicationstatement.html"""

from __future__ import annotations

from demo.messages.resources.speaking import PROFILES, Resource, Speaking, called, coded, day, notes, period
from demo.people.contents import Medicine

_COURSES = {
    "repeat": ("community", "Repeat medication"),
    "acute": ("community", "Acute medication"),
    "hospital-only": ("inpatient", "Hospital only"),
}
_LAST_ISSUE = f"{PROFILES}/Extension-UKCore-MedicationStatementLastIssueDate"
_ROUTES = {
    "oral": "26643006",
    "inhaled": "18679011000001101",
    "inhalation": "18679011000001101",
    "subcutaneous": "34206005",
    "intravenous": "47625008",
    "topical": "6064005",
    "cutaneous": "448598008",
    "ocular": "54485002",
    "sublingual": "37839007",
    "intramuscular": "78421000",
    "nasal": "46713006",
    "rectal": "37161004",
    "transdermal": "45890007",
}


def write(told: Medicine, speaking: Speaking) -> Resource:
    found = speaking.resource("MedicationStatement")
    if told.issued_on:
        found["extension"] = [{"url": _LAST_ISSUE, "valueDateTime": day(told.issued_on)}]
    found["status"] = "entered-in-error" if speaking.is_in_error else told.status
    setting, words = _COURSES.get(told.course, ("community", told.course))
    found["category"] = {**coded("medication-statement-category", setting), "text": words}
    found["medicationCodeableConcept"] = speaking.concept(told.concept)
    if speaking.stay:
        found["context"] = speaking.encounter()
    found["effectivePeriod"] = period(told.started_on, told.stopped_on)
    found["dateAsserted"] = day(speaking.at.date())
    if told.prescriber:
        found["informationSource"] = called(told.prescriber)
    if told.reason:
        # What is over says why it ended; what goes on says why it was begun.
        is_over = told.status in ("stopped", "completed", "on-hold")
        found["statusReason" if is_over else "reasonCode"] = [{"text": told.reason}]
    route: Resource = {"text": told.route}
    if told.route in _ROUTES:
        route["coding"] = [{"system": speaking.system("sct"), "code": _ROUTES[told.route], "display": told.route}]
    found["dosage"] = [{"text": told.dose, "route": route} if told.dose else {"route": route}]
    if told.note:
        found["note"] = notes(told.note)
    return found
