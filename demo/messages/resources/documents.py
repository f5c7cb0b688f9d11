"""DocumentReference: a letter, a report form: https://hl7.org/fhir/R4/documentreference.html"""

from __future__ import annotations

import base64

from demo.messages.pdf import letter_as_pdf
from demo.messages.resources.speaking import Resource, Speaking, called, instant
from demo.people.contents import Report

CONTENT_TYPES = {"pdf": "application/pdf", "txt": "text/plain; charset=utf-8"}


def write(told: Report, speaking: Speaking) -> Resource:
    """With its content inside."""
    found = write_without_content(told, speaking)
    found["content"][0]["attachment"]["data"] = base64.b64encode(file_of(told)).decode()
    return found


def write_without_content(told: Report, speaking: Speaking) -> Resource:
    """As it stands beside a file."""
    found = speaking.resource("DocumentReference")
    found["status"] = "entered-in-error" if speaking.is_in_error else "current"
    found["docStatus"] = "entered-in-error" if speaking.is_in_error else "final"
    found["type"] = speaking.concept(told.concept)
    found["date"] = instant(speaking.at)
    found["author"] = [called(told.author)]
    found["custodian"] = {"display": speaking.organisation}
    if told.replaces:
        target = {"reference": f"DocumentReference/{told.replaces}"}
        found["relatesTo"] = [{"code": "replaces", "target": target}]
    found["description"] = told.title
    attachment = {
        "contentType": CONTENT_TYPES[kind_of(told)],
        "title": told.title,
        "creation": instant(told.written_at),
    }
    found["content"] = [{"attachment": attachment}]
    if speaking.stay:
        found["context"] = {"encounter": [speaking.encounter()]}
    return found


def kind_of(told: Report) -> str:
    return "pdf" if told.is_pdf else "txt"


def file_of(told: Report) -> bytes:
    if told.is_pdf:
        return letter_as_pdf(told.title, told.lines)
    return "\n".join((told.title, "", *told.lines, "")).encode()
