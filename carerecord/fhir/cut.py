"""A result cut in two: what its source says alike in every such result, and what is this one's own. Pure.

A record holds hundreds of values of a dozen analytes, and hundreds of reports of a few panels. Cut, what stands in many
byte for byte the same is read once for all of them. Only what is plain is cut: a quantity that is written in figures, a
report that does nothing but name results. Anything else, and whatever says that its source left something out, is read
whole.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from carerecord.fhir.resources import Annotation, DiagnosticReport, Extension, Observation, Reference

# (what many say alike, what is its own): of a value its figures, of a report the local ids of its results.
Cut = tuple[bytes, str]

# How a source says in FHIR that it left something out of what it sends, or that a list is empty for that reason:
# https://terminology.hl7.org/CodeSystem-v3-ObservationValue.html and -list-empty-reason.html.
SENT_SO: Final = (b'"REDACTED"', b'"MASKED"', b'"withheld"')

_OF_VALUES: Final = (b"code", b"interpretation", b"referenceRange", b"specimen", b"method", b"performer")
_OF_REPORTS: Final = (b"code", b"performer")
_BETWEEN: Final = b"\0"  # never within JSON
_FIGURES: Final = re.compile(r"(?:[<>]=?)?-?[0-9]+(?:\.[0-9]+)?")  # an exponent must be worked out, so it is none
_LOCAL_ID: Final = re.compile(r"[a-z2-7]{26}")


class _Figure(msgspec.Struct, gc=False):
    """A Quantity whose number is left as its sender wrote it."""

    value: msgspec.Raw = msgspec.Raw()
    comparator: str = ""
    unit: str = ""
    code: str = ""
    extension: tuple[Extension, ...] = ()


class _Value(msgspec.Struct, gc=False):
    """An Observation with those members left as they stand that values share."""

    valueQuantity: _Figure | None = None  # noqa: N815
    note: tuple[Annotation, ...] = ()
    code: msgspec.Raw = msgspec.Raw()
    interpretation: msgspec.Raw = msgspec.Raw()
    referenceRange: msgspec.Raw = msgspec.Raw()  # noqa: N815
    specimen: msgspec.Raw = msgspec.Raw()
    method: msgspec.Raw = msgspec.Raw()
    performer: msgspec.Raw = msgspec.Raw()


class _Report(msgspec.Struct, gc=False):
    """A DiagnosticReport, the same way."""

    result: tuple[Reference, ...] = ()
    conclusion: str = ""
    presentedForm: tuple[msgspec.Raw, ...] = ()  # noqa: N815
    extension: tuple[msgspec.Raw, ...] = ()
    code: msgspec.Raw = msgspec.Raw()
    performer: msgspec.Raw = msgspec.Raw()


_read_value = msgspec.json.Decoder(_Value).decode
_read_report = msgspec.json.Decoder(_Report).decode
_read_observation = msgspec.json.Decoder(Observation).decode
_read_diagnostic_report = msgspec.json.Decoder(DiagnosticReport).decode


def cut_of(resource_type: str, body: bytes) -> Cut | None:
    """None for what must be read whole."""
    way = _WAYS.get(resource_type)
    if way is None or any(word in body for word in SENT_SO):
        return None
    try:
        return way(body)
    except (ValueError, RecursionError):  # among them what does not decode, and text that is not UTF-8
        return None


def _cut_value(body: bytes) -> Cut | None:
    said = _read_value(body)
    quantity = said.valueQuantity
    if quantity is None or said.note:
        return None
    own = quantity.comparator + str(quantity.value, "ascii")
    if not _FIGURES.fullmatch(own):
        return None
    alike = (said.code, said.interpretation, said.referenceRange, said.specimen, said.method, said.performer)
    together = _BETWEEN.join((*alike, (quantity.unit or quantity.code).encode()))
    read_alike_values(together)  # What does not fit is read whole, with tolerance.
    return together, own


def _cut_report(body: bytes) -> Cut | None:
    said = _read_report(body)
    if said.conclusion or said.presentedForm or said.extension:
        return None
    ids = [each.local_id for each in said.result]
    if not all(map(_LOCAL_ID.fullmatch, ids)):
        return None
    together = _BETWEEN.join((said.code, said.performer))
    read_alike_reports(together)
    return together, " ".join(ids)


_WAYS: Final = {"Observation": _cut_value, "DiagnosticReport": _cut_report}


@lru_cache(maxsize=4096)  # Nothing in it is of one patient: no value, note or time.
def read_alike_values(alike: bytes) -> tuple[Observation, str]:
    """What such values say alike, and their unit. Raises ValueError for what does not fit."""
    *parts, unit = alike.split(_BETWEEN)
    return _read_observation(_joined(_OF_VALUES, parts)), unit.decode()


@lru_cache(maxsize=4096)
def read_alike_reports(alike: bytes) -> DiagnosticReport:
    """Raises ValueError for what does not fit."""
    return _read_diagnostic_report(_joined(_OF_REPORTS, alike.split(_BETWEEN)))


def _joined(names: tuple[bytes, ...], parts: list[bytes]) -> bytes:
    said = zip(names, parts, strict=True)
    return b"{%s}" % b",".join(b'"%s":%s' % (name, part) for name, part in said if part)
