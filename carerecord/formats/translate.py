"""One original, translated by its format."""

from __future__ import annotations

from carerecord.formats import document, fhir, hl7v2
from carerecord.model import Original, Reading, Source


def translate(original: Original, *, source: Source) -> Reading:
    if original.format == "fhir":
        return fhir.translate(original, source=source)
    if original.format == "document":
        return document.translate(original, source=source)
    return hl7v2.translate(original, source=source)
