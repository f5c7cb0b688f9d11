"""Observations as the list of results reads them: what one value repeats of the last is read once. Pure.

A record holds hundreds of values of a dozen analytes. Code, range, specimen, method and laboratory stand in each, byte
for byte the same; reading them anew is a third of what a view costs. No value, note or time is ever remembered here.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from carerecord.fhir.resources import Annotation, Observation, Quantity, Reference, read_observation
from carerecord.reconciliation.same import words
from carerecord.reconciliation.values import Said, flag_words, limit, note_words, quantity_of, range_words, value_of


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


class Read(NamedTuple):
    analyte: Analyte
    said: Said
    note: str


class _Parts(msgspec.Struct, gc=False):
    """An Observation with those parts left as they stand that values share."""

    valueQuantity: Quantity | None = None  # noqa: N815
    note: tuple[Annotation, ...] = ()
    code: msgspec.Raw = msgspec.Raw()
    interpretation: msgspec.Raw = msgspec.Raw()
    referenceRange: msgspec.Raw = msgspec.Raw()  # noqa: N815
    specimen: msgspec.Raw = msgspec.Raw()
    method: msgspec.Raw = msgspec.Raw()
    performer: msgspec.Raw = msgspec.Raw()


_read_parts = msgspec.json.Decoder(_Parts).decode
_read_whole = msgspec.json.Decoder(Observation).decode


def read(body: bytes) -> Read:
    """One Observation. Whatever is not a plain quantity, or does not fit, is read whole and with tolerance."""
    try:
        parts = _read_parts(body)
        if parts.valueQuantity is not None:
            analyte = _analyte(
                bytes(parts.code),
                bytes(parts.interpretation),
                bytes(parts.referenceRange),
                bytes(parts.specimen),
                bytes(parts.method),
                bytes(parts.performer),
            )
            return Read(analyte, quantity_of(parts.valueQuantity), note_words(parts.note) if parts.note else "")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    observation = read_observation(body)
    return Read(analyte_of(observation), value_of(observation), note_words(observation.note))


@lru_cache(maxsize=4096)
def _analyte(
    code: bytes, interpretation: bytes, limits: bytes, specimen: bytes, method: bytes, performer: bytes
) -> Analyte:
    names = (b"code", b"interpretation", b"referenceRange", b"specimen", b"method", b"performer")
    parts = zip(names, (code, interpretation, limits, specimen, method, performer), strict=True)
    return analyte_of(_read_whole(b"{%s}" % b",".join(b'"%s":%s' % (name, part) for name, part in parts if part)))


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
