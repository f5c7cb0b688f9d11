"""What one look shows, made of what it may see. Pure: the same sight makes the same page, today and in ten years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from carerecord import audit
from carerecord.access import Decision
from carerecord.disclosure import programs
from carerecord.disclosure.answers import (
    answers,
    cautions,
    last_contact,
    opened_from,
    source_answers,
    withheld_answers,
    withholding_sources,
)
from carerecord.disclosure.banner import banner, name_words
from carerecord.disclosure.documents import document_of, original_text
from carerecord.disclosure.restricted import disguised, person_without_places
from carerecord.disclosure.sight import Sight
from carerecord.disclosure.values import Answer, Banner, Document, Looking, Receipt, ShownOriginal, Summary
from carerecord.disclosure.withhold import may_name, withhold
from carerecord.fhir.references import logical_id, patient_part
from carerecord.formats.parts import Part, lines_of
from carerecord.model import Heading, Original, OriginalReference, Person, StoredStatement
from carerecord.organisations import Region
from carerecord.reconciliation import Record, every_entry, receipt, reconcile
from carerecord.reconciliation.pathway import pathway
from carerecord.record import read


def sight_of(
    looking: Looking,
    decision: Decision,
    *,
    witness: audit.Witness,
    person: Person,
    statements: list[StoredStatement],
    region: Region,
) -> Sight:
    """What is left of a person and of what was said of them, for a reader of whom this was decided."""
    known = person
    names: Mapping[str, str] = {source.id: source.name for source in region.sources}
    true_sources: Mapping[str, str] = {}
    seen = withhold(statements, decision)
    withholding = withholding_sources(seen.shown)
    if person.subject.restricted:
        # After what is withheld: "A hospital (2)" would tell that there is another.
        shown, names, true_sources = disguised(seen.shown, region)
        seen = seen._replace(shown=shown)
        withholding = frozenset(token for token, source in true_sources.items() if source in withholding)
        person = person_without_places(person)
    elif not may_name(person.said_by, seen, region):
        person = msgspec.structs.replace(person, said_by="")
    return Sight(
        looking=looking,
        decision=decision,
        witness=witness,
        person=person,
        known=known,
        seen=seen,
        names=names,
        withholding=withholding,
        true_sources=true_sources,
    )


def reconciled(sight: Sight, *, since: date | None) -> Record | None:
    if Heading.CONTACTS not in sight.decision.headings and not sight.is_clinical:
        return None
    return reconcile(sight.statements, region_names=sight.names, since=since)


def banner_of(sight: Sight, record: Record | None, region: Region) -> Banner:
    may_see = Heading.ALLERGIES in sight.decision.headings
    return banner(sight.person, region=region, record=record, shows_allergies=may_see, at=sight.looking.at)


def answers_of(sight: Sight, region: Region, heard: Sequence[Answer]) -> tuple[Answer, ...]:
    said = withheld_answers(sight.withholding, sight.names) if sight.is_clinical else ()
    return (*answers(sight.person.subject, region), *said, *heard)


def summary_of(sight: Sight, region: Region, heard: Sequence[Answer]) -> Summary:
    """`heard` says which sources were not heard as usual just then: what the record itself cannot know."""
    since = last_contact(sight.statements, at=sight.looking.at)
    record = reconciled(sight, since=since)
    return Summary(
        title=region.title,
        banner=banner_of(sight, record, region),
        answers=answers_of(sight, region, heard),
        sources=source_answers(sight.statements, region, sight.names) if sight.is_clinical else (),
        record=record,
        headings=tuple(heading for heading in Heading if heading in sight.decision.headings),
        opened_from=opened_from(sight.looking),
        why=sight.decision.reasons,
        limits=sight.decision.limits,
        evidence=sight.looking.evidence.kind,
        basis=sight.decision.basis,
        policies=sight.decision.policies,
        policy_version=sight.decision.policy_version,
        cautions=cautions(sight.looking, held_name=name_words(sight.person.subject)),
        since=since,
        patient_id=patient_part(sight.person.patient_key),
        role=sight.looking.staff.role,
        pathway=pathway(record, at=sight.looking.at) if record and sight.is_clinical else None,
        is_clinical=sight.is_clinical,
    )


class Opened(NamedTuple):
    """One line opened, with the statements of every message behind it."""

    receipt: Receipt
    behind: list[StoredStatement]


def receipt_of(sight: Sight, entry_id: str, region: Region) -> Opened | None:
    """A line that a newer statement renamed is found by its old id."""
    record = reconciled(sight, since=last_contact(sight.statements, at=sight.looking.at))
    listed = list(every_entry(record)) if record else []
    entry = next((entry for entry in listed if entry.id == entry_id), None) or next(
        (entry for entry in listed if entry_id in entry.statement_ids), None
    )
    if entry is None:
        return None
    sayings = receipt(sight.statements, entry, region_names=sight.names)
    originals = {saying.original for saying in sayings}
    behind = [statement for statement in sight.statements if statement.original in originals]
    return Opened(Receipt(banner=banner_of(sight, record, region), entry=entry, sayings=sayings), behind)


def behind_original(sight: Sight, reference: OriginalReference, of: str) -> list[StoredStatement]:
    """The statement of which an original's part is asked for, and the reports beside it that it stands in.

    Whether the message held anything else is nothing that this looks at: with or without it the answer is the same.
    """
    if not of:
        return _behind_whole(sight, reference)
    logical, _, version = of.partition(".")
    here = [statement for statement in sight.statements if statement.original == reference]
    asked = [
        statement
        for statement in here
        if logical_id(statement.patient_key, statement.local_id) == logical and version in ("", statement.version)
    ]
    if not asked:
        return []
    named = f'"Observation/{asked[0].local_id}"'.encode()
    reports = [each for each in here if each.resource_type == "DiagnosticReport" and named in each.body]
    return [*asked, *(report for report in reports if report not in asked)]


def _behind_whole(sight: Sight, reference: OriginalReference) -> list[StoredStatement]:
    """Of looks that are made again alone: until parts were shown, a message was shown whole to who might see it all."""
    if reference in sight.seen.originals:
        return []
    return [statement for statement in sight.statements if statement.original == reference]


def original_of(
    sight: Sight, kept: read.KeptOriginal, behind: Sequence[StoredStatement], region: Region, *, of: str
) -> ShownOriginal:
    source = region.find_source(kept.source)
    if not of:
        lines = tuple(original_text(kept.content, charset=source.charset if source else "utf-8").split("\n"))
    elif source is None:
        lines = ()
    else:
        original = Original(source=source.id, content=kept.content, received_at=kept.received_at)
        parts = [
            Part(resource_type=each.resource_type, local_id=each.local_id, heading=each.heading) for each in behind
        ]
        lines = lines_of(original, parts, source=source)
    return ShownOriginal(
        banner=banner_of(sight, reconciled(sight, since=None), region),
        reference=kept.reference,
        source_name=source.name if source else kept.source,
        received_at=kept.received_at,
        lines=lines,
        is_whole=not of,
    )


def letter_of(sight: Sight, statement_id: str) -> tuple[StoredStatement, Document] | None:
    return document_of(sight.statements, statement_id)


def bundle_of(sight: Sight, region: Region, heard: Sequence[Answer], *, base: str) -> bytes:
    return programs.everything_bundle(
        sight.person,
        sight.statements,
        answers=answers_of(sight, region, heard),
        base=base,
        at=sight.looking.at,
    )
