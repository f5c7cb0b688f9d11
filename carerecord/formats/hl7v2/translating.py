"""A translation under way: the message, its source, and what has been understood of it so far."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from carerecord.fhir.references import local_id
from carerecord.formats.hl7v2.codes import local_system
from carerecord.formats.hl7v2.grammar import Message, Segment
from carerecord.formats.hl7v2.instants import Instant, parse_instant
from carerecord.model import Heading, Problem, Source, Standing, Statement

DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_ENCODER = msgspec.json.Encoder()


CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v2-0177"


@lru_cache(maxsize=4096)
def _meta_of(source: str, mark: str = "") -> msgspec.Raw:
    """`mark`: how confidential the source says that it is (HL7 v2 table 0177), as FHIR's own security label."""
    said: dict[str, Any] = {"source": local_system("", source=source).rstrip(":")}
    if mark:
        said["security"] = [{"system": CONFIDENTIALITY, "code": mark}]
    return ready(said)


def ready(part: Any) -> msgspec.Raw:
    """A part of several resources, written once."""
    return msgspec.Raw(_ENCODER.encode(part))


class Translating:
    """Statements and problems gathered from one message. Nothing here is shared between messages."""

    __slots__ = (
        *("_meta", "bears_marks", "control_id", "mark", "message", "problems", "said_at", "source", "statements"),
        "timezone",
    )

    def __init__(self, message: Message, source: Source, *, control_id: str, said_at: datetime) -> None:
        self.message = message
        self.source = source
        self.timezone = source.timezone
        self.control_id = control_id
        self.said_at = said_at
        self.statements: list[Statement] = []
        self.problems: list[Problem] = list(message.problems)
        self._meta = _meta_of(source.id)
        # ARV-3: of what kind the restriction is that the sender sets on all that the message says.
        self.mark = self.text(message.find("ARV"), 3).upper() if "ARV" in message.names else ""
        self.bears_marks = bool(self.mark)  # some statement says how confidential it is

    def problem(self, field: str, rule: str, sentence: str, *, fatal: bool = False) -> None:
        """`field` is "PID-3.1", or "PID" for a whole segment. The sentence holds nothing that the message says."""
        segment, dash, _ = field.partition("-")
        self.problems.append(
            Problem(segment=segment, field=field if dash else "", rule=rule, sentence=sentence, fatal=fatal)
        )

    def text(self, segment: Segment | None, number: int, component: int = 1) -> str:
        """One component of the first repetition, read."""
        if segment is None or len(segment) <= number or not (raw := segment[number]):
            return ""
        if raw.isalnum():  # Neither a mark nor a space: most codes and numbers are this.
            return raw if component == 1 else ""
        message = self.message
        if message.repetition in raw:
            raw = raw.split(message.repetition, 1)[0]
        if component == 1 and message.escape not in raw:
            raw = raw.partition(message.component)[0].strip()
            return "" if raw == '""' else raw
        return message.component_of(raw, component)

    def instant(self, segment: Segment | None, number: int) -> Instant | None:
        """A date or time of the message; what stands there and is none becomes a problem."""
        if segment is None or len(segment) <= number or not segment[number]:
            return None
        text = self.text(segment, number)
        if not text.strip("0"):  # 00000000 is how some systems write nothing.
            return None
        instant = parse_instant(text, self.timezone)
        if instant is None:
            field = f"{segment[0]}-{number}"
            self.problem(field, "date and time", f"{field} is no date or time of HL7: write YYYYMMDDHHMMSS+ZZZZ.")
        return instant

    def leave_results(self, kind: str) -> None:
        """What systems send as OBX outside results is mostly administrative: shown among results it would bury them."""
        sentence = f"An OBX of {kind} is kept with the original and not translated: send results as ORU^R01."
        for _ in self.message.all("OBX"):
            self.problem("OBX", "not translated yet", sentence)

    def id(self, kind: str, *parts: str) -> str:
        # No part can hold a carriage return, which ends its segment: joined by it, no two lists of parts are one.
        return local_id(self.source.id, kind, "\r".join(parts))

    def local_system(self, table: str) -> str:
        return local_system(table, source=self.source.id)

    def state(
        self,
        body: dict[str, Any],
        *,
        heading: Heading,
        code: str | None,
        happened_at: datetime | None,
        standing: Standing,
        mark: str = "",
    ) -> None:
        """Keep one resource, which has its resourceType and id, as a statement. `mark`: how confidential it is."""
        if mark:
            self.bears_marks = True
        body["meta"] = _meta_of(self.source.id, mark or self.mark) if mark or self.mark else self._meta
        self.statements.append(
            Statement(
                resource_type=body["resourceType"],
                local_id=body["id"],
                heading=heading,
                code=code,
                happened_at=happened_at,
                said_at=self.said_at,
                standing=standing,
                body=_ENCODER.encode(body),
            )
        )
