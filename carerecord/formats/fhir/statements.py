"""One resource as one statement: its JSON as it was sent, without saying whose it is, under the ids of the record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from carerecord.fhir.compartments import patient_element
from carerecord.fhir.headings import heading_of
from carerecord.formats.fhir.entries import Entry
from carerecord.formats.fhir.moments import moment_in, parse_moment
from carerecord.formats.fhir.references import References
from carerecord.formats.fhir.standing import standing_of
from carerecord.model import Source, Statement

Object = Mapping[str, Any]

# Where a resource says when what it tells of happened, the most telling first.
_WHEN: Final = (
    *("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming"),
    *("performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod"),
    *("onsetDateTime", "onsetPeriod", "period", "billablePeriod", "start", "started", "startDate"),
    *("authoredOn", "authored", "whenHandedOver", "whenPrepared", "timingDateTime", "timingPeriod"),
    *("recordedDate", "recordedOn", "sent", "date", "dateTime", "recorded", "created", "issued"),
)
_WHEN_OF: Final = {
    "DocumentReference": ("context.period", "date"),
    "ServiceRequest": ("authoredOn", "occurrenceDateTime", "occurrencePeriod"),
    "Specimen": ("collection.collectedDateTime", "collection.collectedPeriod", "receivedTime"),
    "Patient": (),
}
_CODE: Final = (
    *("code", "vaccineCode", "medicationCodeableConcept", "type", "serviceType", "appointmentType"),
    *("category", "relationship", "kind", "description"),
)
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def state(
    entry: Entry,
    references: References,
    *,
    source: Source,
    said_at: datetime,
    moved: str = "",
) -> Statement:
    """`said_at`: of the push. `moved`: the id of the contained patient who became a statement of their own."""
    resource = entry.resource
    return Statement(
        resource_type=entry.resource_type,
        local_id=references.local(*entry.key),
        heading=heading_of(resource, kind=source.kind),
        code=_code(resource),
        happened_at=_happened_at(resource, source.timezone),
        said_at=said_at,
        standing=standing_of(resource),
        body=_body(entry, references, moved=moved),
    )


def said_at_of(resource: Object, *, otherwise: datetime) -> datetime:
    """meta.lastUpdated, which is the source's own word of when it said so."""
    meta = resource.get("meta")
    said = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return (parse_moment(said, "UTC") if isinstance(said, str) else None) or otherwise


def _body(entry: Entry, references: References, *, moved: str) -> bytes:
    members = _read_members(entry.content)
    head = {"resourceType": members.pop("resourceType")}
    members.pop("id", None)
    head["id"] = msgspec.Raw(_encode(references.local(*entry.key)))
    element = patient_element(entry.resource_type)
    if element in members and _is_the_patient(entry.resource, element, references):
        # The member stays where it stood, with all that it says but whose it is.
        said = _read_members(members[element])
        said.pop("reference", None)
        members[element] = msgspec.Raw(_encode(said))
    if moved:
        _leave_out(members, moved)
    return references.rewrite(_encode({**head, **members}))


def _is_the_patient(resource: Object, element: str, references: References) -> bool:
    reference: Object = resource[element]
    said = str(reference.get("reference", ""))
    if said.startswith("#"):
        inside = resource.get("contained", ())
        return any(each.get("id") == said[1:] and each["resourceType"] == "Patient" for each in inside)
    if said:
        return references.patient(reference) is not None
    return reference.get("type") in (None, "Patient")


def _leave_out(members: dict[str, msgspec.Raw], moved: str) -> None:
    """The contained patient, unless something else in the resource refers to them too."""
    if any(f'"#{moved}"'.encode() in bytes(member) for member in members.values()):
        return
    listed = msgspec.json.decode(members["contained"], type=list[msgspec.Raw])
    ids = [msgspec.json.decode(each).get("id") for each in listed]
    kept = [each for each, own_id in zip(listed, ids, strict=True) if own_id != moved]
    if kept:
        members["contained"] = msgspec.Raw(_encode(kept))
    else:
        del members["contained"]


def _happened_at(resource: Object, timezone: str) -> datetime | None:
    for name in _WHEN_OF.get(str(resource.get("resourceType")), _WHEN):
        value: Any = resource
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if (found := moment_in(value, timezone)) is not None:
            return found
    return None


def _code(resource: Object) -> str | None:
    """ "system|code" of what it is about."""
    for concept in _concepts(resource):
        for coding in concept.get("coding", ()):
            if coding.get("code"):
                return f"{coding.get('system', '')}|{coding['code']}"
    return None


def _concepts(resource: Object) -> list[Object]:
    medication = resource.get("medicationReference")
    if isinstance(medication, dict) and str(medication.get("reference", "")).startswith("#"):
        inside = resource.get("contained", ())
        found: Object = next((each for each in inside if f"#{each.get('id')}" == medication["reference"]), {})
        return [found["code"]] if isinstance(found.get("code"), dict) else []
    for name in _CODE:
        value = resource.get(name)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict) and "coding" in first:
            return [first]
    return []
