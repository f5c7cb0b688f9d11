"""Bytes to segments and fields (HL7 v2, chapter 2): splits what every message needs, and leaves the rest unread."""

from __future__ import annotations

from typing import TypeAlias

from carerecord.formats.hl7v2 import charsets
from carerecord.formats.hl7v2.delimiters import Delimiters, delimiters_of
from carerecord.model import Problem

# No message comes near these; they bound what a hostile or broken one can cost.
SEGMENTS_MAX = 20_000
FIELDS_MAX = 250

_USUAL = b"MSH|^~\\&|"  # In ASCII, no declaration of characters can change what is read.
_FIRST_LINE_MAX = 1 << 14
_SPACE = "\r\n\t \x0b\x1c\ufeff"
Segment: TypeAlias = list[str]
# Segments that senders write without any field.
_BARE = frozenset(
    {"EVN", "PID", "PD1", "NK1", "PV1", "PV2", "ROL", "OBX", "AL1", "DG1", "GT1", "IN1", "ORC", "OBR", "NTE"}
)
_USUAL_NAMES = _BARE | {"MSH", "IAM", "SPM", "TXA", "MRG", "TQ1", "PR1", "SFT"}


class Message(Delimiters):
    """A message in segments, each a list of fields whose index is the HL7 field number (MSH included)."""

    __slots__ = ("delimiters", "names", "problems", "segments")

    def __init__(
        self, segments: list[Segment], *, names: list[str], delimiters: Delimiters, problems: list[Problem]
    ) -> None:
        self.delimiters = delimiters
        self.field = delimiters.field
        self.component = delimiters.component
        self.repetition = delimiters.repetition
        self.escape = delimiters.escape
        self.subcomponent = delimiters.subcomponent
        self.escapes = delimiters.escapes
        self.segments = segments
        self.names = names
        self.problems = problems

    def find(self, name: str) -> Segment | None:
        """The first segment of this name."""
        return self.segments[self.names.index(name)] if name in self.names else None

    def all(self, name: str) -> list[Segment]:
        if name not in self.names:
            return []
        return [segment for segment in self.segments if segment[0] == name]


def value(segment: Segment | None, number: int) -> str:
    """One field as it stands, "" where the segment ends before it."""
    return segment[number] if segment is not None and len(segment) > number else ""


def parse(content: bytes, *, expected_charset: str = "utf-8") -> Message | Problem:
    """A message, or the one problem that makes it none. Lines may end in CR, LF or CRLF; a byte-order mark may lead."""
    disbelieved: str | None = None
    if content.startswith(_USUAL) and content.isascii():
        field, encoding = "|", "^~\\&"
        text = content.decode("ascii")
    else:
        marks = read_delimiters(content)
        if isinstance(marks, Problem):
            return marks
        field, encoding, declared = marks
        text, disbelieved = charsets.decode(content, declared=declared, expected=expected_charset)
        text = text[text.find("MSH") :]
    text = text.rstrip(_SPACE)
    if "\0" in text:
        text = text.replace("\0", "")  # No text can hold it, and a database refuses it.
    if "\n" in text:
        text = _with_carriage_returns(text)
    if text.count("\r") > SEGMENTS_MAX:
        return _fatal("", "size", f"The message has more than {SEGMENTS_MAX} segments: send it in parts.")
    problems: list[Problem] = []
    if disbelieved:
        problems.append(
            Problem(
                segment="MSH",
                field="MSH-18",
                rule="character set",
                sentence=f"MSH-18 names {disbelieved}: the text was read, but correct MSH-18 at the sender.",
            )
        )
    segments = _segments(text, field, problems)
    # MSH-1 is the separator itself, so that all the other fields have their own numbers.
    segments[0].insert(1, field)
    segments[0][2] = encoding
    names = [segment[0] for segment in segments]
    if "MSH" in names[1:]:
        return _fatal("MSH", "one message", "There is a second MSH inside the message: end each message with 1C 0D.")
    return Message(segments, names=names, delimiters=delimiters_of(field, encoding), problems=problems)


def read_delimiters(content: bytes) -> tuple[str, str, str] | Problem:
    """(field separator, the four encoding characters, MSH-18), from the first line alone."""
    marks = read_first_line(content)
    return marks if isinstance(marks, Problem) else marks[:3]


