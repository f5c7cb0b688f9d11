"""PID, PD1: who the message says its patient is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal, cast

from carerecord.formats.hl7v2.codes import GENDERS
from carerecord.formats.hl7v2.datatypes import name_of_person
from carerecord.formats.hl7v2.delimiters import Delimiters
from carerecord.formats.hl7v2.grammar import Message, Segment, value
from carerecord.formats.hl7v2.instants import parse_birth_date
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import Identifier, NHSNumber, Problem, Source, Subject

Gender = Literal["male", "female", "other", "unknown"]
_GENDERS = cast(dict[str, Gender], GENDERS)
_FIELDS = 40
_KEPT_LENGTH_MAX = 2000
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FORMER = {"M", "B"}  # table 0200: maiden, birth name
_NOT_A_NAME_TO_USE = _FORMER | {"A", "N", "S", "P", "BAD", "NOUSE"}
_TRACE_STATUSES = {f"{number:02}" for number in range(1, 9)}


def read_subject(translating: Translating) -> Subject | None:
    """The subject, or None with a fatal problem where the message does not say whose it is."""
    message = translating.message
    segments = message.all("PID")
    if not segments:
        translating.problem(
            "PID", "required", "There is no PID: send the segment that says who the patient is.", fatal=True
        )
        return None
    if len(segments) > 1:
        sentence = "There is more than one PID: send one message for each patient."
        translating.problem("PID", "one patient", sentence, fatal=True)
        return None
    pid, pd1 = message.field.join(segments[0]), message.find("PD1")
    beside = message.field.join(pd1) if pd1 else ""
    read = _read_once if len(pid) + len(beside) <= _KEPT_LENGTH_MAX else _read
    subject, problems = read(pid, beside, message.delimiters, translating.source)
    translating.problems += problems
    return subject


def _read(
    pid_line: str, pd1_line: str, delimiters: Delimiters, source: Source
) -> tuple[Subject | None, tuple[Problem, ...]]:
    """What the two segments say, whatever message they stand in."""
    segments = [line.split(delimiters.field) for line in (pid_line, pd1_line) if line]
    message = Message(segments, names=[segment[0] for segment in segments], delimiters=delimiters, problems=[])
    translating = Translating(message, source, control_id="", said_at=_NEVER)
    subject = _read_segments(translating, segments[0], segments[1] if pd1_line else None)
    return subject, tuple(translating.problems)


# Nearly all messages of a source repeat what an earlier one said of the same patient, word for word.
_read_once = lru_cache(maxsize=4096)(_read)


def _read_segments(translating: Translating, pid: Segment, pd1: Segment | None) -> Subject | None:
    pid.extend([""] * (_FIELDS - len(pid)))
    numbers, local = _read_identifiers(translating, pid[3] or pid[2])
    nhs_number, as_sent, status_beside = _choose_nhs_number(translating, numbers)
    if not local and not nhs_number:
        sentence = "PID-3 names no patient: send your own number with its authority, or an NHS number as ^^^NHS^NH."
        translating.problem("PID-3", "required", sentence, fatal=True)
        return None
    name, former_names = _read_names(translating, pid[5])
    deceased, deceased_at = _read_death(translating, pid) if pid[29] or pid[30] else (None, None)
    address, postcode = _read_address(translating, pid[11])
    practice, practice_name, gp_name = _read_practice(translating, pd1)
    return Subject(
        local=local,
        nhs_number=nhs_number,
        nhs_number_as_sent=as_sent,
        nhs_number_status=_read_trace_status(translating, pid) or status_beside,
        family=name[0],
        given=name[1],
        prefix=name[2],
        former_names=former_names,
        birth_date=_read_birth_date(translating, pid),
        gender=_GENDERS.get(pid[8]) or _read_gender(translating, pid),
        address=address,
        postcode=postcode,
        phone=(_read_phone(translating, pid[13]) if pid[13] else None) or _read_phone(translating, pid[14]),
        deceased=deceased,
        deceased_at=deceased_at,
        gp_practice=practice,
        gp_practice_name=practice_name,
        gp_name=gp_name,
        language=(translating.text(pid, 15, 2) or translating.text(pid, 15) or None) if pid[15] else None,
        # PD1-12, the protection indicator. Anything but Y or N says nothing, and silence never lifts a protection.
        restricted={"Y": True, "N": False}.get(translating.text(pd1, 12).upper()),
    )


def read_identifiers(translating: Translating, field: str) -> tuple[str | None, tuple[Identifier, ...]]:
    """(NHS number, local identifiers) of a field of CX repetitions: PID-3, MRG-1."""
    numbers, local = _read_identifiers(translating, field)
    return next((str(number) for text, _ in numbers if (number := NHSNumber.found_in(text))), None), local


def _read_identifiers(translating: Translating, field: str) -> tuple[list[tuple[str, str]], tuple[Identifier, ...]]:
    """NHS numbers as (as sent, component 2), and the source's own identifiers."""
    message, source = translating.message, translating.source
    numbers: list[tuple[str, str]] = []
    local: list[Identifier] = []
    for repetition in message.repetitions(field):
        number, check, _, authority, kind = message.parts(repetition, 5)
        if not number:
            continue
        if authority in source.nhs_authorities or kind in source.nhs_authorities:
            numbers.append((number, check))
        elif not source.local_authorities or (authority or kind) in source.local_authorities:
            identifier = Identifier(authority or kind, number)
            if identifier not in local:
                local.append(identifier)
    return numbers, tuple(local)


