"""What a page that is right shows of a person: the expected entries of each heading, by the rules of entries alone.

One entry is:
* a problem: all that share a code in any of their codings, or else the words, across sources and within one;
* an allergy: all that name the same substance and are of one kind (standing, resolved, entered in error);
* a medicine: all of one ingredient, strength, form and route;
* an immunisation or a procedure: the same code on the same day, one of each source;
* an observation: all of one measure and unit of one source, its values in time, never joined across sources;
* of every other heading: one item of one source.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Literal

import msgspec

from demo.people.codes.medicines import PRODUCTS
from demo.people.contents import AllergyEntry, Immunisation, Measurement, Medicine, Notice, Operation, Problem
from demo.people.nouns import Booked, Imaged, Person, Referred, Stated, Told, Written
from demo.people.pathways import NO_KNOWN_ALLERGIES
from demo.people.stated import heading_of, newest, replaced_ids, resource_of, status_of

Entry = dict[str, Any]
State = Literal["current", "said", "over", "error"]
_BY_TEXT = {text: product for product in PRODUCTS.values() for text in (product.text, product.other_words) if text}
_SEVERITIES = {"SV": "severe", "MO": "moderate", "MI": "mild"}
_OVER = {
    "stopped",
    "completed",
    "resolved",
    "inactive",
    "revoked",
    "replaced",
    "cancelled",
    "noshow",
    "not-done",
    "finished",
}


class Said(msgspec.Struct, frozen=True):
    """One item of one source as it stands. `keys`: whatever shares one of them is the same entry."""

    source: str
    member: Entry
    what: str
    state: State
    keys: tuple[Hashable, ...]
    dose: str = ""
    severity: str = ""
    is_absence: bool = False


def expected_entries(person: Person) -> list[Entry]:
    """Entries of what belongs on one page: apart from them stand the sources that nothing may join by itself."""
    stated = newest(person)
    replaced = replaced_ids(person)
    alone = set(person.apart)
    if person.nhs_number is None:  # Nothing joins: each source is a page of its own.
        heard = dict.fromkeys(event.source for event in person.story)
        groups = [{source} for source in heard]
    else:
        together = {event.source for event in person.story} - alone
        groups = [together, *({source} for source in person.apart)]
    entries: list[Entry] = []
    for group, sources in enumerate(each for each in groups if each):
        own = [event for event in stated if event.source in sources]
        found = [
            *_joined("problems", [*_problems(person, sources), *_stated_problems(own)], _problem),
            *_joined("allergies", _allergies(person, own, sources), _allergy),
            *_joined("medicines", _medicines(own), _medicine),
            *_same_day(own),
            *_observed(own),
            *_single(own, replaced),
            *_hl7_single(person, sources),
        ]
        entries += [{**entry, "group": group} for entry in found]
    return entries


# --- problems, allergies, medicines -----------------------------------------------------------------------------------


def _problems(person: Person, sources: set[str]) -> list[Said]:
    """A hospital's DG1: one item for each code; it says that the diagnosis was made, not whether it lasts."""
    items: dict[tuple[str, str], Said] = {}
    for event in person.story:
        if not isinstance(event, Told) or event.source not in sources:
            continue
        for diagnosis in event.diagnoses:
            keys: list[Hashable] = [("icd10", diagnosis.code), ("words", diagnosis.text.casefold())]
            keys += [("sct", diagnosis.snomed.code)] if diagnosis.snomed else []
            member = _hl7(event.source, "Condition", "DG1", diagnosis.code)
            member["codes"] = [diagnosis.code, *([diagnosis.snomed.code] if diagnosis.snomed else [])]
            items[event.source, diagnosis.code] = Said(event.source, member, diagnosis.text, "said", tuple(keys))
    return list(items.values())


