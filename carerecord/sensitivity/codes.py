"""Code lists by class: is this code of one of them? Our own, and those that a region adds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from carerecord.organisations import SensitiveCodes
from carerecord.sensitivity.labels import WORDS, bits_of
from carerecord.sensitivity.shipped import read_list

SYSTEMS: Final = {
    "http://snomed.info/sct": "snomed",
    "http://hl7.org/fhir/sid/icd-10": "icd-10",
    "http://hl7.org/fhir/sid/icd-10-uk": "icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd-10",
    "https://fhir.nhs.uk/Id/icd-10": "icd-10",
    "urn:oid:2.16.840.1.113883.6.3": "icd-10",
    "https://fhir.hl7.org.uk/CodeSystem/OPCS-4": "opcs-4",
    "https://fhir.nhs.uk/Id/opcs-4": "opcs-4",
    "https://fhir.hl7.org.uk/Id/opcs-4": "opcs-4",
    "http://read.info/readv2": "read-v2",
    "urn:oid:2.16.840.1.113883.2.1.3.2.4.14": "read-v2",
    "http://read.info/ctv3": "ctv3",
    "urn:oid:2.16.840.1.113883.2.1.3.2.4.15": "ctv3",
}
KINDS: Final = frozenset(SYSTEMS.values())
_PREFIXED: Final = frozenset({"icd-10", "opcs-4", "read-v2", "ctv3"})


def shipped_lists() -> tuple[SensitiveCodes, ...]:
    return msgspec.convert(read_list("codes")["list"], tuple[SensitiveCodes, ...])


@lru_cache(maxsize=8)
def _index(own: tuple[SensitiveCodes, ...]) -> dict[tuple[str, str], int]:
    """(system, code or prefix) -> bits."""
    index: dict[tuple[str, str], int] = {}
    for each in (*shipped_lists(), *own):
        bits = bits_of(each.label)
        for code in each.codes:
            key = (each.system, _written(each.system, code) + "$")
            index[key] = index.get(key, 0) | bits
        for prefix in each.prefixes:
            key = (each.system, _written(each.system, prefix))
            index[key] = index.get(key, 0) | bits
    return index


def bits_of_code(system: str, code: str, *, own: tuple[SensitiveCodes, ...] = ()) -> tuple[int, str]:
    """(bits, by which rule) of a code; (0, "") where it gives nothing away or its system is not one of ours."""
    kind = SYSTEMS.get(system)
    if kind is None:
        return 0, ""
    index = _index(own)
    written = _written(kind, code)
    bits = index.get((kind, written + "$"), 0)
    if kind in _PREFIXED:
        for length in range(2, len(written) + 1):
            bits |= index.get((kind, written[:length]), 0)
    return bits, f"code:{kind}:{code}" if bits else ""


def _written(kind: str, code: str) -> str:
    """As lists write it: ICD-10 and OPCS-4 without dot, dagger or filler; Read codes without filling dots."""
    if kind == "snomed":
        return code
    if kind in ("icd-10", "opcs-4"):
        return code.replace(".", "").upper().rstrip("-X*+D ").replace(" ", "")
    return code.split(" ")[0][:5].rstrip(".")


class ListDoesNotFit(ValueError):
    """A region's list of sensitive codes names a label or code system that is not known: mend it and start again."""


def check(own: Iterable[SensitiveCodes]) -> None:
    """Raises ListDoesNotFit, so that a list is not believed to work that finds nothing."""
    for each in own:
        if unknown := [word for word in each.label.split() if word not in WORDS]:
            raise ListDoesNotFit(f"sensitive_codes: {unknown[0]} is no label: write one of {', '.join(sorted(WORDS))}.")
        if each.system not in KINDS:
            known = ", ".join(sorted(KINDS))
            raise ListDoesNotFit(f"sensitive_codes: {each.system} is no code system here: write one of {known}.")
        if each.prefixes and each.system not in _PREFIXED:
            raise ListDoesNotFit(f"sensitive_codes: codes of {each.system} have no prefixes: list each code.")
