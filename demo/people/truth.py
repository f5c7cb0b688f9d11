"""The truth about the invented people as plain data (`truth.json`): who is who, who said what when, what is right.

The file: {"seed", "anchored_on", "about", "planted": {name: [person, ...]}, "people": [person, ...]}. A person:

* `person` number, `name`, `family`, `given`, `former_name`, `birth_date`, `gender`, `nhs_number`,
  `superseded_nhs_number`, `postcode`, `home` (area), `practice` {code, name, area, is_connected}, `died_at`,
  `is_restricted`, `twin_of`, `mother`, `numbers` {source or neighbour: own number}, `pathway`, `shows` in words;
* `identities`: [{source, system, value, nhs_number, group, is_theirs, why}]: every identifier that a source used.
  Those of one group are one person and join by themselves; group 0 is the person's page. Another group is
  never joined by itself, and `why` says why; with `is_theirs` a human may join it, without it is somebody else;
* `facts`: [{kind, source, group, is_theirs, status, said_at, ...}]: every fact with who said it when. `kind` is one of
  allergy, stay, problem, result, letter, appointment, referral, imaging (told in HL7 v2, and by a number or `code`)
  and those of stated.WHAT (stated in FHIR: with `heading`, `resource`, `own_id`, `code`, `codes`, `text` and all that
  was stated). `status` is the last word. A result has `said`: every value with when and with which status;
* `entries`: [{heading, what, members, status, conflict, group}]: what a page that is right shows (expected.py has the
  rules). `status` is "current" or "over"; `conflict`: the sources disagree and the page must say so. A member is
  {source, kind (the resource's type)} with `own_id` (stated in FHIR), with `segment` and `code` (AL1, DG1: one item
  for each code; a DG1 also has `codes`, all that it is said in), or with `number` (the visit's, the document's, the
  appointment's, the referral's, the accession's);
* `planted`: names of the disagreements and corrections put here on purpose, see PLANTED;
* `hidden`: [{what, why, from, words | own_ids}]: what must not be shown, and to whom. `what` is "places" or a label;
  `own_ids` are ids of what was stated in FHIR, and numbers of visits and letters of HL7 v2;
* `cares`: [{organisation, evidence, id, since, until}]: who legitimately cares for the person, by which evidence.
  `evidence` is registration, referral, appointment, encounter, caseload, service or incident; "known" is a number at a
  neighbour and no evidence by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from demo.people.caring import what_is_hidden, who_cares
from demo.people.expected import expected_entries
from demo.people.facts import hl7_facts
from demo.people.instants import iso
from demo.people.nouns import Person, Reported
from demo.people.sources import CONNECTED_PRACTICES, SYSTEMS
from demo.people.stated import stated_facts

Fact = dict[str, Any]
HOSPITAL = "barts"

PLANTED = {
    "allergy-after-none-known": "no known allergies on one stay, a penicillin allergy on the next",
    "allergy-denied-elsewhere": "the practice says no known allergy, the hospital lists one",
    "allergy-entered-in-error": "the practice took an allergy back",
    "allergy-known-to-one-source": "only the practice knows of an allergy",
    "amended-imaging-report": "the radiologist added to a report",
    "corrected-result": "the laboratory corrected a value",
    "dose-changed": "the practice changed a dose: the same item, a newer version",
    "dose-differs": "two sources list one medicine at two doses",
    "other-strength": "two sources list one ingredient in two strengths or forms: two entries, never one",
    "problem-entered-in-error": "the practice took a problem back",
    "problem-resolved-at-one": "one source says resolved, another active",
    "replaced-letter": "a letter took the place of another",
    "stopped-at-one-active-at-other": "one source stopped a medicine that another still lists",
    "superseded-decision": "a newer decision replaced an older one",
    "superseded-plan": "a newer plan replaced an older one",
}


def region_truth(people: Iterable[Person], *, seed: int, until: date) -> dict[str, Any]:
    told = [truth(person) for person in people]
    planted: dict[str, list[int]] = {}
    for person in told:
        for name in person["planted"]:
            planted.setdefault(name, []).append(person["person"])
    return {
        "seed": seed,
        "anchored_on": until.isoformat(),
        "about": "Invented people. Identities of one group are one person; never join those of different groups.",
        "planted": planted,
        "people": told,
    }


def truth(person: Person) -> dict[str, Any]:
    """What is true of one person, whatever the record makes of it."""
    now = person.now
    practice = now.practice
    identities = _identities(person)
    return {
        "person": person.index,
        "name": person.name,
        "family": now.family,
        "given": list(now.given),
        "former_name": person.former_name or None,
        "birth_date": now.birth_date.isoformat(),
        "gender": {"F": "female", "M": "male"}.get(now.gender, "unknown"),
        "nhs_number": person.nhs_number,
        "superseded_nhs_number": person.superseded_number,
        "postcode": now.address.postcode,
        "home": person.home,
        "practice": {
            "code": practice.code,
            "name": practice.name,
            "area": practice.area,
            "is_connected": practice.code in CONNECTED_PRACTICES,
        },
        "died_at": iso(now.died_at),
        "is_restricted": person.is_restricted,
        "twin_of": person.twin_of,
        "mother": person.mother,
        "numbers": person.numbers,
        "pathway": person.pathway or None,
        "shows": person.shows,
        "planted": list(person.planted),
        "identities": identities,
        "facts": _facts(person, identities),
        "entries": expected_entries(person),
        "hidden": what_is_hidden(person),
        "cares": who_cares(person),
    }


def _facts(person: Person, identities: list[Fact]) -> list[Fact]:
    group = {identity["source"]: identity["group"] for identity in reversed(identities) if identity["is_theirs"]}
    strangers = {identity["value"]: identity["group"] for identity in identities if not identity["is_theirs"]}
    facts = [*hl7_facts(person), *stated_facts(person)]
    for fact in facts:
        fact.setdefault("is_theirs", True)
        fact["group"] = strangers.get(fact.get("identity"), group.get(fact["source"], 0))
    return facts


def _identities(person: Person) -> list[Fact]:
    """Each identifier that a source used, and the group that says which of them may be joined by themselves."""
    rows: list[Fact] = []
    strangers = {number for _, number, _ in person.not_to_join}
    heard = dict.fromkeys(
        event.source for event in person.story if not (isinstance(event, Reported) and event.number in strangers)
    )
    alone = 0  # Groups of identities that nothing but a human may join to the first.
    for place, source in enumerate(heard):
        why, group = "", 0
        if person.nhs_number is None and place:
            why = "no NHS number: only a name connects them, so nothing may join them by itself"
        elif source in person.apart:
            why = person.apart[source]
        if why:
            alone += 1
            group = alone
        rows.append(_identity(source, person.number_at(source), person.nhs_number_at(source), group=group, why=why))
        if source == HOSPITAL and (early := person.early_number):
            merged = f"the hospital merged it on {iso(early.until)}"
            rows.append(_identity(source, early.number, person.nhs_number, group=group, why=merged))
    for place, (source, number, why) in enumerate(person.not_to_join, alone + 1):
        rows.append(_identity(source, number, person.nhs_number, group=place, why=why, is_theirs=False))
    return rows


def _identity(
    source: str, value: str, nhs_number: str | None, *, group: int, why: str = "", is_theirs: bool = True
) -> Fact:
    return {
        "source": source,
        "system": SYSTEMS[source].authority or SYSTEMS[source].namespace,
        "value": value,
        "nhs_number": nhs_number,
        "group": group,
        "is_theirs": is_theirs,
        "why": why or None,
    }
