"""Takes words out of a statement wherever they stand: its elements, its narrative, the texts of its files. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from carerecord.stewardship.subject_access.rules import READABLE, decoded, file_text

# 5.00 is not the same statement about precision as 5.0: numbers leave as they were said.
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
GONE: Final = "[taken out]"
_WITHHELD_FILE: Final = (
    "This file cannot be handed over: words in it had to be taken out, and that cannot be done in it."
)


def redacted(body: bytes, spans: Sequence[str]) -> bytes:
    """The same resource without these words. A file in which words cannot be replaced is replaced whole."""
    pattern = _pattern(spans)
    if pattern is None:
        return body
    resource = _decode(body)
    cleaned = _clean(resource, pattern)
    return body if cleaned == resource else _encode(cleaned)


def taken_out(text: str, spans: Sequence[str]) -> str:
    """Plain words as they would be handed over, for who decides."""
    pattern = _pattern(spans)
    return pattern.sub(GONE, text) if pattern else text


def passages(text: str, spans: Sequence[str]) -> list[tuple[int, int]]:
    """Where those words stand in plain ones: what would be taken out, and nothing else."""
    pattern = _pattern(spans)
    return [match.span() for match in pattern.finditer(text)] if pattern else []


def _pattern(spans: Sequence[str]) -> re.Pattern[str] | None:
    """Whatever the white space between the words: a line is broken in one form and not in another."""
    wanted = sorted({" ".join(span.split()) for span in spans if span.strip()}, key=len, reverse=True)
    if not wanted:
        return None
    # Marked-up text writes "&" and quotation marks its own way, and puts tags between words.
    return re.compile("|".join(_anywhere(span) for span in wanted), re.IGNORECASE)


def _anywhere(span: str) -> str:
    marks = {"&": "(?:&amp;|&)", "<": "(?:&lt;|<)", ">": "(?:&gt;|>)", '"': '(?:&quot;|")', "'": "(?:&#39;|&apos;|'|’)"}
    between = r"(?:\s|<[^>]*>|&nbsp;)+"
    return between.join("".join(marks.get(letter, re.escape(letter)) for letter in word) for word in span.split())


def _clean(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(GONE, value)
    if isinstance(value, list):
        return [_clean(each, pattern) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("data"), str) and isinstance(value.get("contentType"), str):
        return _clean_file(value, pattern)
    return {name: _clean(each, pattern) for name, each in value.items()}


def _clean_file(file: dict[str, Any], pattern: re.Pattern[str]) -> dict[str, Any]:
    kind = file["contentType"].partition(";")[0].strip().lower()
    content = decoded(file["data"])
    text = pattern.sub(GONE, file_text(kind, content)) if kind in READABLE else _WITHHELD_FILE
    # Words of a rich text are spread over its marks: what is handed over is its plain text.
    kept = kind if kind in ("text/plain", "text/html") else "text/plain"
    others = {name: _clean(each, pattern) for name, each in file.items() if name not in ("data", "hash", "size")}
    return {**others, "contentType": kept, "data": base64.b64encode(text.encode()).decode()}
