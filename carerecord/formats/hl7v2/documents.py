"""A letter or other document, as DocumentReference. https://hl7.org/fhir/R4/documentreference.html"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from carerecord.formats.hl7v2.datatypes import Concept
from carerecord.formats.hl7v2.instants import instant_text
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import Heading, Standing

_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says of one document."""

    local_id: str
    number: str = ""
    type: Concept | None = None
    title: str = ""
    status: str = "current"
    doc_status: str | None = None
    written_at: datetime
    activity: str | None = None  # when that which it tells of took place
    authors: tuple[str, ...] = ()
    authenticator: str = ""
    parent: str = ""  # local id of another document
    relation: str = ""  # "replaces" or "appends": what this one does to it
    confidentiality: str = ""
    attachments: list[dict[str, Any]]
    encounter: msgspec.Raw | None = None


def state_document(translating: Translating, paper: Paper, *, happened_at: datetime | None, standing: Standing) -> None:
    """State a document with its content inside."""
    body: dict[str, Any] = {"resourceType": "DocumentReference", "id": paper.local_id}
    if paper.number:
        body["identifier"] = [{"system": translating.local_system("document"), "value": paper.number}]
    body["status"] = paper.status
    if paper.doc_status:
        body["docStatus"] = paper.doc_status
    if paper.type:
        body["type"] = paper.type.json
    body["date"] = instant_text(paper.written_at)
    if paper.authors:
        body["author"] = [{"display": author} for author in paper.authors]
    if paper.authenticator:
        body["authenticator"] = {"display": paper.authenticator}
    if paper.parent and paper.relation:
        target = {"reference": f"DocumentReference/{paper.parent}"}
        body["relatesTo"] = [{"code": paper.relation, "target": target}]
    if paper.title:
        body["description"] = paper.title
    if paper.confidentiality:
        translating.bears_marks = True
        body["securityLabel"] = [{"coding": [{"system": _CONFIDENTIALITY, "code": paper.confidentiality}]}]
    body["content"] = [{"attachment": each} for each in paper.attachments]
    context: dict[str, Any] = {}
    if paper.encounter:
        context["encounter"] = [paper.encounter]
    if paper.activity:
        context["period"] = {"start": paper.activity}
    if context:
        body["context"] = context
    translating.state(
        body,
        heading=Heading.LETTERS,
        code=paper.type.key if paper.type else None,
        happened_at=happened_at,
        standing=standing,
    )
