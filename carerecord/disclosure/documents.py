"""A letter's own file, and an original message made readable. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.disclosure.values import Document
from carerecord.fhir.references import logical_id
from carerecord.fhir.resources import read_document
from carerecord.formats import document
from carerecord.model import StoredStatement
from carerecord.reconciliation import letters
from carerecord.reconciliation.versions import recency


def document_of(shown: Sequence[StoredStatement], statement_id: str) -> tuple[StoredStatement, Document] | None:
    """The file of the newest version of this letter, or of the one version named behind a dot."""
    logical, _, version = statement_id.partition(".")
    versions = [
        statement
        for statement in shown
        if statement.resource_type == "DocumentReference"
        and logical_id(statement.patient_key, statement.local_id) == logical
        and version in ("", statement.version)
    ]
    if not versions:
        return None
    newest = max(versions, key=recency)
    letter = read_document(newest.body)
    attachment = letters.main_attachment(letter)
    content = letters.attachment_bytes(attachment) if attachment else b""
    if attachment is None or not content:
        return None
    content_type = attachment.contentType or "application/octet-stream"
    return newest, Document(content_type=content_type, content=content, title=letters.title_words(letter))


def original_text(content: bytes, *, charset: str) -> str:
    """The message as lines of text. What does not decode is never dropped; the bytes are kept as they came."""
    if content.startswith(document.BEGINS):
        return document.text_of(content)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        charset = "utf-8"  # FHIR as JSON, whatever its source writes in HL7 v2.
    try:
        text = content.decode(charset)
    except (UnicodeDecodeError, LookupError):
        # Nearly every message that is not UTF-8 is Windows' or ISO's Latin alphabet; no byte of it is lost by this.
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
