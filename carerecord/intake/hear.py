"""From bytes to a message that is ready to be kept: who sent it, what it says, and what stands in its way."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

import msgspec

from carerecord import logs
from carerecord.formats.fhir import Asked
from carerecord.formats.hl7v2 import Header
from carerecord.intake.reading import Lists, read
from carerecord.intake.values import UNKNOWN_SENDER, Heard
from carerecord.model import Original, Outcome, Problem, Reading, Source, Subject
from carerecord.organisations import Region
from carerecord.patient_index import as_heard
from carerecord.record import dictionary
from carerecord.sensitivity import NEVER_KEPT

UNKNOWN = Source(id="unknown", organisation="", name="unknown")
CONTROL_ID_CHARACTERS_MAX = 199  # MSH-10 in HL7 v2.7 and later
MESSAGE_TYPE_CHARACTERS_MAX = 60
# What stands for an original that may not be kept: that it came is known, by its hash and the field that forbade it.
NOTHING_KEPT = b"This was refused, and nothing of it is kept."


def find_source(region: Region, header: Header | None) -> Source:
    if header is None:
        return UNKNOWN
    return region.find_sender(application=header.application, facility=header.facility) or UNKNOWN


def original_of(content: bytes, header: Header | None, source: Source, *, received_at: datetime) -> Original:
    control_id = clean(header.control_id, CONTROL_ID_CHARACTERS_MAX) if header else ""
    return Original(source=source.id, content=content, received_at=received_at, control_id=control_id)


def pushed_original(content: bytes, asked: Asked, source: Source, *, received_at: datetime) -> Original:
    """What was asked stands where a message has its control id: the content alone does not say it."""
    control_id = clean(str(asked), CONTROL_ID_CHARACTERS_MAX)
    return Original(source=source.id, content=content, received_at=received_at, control_id=control_id, format="fhir")


def dropped_original(content: bytes, source: Source, *, received_at: datetime) -> Original:
    return Original(source=source.id, content=content, received_at=received_at, format="document")


def translate(original: Original, header: Header | None, source: Source, *, lists: Lists = ()) -> Reading | Problem:
    """What it says. A Problem means that the translation itself failed: ours to mend, and the message is parked."""
    if source is UNKNOWN and header is not None:
        return Reading(message_type=header.message_type, control_id=original.control_id, problems=(_UNREGISTERED,))
    try:
        return read(original, source=source, lists=lists)
    except Exception as error:
        logs.say(logs.Line.MESSAGE_PARKED, source=source.id, kind=type(error).__name__)
        return CRASHED


def pack(content: bytes) -> tuple[bytes, bytes]:
    """The bytes as they are kept, and by what they are known again."""
    return dictionary.compress(content, dictionary=dictionary.ORIGINALS), fingerprint(content)


def fingerprint(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def conclude(
    original: Original,
    reading: Reading | Problem,
    *,
    header: Header | None = None,
    packed: tuple[bytes, bytes] | None = None,
    live: bool,
) -> Heard:
    """What is to be kept, with its outcome where the message itself decides that. `header`: of an HL7 v2 message."""
    outcome: Outcome | None = Outcome.PARKED
    problems: list[Problem] = []
    subject, message_type = None, ""
    if isinstance(reading, Problem):
        problems.append(reading)
    else:
        message_type = clean(reading.message_type, MESSAGE_TYPE_CHARACTERS_MAX)
        if live and header is not None and header.processing_id in _NO_CARE:
            reading = msgspec.structs.replace(reading, problems=(*reading.problems, _NOT_PRODUCTION))
        outcome, subject, problems = _weigh(reading, live=live)
    is_kept = not problems or all(problem.rule != NEVER_KEPT for problem in problems)
    return Heard(
        content=original.content if is_kept else NOTHING_KEPT,
        format=original.format,
        packed=packed[0] if packed and is_kept else None,
        content_hash=packed[1] if packed else fingerprint(original.content),
        source=original.source,
        control_id=original.control_id,
        message_type=message_type,
        received_at=original.received_at,
        outcome=outcome,
        problems=tuple(problems),
        subject=subject,
        reading=None if isinstance(reading, Problem) else reading,
    )


def _weigh(reading: Reading, *, live: bool) -> tuple[Outcome | None, Subject | None, list[Problem]]:
    problems = list(reading.problems)
    if any(problem.fatal for problem in problems):
        return Outcome.REFUSED, None, problems
    if not reading.translated:
        return Outcome.UNTRANSLATED, None, problems
    if reading.about_nobody:
        return Outcome.KEPT, None, problems
    if reading.subject is None:
        return Outcome.REFUSED, None, [*problems, _NO_SUBJECT]
    subject, problem = as_heard(reading.subject, live=live)
    return None, subject, [*problems, problem] if problem else problems


def park(heard: Heard, problem: Problem) -> Heard:
    """The same original without what was made of it."""
    return msgspec.structs.replace(heard, outcome=Outcome.PARKED, problems=(problem,), subject=None, reading=None)


def clean(text: str, characters_max: int) -> str:
    """Text that a key can hold: no control characters, no more than it needs."""
    short = text[:characters_max]
    return short if short.isprintable() else "".join(letter for letter in short if letter.isprintable())


_NO_CARE = frozenset({"D", "T"})  # HL7 table 0103: debugging, training
_NOT_PRODUCTION = Problem(
    segment="MSH",
    field="MSH-11",
    rule="processing id",
    sentence="MSH-11 says training or debugging, and this record is of real patients: send from production, as P.",
    fatal=True,
)
_UNREGISTERED = Problem(
    segment="MSH",
    field="MSH-3",
    rule=UNKNOWN_SENDER,
    sentence="MSH-3 and MSH-4 name no registered source: have those who run the record register them in region.toml.",
    fatal=True,
)
_NO_SUBJECT = Problem(
    segment="PID",
    field="",
    rule="required",
    sentence="There is no PID that says who the patient is: send one.",
    fatal=True,
)
CRASHED = Problem(
    segment="",
    field="",
    rule="translation failed",
    sentence="The translation failed: it is for the record's operator to mend; the message can be replayed after that.",
    fatal=True,
)
TOO_SLOW = Problem(
    segment="",
    field="",
    rule="translation too slow",
    sentence="The translation took too long and was stopped: it is for the record's operator to look into.",
    fatal=True,
)
UNKEEPABLE = Problem(
    segment="",
    field="",
    rule="cannot be stored",
    sentence="What the message says could not be stored: it is for the record's operator to mend; it can be replayed.",
    fatal=True,
)
