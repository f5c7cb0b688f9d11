"""Assessments: questions with their answers, risks and findings, as their source wrote them; no score is worked out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from carerecord.fhir.care_resources import Assessment, Question, read
from carerecord.fhir.resources import read_observation
from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.entries import AssessmentEntry
from carerecord.reconciliation.one_line import Line, words_of
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.values import flag_words, value_of
from carerecord.reconciliation.versions import Context, Item

KINDS = frozenset(("QuestionnaireResponse", "RiskAssessment", "ClinicalImpression"))
NAMES = {
    "QuestionnaireResponse": "Assessment",
    "RiskAssessment": "Risk assessment",
    "ClinicalImpression": "Clinical impression",
}


def entries(items: Sequence[Item], context: Context) -> tuple[AssessmentEntry, ...]:
    return line_entries(items, context, line_of, AssessmentEntry)


def line_of(statement: StoredStatement) -> Line:
    if statement.resource_type == "Observation":
        return _score(statement)
    if statement.resource_type not in KINDS:
        return other.line_of(statement)
    said = read(Assessment, statement.body)
    author = next((name for each in (said.author, said.performer, said.assessor) if (name := said.named(each))), "")
    answers = tuple(_answers(said))
    return Line(
        what=_name(said) or NAMES[statement.resource_type],
        details=(author, said.summary, "" if said.status in ("completed", "final", "") else said.status),
        is_over=said.status in ("stopped", "entered-in-error", "cancelled"),
        more={"answers": answers, "author": author},
    )


def _name(said: Assessment) -> str:
    title = next((own.valueString for own in said.extension if own.url.rpartition("/")[2] in ("title", "display")), "")
    described = said.description.partition("\n")[0]
    questionnaire = said.questionnaire.partition("|")[0].rpartition("/")[2].replace("-", " ")
    return words_of(said.code) or title or described or questionnaire.capitalize()


def _answers(said: Assessment) -> Iterator[tuple[str, str]]:
    yield from _questions(said.item)
    for risk in said.prediction:
        yield (
            words_of(risk.outcome) or "Risk",
            " – ".join(part for part in (words_of(risk.qualitativeRisk), risk.rationale) if part),
        )
    for finding in said.finding:
        if words := words_of(finding.itemCodeableConcept):
            yield "Finding", words
    if said.mitigation:
        yield "What helps", said.mitigation
    for note in said.note:
        yield "Note", note.text


def _questions(items: Sequence[Question]) -> Iterator[tuple[str, str]]:
    for item in items:
        if words := ", ".join(text for answer in item.answer if (text := answer.words)):
            yield item.text or item.linkId, words
        yield from _questions(item.item)


def _score(statement: StoredStatement) -> Line:
    said = read_observation(statement.body)
    value = value_of(said)
    return Line(
        what=words_of(said.code) or "Assessment without a name",
        details=(
            f"{value.text} {value.unit}".strip(),
            flag_words(said.interpretation),
            *(note.text for note in said.note),
        ),
    )
