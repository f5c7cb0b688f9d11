"""ACK: the answer a sender gets (HL7 v2, chapter 2): accepted, in error or rejected, by which field and rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from carerecord.formats.hl7v2.header import Header, header
from carerecord.model import Problem, Reading

# Rules of the envelope: a message that breaks one of them is rejected (AR), whatever it says.
REJECTING = frozenset({"not HL7", "separators", "one message", "size", "version", "message type"})
_ERRORS_MAX = 20
_TEXT_MAX = 400
# HL7 table 0357
_CODES = {
    "required": ("101", "Required field missing"),
    "date and time": ("102", "Data type error"),
    "data type": ("102", "Data type error"),
    "encoding": ("102", "Data type error"),
    "unknown code": ("103", "Table value not found"),
    "message type": ("200", "Unsupported message type"),
    "not translated yet": ("200", "Unsupported message type"),
    "version": ("203", "Unsupported version id"),
}
_SEQUENCE_ERROR = ("100", "Segment sequence error")
_OTHER = ("207", "Application internal error")


def acknowledgement_code(reading: Reading) -> str:
    """AR where the envelope is broken, AE where nothing of the content could be used, else AA.

    Problems that leave the rest usable go with AA, as warnings: a sender that resends on AE would send it for ever.
    """
    fatal = [problem for problem in reading.problems if problem.fatal]
    if any(problem.rule in REJECTING for problem in fatal):
        return "AR"
    return "AE" if fatal or not reading.translated else "AA"


def acknowledge(
    content: bytes,
    *,
    code: str,
    problems: Sequence[Problem],
    text: str = "",
    at: datetime,
    control_id: str,
    heard: Header | None = None,
) -> bytes:
    """MSH, MSA and an ERR for each problem. `control_id` is that of the answer itself; `heard`, the header if known.

    Whatever arrived is answered, in the sender's own separators and version where these could be read.
    """
    heard = heard or header(content)
    writer = _Writer(heard)
    version = heard.version if heard and heard.version else "2.4"
    said = text or "; ".join(_named(problem) for problem in sorted(problems, key=lambda each: not each.fatal))
    event = heard.message_type.partition("^")[2] if heard else ""
    kind = writer.components("ACK", event) if event else "ACK"
    # What the message's own header says goes back as it stands, escapes and all: a sender compares it byte for byte.
    lines = [
        writer.segment(
            "MSH" + writer.field + writer.encoding,
            *(heard.receiver if heard else ("", "")),
            *(heard.sender if heard else ("", "")),
            at.strftime("%Y%m%d%H%M%S%z"),
            "",
            kind,
            writer.text(control_id),
            heard.processing_id if heard and heard.processing_id else "P",
            version,
            *([""] * 5),
            "UNICODE UTF-8",
        ),
        writer.segment("MSA", code, heard.control_id if heard else "", writer.text(said[:_TEXT_MAX])),
    ]
    lines += _errors(writer, problems[:_ERRORS_MAX], version)
    return ("\r".join(lines) + "\r").encode("utf-8", "replace")


def _named(problem: Problem) -> str:
    return f"{problem.field or problem.segment or 'MSH'} {problem.rule}: {problem.sentence}"


def _errors(writer: _Writer, problems: Sequence[Problem], version: str) -> list[str]:
    """Before 2.5 ERR-1 holds all locations; from 2.5 on there is one ERR for each, with code, severity and words."""
    if not problems:
        return []
    if not _has_err_of_2_5(version):
        locations = []
        for problem in problems:
            number, name = _code(problem)
            described = writer.subcomponents(number, writer.text(name), "HL70357")
            locations.append(writer.components(problem.segment, "1", _position(problem), described))
        return [writer.segment("ERR", writer.repetition.join(locations))]
    lines = []
    for problem in problems:
        number, name = _code(problem)
        lines.append(
            writer.segment(
                "ERR",
                "",
                writer.components(problem.segment, "1", _position(problem)),
                writer.components(number, writer.text(name), "HL70357"),
                "E" if problem.fatal else "W",
                writer.components(writer.text(problem.rule)),
                "",
                "",
                writer.text(problem.sentence),
            )
        )
    return lines


def _has_err_of_2_5(version: str) -> bool:
    minor = version.split(".")[1:2]
    return bool(minor and minor[0].isascii() and minor[0].isdigit() and int(minor[0]) >= 5)


def _position(problem: Problem) -> str:
    """The field number of "PID-3.1"."""
    return problem.field.partition("-")[2].partition(".")[0]


def _code(problem: Problem) -> tuple[str, str]:
    if problem.rule == "required" and not problem.field:
        return _SEQUENCE_ERROR
    return _CODES.get(problem.rule, _OTHER)


class _Writer:
    """Writes in the separators of the message it answers."""

    def __init__(self, heard: Header | None) -> None:
        self.field = heard.field if heard else "|"
        self.encoding = heard.encoding if heard else "^~\\&"
        self.component, self.repetition, self.escape, self.subcomponent = tuple(self.encoding)

    def segment(self, *fields: str) -> str:
        return self.field.join(fields).rstrip(self.field)

    def components(self, *parts: str) -> str:
        return self.component.join(parts).rstrip(self.component)

    def subcomponents(self, *parts: str) -> str:
        return self.subcomponent.join(parts)

    def text(self, text: str) -> str:
        return text.translate(_escapes(self.field, self.encoding))


@lru_cache(maxsize=64)
def _escapes(field: str, encoding: str) -> dict[int, str]:
    component, repetition, escape, subcomponent = tuple(encoding)
    marks = {escape: "E", field: "F", component: "S", repetition: "R", subcomponent: "T"}
    return {ord("\r"): " ", ord("\n"): " "} | {ord(mark): f"{escape}{letter}{escape}" for mark, letter in marks.items()}
