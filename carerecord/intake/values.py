"""What a message is between its arrival and its receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from carerecord.formats import hl7v2
from carerecord.model import OriginalReference, Outcome, Problem, Reading, Statement, Subject

UNKNOWN_SENDER = "unknown sender"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One message, read and ready to be kept. `outcome` is set where the message itself decides what becomes of it."""

    content: bytes  # as it arrived
    packed: bytes | None  # as it is kept; None: still to be packed, with all the others of its batch
    format: Literal["hl7v2", "fhir", "document"] = "hl7v2"
    content_hash: bytes
    source: str
    control_id: str
    message_type: str
    received_at: datetime
    outcome: Outcome | None
    problems: tuple[Problem, ...] = ()
    subject: Subject | None = None
    reading: Reading | None = None

    @property
    def key(self) -> tuple[str, str, bytes]:
        """What makes a message sent twice one message."""
        return self.source, self.control_id, self.content_hash

    @property
    def statements(self) -> Sequence[Statement]:
        return self.reading.statements if self.reading else ()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message, in the database."""

    reference: OriginalReference
    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    patient_key: int | None = None
    identity_key: int | None = None
    received_at: datetime | None = None  # of the first, where it was sent more than once
    is_repeat: bool = False


class Waiting(Protocol):
    """Who waits for what becomes of a message: a future, or what makes the sender's answer of it."""

    def done(self) -> bool: ...

    def set_result(self, result: Kept, /) -> None: ...

    def set_exception(self, exception: BaseException, /) -> None: ...


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender is told. A message that was sent before is answered as it was then, and counted as a repeat."""

    acknowledgement: bytes
    code: str  # AA, AE, AR
    outcome: Outcome
    reference: OriginalReference
    is_repeat: bool = False


TEXTS = {
    Outcome.RECORDED: "",
    Outcome.WAITING: "Kept; whose it is must be decided first. ",
    Outcome.REFUSED: "Kept, not recorded. ",
    Outcome.UNTRANSLATED: "Kept, not translated yet. ",
    Outcome.KEPT: "Kept whole: it is about no patient. ",
    Outcome.PARKED: "Kept; it could not be translated here and is looked into. ",
}


def receipt(content: bytes, kept: Kept, *, at: datetime, header: hl7v2.Header | None = None) -> Receipt:
    """The acknowledgement follows from what is stored, so a repeat gets the code that the first one got."""
    code = acknowledgement_code(kept.outcome, kept.problems)
    problems: Sequence[Problem] = ()
    said = ""
    if kept.problems:
        problems = sorted(kept.problems, key=lambda problem: not problem.fatal)
        said = "; ".join(f"{problem.field or problem.segment}: {problem.sentence}" for problem in problems)
    acknowledgement = hl7v2.acknowledge(
        content,
        code=code,
        problems=problems,
        text=TEXTS[kept.outcome] + said,
        at=at,
        control_id=str(kept.reference),
        heard=header,
    )
    return Receipt(
        acknowledgement=acknowledgement,
        code=code,
        outcome=kept.outcome,
        reference=kept.reference,
        is_repeat=kept.is_repeat,
    )


def acknowledgement_code(outcome: Outcome, problems: Sequence[Problem]) -> str:
    if outcome in (Outcome.RECORDED, Outcome.KEPT):
        return "AA"
    if any(problem.rule == UNKNOWN_SENDER for problem in problems):
        return "AR"
    told = hl7v2.acknowledgement_code(Reading(message_type="", control_id="", problems=tuple(problems)))
    return told if told == "AR" else "AE"
