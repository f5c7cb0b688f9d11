"""One push, translated: what is wrong with it, or whose it is and what it says (https://hl7.org/fhir/R4/http.html)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from carerecord.fhir.compartments import patient_element
from carerecord.fhir.definitions import definitions
from carerecord.fhir.validate import Issue, validate
from carerecord.formats.fhir.asked import Asked, asked_of
from carerecord.formats.fhir.entries import (
    BYTE_ORDER_MARK,
    Bundle,
    BundleEntry,
    Entry,
    asked_problem,
    not_stated,
    one_request_problems,
    problem,
    read_bundle,
    read_bundle_entry,
    read_entries,
    read_entry,
    request_problems,
)
from carerecord.formats.fhir.moments import parse_moment
from carerecord.formats.fhir.references import References, conditional_problems
from carerecord.formats.fhir.statements import said_at_of, state
from carerecord.formats.fhir.whose import Whose, whose
from carerecord.model import AHEAD_MAX, Original, Problem, Reading, Source, Statement

PROBLEMS_MAX = 1000


def warm() -> None:
    """Read the definitions before the first push waits for them."""
    definitions()


def translate(original: Original, *, source: Source) -> Reading:
    """What the source says in this push. Pure, and never an exception: what cannot be used is a problem."""
    asked = asked_of(original.control_id)
    content = original.content.removeprefix(BYTE_ORDER_MARK)
    if asked.how == "entry":
        return _translate_entry(original, content, asked, source=source)
    if wrong := problems_of(validate(content)):
        return refused(original, wrong, message_type=f"{asked.how} {asked.resource_type or 'Bundle'}")
    if not asked.resource_type:
        return _translate_bundle(original, content, source=source)
    entry = read_entry(content, path=asked.resource_type)
    message_type = f"{asked.how} {asked.resource_type}"
    if found := asked_problem(entry.resource, asked, path=entry.path):
        return refused(original, [found], message_type=message_type)
    return read([entry], original, source=source, said=None, message_type=message_type)


def _translate_bundle(original: Original, content: bytes, *, source: Source) -> Reading:
    try:
        bundle = read_bundle(content)
    except msgspec.DecodeError:
        bundle = Bundle()
    if bundle.type != "transaction":
        wrong = problem("Bundle.type", "not-supported", _NOT_A_TRANSACTION)
        return refused(original, [wrong], message_type="POST Bundle")
    if found := list(request_problems(bundle)):
        return refused(original, found, message_type="transaction")
    entries = read_entries(bundle)
    return read(entries, original, source=source, said=bundle.timestamp, message_type="transaction")


def _translate_entry(original: Original, content: bytes, asked: Asked, *, source: Source) -> Reading:
    """An entry of a batch, with its resource, its address and what it asks for."""
    try:
        found = read_bundle_entry(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = BundleEntry()
    resource = bytes(found.resource)
    wrong = problems_of(validate(resource)) if resource else []
    wrong = wrong or list(one_request_problems(found, path="Bundle.entry"))
    if wrong:
        return refused(original, wrong, message_type="batch entry")
    entry = read_entry(resource, path="", full_url=found.fullUrl)
    entry = msgspec.structs.replace(entry, path=entry.resource_type)
    message_type = f"{found.request.method} {entry.resource_type}"
    return read([entry], original, source=source, said=asked.said_at, message_type=message_type)


def read(entries: list[Entry], original: Original, *, source: Source, said: str | None, message_type: str) -> Reading:
    """Entries that are right by FHIR: whose they are, and one statement of each in their order."""
    references = References(entries, source=source.id)
    wrong = [*not_stated(entries), *conditional_problems(entries)]
    if wrong:
        return refused(original, wrong, message_type=message_type)
    owner = whose(entries, references, source=source)
    if any(found.fatal for found in owner.problems):
        return refused(original, list(owner.problems), message_type=message_type)
    if owner.is_nobodys:
        return Reading(message_type=message_type, control_id=original.control_id, about_nobody=True)
    problems = list(owner.problems)
    pushed_at = _not_ahead((parse_moment(said, "UTC") if said else None) or original.received_at, original, problems)
    statements = [
        _stated(entry, references, owner, original, problems, source=source, pushed_at=pushed_at) for entry in entries
    ]
    about = statements[0].said_at if statements else pushed_at
    if owner.patient is not None:
        about = _said_at(owner.patient, pushed_at, original, problems)
        if owner.is_contained:
            statements.append(state(owner.patient, references, source=source, said_at=about))
    return Reading(
        message_type=message_type,
        control_id=original.control_id,
        subject=owner.subject,
        statements=tuple(statements),
        problems=tuple(problems),
        said_at=about,
        updates_demographics=owner.patient is not None,
        must_be_known=owner.patient is None,
    )


def refused(original: Original, problems: list[Problem], *, message_type: str) -> Reading:
    kept = problems[:PROBLEMS_MAX]
    if len(problems) > PROBLEMS_MAX:
        sentence = f"There are {len(problems) - PROBLEMS_MAX} more errors: mend these first."
        kept.append(Problem(segment="", field="", rule="too-costly", sentence=sentence, fatal=True))
    return Reading(message_type=message_type, control_id=original.control_id, problems=tuple(kept))


def problems_of(issues: list[Issue]) -> list[Problem]:
    return [
        Problem(
            segment=issue.path.partition(".")[0],
            field=issue.path,
            rule=issue.code,
            sentence=issue.sentence,
            fatal=True,
        )
        for issue in issues
    ]


def _stated(
    entry: Entry,
    references: References,
    owner: Whose,
    original: Original,
    problems: list[Problem],
    *,
    source: Source,
    pushed_at: datetime,
) -> Statement:
    moved = ""
    if owner.is_contained and (element := patient_element(entry.resource_type)):
        said = entry.resource.get(element)
        moved = str(said.get("reference", "")).removeprefix("#") if isinstance(said, dict) else ""
    said_at = _said_at(entry, pushed_at, original, problems)
    return state(entry, references, source=source, said_at=said_at, moved=moved)


def _said_at(entry: Entry, pushed_at: datetime, original: Original, problems: list[Problem]) -> datetime:
    return _not_ahead(said_at_of(entry.resource, otherwise=pushed_at), original, problems)


def _not_ahead(said_at: datetime, original: Original, problems: list[Problem]) -> datetime:
    """A sender whose clock is far ahead must not silence every later version of what it says."""
    if said_at <= original.received_at + AHEAD_MAX:
        return said_at
    if _AHEAD not in problems:
        problems.append(_AHEAD)
    return original.received_at


_AHEAD = Problem(
    segment="",
    field="",
    rule="invalid",
    sentence="Something was said in the future: the time of receipt is used instead; set the sender's clock right.",
)
_NOT_A_TRANSACTION = "must be transaction or batch, or send one resource to the address of its type"
