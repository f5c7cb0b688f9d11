"""Medicines: one line for each ingredient, strength, form and route, whoever said it; no dose is ever chosen.

Joined only by the same code, or by words that say the same ingredient, strength and form, and always the same route
(field report, correction 10). Where sources differ about the dose or about taking it at all, each is quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from carerecord.fhir.care_resources import Dosage, Medication, read
from carerecord.fhir.resources import Concept
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation.dates import span, written
from carerecord.reconciliation.entries import Mark, MedicineEntry
from carerecord.reconciliation.high_risk import kind_of
from carerecord.reconciliation.joining import Key, join, shared_keys
from carerecord.reconciliation.medicine_words import MedicineWords, read_words, route_of, tidy
from carerecord.reconciliation.one_line import at_of, joined, listed, words_of
from carerecord.reconciliation.versions import (
    OVER,
    Context,
    Item,
    latest_other,
    source_names,
    statement_ids,
    written_day,
)

UNREADABLE = "A medicine that could not be read: open the original message"
KINDS = frozenset(("MedicationStatement", "MedicationRequest", "MedicationDispense", "MedicationAdministration"))
State = Literal["taken", "over", "given", "error"]
# https://hl7.org/fhir/R4/valueset-medication-statement-status.html and those of its siblings.
STATES: dict[str, State] = {
    "stopped": "over",
    "completed": "over",
    "not-taken": "over",
    "cancelled": "over",
    "declined": "over",
    "not-done": "over",
    "ended": "over",
    "entered-in-error": "error",
}
WORDS = {"not-taken": "not taken", "on-hold": "on hold", "not-done": "not given", "completed": "course completed"}
HOSPITAL_ONLY = frozenset(("hospital-only", "hospital only"))
Substances = Mapping[tuple[str, str], Concept]  # (source, local id) of a Medication sent by itself -> what it is


class _Said(msgspec.Struct, gc=False):
    """One item with what it says, read once."""

    item: Item
    what: str
    words: MedicineWords
    codes: tuple[Key, ...]
    dose: str
    route: str
    state: State
    status: str
    resource: Medication


def entries(items: Sequence[Item], context: Context, substances: Substances) -> tuple[MedicineEntry, ...]:
    said = [_read(item, item.newest, substances) for item in items]
    groups = join(
        said,
        [[(*key, each.route) for key in each.codes] for each in said],
        [(*each.words[:3], each.route) if each.words.is_whole else None for each in said],
    )
    made = [_entry(group, context, substances) for group in groups]
    # What is taken first, what could harm most first among it, then by name; what is over comes last, newest first.
    return tuple(
        sorted(
            made,
            key=lambda entry: (
                not entry.is_current,
                not (entry.high_risk or entry.is_hospital_only) if entry.is_current else False,
                entry.what.casefold() if entry.is_current else "",
                0.0 if entry.is_current else -at_of(entry).timestamp(),
                entry.id,
            ),
        )
    )


def _read(item: Item, statement: StoredStatement, substances: Substances) -> _Said:
    resource = read(Medication, statement.body)
    concept = _concept(resource, statement.source, substances)
    what = words_of(concept) or resource.named(resource.medicationReference) or UNREADABLE
    words = read_words(what)
    doses = _doses(resource)
    said_route = next((dose.route for dose in doses if dose.route), None)
    codes = tuple(coding.code for coding in said_route.coding) if said_route else ()
    state = _state(statement, resource.status)
    return _Said(
        item=item,
        what=what,
        words=words,
        codes=shared_keys(concept),
        dose="; ".join(dict.fromkeys(text for dose in doses if (text := dose_words(dose)))),
        route=route_of(words_of(said_route), codes) or words.route,
        state=state,
        status=_status(statement, resource, state),
        resource=resource,
    )


def _concept(resource: Medication, source: str, substances: Substances) -> Concept | None:
    if resource.medicationCodeableConcept is not None:
        return resource.medicationCodeableConcept
    named = resource.medicationReference
    if named is None:
        return None
    inside = next((each.code for each in resource.contained if f"#{each.id}" == named.reference), None)
    return inside or substances.get((source, named.local_id))


def _doses(resource: Medication) -> tuple[Dosage, ...]:
    said = resource.dosage if resource.dosage is not None else resource.dosageInstruction
    return said if isinstance(said, tuple) else (said,)


def dose_words(dose: Dosage) -> str:
    """The dose as its source wrote it; put together from its parts only where it wrote no words."""
    if dose.text or dose.patientInstruction:
        return dose.text or dose.patientInstruction
    amounts = [dose.dose, *(each.doseQuantity for each in dose.doseAndRate)]
    parts = [f"{format(each.value, 'f')} {each.unit}".strip() for each in amounts if each and each.value is not None]
    parts.append(words_of(dose.timing.code) if dose.timing else "")
    return " ".join(part for part in (*parts, *(each.words for each in dose.additionalInstruction)) if part)


def _state(statement: StoredStatement, status: str) -> State:
    if statement.standing is Standing.ENTERED_IN_ERROR or status == "entered-in-error":
        return "error"
    if statement.standing is Standing.CANCELLED:
        return "over"
    if statement.resource_type == "MedicationDispense" and status == "completed":
        return "given"  # That it was handed over once says nothing about whether it is still taken.
    if not status:
        return "over" if statement.standing is Standing.RESOLVED else "taken"
    return STATES.get(status, "taken")


def _status(statement: StoredStatement, resource: Medication, state: State) -> str:
    if state == "given":
        return " ".join(part for part in ("dispensed", written(resource.whenHandedOver)) if part)
    if statement.resource_type == "MedicationAdministration" and resource.status in ("", "completed"):
        return "given"
    if state == "error" or statement.standing is Standing.CANCELLED:
        return "entered in error" if state == "error" else "cancelled"
    if resource.status in ("active", "unknown", "in-progress", ""):
        return "" if state == "taken" else "over"
    return WORDS.get(resource.status, resource.status.replace("-", " "))


def _entry(group: Sequence[_Said], context: Context, substances: Substances) -> MedicineEntry:
    taken = [said for said in group if said.state in ("taken", "given")]
    # What still counts speaks for the line: a stopped or mistaken item never gives it its words or its dose.
    ranked = [*taken, *(said for said in group if said.state == "over"), *(s for s in group if s.state == "error")]
    first, listed_ = ranked[0], [said.item for said in ranked]
    spoken = taken or [said for said in ranked if said.state == first.state]
    doses = list(dict.fromkeys(tidy(said.dose) for said in spoken if said.dose))
    conflict = _conflict(group, context)
    is_dose_open = len({_alike(dose) for dose in doses}) > 1
    dose = ("doses differ" if conflict else " and ".join(doses)) if is_dose_open else (doses[0] if doses else "")
    spellings = dict.fromkeys(
        tidy(said.what) for said in ranked if read_words(said.what) != first.words or not first.words.is_whole
    )
    also = [name for name in spellings if name.casefold() != tidy(first.what).casefold()]
    hospital = any(_is_hospital_only(said.resource) for said in spoken)
    resource = first.resource
    is_current = bool(taken)
    since = written(resource.effectiveDateTime or resource.authoredOn) or span(resource.effectivePeriod)
    return MedicineEntry(
        id=first.item.id,
        heading=first.item.newest.heading,
        what=tidy(first.what),
        detail=joined(dose, first.status, f"also written {' and '.join(also)}" if also else ""),
        happened_at=first.item.newest.happened_at,
        said_at=max(said.item.newest.said_at for said in ranked),
        sources=source_names(listed_, context),
        marks=_marks(ranked, conflict, context, substances, is_current=is_current),
        conflict=conflict or None,
        is_current=is_current,
        statement_ids=statement_ids(listed_),
        rule=_rule(group),
        dose=dose,
        route=first.route,
        status=first.status,
        since=since,
        high_risk=kind_of(first.what, first.route),
        is_hospital_only=hospital,
    )


def _is_hospital_only(resource: Medication) -> bool:
    concepts = [*listed(resource.category), *listed(resource.courseOfTherapyType)]
    said = {text.casefold() for each in concepts for text in (each.text, *(code.code for code in each.coding))}
    return bool(said & HOSPITAL_ONLY)


def _alike(dose: str) -> str:
    return " ".join(dose.casefold().split()).strip(" .;,")


def _conflict(group: Sequence[_Said], context: Context) -> str:
    """Who says what, in one sentence, where two sources differ about the dose or about taking it; "" where none do."""
    counted = [said for said in group if said.state != "error"]
    by_source: dict[str, list[_Said]] = {}
    for said in counted:
        by_source.setdefault(said.item.newest.source, []).append(said)
    # A source that still lists it somewhere lists it, whatever it stopped before; a dispensing alone takes no side.
    sides = {source: own for source, own in by_source.items() if any(said.state != "given" for said in own)}
    takes = {source: any(said.state == "taken" for said in own) for source, own in sides.items()}
    sentences: list[str] = []
    if len(set(takes.values())) > 1:
        for source, own in sides.items():
            shown = next((said for said in own if said.state == "taken"), own[0])
            verb = "lists it as taken" if takes[source] else f"says {shown.status or 'stopped'}"
            sentences.append(_says(shown, verb, context))
    doses = {
        source: frozenset(_alike(tidy(said.dose)) for said in own if said.state == "taken" and said.dose)
        for source, own in by_source.items()
    }
    if len({said for said in doses.values() if said}) > 1:
        for own in by_source.values():
            told = list(dict.fromkeys(tidy(said.dose) for said in own if said.state == "taken" and said.dose))
            if told:
                shown = next(said for said in own if said.state == "taken" and said.dose)
                sentences.append(_says(shown, f"says {' and '.join(told)}", context))
    return f"{'; '.join(dict.fromkeys(sentences))}: check with the patient" if sentences else ""


def _says(said: _Said, what: str, context: Context) -> str:
    return f"{context.name(said.item.newest.source)} {what}, {written_day(said.item.newest.said_at)}"


def _rule(group: Sequence[_Said]) -> str:
    if len(group) == 1:
        return "Said once: nothing was joined."
    shared = set(group[0].codes)
    for said in group[1:]:
        shared &= set(said.codes)
    if shared:
        return "Joined because the medicine has the same code and the same route."
    if all(said.words.is_whole and said.words == group[0].words for said in group):
        return "Joined because the words say the same ingredient, strength, form and route."
    return "Joined by the same code or the same ingredient, strength and form, and the same route."


def _marks(
    ranked: Sequence[_Said], conflict: str, context: Context, substances: Substances, *, is_current: bool
) -> tuple[Mark, ...]:
    first = ranked[0]
    marks: list[Mark] = []
    if first.state == "error":
        return (Mark.ENTERED_IN_ERROR,)
    if not is_current:
        marks.append(Mark.CANCELLED if first.item.newest.standing is Standing.CANCELLED else Mark.STOPPED)
    elif all(context.is_new(said.item) for said in ranked if said.state != "error"):
        marks.append(Mark.NEW)
    elif any(_has_changed(said, context, substances) for said in ranked):
        marks.append(Mark.CHANGED)
    if conflict:
        marks.append(Mark.SOURCES_DIFFER)
    return tuple(marks)


def _has_changed(said: _Said, context: Context, substances: Substances) -> bool:
    if said.item.newest.standing in OVER or not said.item.older or not context.said_since(said.item):
        return False
    before = latest_other(said.item)
    if before is None:
        return False
    earlier = _read(said.item, before, substances)
    return (earlier.what, earlier.dose, earlier.state) != (said.what, said.dose, said.state)
