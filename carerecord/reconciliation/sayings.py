"""The receipt: what each source said, word for word, behind one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carerecord.fhir.care_resources import Measurement, read
from carerecord.fhir.resources import (
    Annotation,
    Concept,
    read_allergy,
    read_condition,
    read_document,
    read_encounter,
    read_report,
)
from carerecord.model import Heading, StoredStatement
from carerecord.reconciliation import letters, results, stays
from carerecord.reconciliation.allergies import severity_words
from carerecord.reconciliation.any_saying import code_words, said_by_any, when
from carerecord.reconciliation.entries import Entry, Saying
from carerecord.reconciliation.observations import part_value
from carerecord.reconciliation.other import kind_words
from carerecord.reconciliation.values import flag_words, range_words, value_of
from carerecord.reconciliation.versions import items, statement_id

Lines = list[tuple[str, str]]


def receipt(
    statements: Sequence[StoredStatement], entry: Entry, *, region_names: Mapping[str, str]
) -> tuple[Saying, ...]:
    """Every saying behind `entry`, newest first: also those that the same source has since said differently."""
    wanted = frozenset(entry.statement_ids)
    sayings: list[Saying] = []
    for listed in items(statements).values():
        for item in listed:
            if item.id not in wanted:
                continue
            told: set[tuple[object, str]] = set()
            for statement in (item.newest, *item.older):
                if (statement.original, statement.version) in told:
                    continue  # labelled anew since, and otherwise what it was
                told.add((statement.original, statement.version))
                sayings.append(
                    Saying(
                        statement_id=statement_id(item, statement),
                        source=statement.source,
                        source_name=region_names.get(statement.source, statement.source),
                        said_at=statement.said_at,
                        happened_at=statement.happened_at,
                        standing=statement.standing,
                        lines=tuple((label, text) for label, text in said_lines(statement) if text),
                        original=statement.original,
                        is_superseded=statement.version != item.newest.version,
                    )
                )
    sayings.sort(key=lambda saying: (saying.said_at, saying.original, saying.statement_id), reverse=True)
    return tuple(sayings)


def said_lines(statement: StoredStatement) -> Lines:
    """(label, the source's own words) of one statement; a kind without a reader of its own is told whole."""
    readers = {
        "AllergyIntolerance": _allergy,
        "Observation": _observation,
        "DiagnosticReport": _report,
        "Encounter": _encounter,
        "DocumentReference": _document,
        "Condition": _condition,
    }
    reader = readers.get(statement.resource_type)
    lines = reader(statement.body) if reader else _other(statement)
    return [*lines, ("Sensitivity", "Marked as sensitive")] if statement.sensitivity else lines


def _codes(concept: Concept | None) -> Lines:
    if concept is None:
        return []
    return [("Code", code_words(each.system, each.code, each.display)) for each in concept.coding if each.code]


def _notes(notes: tuple[Annotation, ...]) -> Lines:
    return [("Note", note.text) for note in notes]


def _words(concept: Concept | None) -> str:
    return concept.words if concept else ""


def _unusual(concept: Concept | None, usual: str) -> str:
    said = _words(concept)
    return "" if said.casefold() == usual else said


def _allergy(body: bytes) -> Lines:
    said = read_allergy(body)
    return [
        ("Substance", _words(said.code)),
        *_codes(said.code),
        *(("Reaction", concept.words) for reaction in said.reaction for concept in reaction.manifestation),
        *(("Reaction in words", reaction.description) for reaction in said.reaction),
        ("Severity", severity_words(said)),
        ("Criticality", said.criticality),
        ("Kind", ", ".join(said.category)),
        # R4 demands a status where the source gave none: only what is out of the ordinary was said.
        ("Clinical status", _unusual(said.clinicalStatus, "active")),
        ("Verification", _unusual(said.verificationStatus, "confirmed")),
        ("Onset", when(said.onsetDateTime)),
        ("Recorded", when(said.recordedDate)),
        ("Recorded by", said.recorder.display if said.recorder else ""),
        ("Said by", said.asserter.display if said.asserter else ""),
        *_notes(said.note),
    ]


def _observation(body: bytes) -> Lines:
    said = read(Measurement, body)
    value = value_of(said)
    return [
        ("Test", _words(said.code)),
        *_codes(said.code),
        ("Value", f"{value.text} {value.unit}".strip()),
        *(("Value as sent", own.valueString) for own in (said.valueQuantity.extension if said.valueQuantity else ())),
        *_components(said),
        ("Flag", flag_words(said.interpretation)),
        *(("Reference range", range_words(limits)) for limits in said.referenceRange),
        ("Specimen", said.specimen.display if said.specimen else ""),
        ("Method", _words(said.method)),
        ("Collected", when(said.effectiveDateTime)),
        ("Issued", when(said.issued)),
        ("Status", said.status),
        *(("Laboratory", performer.display) for performer in said.performer),
        *_notes(said.note),
    ]


def _components(said: Measurement) -> Lines:
    """The parts of a value of several: systolic and diastolic, a weight and its centile."""
    read_parts = ((part, value_of(part_value(part))) for part in said.component)
    return [(_words(part.code) or "Part", f"{value.text} {value.unit}".strip()) for part, value in read_parts]


def _report(body: bytes) -> Lines:
    said = read_report(body)
    return [
        ("Report", _words(said.code)),
        *_codes(said.code),
        ("Text", results.report_text(said)),
        ("Status", said.status),
        *(("Laboratory", performer.display) for performer in said.performer),
        *_notes(said.note),
    ]


def _encounter(body: bytes) -> Lines:
    said = read_encounter(body)
    return [
        ("Kind", stays.kind_words(said)),
        *(("Type", concept.words) for concept in said.type),
        ("Service", _words(said.serviceType)),
        ("Started", when(said.period.start) if said.period else ""),
        ("Ended", when(said.period.end) if said.period else ""),
        *(("Place", place.location.display) for place in said.location if place.location),
        *(
            (", ".join(kind.words for kind in person.type) or "With", person.individual.display)
            for person in said.participant
            if person.individual
        ),
        *(("Reason", concept.words) for concept in said.reasonCode),
        ("Discharged to", _words(said.hospitalization.dischargeDisposition) if said.hospitalization else ""),
        ("Status", said.status),
        *_notes(said.note),
    ]


def _document(body: bytes) -> Lines:
    said = read_document(body)
    attachment = letters.main_attachment(said)
    is_text = attachment is not None and (attachment.contentType or "text/plain").startswith("text/plain")
    return [
        ("Title", letters.title_words(said)),
        ("Type", _words(said.type)),
        ("Author", letters.author_words(said)),
        ("Date", when(said.date)),
        ("Status", said.docStatus or said.status),
        ("Text", letters.attachment_text(attachment) if attachment and is_text else ""),
        ("Document", attachment.contentType if attachment and not is_text else ""),
        *_notes(said.note),
    ]


def _condition(body: bytes) -> Lines:
    said = read_condition(body)
    return [
        ("Problem", _words(said.code)),
        *_codes(said.code),
        ("Clinical status", _words(said.clinicalStatus)),
        ("Verification", _words(said.verificationStatus)),
        ("Severity", _words(said.severity)),
        ("Onset", when(said.onsetDateTime)),
        ("Over", when(said.abatementDateTime)),
        ("Recorded", when(said.recordedDate)),
        ("Said by", said.asserter.display if said.asserter else ""),
        *_notes(said.note),
    ]


def _other(statement: StoredStatement) -> Lines:
    kind = "Demographics" if statement.heading is Heading.DEMOGRAPHICS else kind_words(statement.resource_type)
    return [("Kind", kind), *said_by_any(statement.body)]
