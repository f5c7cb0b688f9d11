"""Which statements somebody must look at before they are handed over, and why. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from carerecord.formats.rtf import text_of_rtf
from carerecord.model import Heading, StoredStatement
from carerecord.reconciliation.sayings import said_lines
from carerecord.sensitivity import Label
from carerecord.stewardship.subject_access.values import Ground, Item

LABELS: Final[Mapping[Label, tuple[Ground, str]]] = {
    Label.THIRD_PARTY: (Ground.THIRD_PARTY, "It says something of, or in confidence from, somebody else."),
    Label.SAFEGUARDING: (Ground.SAFEGUARDING, "It is about safeguarding."),
    Label.ASSISTED_CONCEPTION: (Ground.ASSISTED_CONCEPTION, "It is about assisted conception."),
    Label.ADOPTION: (Ground.ADOPTION, "It is about an adoption."),
    Label.MENTAL_HEALTH: (
        Ground.SERIOUS_HARM,
        "It is from mental health care: a health professional must say that it harms nobody.",
    ),
}
_KIN = (
    "mother|father|mum|dad|parents?|wife|husband|partner|girlfriend|boyfriend|spouse|son|daughter|brother|sister|sibling|"
    "aunt|uncle|niece|nephew|cousin|grandmother|grandfather|neighbour|carer|friend|landlord|employer|ex-\\w+"
)
_SAYING = (
    "says?|said|reports?|reported|tells?|told|disclosed|confided|alleged|feels|believes|is worried|was worried"
    "|rang|phoned"
)
# Somebody else speaks, or asks that it be kept from the person.
SPEAKS: Final = re.compile(rf"\b(?:{_KIN})\b[^.\n]{{0,60}}\b(?:{_SAYING})\b[^.\n]*\.?", re.IGNORECASE)
IN_CONFIDENCE: Final = re.compile(
    r"\b(?:in confidence|confidentially|not to be (?:shared|disclosed)|do not (?:share|disclose|tell)"
    r"|third[- ]party)\b[^.\n]*\.?",
    re.IGNORECASE,
)
VIOLENCE: Final = re.compile(r"\b(?:risk to staff|violen\w+|threaten\w*|do not visit alone|two staff)\b", re.IGNORECASE)
PHONE: Final = re.compile(r"(?<!\d)(?:\+44|0)\d(?:[ -]?\d){8,9}(?!\d)")
NUMBER: Final = re.compile(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)")
READABLE: Final = ("text/plain", "text/html", "text/rtf", "application/rtf")
SPANS_MAX: Final = 40


def items(statements: Sequence[StoredStatement], *, own: Sequence[str], names: Mapping[str, str]) -> list[Item]:
    """What must be decided, in the order of the record. `own`: the person's own numbers and telephones."""
    kept = {re.sub(r"\D", "", word) for word in own if word}
    found = [_item(statement, kept, names) for statement in statements]
    return [item for item in found if item is not None]


def item_id(statement: StoredStatement) -> str:
    return f"{statement.local_id}.{statement.version}"


def _item(statement: StoredStatement, own: set[str], names: Mapping[str, str]) -> Item | None:
    lines = lines_of(statement)
    texts = [text for _, text in lines]
    why: list[tuple[Ground, str]] = [said for label, said in LABELS.items() if statement.sensitivity & label]
    spans: list[str] = []
    if statement.heading is Heading.SAFEGUARDING and not statement.sensitivity & Label.SAFEGUARDING:
        why.append((Ground.SAFEGUARDING, "It stands under safeguarding."))
    if statement.resource_type == "RelatedPerson":
        why.append((Ground.THIRD_PARTY, "It holds how to reach somebody else."))
    for pattern, ground, sentence in (
        (SPEAKS, Ground.THIRD_PARTY, "Somebody else is quoted."),
        (IN_CONFIDENCE, Ground.THIRD_PARTY, "Its words ask for confidence."),
        (VIOLENCE, Ground.STAFF_SAFETY, "It speaks of danger to staff."),
    ):
        matches = [sentence_of(match) for text in texts for match in pattern.finditer(text)]
        if matches:
            why.append((ground, sentence))
            spans += matches
    numbers = [each for text in texts for each in (*PHONE.findall(text), *NUMBER.findall(text))]
    others = [each for each in numbers if re.sub(r"\D", "", each) not in own]
    if others and (statement.resource_type == "RelatedPerson" or why):
        spans += others
    if any(kind not in READABLE for kind, _ in attachments(_body(statement))):
        why.append((Ground.UNREADABLE, "It holds a file that no program here can read: somebody has to."))
    if not why:
        return None
    return Item(
        id=item_id(statement),
        heading=statement.heading.name,
        source=names.get(statement.source, statement.source),
        said_on=statement.said_at.date(),
        title=f"{statement.resource_type}, {names.get(statement.source, statement.source)}",
        why=tuple(dict.fromkeys(sentence for _, sentence in why)),
        ground=why[0][0],
        spans=tuple(dict.fromkeys(spans))[:SPANS_MAX],
        text="\n".join(f"{label}: {text}" for label, text in lines),
        files=sum(1 for _ in attachments(_body(statement))),
    )


def sentence_of(match: re.Match[str]) -> str:
    """What was found, with what stands before it in its sentence: a pattern that began there itself would look through
    every sentence once from each of its letters."""
    if match.re is VIOLENCE:
        return match.group().strip()
    begins = max(match.string.rfind(mark, 0, match.start()) for mark in ".\n") + 1
    return match.string[begins : match.end()].strip()


def lines_of(statement: StoredStatement) -> list[tuple[str, str]]:
    """All that a reader reads of it, and what its files say where a program can read them."""
    said = [(label, text) for label, text in said_lines(statement) if text]
    files = [file_text(kind, content) for kind, content in attachments(_body(statement))]
    return said + [("File", text) for text in files if text]


def file_text(kind: str, content: bytes) -> str:
    """What a file says; "" where no program here can read it."""
    if kind not in READABLE:
        return ""
    if "rtf" in kind:
        return text_of_rtf(content)
    return content.decode("utf-8", errors="replace")


def attachments(resource: Any) -> Iterator[tuple[str, bytes]]:
    """(media type, content) of every Attachment and Binary anywhere inside."""
    for node in nodes(resource):
        data = node.get("data")
        if isinstance(data, str) and isinstance(node.get("contentType"), str):
            yield node["contentType"].partition(";")[0].strip().lower(), decoded(data)


def decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=False)
    except (binascii.Error, ValueError):
        return b""


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a resource, the outermost first."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from nodes(each)


def _body(statement: StoredStatement) -> Any:
    return msgspec.json.decode(statement.body)
