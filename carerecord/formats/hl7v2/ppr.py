"""PPR PC1, PC2, PC3: a problem of the problem list, as Condition (HL7 v2, chapter 12)."""

from __future__ import annotations

from typing import Any

from carerecord.formats.hl7v2.datatypes import concept_of_field
from carerecord.formats.hl7v2.grammar import Segment, value
from carerecord.formats.hl7v2.observations import words_of
from carerecord.formats.hl7v2.stays import encounter_reference
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import Heading, Standing, Subject

EVENTS = frozenset({"PC1", "PC2", "PC3"})  # added, changed, deleted
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/condition-category",
            "code": "problem-list-item",
            "display": "Problem List Item",
        }
    ]
}
# PRB-14, in the words of the systems that send it
_STATUSES = {
    "ACTIVE": "active",
    "A": "active",
    "RECURRENCE": "recurrence",
    "RELAPSE": "relapse",
    "REMISSION": "remission",
    "INACTIVE": "inactive",
    "I": "inactive",
    "RESOLVED": "resolved",
    "R": "resolved",
    "DELETED": "entered-in-error",
}
_OVER = frozenset({"inactive", "remission", "resolved"})


def read_problems(translating: Translating, subject: Subject, *, event: str) -> None:
    """State every PRB of a message, each with the notes below it."""
    message = translating.message
    # A problem list is of no stay, and some systems send no PV1 with it: PID-18 may still name one.
    encounter = encounter_reference(translating, message.find("PV1") or ["PV1"])
    found: list[tuple[Segment, list[str]]] = []
    for segment in message.segments:
        if segment[0] == "PRB":
            found.append((segment, []))
        elif segment[0] == "NTE" and found:
            found[-1][1].append(words_of(message, value(segment, 3)))
    if not found:
        translating.problem("PRB", "required", "There is no PRB: a message about problems must say which.")
    seen: set[str] = set()
    for prb, notes in found:
        _state(translating, prb, notes, seen, is_deleted=event == "PC3", encounter=encounter)
    translating.leave_results("PPR")


def _state(
    translating: Translating, prb: Segment, notes: list[str], seen: set[str], *, is_deleted: bool, encounter: Any
) -> None:
    said = concept_of_field(value(prb, 3), translating.message, source=translating.source.id, table="PRB-3")
    if said is None:
        translating.problem(
            "PRB-3", "required", "PRB-3 is missing: the problem has no name; send its code or its words."
        )
        return
    instance = translating.text(prb, 4)
    key = said.key or said.text
    own = f"problem\r{instance}" if instance else f"problem\r\r{key}"
    if own in seen:
        own = f"{own}\r{key}"  # One number for several problems: told apart by what they are.
    seen.add(own)
    is_deleted = is_deleted or translating.text(prb, 1).upper() in {"D", "DE"}
    resolved = translating.instant(prb, 9)
    status = "entered-in-error" if is_deleted else _status(translating, prb, is_resolved=resolved is not None)
    onset, added = translating.instant(prb, 16), translating.instant(prb, 7)
    body: dict[str, Any] = {"resourceType": "Condition", "id": translating.id("Condition", own)}
    if instance:
        body["identifier"] = [{"system": translating.local_system("problem"), "value": instance}]
    is_mistake = status == "entered-in-error"
    if status and not is_mistake:  # con-5: what was never so has no course
        body["clinicalStatus"] = {"coding": [{"system": _CLINICAL, "code": status}]}
    if is_mistake:
        body["verificationStatus"] = {"coding": [{"system": _VERIFICATION, "code": status}]}
    body["category"] = [_CATEGORY]
    body["code"] = said.json
    if encounter:
        body["encounter"] = encounter
    if onset:
        body["onsetDateTime"] = onset.text
    if resolved and status in _OVER:
        body["abatementDateTime"] = resolved.text
    if added:
        body["recordedDate"] = added.text
    if words := "\n".join(notes).strip():
        body["note"] = [{"text": words}]
    standing = Standing.RESOLVED if status in _OVER else Standing.CURRENT
    translating.state(
        body,
        heading=Heading.PROBLEMS,
        code=said.key,
        happened_at=onset.at if onset else added.at if added else None,
        standing=Standing.ENTERED_IN_ERROR if is_mistake else standing,
        mark=translating.text(prb, 25).upper(),  # security and sensitivity
    )


def _status(translating: Translating, prb: Segment, *, is_resolved: bool) -> str | None:
    """PRB-14, or PRB-13 where some systems say it; else resolved where PRB-9 says when. None where nothing says."""
    told = (translating.text(prb, number, part).upper() for number in (14, 13) for part in (1, 2))
    known = next((status for each in told if (status := _STATUSES.get(each))), None)
    if translating.text(prb, 14) and known is None:
        sentence = "PRB-14 is no status that is understood: write ACTIVE, INACTIVE or RESOLVED."
        translating.problem("PRB-14", "unknown code", sentence)
    return known or ("resolved" if is_resolved else None)
