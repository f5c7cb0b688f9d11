"""ED: a file inside a message, most often a PDF letter, as FHIR Attachment."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from carerecord.formats.hl7v2.translating import Translating
from carerecord.formats.rtf import text_of_rtf

# ED-3 (table 0291, and what senders write): the content types that the record can show or hand out.
_CONTENT_TYPES = {
    "PDF": "application/pdf",
    "RTF": "application/rtf",
    "HTML": "text/html",
    "XML": "application/xml",
    "TXT": "text/plain",
    "TEXT": "text/plain",
    "PLAIN": "text/plain",
    "JPEG": "image/jpeg",
    "JPG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "TIF": "image/tiff",
    "GIF": "image/gif",
    "DOC": "application/msword",
    "MSWORD": "application/msword",
    "DICOM": "application/dicom",
}
_MAGIC = (
    (b"%PDF", "application/pdf"),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"{\\rtf", "application/rtf"),
)


def read_attachment(translating: Translating, field: str) -> dict[str, Any] | None:
    """OBX-5 of type ED: (source, type, subtype, encoding, data). None with a problem where its data cannot be read."""
    message = translating.message
    parts = field.split(message.component, 4)
    parts.extend([""] * (5 - len(parts)))
    _, kind, subtype, encoding, data = parts
    content = _decode(translating, encoding.strip().upper(), data)
    if content is None:
        return None
    return attachment(content, _content_type(message.text(kind), message.text(subtype), content))


def with_words(found: dict[str, Any]) -> list[dict[str, Any]]:
    """A file, and beside an RTF its plain text: the file is kept as it came, the words can be read by everyone."""
    if found["contentType"] != "application/rtf":
        return [found]
    text = text_of_rtf(base64.b64decode(found["data"]))
    if not text.strip():
        return [found]
    words = attachment(text.encode(), "text/plain; charset=utf-8")
    return [found, {**words, "title": found["title"]} if "title" in found else words]


def attachment(content: bytes, content_type: str) -> dict[str, Any]:
    return {"contentType": content_type, "data": base64.b64encode(content).decode("ascii"), "size": len(content)}


def _decode(translating: Translating, encoding: str, data: str) -> bytes | None:
    if not data.strip():
        translating.problem("OBX-5", "required", "OBX-5 (ED) has no data in its fifth component: send the file in it.")
        return None
    message = translating.message
    try:
        if encoding in {"BASE64", ""}:
            # Line ends and escapes inside base64 are of transport, never of the file.
            text = "".join(message.text(data).split())
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
        if encoding == "HEX":
            return bytes.fromhex(message.text(data))
        if encoding == "A":
            return message.text(data).encode()
    except (binascii.Error, ValueError):
        pass
    sentence = "OBX-5 (ED) cannot be decoded as its fourth component says: send the file as Base64."
    translating.problem("OBX-5", "encoding", sentence)
    return None


def _content_type(kind: str, subtype: str, content: bytes) -> str:
    """What the bytes are by their first ones, where those are known; else what the message says."""
    for magic, content_type in _MAGIC:
        if content.startswith(magic):
            return content_type
    named = _CONTENT_TYPES.get(subtype.upper()) or _CONTENT_TYPES.get(kind.upper())
    if named:
        return named
    if "/" in subtype and subtype.isascii() and subtype.isprintable() and " " not in subtype:
        return subtype.lower()
    return "application/octet-stream"
