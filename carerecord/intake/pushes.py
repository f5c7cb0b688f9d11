"""What a source is told of its pushes and dropped documents, made from what is stored: a repeat is told the same."""

from __future__ import annotations

from datetime import datetime

import msgspec

from carerecord.fhir.references import logical_id
from carerecord.intake.values import TEXTS, Heard, Kept
from carerecord.model import OriginalReference, Outcome, Problem
from carerecord.record.chunk import version


class PushedResource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that is in the record now, by the id and version under which programs find it."""

    resource_type: str
    logical_id: str
    version: str


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one push: `resources` in the order of its entries, none unless it was recorded."""

    outcome: Outcome
    message_type: str  # "transaction", "PUT Observation"
    problems: tuple[Problem, ...]
    sentence: str  # what became of it, where that is not simply that it was recorded
    resources: tuple[PushedResource, ...]
    reference: OriginalReference
    received_at: datetime  # of the first, where this is a repeat
    is_repeat: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One push, or every entry of a batch in order; None for an entry that could not be kept and must be sent again."""

    pushes: tuple[Pushed | None, ...]
    is_batch: bool


def pushed(heard: Heard, kept: Kept) -> Pushed:
    resources: tuple[PushedResource, ...] = ()
    if kept.outcome is Outcome.RECORDED and kept.patient_key is not None:
        resources = tuple(
            PushedResource(
                resource_type=statement.resource_type,
                logical_id=logical_id(kept.patient_key, statement.local_id),
                version=version(statement.body),
            )
            for statement in heard.statements
        )
    return Pushed(
        outcome=kept.outcome,
        message_type=heard.message_type,
        problems=tuple(in_fhir(problem) for problem in kept.problems),
        sentence=TEXTS[kept.outcome].strip(),
        resources=resources,
        reference=kept.reference,
        received_at=kept.received_at or heard.received_at,
        is_repeat=kept.is_repeat,
    )


def sentences(kept: Kept) -> tuple[str, ...]:
    """Why a dropped document was refused."""
    if kept.outcome is not Outcome.REFUSED:
        return ()
    said = tuple(in_fhir(problem).sentence for problem in kept.problems)
    return (*said, f"It is kept as {kept.reference}: mend what is said above and drop both files again.")


NOT_KNOWN = (
    "It refers to a patient of whom this source has said nothing yet: send the Patient, and have those who run the "
    "record replay this; it need not be sent again."
)


def in_fhir(problem: Problem) -> Problem:
    """The patient index names the fields of HL7 v2; who speaks FHIR knows them by another name."""
    if problem.segment != "PID":
        return problem
    said = NOT_KNOWN if problem.rule == "not known" else problem.sentence.replace("PID-3", "Patient.identifier")
    return msgspec.structs.replace(problem, segment="Patient", field="Patient.identifier", sentence=said)
