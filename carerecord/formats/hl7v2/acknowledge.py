"""ACK: the answer a sender gets (HL7 v2, chapter 2): accepted, in error or rejected, by which field and rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from carerecord.formats.hl7v2.header import Header, header
from carerecord.model import Problem, Reading

# Rules of the envelope: a message that breaks one of them is rejected (AR), whatever it says.
REJECTING = frozenset({"not HL7", "separators", "one message", "size", "version", "message type", "processing id"})
_ERRORS_MAX = 20
_TEXT_MAX = 400
_FRAME_LENGTH_MAX = 400
_OURS = ("207", "Application internal error")
# HL7 table 0357
_CODES = {
    "required": ("101", "Required field missing"),
    "date and time": ("102", "Data type error"),
    "data type": ("102", "Data type error"),
    "encoding": ("102", "Data type error"),
    "unknown code": ("103", "Table value not found"),
    "message type": ("200", "Unsupported message type"),
    "not translated yet": ("200", "Unsupported message type"),
    "unknown sender": ("103", "Table value not found"),
    "processing id": ("202", "Unsupported processing id"),
    "version": ("203", "Unsupported version id"),
    # The only ones that are no fault of the sender's.
    "translation failed": _OURS,
    "translation too slow": _OURS,
    "cannot be stored": _OURS,
}
_SEQUENCE_ERROR = ("100", "Segment sequence error")
_OTHER = ("199", "Other HL7 error")


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
    if heard is not None and not problems and not text:
        return _acknowledge_alone(heard, code, at, control_id)
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
            _time(at),
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


def _acknowledge_alone(heard: Header, code: str, at: datetime, control_id: str) -> bytes:
    """The same where there is nothing to tell: most of it is as it was in the answer before."""
    told = (heard.sender, heard.receiver, heard.message_type, heard.processing_id, heard.version)
    is_short = sum(map(len, (*heard.sender, *heard.receiver, *told[2:]))) <= _FRAME_LENGTH_MAX
    before, between, after = (_frame_once if is_short else _frame)(heard.field, heard.encoding, *told)
    field, own = heard.field, control_id.translate(_escapes(heard.field, heard.encoding))
    said = f"MSA{field}{code}{field}{heard.control_id}".rstrip(field)
    return f"{before}{_time(at)}{between}{own}{after}{said}\r".encode("utf-8", "replace")


def _frame(
    field: str,
    encoding: str,
    sender: tuple[str, str],
    receiver: tuple[str, str],
    message_type: str,
    processing_id: str,
    version: str,
) -> tuple[str, str, str]:
    """What stands before the time, between it and our own control id, and after that."""
    event = message_type.partition("^")[2]
    kind = f"ACK{encoding[0]}{event}".rstrip(encoding[0]) if event else "ACK"
    before = field.join(("MSH" + field + encoding, *receiver, *sender, ""))
    after = field.join(("", processing_id or "P", version or "2.4", *([""] * 5), "UNICODE UTF-8"))
    return before, field.join(("", "", kind, "")), after + "\r"


_frame_once = lru_cache(maxsize=1024)(_frame)


def _time(at: datetime) -> str:
    """As %Y%m%d%H%M%S%z, in a third of the time."""
    said = at.isoformat(timespec="seconds")
    return f"{said[:4]}{said[5:7]}{said[8:10]}{said[11:13]}{said[14:16]}{said[17:19]}{said[19:].replace(':', '')}"


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
