"""Letters: newest first, each with its author and its words; a letter that another replaces is closed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence

import msgspec

from carerecord.fhir.care_resources import Composition, CompositionSection, read
from carerecord.fhir.resources import Attachment, Content, DocumentReference, Reference, RelatesTo, read_document
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation.any_saying import narrative_text
from carerecord.reconciliation.entries import LetterEntry, Mark
from carerecord.reconciliation.versions import OVER, Context, Item, latest_other, source_names, statement_ids


def entries(items: Sequence[Item], context: Context) -> tuple[LetterEntry, ...]:
    letters = [(item, document_of(item.newest)) for item in items]
    replaced = {
        (item.newest.source, related.target.local_id)
        for item, letter in letters
        if item.newest.standing not in OVER
        for related in letter.relatesTo
        if related.code == "replaces" and related.target
    }
    listed = [
        _entry(item, letter, context, is_replaced=(item.newest.source, item.newest.local_id) in replaced)
        for item, letter in letters
    ]
    return tuple(
        sorted(listed, key=lambda entry: ((entry.happened_at or entry.said_at).timestamp(), entry.id), reverse=True)
    )


def document_of(statement: StoredStatement) -> DocumentReference:
    """A letter in whichever of its two shapes: a document with its file, or a composition of sections in words."""
    if statement.resource_type != "Composition":
        return read_document(statement.body)
    said = read(Composition, statement.body)
    text = b64encode("\n\n".join(_sections(said.section)).encode())
    return DocumentReference(
        status=said.status,
        docStatus=said.status,
        type=said.type,
        description=said.title,
        author=tuple(Reference(display=name) for each in said.author if (name := said.named(each))),
        content=(Content(attachment=Attachment(contentType="text/plain", data=msgspec.Raw(b'"' + text + b'"'))),),
        relatesTo=tuple(RelatesTo(code=each.code, target=each.targetReference) for each in said.relatesTo),
    )


def _sections(sections: Sequence[CompositionSection]) -> Iterator[str]:
    for section in sections:
        words = narrative_text(section.text.div) if section.text else ""
        if section.title or words:
            yield "\n".join(part for part in (section.title, words) if part)
        yield from _sections(section.section)


def _entry(item: Item, letter: DocumentReference, context: Context, *, is_replaced: bool) -> LetterEntry:
    newest = item.newest
    attachment = main_attachment(letter)
    content_type = attachment.contentType if attachment and attachment.contentType else "text/plain"
    text = attachment_text(attachment) if attachment and content_type.startswith("text/plain") else ""
    is_replaced = is_replaced or letter.status == "superseded"
    is_over = newest.standing in OVER or is_replaced
    return LetterEntry(
        id=item.id,
        heading=newest.heading,
        what=title_words(letter),
        detail=_status(newest.standing, letter, is_replaced=is_replaced),
        happened_at=newest.happened_at,
        said_at=newest.said_at,
        sources=source_names([item], context),
        marks=_marks(item, context, is_over=is_over),
        is_current=not is_over,
        statement_ids=statement_ids([item]),
        rule="One letter of one source: nothing was joined.",
        author=author_words(letter),
        text=text,
        content_type=content_type,
        has_document=bool(attachment and not text and bytes(attachment.data)),
    )


def main_attachment(letter: DocumentReference) -> Attachment | None:
    attachments = [content.attachment for content in letter.content if content.attachment]
    main = next((each for each in attachments if bytes(each.data)), attachments[0] if attachments else None)
    if main is not None and main.contentType in ("application/rtf", "text/rtf"):
        # Its words stand beside it, and need no program to be read.
        return next((each for each in attachments if each.contentType.startswith("text/plain")), main)
    return main


def attachment_bytes(attachment: Attachment) -> bytes:
    """The document's own bytes; b"" where they do not decode."""
    try:
        return b64decode(msgspec.json.decode(attachment.data, type=str))
    except (msgspec.DecodeError, NotBase64, ValueError):
        return b""


def attachment_text(attachment: Attachment) -> str:
    return attachment_bytes(attachment).decode("utf-8", "replace") if bytes(attachment.data) else ""


def title_words(letter: DocumentReference) -> str:
    attachment = main_attachment(letter)
    return (
        letter.description
        or (letter.type.words if letter.type else "")
        or (attachment.title if attachment else "")
        or "Letter without a title"
    )


def author_words(letter: DocumentReference) -> str:
    named = [author.display for author in letter.author if author.display]
    if not named and letter.authenticator and letter.authenticator.display:
        named = [letter.authenticator.display]
    return ", ".join(dict.fromkeys(named))


def _status(standing: Standing, letter: DocumentReference, *, is_replaced: bool) -> str:
    if standing is Standing.ENTERED_IN_ERROR:
        return "Entered in error"
    if standing is Standing.CANCELLED:
        return "Cancelled"
    if is_replaced:
        return "Replaced by a newer letter"
    return "Preliminary" if standing is Standing.PRELIMINARY or letter.docStatus == "preliminary" else ""


def _marks(item: Item, context: Context, *, is_over: bool) -> tuple[Mark, ...]:
    standing = item.newest.standing
    if standing is Standing.ENTERED_IN_ERROR:
        return (Mark.ENTERED_IN_ERROR,)
    if standing is Standing.CANCELLED:
        return (Mark.CANCELLED,)
    marks = []
    if not is_over and context.is_new(item):
        marks.append(Mark.NEW)
    elif not is_over and _has_changed(item, context):
        marks.append(Mark.CHANGED)
    if standing is Standing.PRELIMINARY:
        marks.append(Mark.PRELIMINARY)
    if standing is Standing.CORRECTED:
        marks.append(Mark.CORRECTED)
    return tuple(marks)


def _has_changed(item: Item, context: Context) -> bool:
    if not item.older or not context.said_since(item):
        return False
    before = latest_other(item)
    return before is not None and _told(before) != _told(item.newest)


def _told(statement: StoredStatement) -> tuple[str, bytes]:
    letter = document_of(statement)
    attachment = main_attachment(letter)
    return title_words(letter), bytes(attachment.data) if attachment else b""
