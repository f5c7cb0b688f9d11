"""REF I12, I13, I14: a referral, as ServiceRequest (HL7 v2, chapter 11). https://hl7.org/fhir/R4/servicerequest.html"""

from __future__ import annotations

from typing import Any

from carerecord.formats.hl7v2.allergies import read_allergies
from carerecord.formats.hl7v2.codes import UBRN
from carerecord.formats.hl7v2.datatypes import Concept, concept, concept_of_field, name_of_person, place
from carerecord.formats.hl7v2.grammar import Segment, value
from carerecord.formats.hl7v2.observations import words_of
from carerecord.formats.hl7v2.stays import encounter_reference
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import Heading, Standing, Subject

EVENTS = frozenset({"I12", "I13", "I14"})  # referred, changed, cancelled
# RF1-1 (table 0283, and the words that systems write)
_STATUSES = {
    "A": "active",
    "ACCEPTED": "active",
    "P": "active",
    "PENDING": "active",
    "ACTIVE": "active",
    "C": "completed",
    "COMPLETE": "completed",
    "COMPLETED": "completed",
    "DISCHARGED": "completed",
    "R": "revoked",
    "REJECTED": "revoked",
    "E": "revoked",
    "EXPIRED": "revoked",
    "X": "revoked",
    "CANCELLED": "revoked",
    "REVOKED": "revoked",
}
_STANDINGS = {"revoked": Standing.CANCELLED, "completed": Standing.RESOLVED}  # anything else is CURRENT
# RF1-2 (table 0280, and what UK systems write): ServiceRequest.priority
_PRIORITIES = {
    "R": "routine",
    "ROUTINE": "routine",
    "A": "asap",
    "ASAP": "asap",
    "S": "stat",
    "STAT": "stat",
    "U": "urgent",
    "URGENT": "urgent",
    "2WW": "urgent",
    "T": "urgent",
    "TWO-WEEK-WAIT": "urgent",
    "TWO WEEK WAIT": "urgent",
}
STATUS_AS_SENT = "urn:carerecord:referral-status-as-sent"
PRIORITY_AS_SENT = "urn:carerecord:priority-as-sent"
_UBRN_AUTHORITIES = frozenset({"UBRN", "ERS", "E-RS", "EBS", "NHSERS", "NHS E-RS"})


def read_referral(translating: Translating, subject: Subject, *, event: str) -> None:
    """State the one referral of a message."""
    message = translating.message
    rf1 = message.find("RF1")
    if rf1 is None:
        sentence = "There is no RF1: a referral must say which it is."
        translating.problem("RF1", "required", sentence, fatal=True)
        return
    number = translating.text(rf1, 6) or translating.text(rf1, 11)
    if not number:
        sentence = (
            "RF1-6 (originating referral) is missing, and RF1-11 too: later news of it cannot be told to be of it."
        )
        translating.problem("RF1-6", "required", sentence)
    status = _status(translating, rf1, event)
    body: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": translating.id("ServiceRequest", number or f"control id\r{translating.control_id}"),
    }
    if extensions := _as_sent(translating, rf1):
        body["extension"] = extensions
    if identifiers := _identifiers(translating, rf1):
        body["identifier"] = identifiers
    body |= {"status": status, "intent": "order"}
    code = _describe(translating, body, rf1)
    written = translating.instant(rf1, 9) or translating.instant(rf1, 7)
    if written:
        body["authoredOn"] = written.text
    if encounter := encounter_reference(translating, message.find("PV1")):
        body["encounter"] = encounter
    translating.state(
        body,
        heading=Heading.REFERRALS,
        code=code,
        happened_at=written.at if written else None,
        standing=_STANDINGS.get(status, Standing.CURRENT),
    )
    read_allergies(translating)
    translating.leave_results("REF")


def _status(translating: Translating, rf1: Segment, event: str) -> str:
    if event == "I14":
        return "revoked"
    told = [sent.upper() for part in (1, 2) if (sent := translating.text(rf1, 1, part))]
    if not told:
        return "active"
    status = next((known for sent in told if (known := _STATUSES.get(sent))), None)
    if status is None:
        sentence = "RF1-1 is no referral status of HL7 table 0283: write A, P, R or E."
        translating.problem("RF1-1", "unknown code", sentence)
    return status or "unknown"


