"""Labels the statements of a Reading: by the sending service first, then by code, then by words.

What may be labelled by that is everything but allergies, medicines and results: a hidden antiretroviral is an
interaction missed. Those bear only what their own source marks. Each statement is looked at for itself, so that a
hidden problem is not told by a referral's reason, a clinic's name or a letter's words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from carerecord.model import Heading, Reading, Source, Statement
from carerecord.organisations import SensitiveCodes
from carerecord.sensitivity.codes import bits_of_code
from carerecord.sensitivity.findings import Finding
from carerecord.sensitivity.labels import Label
from carerecord.sensitivity.marks import MARKS, marks_of
from carerecord.sensitivity.said import OF_SERVICE, SKIPPED, Code, File, documents_in, service_in, walk
from carerecord.sensitivity.services import DETAIL, Service, by_code, by_kind, by_name, by_unit
from carerecord.sensitivity.shipped import version as version
from carerecord.sensitivity.words import find_in

NEVER_INFERRED: Final = frozenset(
    (Heading.ALLERGIES, Heading.MEDICINES, Heading.RESULTS, Heading.IMAGING, Heading.DEMOGRAPHICS)
)
# What is no care in itself, or a decision about treatment that must be found: only their source's mark labels them.
_TYPES_NEVER_INFERRED: Final = frozenset(
    ["Patient", "Medication", "MedicationKnowledge", "Substance", "Specimen", "Consent"]
)
_DETAIL_BITS: Final = int(Label.MENTAL_HEALTH | Label.SOCIAL_CARE)
_DETAIL_HEADINGS: Final = DETAIL | {Heading.PROCEDURES}
# A heading that is a label by itself needs no second one: who sees the heading sees it.
_BY_HEADING: Final = {Heading.SAFEGUARDING: int(Label.SAFEGUARDING), Heading.SOCIAL_CARE: int(Label.SOCIAL_CARE)}
_CACHED_LENGTH_MAX: Final = 600

Lists = tuple[SensitiveCodes, ...]
Files = Callable[[bytes], str | None]  # the words of a PDF; None: they cannot be read; "": there are none
_WORDS_LETTERS_MIN: Final = 20  # Fewer are a page's number, and the letter is a picture.

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


def labelled(reading: Reading, *, source: Source, own: Lists = (), files: Files | None = None) -> Reading:
    """The reading with labels on its statements. `own`: lists that the region adds to the shipped ones. `files`: reads
    the words of a PDF."""
    found = _findings(reading, source, own, files)
    statements = list(reading.statements)
    changed = False
    for index, findings in found:
        bits = 0
        for finding in findings:
            bits |= finding.bits
        if bits:
            statement = statements[index]
            statements[index] = msgspec.structs.replace(statement, sensitivity=statement.sensitivity | bits)
            changed = True
    return msgspec.structs.replace(reading, statements=tuple(statements)) if changed else reading


def explain(
    reading: Reading, *, source: Source, own: Lists = (), files: Files | None = None
) -> dict[str, tuple[Finding, ...]]:
    """What was found in each statement, by its local id: for operators and the audit, never for a reader."""
    return {
        reading.statements[index].local_id: tuple(findings)
        for index, findings in _findings(reading, source, own, files)
        if findings
    }


def _findings(reading: Reading, source: Source, own: Lists, files: Files | None) -> Iterator[tuple[int, list[Finding]]]:
    statements = reading.statements
    of_source = _of_source(source)
    may_bear_marks = reading.may_bear_marks
    services = _of_message(reading, source)
    reader = _Reader(source, files, is_named=bool(reading.settings))
    stays: dict[str, list[Service]] = {}
    parts: list[list[Finding]] = []
    for statement in statements:
        body = statement.body
        found: list[Finding] = []
        # Who the person is, is no statement that bears a label: a restricted person is disguised at the door.
        is_marked = may_bear_marks and (b'"security' in body or b'"confidentiality"' in body)
        if (of_source or is_marked) and statement.resource_type != "Patient":
            found = [*of_source, *marks_of(body)]
        if statement.heading not in NEVER_INFERRED and may_be_inferred(statement):
            inferred, named = _inferred(statement, source, own, reader)
            if named and statement.resource_type == "Encounter":
                stays[statement.local_id] = named
            found += _allowed(statement, [*_by_services(statement, (*services, *named)), *inferred])
        parts.append(found)
    if stays:
        _inherit(statements, parts, stays)
    return ((index, found) for index, found in enumerate(parts) if found)


def may_be_inferred(statement: Statement) -> bool:
    return statement.heading not in NEVER_INFERRED and statement.resource_type not in _TYPES_NEVER_INFERRED


def _of_source(source: Source) -> tuple[Finding, ...]:
    bits = MARKS.get(source.confidentiality.upper(), 0) if source.confidentiality else 0
    return (Finding(bits, "source:confidentiality"),) if bits else ()


def _of_message(reading: Reading, source: Source) -> tuple[Service, ...]:
    """Which services the message as a whole is of: its source's, and what it says of where it comes from."""
    found = [*by_kind(source.kind), *by_kind(source.service)] if source.service else [*by_kind(source.kind)]
    for system, code, name in reading.settings:
        found += by_code(system, code)
        found += by_name(name) if name else ()
        found += by_unit(dict(source.units), code) if source.units else ()
    return tuple(dict.fromkeys(found)) if found else ()


