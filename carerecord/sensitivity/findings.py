"""What was found, by which rule, and where: for operators and the audit, never for a reader."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """`where` is the member of the resource; `start` and `end` are the span of its text, both 0 where it is no text."""

    bits: int
    rule: str  # "source:confidentiality", "service:sexual-health", "code:icd-10:B20", "words:hiv"
    where: str = ""
    start: int = 0
    end: int = 0