def _as_sent(translating: Translating, rf1: Segment) -> list[dict[str, str]]:
    """The source's own words where FHIR has fewer: a rejected and an expired referral are both revoked."""
    found = []
    for number, url in ((1, STATUS_AS_SENT), (2, PRIORITY_AS_SENT)):
        if words := translating.text(rf1, number, 2) or translating.text(rf1, number):
            found.append({"url": url, "valueString": words})
    return found


def _identifiers(translating: Translating, rf1: Segment) -> list[dict[str, str]]:
    message = translating.message
    found = []
    for number in (6, 11):
        for each in message.repetitions(value(rf1, number)):
            text, authority, _, kind = message.parts(each, 4)
            if text:
                is_ubrn = not _UBRN_AUTHORITIES.isdisjoint({authority.upper(), kind.upper()})
                system = UBRN if is_ubrn else translating.local_system("referral")
                found.append({"system": system, "value": text})
    return list({(each["system"], each["value"]): each for each in found}.values())


def _describe(translating: Translating, body: dict[str, Any], rf1: Segment) -> str | None:
    """Kind, urgency, service, who to whom, and why; the code that it is found by."""
    message, source, pv1 = translating.message, translating.source.id, translating.message.find("PV1")
    kinds = [
        said
        for number in (3, 5)
        if (said := concept(value(rf1, number), message, source=source, table=f"RF1-{number}"))
    ]
    if kinds:
        body["category"] = [kind.json for kind in kinds]
    if priority := _priority(translating, rf1):
        body["priority"] = priority
    wanted = [said for pr1 in message.all("PR1") if (said := _concept(translating, pr1, 3))]
    if wanted:
        body["code"] = wanted[0].json
    specialty = _concept(translating, pv1, 10)
    if specialty:
        body["performerType"] = specialty.json
    requester = _providers(translating, "RP") or [
        {"display": name} for each in message.repetitions(value(pv1, 8)) if (name := name_of_person(each, message))
    ]
    if requester:
        body["requester"] = requester[0]
    if performers := _providers(translating, "RT"):
        body["performer"] = performers
    reasons = [_concept(translating, rf1, 10), *(_diagnosis(translating, dg1) for dg1 in message.all("DG1"))]
    if any(reasons):
        body["reasonCode"] = [reason.json for reason in reasons if reason]
    if notes := [words for nte in message.all("NTE") if (words := words_of(message, value(nte, 3)).strip())]:
        body["note"] = [{"text": "\n".join(notes)}]
    about = next((each for each in (*wanted, specialty, *kinds) if each), None)
    return about.key if about else None


def _priority(translating: Translating, rf1: Segment) -> str | None:
    sent = translating.text(rf1, 2).upper()
    # "A^Urgent": the words are what a person chose, the code what their system has for it.
    known = _PRIORITIES.get(translating.text(rf1, 2, 2).upper()) or _PRIORITIES.get(sent)
    if sent and known is None:
        sentence = "RF1-2 is no priority of HL7 table 0280: it is kept as sent; write S, A or R."
        translating.problem("RF1-2", "unknown code", sentence)
    return known


def _concept(translating: Translating, segment: Segment | None, number: int) -> Concept | None:
    if segment is None:
        return None
    return concept_of_field(
        value(segment, number), translating.message, source=translating.source.id, table=f"{segment[0]}-{number}"
    )


def _diagnosis(translating: Translating, dg1: Segment) -> Concept | None:
    """Why the patient is referred: a reason, which nobody has said yet that they have, and no problem of the list."""
    table = translating.text(dg1, 2) or "DG1-3"
    said = concept_of_field(value(dg1, 3), translating.message, source=translating.source.id, table=table)
    return said or concept(value(dg1, 4), translating.message, source=translating.source.id, table="DG1-4")


def _providers(translating: Translating, role: str) -> list[dict[str, str]]:
    """PRD of one role (table 0286): a person, or where there is none a place."""
    message = translating.message
    found: dict[str, dict[str, str]] = {}
    for prd in message.all("PRD"):
        roles = {message.component_of(each, 1).upper() for each in message.repetitions(value(prd, 1))}
        if role not in roles:
            continue
        name = next(iter(message.repetitions(value(prd, 2))), "")
        person = name_of_person(message.component + name, message) if name else ""
        where = place(next(iter(message.repetitions(value(prd, 4))), ""), message)
        if display := ", ".join(filter(None, (person, where))):
            found[display] = {"display": display}
    return list(found.values())
