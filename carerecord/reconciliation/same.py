"""What counts as the same: the same code or the same words, never a judgement that one thing includes another."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from carerecord.fhir.resources import Concept

T = TypeVar("T")

# Code systems whose codes mean the same whoever sends them. Any other code is compared within its own source only.
SHARED_SYSTEMS = {
    "http://snomed.info/sct": "SNOMED CT",
    "https://dmd.nhs.uk": "dm+d",
    "http://loinc.org": "LOINC",
    "http://hl7.org/fhir/sid/icd-10": "ICD-10",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://unitsofmeasure.org": "UCUM",
    "http://read.info/ctv3": "Read CTV3",
    "http://read.info/readv2": "Read v2",
}

_FRAME = re.compile(
    r"^(?:(?:known )?(?:drug )?(?:allergy|hypersensitivity) to |allergic to )"
    r"|(?: (?:drug )?(?:allergy|hypersensitivity))$"
)
_ABSENCE = re.compile(
    r"^(?:nka|nkda|nkfa|nil known|none known"
    r"|(?:no|nil)(?: known)?(?: (?P<scope>drug|medication|food|environmental))? (?:allergy|allergies))$"
)
SCOPES = {"drug": "drug", "medication": "drug", "food": "food", "environmental": "environmental"}
_ABSENCE_CODES = {
    "716186003": "any",  # No known allergy
    "160244002": "any",  # No known allergies
    "409137002": "drug",  # No known drug allergy
    "429625007": "food",  # No known food allergy
    "428607008": "environmental",  # No known environmental allergy
    "428197003": "environmental",  # No known insect allergy
}


def words(text: str) -> str:
    """Text made comparable: case, spacing and closing punctuation say nothing about the substance."""
    return " ".join(text.casefold().split()).strip(" .,;:*-")


def substance(text: str) -> str:
    """The substance without the frame that only says it is an allergy: "Allergy to penicillin" is "penicillin"."""
    plain = words(text)
    return _FRAME.sub("", plain) or plain


def code_keys(concept: Concept | None, *, source: str) -> tuple[tuple[str, ...], ...]:
    """One key for each code: shared systems compare across sources, all others only within the one that uses them."""
    if concept is None:
        return ()
    return tuple(
        (coding.system, coding.code) if coding.system in SHARED_SYSTEMS else (source, coding.system, coding.code)
        for coding in concept.coding
        if coding.code
    )


def absence_scope(concept: Concept | None) -> str:
    """ "any", "drug", "food" or "environmental" where the concept says that no allergy is known; else ""."""
    if concept is None:
        return ""
    for coding in concept.coding:
        if coding.code in _ABSENCE_CODES and coding.system in ("", "http://snomed.info/sct"):
            return _ABSENCE_CODES[coding.code]
    for text in (concept.text, *(coding.display for coding in concept.coding), *_bare_codes(concept)):
        plain = words(text)
        if plain == "nkda":
            return "drug"
        if plain == "nkfa":
            return "food"
        if matched := _ABSENCE.match(plain):
            return SCOPES.get(matched.group("scope"), "any")
    return ""


def says_only_absence(text: str) -> bool:
    """Whether these words say that no allergy is known and nothing more: "except penicillin" is more."""
    return bool(_ABSENCE.match(words(text)))


def _bare_codes(concept: Concept) -> list[str]:
    return [coding.code for coding in concept.coding if coding.code.upper() in ("NKA", "NKDA", "NKFA")]


def gather(things: Iterable[T], keys: Sequence[Sequence[Hashable]]) -> list[list[T]]:
    """Groups of things that share a key, directly or through another; each group in the order the things came."""
    groups: list[list[int]] = []
    where: dict[Hashable, int] = {}
    listed = list(things)
    for position, own in enumerate(keys):
        met = sorted({where[key] for key in own if key in where})
        home = met[0] if met else len(groups)
        if not met:
            groups.append([])
        for other in met[1:]:
            groups[home] += groups[other]
            groups[other] = []
            where.update({key: home for key, place in where.items() if place == other})
        groups[home].append(position)
        where.update(dict.fromkeys(own, home))
    return [[listed[position] for position in sorted(group)] for group in groups if group]
