"""MDM: a document with its content, or news of one (HL7 v2, chapter 9): text, or a file such as a PDF, in OBX-5."""

from __future__ import annotations

from typing import Any

from carerecord.formats.hl7v2.attachments import attachment, read_attachment, with_words
from carerecord.formats.hl7v2.codes import DOCUMENT_TYPES
from carerecord.formats.hl7v2.datatypes import Concept, concept, name_of_person
from carerecord.formats.hl7v2.documents import Paper, state_document
from carerecord.formats.hl7v2.grammar import Segment, value
from carerecord.formats.hl7v2.observations import words_of
from carerecord.formats.hl7v2.stays import encounter_reference
from carerecord.formats.hl7v2.translating import Translating
from carerecord.formats.rtf import is_rtf, rtf_bytes
from carerecord.model import Standing, Subject

# A document told of (T01) or sent (even): new, its status changed, an addendum, edited, a replacement; T11, cancelled.
EVENTS = frozenset({"T01", "T02", "T04", "T06", "T08", "T10", "T11"})
_WITHOUT_CONTENT = frozenset({"T01", "T11"})
# What the document of TXA-13 is to this one. Of a change of status or an edit it may be either: nothing is claimed.
_RELATIONS = {"T02": "replaces", "T06": "appends", "T10": "replaces"}
# TXA-17 (table 0271) to DocumentReference.docStatus
_DOC_STATUSES = {
    "AU": "final",
    "LA": "final",
    "PA": "preliminary",
    "DI": "preliminary",
    "DO": "preliminary",
    "IN": "preliminary",
    "IP": "preliminary",
}
_TEXT_TYPES = frozenset({"TX", "FT", "ST"})


def read_document(translating: Translating, subject: Subject, *, event: str) -> None:
    """State the document of a message: text in one attachment, each file in its own."""
    message = translating.message
    txa = message.find("TXA")
    if txa is None:
        sentence = "There is no TXA: a document message must say which document it is."
        translating.problem("TXA", "required", sentence, fatal=True)
        return
    attachments = _read_content(translating)
    if not attachments and event in _WITHOUT_CONTENT:
        attachments = [{}]  # The document exists: that is all that was said.
    if not attachments:
        sentence = "No OBX holds text or a file that could be read: send the document in OBX-5 as TX, FT or ED."
        translating.problem("OBX-5", "required", sentence, fatal=True)
        return
    number = translating.text(txa, 12)
    if not number:
        translating.problem(
            "TXA-12", "required", "TXA-12 (document number) is missing: later versions cannot replace this."
        )
    activity, originated = translating.instant(txa, 4), translating.instant(txa, 6)
    written = originated or translating.instant(txa, 7) or activity
    kind = _type(translating, txa)
    title = translating.text(txa, 25) or (kind.text if kind else "") or _title_of_content(translating)
    parent = translating.text(txa, 13)
    status, standing = _standing(translating, txa, event)
    for each in attachments:
        each.setdefault("title", title)
    paper = Paper(
        local_id=translating.id("DocumentReference", number or f"control id\r{translating.control_id}"),
        number=number,
        type=kind,
        title=title,
        status=status,
        doc_status=_doc_status(translating, txa),
        written_at=written.at if written else translating.said_at,
        activity=activity.text if activity else None,
        authors=_people(translating, txa, 9),
        authenticator=next(iter(_people(translating, txa, 22) + _people(translating, txa, 10)), ""),
        relation=_RELATIONS.get(event, "") if parent != number else "",
        parent=translating.id("DocumentReference", parent) if parent else "",
        confidentiality=code if (code := translating.text(txa, 18).upper()) in {"R", "V"} else "",
        attachments=attachments,
        encounter=encounter_reference(translating, message.find("PV1")),
    )
    happened = activity or written
    state_document(translating, paper, happened_at=happened.at if happened else None, standing=standing)


def _read_content(translating: Translating) -> list[dict[str, Any]]:
    """Text of all OBX in order, a blank line where the code changes; then the files."""
    message = translating.message
    lines: list[str] = []
    files: list[dict[str, Any]] = []
    code: str | None = None
    for obx in message.all("OBX"):
        kind = value(obx, 2).strip().upper()
        content = value(obx, 5)
        if kind == "ED":
            if found := read_attachment(translating, content):
                name = concept(value(obx, 3), message, source=translating.source.id, table="OBX-3")
                files += with_words({**found, "title": name.text} if name else found)
            continue
        if kind == "RP":
            sentence = "OBX-5 (RP) points to a file elsewhere, which is not fetched: send the file itself as ED."
            translating.problem("OBX-5", "not translated yet", sentence)
            continue
        words = words_of(message, content)
        if kind not in _TEXT_TYPES:
            words = " ".join(filter(None, (message.text(part) for part in message.components(content))))
        if not words.strip() and kind not in _TEXT_TYPES:
            translating.problem("OBX-5", "required", "OBX-5 is empty: this part of the document says nothing.")
            continue
        if lines and code is not None and code != value(obx, 3):
            lines.append("")
        lines.append(words)
        code = value(obx, 3)
    text = "\n".join(lines).strip("\n")
    if not text.strip():
        for _ in lines:
            translating.problem("OBX-5", "required", "OBX-5 is empty: this part of the document says nothing.")
        return files
    if is_rtf(text):  # A template that writes its RTF as if it were text.
        return [*with_words(attachment(rtf_bytes(text), "application/rtf")), *files]
    return [attachment(text.encode(), "text/plain; charset=utf-8"), *files]


def _type(translating: Translating, txa: Segment) -> Concept | None:
    message = translating.message
    raw = value(txa, 2)
    code = message.component_of(raw, 1)
    if code and not message.component_of(raw, 2) and (display := DOCUMENT_TYPES.get(code.upper())):
        raw = message.component.join((code, display, "HL70270"))
    return concept(raw, message, source=translating.source.id, table="TXA-2")


def _title_of_content(translating: Translating) -> str:
    for obx in translating.message.all("OBX"):
        if title := translating.text(obx, 3, 2):
            return title
    return "Document"


def _doc_status(translating: Translating, txa: Segment) -> str | None:
    code = translating.text(txa, 17).upper()
    if code and code not in _DOC_STATUSES:
        sentence = "TXA-17 is no completion status of HL7 table 0271: write AU, LA, PA, DI, DO, IN or IP."
        translating.problem("TXA-17", "unknown code", sentence)
    return _DOC_STATUSES.get(code)


def _standing(translating: Translating, txa: Segment, event: str) -> tuple[str, Standing]:
    """(DocumentReference.status, standing): the event, TXA-19 (its availability), TXA-17 (its completion)."""
    availability = translating.text(txa, 19).upper()
    if event == "T11" or availability == "CA":
        return "entered-in-error", Standing.CANCELLED
    if availability == "OB":
        return "superseded", Standing.RESOLVED
    preliminary = _DOC_STATUSES.get(translating.text(txa, 17).upper()) == "preliminary"
    return "current", Standing.PRELIMINARY if preliminary else Standing.CURRENT


def _people(translating: Translating, txa: Segment, number: int) -> tuple[str, ...]:
    message = translating.message
    names = (name_of_person(each, message) for each in message.repetitions(value(txa, number)))
    return tuple(dict.fromkeys(filter(None, names)))
