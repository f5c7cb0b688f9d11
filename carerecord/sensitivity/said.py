"""The words, codes and names in a resource, each with where it stands, so far as they can tell of the person.

Not read: ids, dates, references, quantities, and the names of people, who may be called Gay, Aborn or Gum.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from html import unescape
from typing import Any, Final, NamedTuple

import msgspec

from carerecord.formats.rtf import text_of_rtf

# Members of a resource that say nothing of what it is about, or whose place is somewhere else in this room.
SKIPPED: Final = frozenset(
    [
        "resourceType",
        "id",
        "meta",
        "status",
        "identifier",
        "subject",
        "patient",
        "encounter",
        "period",
        "class",
        "date",
        "issued",
        "intent",
        "priority",
        "docStatus",
        "securityLabel",
        "relatesTo",
        "implicitRules",
        "language",
        "result",
        "clinicalStatus",
        "verificationStatus",
        "recordedDate",
        "onsetDateTime",
        "authoredOn",
        "start",
        "end",
        "created",
        "minutesDuration",
        "effectiveDateTime",
        "performedDateTime",
        "content",
        "replaces",
        "basedOn",
        "partOf",
        "mode",
    ]
)
_NOT_WORDS: Final = frozenset(
    [
        "system",
        "url",
        "code",
        "reference",
        "id",
        "unit",
        "data",
        "contentType",
        "language",
        "status",
        "use",
        "start",
        "end",
        "family",
        "given",
        "prefix",
        "suffix",
        "line",
        "city",
        "district",
        "postalCode",
        "country",
        "hash",
        "value",
        "linkId",
        "version",
        "type",
        "time",
        "authorReference",
    ]
)
# Whose `display` is a person or a place: only what stands after a comma may name a service.
_PEOPLE: Final = frozenset(
    [
        "individual",
        "author",
        "authenticator",
        "asserter",
        "recorder",
        "performer",
        "requester",
        "resultsInterpreter",
        "practitioner",
        "member",
        "onBehalfOf",
        "informationSource",
        "attester",
        "participant",
        "actor",
        "recipient",
    ]
)
_TITLED: Final = re.compile(
    r"^(?:dr|mr|mrs|ms|miss|mx|prof(?:essor)?|sister|nurse|sir|dame)\b\.?[^,(]*[,(]?", re.IGNORECASE
)
# Members that say which service it was, besides what it was about.
OF_SERVICE: Final = frozenset(
    [
        "serviceType",
        "serviceCategory",
        "specialty",
        "appointmentType",
        "performerType",
        "location",
        "participant",
        "name",
        "context",
        "title",
        "description",
        "type",
        "category",
        "author",
        "custodian",
        "performer",
        "requester",
        "serviceProvider",
        "managingOrganization",
        "hospitalization",
        "healthcareService",
        "program",
        "careTeam",
        "team",
    ]
)
_TAG: Final = re.compile(r"<[^>]{0,2000}>")
_BLOCK: Final = re.compile(r"</?(?:p|div|br|tr|li|h\d|table|td|th)\b[^>]{0,2000}>", re.IGNORECASE)


class Words(NamedTuple):
    where: str
    text: str
    is_person: bool = False


class File(NamedTuple):
    """What holds its words in another way than as text: a PDF, a picture."""

    where: str
    kind: str
    content: bytes


class Code(NamedTuple):
    where: str
    system: str
    code: str


class _Attachment(msgspec.Struct, frozen=True):
    contentType: str = ""  # noqa: N815 (FHIR's own names)
    data: str = ""
    title: str = ""


class _Content(msgspec.Struct):
    attachment: _Attachment = _Attachment()


_read_contents = msgspec.json.Decoder(list[_Content]).decode


def walk(value: Any, where: str, *, of_person: bool = False) -> Iterator[Words | Code | File]:
    """Every text, code and file under a member, in order."""
    if isinstance(value, dict):
        if isinstance(code := value.get("code"), str):
            yield Code(where, str(value.get("system", "")), code)
        if "contentType" in value and isinstance(value.get("data"), str):
            yield from _of_attachment(msgspec.convert(value, _Attachment, strict=False), where)
        for name, item in value.items():
            if (name == "type" and not isinstance(item, str)) or (name == "value" and isinstance(item, dict)):
                yield from walk(item, f"{where}.{name}")
            elif name == "div" and isinstance(item, str):
                yield Words(f"{where}.div", text_of_html(item))
            elif name not in _NOT_WORDS:
                yield from walk(item, f"{where}.{name}", of_person=of_person or name in _PEOPLE)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{where}[{index}]", of_person=of_person)
    elif isinstance(value, str) and len(value) > 1:
        yield Words(where, value, of_person)


def documents_in(raw: bytes) -> Iterator[Words | File]:
    """The words of DocumentReference.content, and of its titles."""
    for index, content in enumerate(_read_contents(raw)):
        yield from _of_attachment(content.attachment, f"content[{index}]")


def _of_attachment(attachment: _Attachment, where: str) -> Iterator[Words | File]:
    if attachment.title:
        yield Words(f"{where}.title", attachment.title)
    kind = attachment.contentType.partition(";")[0].strip().lower()
    if not attachment.data:
        return
    try:
        content = b64decode(attachment.data)
    except (binascii.Error, ValueError):
        content, kind = b"", "application/octet-stream"
    if kind not in {"text/plain", "text/html", "application/rtf", "text/rtf", "application/xml"}:
        yield File(where, kind, content)
        return
    if kind.endswith("rtf"):
        yield Words(where, text_of_rtf(content))
        return
    text = content.decode("utf-8", "replace")
    yield Words(where, text if kind == "text/plain" else text_of_html(text))


def text_of_html(text: str) -> str:
    return unescape(_TAG.sub(" ", _BLOCK.sub("\n", text)))


def service_in(words: Words) -> str:
    """The part of a name that may be a service's: all of a place's, and of a person's what stands beside the name."""
    return _TITLED.sub("", words.text) if words.is_person else words.text