def read_first_line(content: bytes) -> tuple[str, str, str, list[str]] | Problem:
    """The same with the fields of the first line; MSH-n stands at n - 1, since MSH-1 is the separator between two."""
    if content.startswith(_USUAL):
        end = content.find(b"\r", 0, _FIRST_LINE_MAX)
        line = str(content[: end if end >= 0 else _FIRST_LINE_MAX].partition(b"\n")[0], "utf-8", "replace")
        fields = line.replace("\0", "").split("|", FIELDS_MAX)
        return "|", "^~\\&", fields[17].split("~", 1)[0] if len(fields) > 17 else "", fields
    line = first_line(content)
    if content[:64].lstrip(b"\xef\xbb\xbf\r\n\t ")[:3] in {b"FHS", b"BHS"}:
        sentence = "It is a batch (FHS, BHS): send each of its messages in a frame of its own, and each is answered."
        return _fatal("MSH", "not HL7", sentence)
    if not line.startswith("MSH") or len(line) < 8:
        return _fatal("MSH", "not HL7", "The message does not begin with an MSH segment: send HL7 v2 in pipe notation.")
    field = line[3]
    fields = line.split(field, FIELDS_MAX)
    encoding = fields[1]
    if len(encoding) >= 5 and encoding[2] == encoding[3]:
        encoding = encoding[:3] + encoding[4:]  # ^~\\&: a program has doubled its backslash.
    encoding = (encoding + "^~\\&"[len(encoding) :])[:4] if len(encoding) < 4 else encoding[:4]
    if len(set(field + encoding)) != 5 or any(
        not mark.isascii() or mark.isalnum() or mark.isspace() for mark in field + encoding
    ):
        return _fatal(
            "MSH", "separators", "MSH-1 and MSH-2 must be five different marks, usually |^~\\&: correct them."
        )
    declared = fields[17].split(encoding[1], 1)[0] if len(fields) > 17 else ""
    return field, encoding, declared, fields


def first_line(content: bytes) -> str:
    """The first segment, decoded well enough to be read: its delimiters and codes are ASCII in every set we know."""
    start = content[:64]
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        content = content[:_FIRST_LINE_MAX].decode("utf-16", "replace").encode()
    begin = content.find(b"MSH", 0, 64)
    if begin < 0 or content[:begin].strip(b"\r\n\t \x0b\xef\xbb\xbf\xc3\xaf\xc2"):
        return ""
    end = min((at for at in (content.find(b"\r", begin), content.find(b"\n", begin)) if at >= 0), default=len(content))
    return content[begin : min(end, begin + _FIRST_LINE_MAX)].decode("utf-8", "replace").replace("\0", "")


def _with_carriage_returns(text: str) -> str:
    return text.replace("\r\n", "\r").replace("\n", "\r")


def _segments(text: str, field: str, problems: list[Problem]) -> list[Segment]:
    lines = text.split("\r")
    segments: list[Segment] = [line.split(field, FIELDS_MAX) for line in lines]
    if _USUAL_NAMES.issuperset([segment[0] for segment in segments]):
        return segments
    segments = []
    was_continued = False
    for line in lines:
        if line[3:4] == field and (name := line[:3]).isalnum() and name.isupper() and name.isascii():
            segments.append(line.split(field, FIELDS_MAX))
        elif (name := line.strip()) in _BARE:
            segments.append([name])
        elif name and segments:
            # A line end inside a text, sent without escape: the words belong to the field in which they broke off.
            last = segments[-1]
            more = line.split(field, FIELDS_MAX)
            last[-1] = f"{last[-1]}\n{more[0]}"
            last.extend(more[1 : FIELDS_MAX + 1 - len(last)])
            was_continued = True
    if was_continued:
        problems.append(
            Problem(
                segment=segments[-1][0],
                field="",
                rule="segment name",
                sentence="A line without segment name was read as part of the one before: send line ends as \\.br\\.",
            )
        )
    return segments


def _fatal(segment: str, rule: str, sentence: str) -> Problem:
    return Problem(segment=segment, field=segment and f"{segment}-1", rule=rule, sentence=sentence, fatal=True)