def _choose_nhs_number(
    translating: Translating, numbers: list[tuple[str, str]]
) -> tuple[str | None, str | None, str | None]:
    """(verified by its check digit, as it was sent, the trace status that some systems write beside it in PID-3.2)."""
    if not numbers:
        return None, None, None
    as_sent, beside = numbers[0]
    valid = list(dict.fromkeys(number for text, _ in numbers if (number := NHSNumber.found_in(text))))
    if len(valid) > 1:
        sentence = "PID-3 holds two different NHS numbers, so neither is used: send the one that was traced."
        translating.problem("PID-3.1", "one NHS number", sentence)
        return None, as_sent, None
    if not valid:
        sentence = "The NHS number of PID-3.1 fails its check digit and is not used: correct it at the sender."
        translating.problem("PID-3.1", "check digit", sentence)
        return None, as_sent, None
    return str(valid[0]), as_sent, beside if beside in _TRACE_STATUSES else None


def _read_trace_status(translating: Translating, pid: Segment) -> str | None:
    text = translating.text(pid, 32)
    if not text:
        return None
    status = text.zfill(2)
    if status in _TRACE_STATUSES:
        return status
    sentence = "PID-32 is no NHS number trace status: write one of 01 to 08."
    translating.problem("PID-32", "unknown code", sentence)
    return None


def _read_names(
    translating: Translating, field: str
) -> tuple[tuple[str | None, tuple[str, ...], str | None], tuple[str, ...]]:
    """((family, given, prefix), former names)."""
    message = translating.message
    names: list[tuple[str, list[str]]] = []
    for repetition in message.repetitions(field):
        parts = message.parts(repetition, 7)
        if any(parts[:3]):
            names.append((parts[6].upper(), parts))
    chosen = next((name for name in names if name[0] not in _NOT_A_NAME_TO_USE), names[0] if names else None)
    former = tuple(" ".join(filter(None, (parts[1], parts[2], parts[0]))) for kind, parts in names if kind in _FORMER)
    if chosen is None:
        return (None, (), None), former
    family, given, middle, _, prefix = chosen[1][:5]
    return (family or None, tuple(filter(None, (given, middle))), prefix or None), former


def _read_birth_date(translating: Translating, pid: Segment) -> date | None:
    text = translating.text(pid, 7)
    if not text or not text.strip("0"):
        return None
    born = parse_birth_date(text, translating.timezone)
    if born is None:
        sentence = "PID-7 is no full date of birth and is not used: write YYYYMMDD."
        translating.problem("PID-7", "date and time", sentence)
    return born


def _read_gender(translating: Translating, pid: Segment) -> Gender | None:
    code = translating.text(pid, 8)
    if not code:
        return None
    gender = _GENDERS.get(code.upper())
    if gender is None:
        sentence = "PID-8 is no code of HL7 table 0001: write M, F, O or U."
        translating.problem("PID-8", "unknown code", sentence)
    return gender


def _read_address(translating: Translating, field: str) -> tuple[tuple[str, ...], str | None]:
    """The first address that says where: a country alone does not."""
    message = translating.message
    for repetition in message.repetitions(field):
        *lines, postcode = message.parts(repetition, 5)
        if message.subcomponent in repetition:
            # A street in subcomponents (SAD): the whole line, else number and name apart.
            street = repetition.split(message.component, 1)[0].split(message.subcomponent)[:3]
            whole, *apart = map(message.text, street)
            lines[0] = whole or " ".join(filter(None, reversed(apart)))
        if any(lines) or postcode:
            return tuple(line for line in lines if line), postcode or None
    return (), None


def _read_phone(translating: Translating, field: str) -> str | None:
    message = translating.message
    for repetition in message.repetitions(field):
        if message.component not in repetition:
            return message.text(repetition) or None
        parts = message.parts(repetition, 12)
        if parts[2].upper() in {"INTERNET", "X.400"} or "@" in parts[0]:
            continue
        number = parts[0] or parts[11] or " ".join(filter(None, (parts[4] and f"+{parts[4].lstrip('+')}", *parts[5:7])))
        if number:
            return number
    return None


def _read_death(translating: Translating, pid: Segment) -> tuple[bool | None, datetime | None]:
    died = translating.instant(pid, 29)
    said = translating.text(pid, 30).upper()
    if said in {"N", "NO", "FALSE", "0"}:
        if died is not None:
            sentence = "PID-30 says alive and PID-29 says when the patient died: PID-30 is used; correct one of them."
            translating.problem("PID-29", "contradiction", sentence)
        return False, None
    if said in {"Y", "YES", "TRUE", "1"} or died is not None:
        return True, died.at if died else None
    if said:
        translating.problem("PID-30", "unknown code", "PID-30 is neither Y nor N and is not used: correct it.")
    return None, None


def _read_practice(translating: Translating, pd1: Segment | None) -> tuple[str | None, str | None, str | None]:
    """(ODS code, name of the practice, name of the GP) from PD1-3 (XON) and PD1-4 (XCN)."""
    if pd1 is None:
        return None, None, None
    message = translating.message
    practice_name = translating.text(pd1, 3) or None
    practice = translating.text(pd1, 3, 3) or translating.text(pd1, 3, 10) or None
    gp_name = None
    for repetition in message.repetitions(value(pd1, 4)):
        number = message.component_of(repetition, 1)
        if practice is None and _is_practice_code(number):
            practice = number  # G9000001~W90001: the GP and then the practice, as some systems send them.
        elif gp_name is None and message.component_of(repetition, 2):
            gp_name = name_of_person(repetition, message) or None
    return practice, practice_name, gp_name


def _is_practice_code(code: str) -> bool:
    """ODS: one letter and five digits. A GP's own code has a letter and seven."""
    return len(code) == 6 and code[0].isalpha() and code.isascii() and code[1:].isdigit()
