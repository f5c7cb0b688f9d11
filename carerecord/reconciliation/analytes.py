"""Observations as the list of results reads them: what one value repeats of the last is read once. Pure.

A record holds hundreds of values of a dozen analytes. Code, range, specimen, method and laboratory stand in each, byte
for byte the same; reading them anew is a third of what a view costs. No value, note or time is ever remembered here.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

import msgspec

from carerecord.fhir.cut import read_alike_values
from carerecord.fhir.resources import Observation, Reference, read_observation
from carerecord.model import StoredStatement
from carerecord.reconciliation.same import words
from carerecord.reconciliation.values import flag_words, limit, note_words, range_words, value_of


class Analyte(msgspec.Struct, frozen=True, gc=False):
    """What was measured, how, by whom, and against which range."""

    name: str
    key: Hashable  # what makes it the same analyte elsewhere; None without a code, "" without any words
    laboratory: str  # "" where no organisation is named
    specimen: str
    method: str
    low: float | None
    high: float | None
    range_text: str
    flag: str


# What one Observation says: of which analyte; its value as text, as a number, its unit, whether it is words; a note.
# A plain tuple: a view takes hundreds apart.
Read = tuple[Analyte, str, float | None, str, bool, str]


def read(statement: StoredStatement) -> Read:
    """One Observation. Whatever is not cut is read whole and with tolerance."""
    cut = statement.cut
    if cut is not None:
        alike, own = cut
        analyte, unit = _analyte(alike)
        return analyte, own, None if own[0] in "<>" else float(own), unit, False, ""
    observation = read_observation(statement.body)
    said = value_of(observation)
    return analyte_of(observation), said.text, said.number, said.unit, said.is_words, note_words(observation.note)


@lru_cache(maxsize=4096)
def _analyte(alike: bytes) -> tuple[Analyte, str]:
    observation, unit = read_alike_values(alike)
    return analyte_of(observation), unit


def analyte_of(observation: Observation) -> Analyte:
    concept = observation.code
    key: Hashable = None
    if concept is not None:
        coding = concept.coding[0] if concept.coding else None
        key = (coding.system, coding.code) if coding and coding.code else words(concept.text)
    limits = observation.referenceRange[0] if observation.referenceRange else None
    return Analyte(
        name=concept.words if concept else "",
        key=key,
        laboratory=laboratory_of(observation.performer),
        specimen=observation.specimen.display if observation.specimen else "",
        method=observation.method.words if observation.method else "",
        low=limit(limits.low) if limits else None,
        high=limit(limits.high) if limits else None,
        range_text=range_words(limits) if limits else "",
        flag=flag_words(observation.interpretation) if observation.interpretation else "",
    )


def laboratory_of(performers: tuple[Reference, ...]) -> str:
    """The organisation that performed the test; the person who signed it is no laboratory."""
    for performer in performers:
        if performer.display and performer.type in ("Organization", ""):
            return performer.display
    return ""
