"""Observations as the list of results reads them: what one value repeats of the last is read once. Pure.

A record holds hundreds of values of a dozen analytes. Code, range, specimen, method and laboratory stand in each, byte
for byte the same; reading them anew is a third of what a view costs. No value, note or time is ever remembered here.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

import msgspec

from carerecord.fhir.resources import Annotation, Extension, Observation, Reference, read_observation
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


class _Figure(msgspec.Struct, gc=False):
    """A Quantity whose number is left as its sender wrote it."""

    value: msgspec.Raw = msgspec.Raw()
    comparator: str = ""
    unit: str = ""
    code: str = ""
    extension: tuple[Extension, ...] = ()


class _Parts(msgspec.Struct, gc=False):
    """An Observation with those parts left as they stand that values share."""

    valueQuantity: _Figure | None = None  # noqa: N815
    note: tuple[Annotation, ...] = ()
    code: msgspec.Raw = msgspec.Raw()
    interpretation: msgspec.Raw = msgspec.Raw()
    referenceRange: msgspec.Raw = msgspec.Raw()  # noqa: N815
    specimen: msgspec.Raw = msgspec.Raw()
    method: msgspec.Raw = msgspec.Raw()
    performer: msgspec.Raw = msgspec.Raw()


_SHARED = (b"code", b"interpretation", b"referenceRange", b"specimen", b"method", b"performer")
_BETWEEN = b"\0"  # never within JSON
_PLAIN = "-.0123456789"  # any other letter in a number is an exponent: then its figures must be worked out

_read_parts = msgspec.json.Decoder(_Parts).decode
_read_whole = msgspec.json.Decoder(Observation).decode


def read(body: bytes) -> Read:
    """One Observation. Whatever is not a plain quantity, or does not fit, is read whole and with tolerance."""
    try:
        parts = _read_parts(body)
        figure = parts.valueQuantity
        if figure is not None:
            number = str(figure.value, "ascii")
            if number and not number.strip(_PLAIN):
                shared = (
                    parts.code,
                    parts.interpretation,
                    parts.referenceRange,
                    parts.specimen,
                    parts.method,
                    parts.performer,
                )
                comparator = figure.comparator
                return (
                    _analyte(_BETWEEN.join(shared)),
                    comparator + number,
                    None if comparator else float(number),
                    figure.unit or figure.code,
                    False,
                    note_words(parts.note) if parts.note else "",
                )
    except (ValueError, RecursionError):  # among them what does not decode, and text that is not UTF-8
        pass
    observation = read_observation(body)
    said = value_of(observation)
    return analyte_of(observation), said.text, said.number, said.unit, said.is_words, note_words(observation.note)


@lru_cache(maxsize=4096)
def _analyte(shared: bytes) -> Analyte:
    parts = zip(_SHARED, shared.split(_BETWEEN), strict=True)
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