def _stated_problems(stated: list[Stated]) -> list[Said]:
    found = []
    for event in stated:
        if isinstance(told := event.content, Problem):
            concept = told.concept
            keys = tuple((code.system, code.code) for code in concept.codes if code.system != "local")
            state: State = "current" if told.status == "active" else "over"
            if event.is_in_error or told.verification == "refuted":
                state = "error"
            found.append(
                Said(event.source, _own(event), concept.text, state, (*keys, ("words", concept.text.casefold())))
            )
    return found


def _problem(group: list[Said], _: list[Said]) -> tuple[bool, bool]:
    states = {said.state for said in group}
    is_current = "current" in states or ("said" in states and "over" not in states)
    return is_current, "current" in states and "over" in states and len({said.source for said in group}) > 1


def _allergies(person: Person, stated: list[Stated], sources: set[str]) -> list[Said]:
    items: dict[tuple[str, str], Said] = {}
    for event in person.story:
        if isinstance(event, Told) and event.source in sources:
            for allergy in event.allergies:
                is_absence = allergy.code == NO_KNOWN_ALLERGIES[1]
                items[event.source, allergy.code] = Said(
                    event.source,
                    _hl7(event.source, "AllergyIntolerance", "AL1", allergy.code),
                    allergy.text,
                    "current",
                    (("current", "none") if is_absence else ("current", allergy.code),),
                    severity=_SEVERITIES.get(allergy.severity, ""),
                    is_absence=is_absence,
                )
    found = list(items.values())
    for stated_event in stated:
        if isinstance(told := stated_event.content, AllergyEntry):
            code = told.concept.codes[0].code
            state: State = "error" if stated_event.is_in_error else "current" if told.status == "active" else "over"
            is_absence = code == NO_KNOWN_ALLERGIES[1]
            found.append(
                Said(
                    stated_event.source,
                    _own(stated_event),
                    told.concept.text,
                    state,
                    ((state, "none" if is_absence else code),),
                    severity=told.severity,
                    is_absence=is_absence,
                )
            )
    return found


def _allergy(group: list[Said], everything: list[Said]) -> tuple[bool, bool]:
    is_current = group[0].state == "current"
    others = [said for said in everything if said.state == "current" and said.is_absence != group[0].is_absence]
    severities = {said.severity for said in group if said.severity}
    return is_current, is_current and (bool(others) or len(severities) > 1)


def _medicines(stated: list[Stated]) -> list[Said]:
    found = []
    for event in stated:
        if isinstance(told := event.content, Medicine):
            product = _BY_TEXT[told.concept.text]
            state: State = "over" if told.status in ("stopped", "completed") else "current"
            if event.is_in_error:
                state = "error"
            dose = " ".join(told.dose.casefold().split())
            found.append(Said(event.source, _own(event), product.text, state, ((product.key, told.route),), dose=dose))
    return found


def _medicine(group: list[Said], _: list[Said]) -> tuple[bool, bool]:
    counted = [said for said in group if said.state != "error"]
    takes: dict[str, bool] = {}
    doses: dict[str, set[str]] = {}
    for said in counted:
        takes[said.source] = takes.get(said.source, False) or said.state == "current"
        if said.state == "current":
            doses.setdefault(said.source, set()).add(said.dose)
    differ = len(set(takes.values())) > 1 or len({frozenset(each) for each in doses.values()}) > 1
    return any(said.state == "current" for said in counted), differ


def _joined(
    heading: str, items: list[Said], decide: Callable[[list[Said], list[Said]], tuple[bool, bool]]
) -> list[Entry]:
    made = []
    for group in _gather(items):
        is_current, conflict = decide(group, items)
        made.append(_entry(heading, group[0].what, [said.member for said in group], is_current, conflict))
    return made


def _gather(items: list[Said]) -> list[list[Said]]:
    """Groups of what shares a key, directly or through another."""
    groups: list[list[Said]] = []
    keys: list[set[Hashable]] = []
    for item in items:
        met = [place for place, own in enumerate(keys) if own & set(item.keys)]
        group, own = [item], set(item.keys)
        for place in reversed(met):
            group = groups.pop(place) + group
            own |= keys.pop(place)
        groups.append(group)
        keys.append(own)
    return groups


