"""One original, translated by its format."""

from __future__ import annotations

from carerecord.formats import document, fhir, hl7v2
from carerecord.model import Original, Reading, Source

TRANSLATORS = {"hl7v2": hl7v2.translate, "fhir": fhir.translate, "document": document.translate}


def translate(original: Original, *, source: Source) -> Reading:
    return TRANSLATORS[original.format](original, source=source)
