"""ORU R01 of an imaging service: one report in words, as DiagnosticReport, without a result for each of its lines.

https://hl7.org/fhir/R4/diagnosticreport.html
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from carerecord.formats.hl7v2.attachments import attachment, read_attachment
from carerecord.formats.hl7v2.codes import (
    ACCESSION,
    FILLER,
    IMAGING_SERVICES,
    OBSERVATION_STATUSES,
    PLACER,
    REPORT_STATUSES,
)
from carerecord.formats.hl7v2.datatypes import Concept, concept, entity_identifier, name_of_person
from carerecord.formats.hl7v2.grammar import Segment
from carerecord.formats.hl7v2.instants import instant_text
from carerecord.formats.hl7v2.observations import LIKE_WORDS, STANDINGS, Noted, as_text, padded, words_of
from carerecord.formats.hl7v2.translating import Translating
from carerecord.formats.rtf import is_rtf, rtf_bytes, text_of_rtf
from carerecord.model import Heading, Standing

_WORDS = LIKE_WORDS | {"", "ED"}
_TAKEN_BACK = frozenset({"D", "W", "X"})  # OBX-11: a line that its author no longer says


def is_imaging(translating: Translating, obr: Segment | None) -> bool:
    """Whether OBR-24 or the kind of the source says that this is a report on images."""
    if obr is None:
        return False
    return translating.source.kind == "radiology" or translating.text(obr, 24).upper() in IMAGING_SERVICES


def read_imaging_report(
    translating: Translating,
    obr: Segment,
    results: list[Noted],
    notes: list[str],
    *,
    patient: str,
    encounter: msgspec.Raw | None,
    seen: dict[str, int],
) -> list[Segment]:
    """State the report. Gives the OBX that hold a file which no text can be read from: each becomes a document."""
    message = translating.message
    examination = concept(obr[4], message, source=translating.source.id, table="OBR-4")
    performed, issued = translating.instant(obr, 7), translating.instant(obr, 22)
    words = _Words(translating, examination)
    for obx, below in results:
        words.take(padded(obx), below)
    if notes:
        words.lines += ["", *notes] if words.lines else notes
    status = _status(translating, obr, results)
    key = _own_id(translating, obr, examination, performed.text if performed else "", patient)
    ordinal = seen[key] = seen.get(key, 0) + 1
    body: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "id": translating.id("DiagnosticReport", key, *((str(ordinal),) if ordinal > 1 else ())),
    }
    if identifiers := _identifiers(translating, obr):
        body["identifier"] = identifiers
    body["status"] = status
    body["category"] = [_category(translating, obr)]
    body["code"] = examination.json if examination else {"text": "Imaging report"}
    if encounter:
        body["encounter"] = encounter
    if performed:
        body["effectiveDateTime"] = performed.text
    if issued:
        body["issued"] = issued.text if issued.has_time else instant_text(issued.at)
    if radiologist := name_of_person(obr[32].replace(message.subcomponent, message.component), message):
        body["resultsInterpreter"] = [{"display": radiologist}]
    if text := "\n".join(words.lines).strip("\n"):
        body["conclusion"] = text
    if words.forms:
        body["presentedForm"] = words.forms
    translating.state(
        body,
        heading=Heading.IMAGING,
        code=examination.key if examination else None,
        happened_at=performed.at if performed else issued.at if issued else None,
        standing=STANDINGS.get(status, Standing.PRELIMINARY),
    )
    return words.files


class _Words:
    """The lines of a report as its OBX come."""

    __slots__ = ("_examination", "_section", "_translating", "files", "forms", "lines")

    def __init__(self, translating: Translating, examination: Concept | None) -> None:
        self._translating = translating
        self._examination = examination
        self._section: str | None = None
        self.lines: list[str] = []
        self.forms: list[dict[str, Any]] = []
        self.files: list[Segment] = []

    def take(self, obx: Segment, below: list[str]) -> None:
        said = self._read(obx, obx[2].strip().upper())
        if said is not None:
            self._begin_section(obx)
            self.lines.append(said)
        self.lines += below

    def _read(self, obx: Segment, kind: str) -> str | None:
        if obx[11].strip().upper() in _TAKEN_BACK:
            sentence = "OBX-11 takes a part of the report back: it is left out, and stands in the original."
            self._translating.problem("OBX-11", "taken back", sentence)
            return None
        if kind == "RP":
            sentence = "OBX-5 (RP) points to a file elsewhere, which is not fetched: send the file itself as ED."
            self._translating.problem("OBX-5", "not translated yet", sentence)
            return None
        return self._read_file(obx) if kind == "ED" else self._read_words(obx, kind)

    def _read_words(self, obx: Segment, kind: str) -> str:
        message = self._translating.message
        if kind in LIKE_WORDS or not kind:
            text = words_of(message, obx[5])
            return self._keep_rtf(rtf_bytes(text)) if is_rtf(text) else text
        # A dose, a score, a code: one line of the report with its name and its unit.
        value = " ".join(filter(None, (as_text(message, obx[5]), message.component_of(obx[6], 1))))
        name = message.component_of(obx[3], 2) or message.component_of(obx[3], 1)
        return f"{name}: {value}" if name else value

    def _read_file(self, obx: Segment) -> str | None:
        """The words of a file that has them; None where it is a document by itself, or cannot be read."""
        found = read_attachment(self._translating, obx[5])
        if found is None:
            return None
        content = base64.b64decode(found["data"])
        if found["contentType"] == "application/rtf":
            return self._keep_rtf(content)
        if found["contentType"].startswith("text/plain"):
            return content.decode("utf-8", "replace")
        self.files.append(obx)
        return None

    def _keep_rtf(self, content: bytes) -> str:
        self.forms.append(attachment(content, "application/rtf"))
        return text_of_rtf(content)

    def _begin_section(self, obx: Segment) -> None:
        """A blank line where OBX-3 changes, and its words as title where they are not the examination's."""
        if obx[3] == self._section:
            return
        is_first, self._section = self._section is None, obx[3]
        said = concept(obx[3], self._translating.message, source=self._translating.source.id, table="OBX-3")
        is_title = said is not None and (
            self._examination is None or said.text.casefold() != self._examination.text.casefold()
        )
        if not is_first:
            self.lines.append("")
        has_words = obx[2].strip().upper() in _WORDS
        if said is not None and has_words and is_title and said.text != said.code:
            self.lines.append(said.text)