# --- every other heading ----------------------------------------------------------------------------------------------


def _same_day(stated: list[Stated]) -> list[Entry]:
    """Immunisations and procedures: one of each source at most in an entry."""
    groups: dict[tuple[Hashable, ...], list[Stated]] = {}
    for event in stated:
        told = event.content
        if isinstance(told, Immunisation | Operation):
            shared = [code.code for code in told.concept.codes if code.system in ("sct", "loinc", "icd10")]
            day = told.given_on if isinstance(told, Immunisation) else told.done_on
            key = (type(told).__name__, shared[0], day) if shared and not event.is_in_error else (event.own_id,)
            groups.setdefault(key, []).append(event)
    return [
        _entry(
            heading_of(group[0].content),
            group[0].content.concept.text,
            [_own(event) for event in group],
            not group[0].is_in_error,
        )
        for group in groups.values()
    ]


def _observed(stated: list[Stated]) -> list[Entry]:
    groups: dict[tuple[Hashable, ...], list[Stated]] = {}
    for event in stated:
        told = event.content
        if isinstance(told, Measurement) and heading_of(told) == "observations":
            groups.setdefault((event.source, told.concept.text, told.unit, told.category), []).append(event)
    return [
        _entry(
            "observations",
            group[0].content.concept.text,
            [_own(event) for event in group],
            not all(event.is_in_error for event in group),
        )
        for group in groups.values()
    ]


def _single(stated: list[Stated], replaced: set[tuple[str, str]]) -> list[Entry]:
    joined = (Problem, AllergyEntry, Medicine, Immunisation, Operation)
    return [
        _entry(
            heading_of(event.content),
            event.content.concept.text,
            [_own(event)],
            not (event.is_in_error or status_of(event, replaced) in _OVER or isinstance(event.content, Notice)),
        )
        for event in stated
        if not isinstance(event.content, joined) and heading_of(event.content) != "observations"
    ]


def _hl7_single(person: Person, sources: set[str]) -> Iterable[Entry]:
    """Stays, letters, appointments, referrals and imaging reports: the last word of each number stands."""
    last: dict[tuple[str, str, str, str], tuple[str, bool]] = {}
    for event in person.story:
        if event.source not in sources:
            continue
        if isinstance(event, Booked):
            key = ("appointments", event.source, "Appointment", event.number)
            last[key] = (event.clinic, event.trigger not in ("S15", "S26"))
        elif isinstance(event, Referred):
            last["referrals", event.source, "ServiceRequest", event.number] = (
                event.to_service,
                event.status == "active",
            )
        elif isinstance(event, Imaged):
            last["imaging", event.source, "DiagnosticReport", event.accession] = (event.examination.text, True)
        elif isinstance(event, Written):
            last["letters", event.source, "DocumentReference", event.number] = (event.title, True)
            if event.replaces:
                last["letters", event.source, "DocumentReference", event.replaces] = (event.title, False)
        elif isinstance(event, Told) and event.visit:
            key = ("stays", event.source, "Encounter", event.visit.number)
            was_over = key in last and not last[key][1] and event.trigger in ("A08", "A31")
            last[key] = (event.visit.place, event.trigger not in ("A03", "A11") and not was_over)
    for (heading, source, resource, number), (what, is_current) in last.items():
        member = {"source": source, "kind": resource, "number": number}
        yield _entry(heading, what, [member], is_current)


def _entry(heading: str, what: str, members: list[Entry], is_current: bool, conflict: bool = False) -> Entry:
    status = "current" if is_current else "over"
    return {"heading": heading, "what": what, "members": members, "status": status, "conflict": conflict}


def _own(event: Stated) -> Entry:
    return {"source": event.source, "kind": resource_of(event.content), "own_id": event.own_id}


def _hl7(source: str, kind: str, segment: str, code: str) -> Entry:
    return {"source": source, "kind": kind, "segment": segment, "code": code}
