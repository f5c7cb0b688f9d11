"""One original, translated: the envelope first, then its subject, then what its event says."""

from __future__ import annotations

from functools import lru_cache

from carerecord.formats.hl7v2 import adt, mdm, oru, ppr, ref, siu
from carerecord.formats.hl7v2.grammar import parse, value
from carerecord.formats.hl7v2.instants import parse_instant
from carerecord.formats.hl7v2.merge import read_merge
from carerecord.formats.hl7v2.pid import read_subject
from carerecord.formats.hl7v2.settings import read_settings
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import AHEAD_MAX, Merge, Original, Problem, Reading, Source

_READERS = {
    "ADT": (adt.read_event, adt.EVENTS),
    "ORU": (oru.read_results, oru.EVENTS),
    "MDM": (mdm.read_document, mdm.EVENTS),
    "SIU": (siu.read_appointment, siu.EVENTS),
    "REF": (ref.read_referral, ref.EVENTS),
    "PPR": (ppr.read_problems, ppr.EVENTS),
}
TRANSLATED = frozenset({f"{kind}^{event}" for kind, (_, events) in _READERS.items() for event in events} | {"ADT^A40"})


def translate(original: Original, *, source: Source) -> Reading:
    """What the source says in this message. Pure, bounded, and never an exception: what cannot be used is a problem."""
    message = parse(original.content, expected_charset=source.charset)
    if isinstance(message, Problem):
        return Reading(message_type="", control_id=original.control_id, problems=(message,))
    msh = message.segments[0]
    control_id = value(msh, 10).strip() or original.control_id
    translating = Translating(message, source, control_id=control_id, said_at=original.received_at)
    message_type = _read_type(translating)
    _read_envelope(translating, message_type)
    if any(problem.fatal for problem in translating.problems):
        return _reading(translating, message_type)
    if message_type not in TRANSLATED:
        sentence = "This type of message is not translated yet; it is kept and can be replayed when it is."
        translating.problem("MSH-9", "not translated yet", sentence)
        return _reading(translating, message_type, translated=False)
    return _read_content(translating, message_type)


def _read_content(translating: Translating, message_type: str) -> Reading:
    merge: Merge | None = None
    subject = read_subject(translating)
    if subject is None:
        return _reading(translating, message_type)
    kind, _, event = message_type.partition("^")
    if event == "A40":
        merge = read_merge(translating, subject)
    else:
        read, _ = _READERS[kind]
        read(translating, subject, event=event)
    return Reading(
        message_type=message_type,
        control_id=translating.control_id,
        subject=subject,
        statements=tuple(translating.statements),
        problems=tuple(translating.problems),
        merge=merge,
        said_at=translating.said_at,
        # Other messages carry a copy of the demographics; ADT is where a system says them.
        updates_demographics=kind == "ADT" and event != "A60",
        settings=read_settings(translating),
        may_bear_marks=translating.bears_marks,
    )


def _reading(translating: Translating, message_type: str, *, translated: bool = True) -> Reading:
    return Reading(
        message_type=message_type,
        control_id=translating.control_id,
        problems=tuple(translating.problems),
        said_at=translating.said_at,
        translated=translated,
    )


def _read_type(translating: Translating) -> str:
    msh = translating.message.segments[0]
    kind, trigger = translating.text(msh, 9, 1), translating.text(msh, 9, 2)
    return f"{kind}^{trigger}" if trigger else kind


def _read_envelope(translating: Translating, message_type: str) -> None:
    """MSH-7, 9, 10 and 12: when it was said (until now, when it was received), and whether we can know it at all."""
    msh = translating.message.segments[0]
    version = translating.text(msh, 12)
    if not _is_supported(version):
        sentence = "MSH-12 names no version of HL7 that is understood here: send 2.1 to 2.9."
        translating.problem("MSH-12", "version", sentence, fatal=True)
    if "^" not in message_type:
        sentence = "MSH-9 names no type and event of message: write them as ADT^A01."
        translating.problem("MSH-9", "message type", sentence, fatal=True)
    if not translating.text(msh, 10):
        sentence = "MSH-10 (control id) is missing: a message sent twice cannot be told from two messages."
        translating.problem("MSH-10", "required", sentence)
    sent = parse_instant(translating.text(msh, 7), translating.timezone)
    if sent is None or not sent.has_time:
        evn = translating.message.find("EVN")
        sent = parse_instant(translating.text(evn, 2), translating.timezone) if evn else None
        sentence = "MSH-7 does not say when the message was written: the time of the event or of receipt stands for it."
        translating.problem("MSH-7", "date and time", sentence)
    if sent is None:
        return
    if sent.at > translating.said_at + AHEAD_MAX:
        # Else this message would stand for newer than every correction until that day comes.
        sentence = "MSH-7 is in the future: the time of receipt stands for it; set the sender's clock right."
        translating.problem("MSH-7", "date and time", sentence)
        return
    translating.said_at = sent.at


@lru_cache(maxsize=64)
def _is_supported(version: str) -> bool:
    major, _, rest = version.partition(".")
    return major == "2" and rest[:1] in set("123456789") and all(each.isdigit() for each in rest.split("."))