def _status(translating: Translating, obr: Segment, results: list[Noted]) -> str:
    """OBR-25, else what its first line says of itself."""
    sent = translating.text(obr, 25).upper()
    if sent:
        status = REPORT_STATUSES.get(sent)
        if status is None:
            sentence = (
                "OBR-25 is no result status of HL7 table 0123: the report is shown as not final; write F, P or C."
            )
            translating.problem("OBR-25", "unknown code", sentence)
        return status or "unknown"
    told = next((code for obx, _ in results if (code := padded(obx)[11].strip().upper())), "")
    return OBSERVATION_STATUSES.get(told, "unknown")


def _own_id(translating: Translating, obr: Segment, examination: Concept | None, performed: str, patient: str) -> str:
    """The number of the report and its examination: a corrected time is the same report."""
    message = translating.message
    which = (examination.code or examination.text) if examination else ""
    for field in (obr[3], obr[2]):
        number, authority = entity_identifier(field.split(message.repetition, 1)[0], message)
        if number:
            return "\r".join(("imaging", number, authority, which))
    return "\r".join(("imaging", "unnumbered", patient, which, performed or translating.control_id))


def _identifiers(translating: Translating, obr: Segment) -> list[dict[str, Any]]:
    """The accession number (OBR-18, OBR-20, else OBR-3), by which the images are found; then the report's own."""
    accession = translating.text(obr, 18) or translating.text(obr, 20) or translating.text(obr, 3)
    numbers = (
        (accession, ACCESSION, "accession"),
        (translating.text(obr, 3), FILLER, "filler"),
        (translating.text(obr, 2), PLACER, "placer"),
    )
    return [
        {"type": kind, "system": translating.local_system(name), "value": number}
        for number, kind, name in numbers
        if number
    ]


def _category(translating: Translating, obr: Segment) -> Any:
    code = translating.text(obr, 24).upper() or "RAD"
    if display := IMAGING_SERVICES.get(code):
        system = "http://terminology.hl7.org/CodeSystem/v2-0074"
        return {"coding": [{"system": system, "code": code, "display": display}], "text": display}
    said = concept(obr[24], translating.message, source=translating.source.id, table="OBR-24")
    return said.json if said else {"text": "Imaging"}