def _by_services(statement: Statement, services: Iterable[Service]) -> list[Finding]:
    return [
        Finding(service.bits, service.rule) for service in services if not service.detail or statement.heading in DETAIL
    ]


def _inherit(statements: Sequence[Statement], parts: list[list[Finding]], stays: dict[str, list[Service]]) -> None:
    """What refers to a stay of a sensitive service is of that service too."""
    for local_id, services in stays.items():
        reference = f'"Encounter/{local_id}"'.encode()
        for index, statement in enumerate(statements):
            if may_be_inferred(statement) and reference in statement.body:
                parts[index] += _allowed(statement, _by_services(statement, services))


def _allowed(statement: Statement, found: Iterable[Finding]) -> list[Finding]:
    """Without the bits that this heading does not bear."""
    without = _BY_HEADING.get(statement.heading, 0)
    if statement.heading not in _DETAIL_HEADINGS:
        without |= _DETAIL_BITS
    kept = []
    for finding in found:
        if bits := finding.bits & ~without:
            kept.append(finding if bits == finding.bits else msgspec.structs.replace(finding, bits=bits))
    return kept


class _Reader:
    """Reads files of a message. What has no words that can be read may be of any service that its source is known to
    have, unless the message names the service that it is of."""

    def __init__(self, source: Source, files: Files | None, *, is_named: bool) -> None:
        self._source = source
        self._files = files
        self._is_named = is_named

    def find_in(self, file: File, statement: Statement) -> list[Finding]:
        words = self._files(file.content) if self._files and file.kind == "application/pdf" else None
        if words is not None and len(words.strip()) >= _WORDS_LETTERS_MIN:
            return find_in(words, where=file.where)
        if self._is_named or b'"practiceSetting"' in statement.body or b'"serviceType"' in statement.body:
            return []
        bits = 0
        for _, service in self._source.units:
            for each in by_kind(service):
                bits |= each.bits
        return [Finding(bits, "file:not-read", file.where)] if bits else []


def _inferred(statement: Statement, source: Source, own: Lists, reader: _Reader) -> tuple[list[Finding], list[Service]]:
    """What its codes, words and files give away, and of which services it says that it is."""
    findings: list[Finding] = []
    services: list[Service] = []
    for name, raw in _members(statement.body).items():
        if name in SKIPPED:
            if name == "content":
                for said in documents_in(bytes(raw)):
                    if isinstance(said, File):
                        findings += reader.find_in(said, statement)
                    else:
                        findings += find_in(said.text, where=said.where)
            continue
        content = bytes(raw)
        read = _read_part if len(content) <= _CACHED_LENGTH_MAX else _read_part.__wrapped__
        found, named, files = read(name, content, own)
        if found or named or files:
            findings += found
            services += named
            for file in files:
                findings += reader.find_in(file, statement)
        if source.units and name == "location":
            services += _of_units(source, content)
    return findings, list(dict.fromkeys(services))


# The codes, clinics and words of a source come again in message after message: each is looked at once.
@lru_cache(maxsize=32_768)
def _read_part(
    name: str, content: bytes, own: Lists
) -> tuple[tuple[Finding, ...], tuple[Service, ...], tuple[File, ...]]:
    if content[:1] not in b'{["':
        return (), (), ()
    findings: list[Finding] = []
    services: list[Service] = []
    files: list[File] = []
    says_service = name in OF_SERVICE
    for said in walk(_decode(content), name, of_person=name in ("author", "performer", "requester", "participant")):
        if isinstance(said, Code):
            bits, rule = bits_of_code(said.system, said.code, own=own)
            if bits:
                findings.append(Finding(bits, rule, said.where))
            services += by_code(said.system, said.code)
        elif isinstance(said, File):
            files.append(said)
        else:
            if says_service:
                services += by_name(service_in(said))
            if not said.is_person:
                findings += find_in(said.text, where=said.where)
    return tuple(findings), tuple(services), tuple(files)


def _of_units(source: Source, content: bytes) -> Iterator[Service]:
    """A source's own codes of its wards and clinics, as region.toml maps them."""
    for unit, service in source.units:
        if f'"{unit}'.encode() in content:
            yield from by_kind(service)
