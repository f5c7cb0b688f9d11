"""Which things are the same by their codes, or else by their words: the rule of problems and of medicines. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

from carerecord.fhir.resources import Concept
from carerecord.reconciliation.same import SHARED_SYSTEMS, gather

T = TypeVar("T")
Key = tuple[str, ...]
# dm+d codes are SNOMED CT codes: a source may send the same code under either name.
_SAME_CODES = {"https://dmd.nhs.uk": "http://snomed.info/sct"}
_ICD_10 = "http://hl7.org/fhir/sid/icd-10"


def shared_keys(concept: Concept | None) -> tuple[Key, ...]:
    """One key for each code that means the same whoever sends it."""
    if concept is None:
        return ()
    return tuple(
        dict.fromkeys(
            (
                _SAME_CODES.get(coding.system, coding.system),
                # The NHS writes ICD-10 with and without its point: J45.9 and J459 are one code.
                coding.code.replace(".", "") if coding.system == _ICD_10 else coding.code,
            )
            for coding in concept.coding
            if coding.code and coding.system in SHARED_SYSTEMS
        )
    )


def join(things: Sequence[T], codes: Sequence[Sequence[Key]], words: Sequence[Hashable | None]) -> list[list[T]]:
    """Groups that share a code in any of their codings, else the same words. `words` is None where nothing can be said.

    Words never join what codes keep apart: where things of the same words bear different codes of one system, only
    those without a code are joined by their words. So the outcome does not depend on who spoke first.
    """
    places = range(len(things))
    root: dict[int, int] = {}
    for group in gather(places, [own or [("alone", str(place))] for place, own in zip(places, codes, strict=True)]):
        root.update(dict.fromkeys(group, group[0]))
    alike: dict[Hashable, list[int]] = {}
    for place, said in zip(places, words, strict=True):
        if said is not None:
            alike.setdefault(said, []).append(place)
    apart = {said for said, listed in alike.items() if _has_different_codes(listed, codes, root)}
    keys: list[list[Hashable]] = []
    for place, own, said in zip(places, codes, words, strict=True):
        more: list[Hashable] = [] if said is None or (said in apart and own) else [("words", said)]
        keys.append([*own, *more] or [("alone", place)])
    return gather(things, keys)


def _has_different_codes(listed: Sequence[int], codes: Sequence[Sequence[Key]], root: dict[int, int]) -> bool:
    by_system: dict[str, set[int]] = {}
    for place in listed:
        for system, *_ in codes[place]:
            by_system.setdefault(system, set()).add(root[place])
    return any(len(roots) > 1 for roots in by_system.values())
