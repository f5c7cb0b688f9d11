"""Whether an expression in FHIRPath can be read, token by token (http://hl7.org/fhirpath/N1, lexical elements)."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""\s+ | /\*.*?\*/ | //[^\n]*
    | '(?:[^'\\]|\\.)*' | `(?:[^`\\]|\\.)*`
    | %(?:[A-Za-z_][A-Za-z0-9_-]*|`[^`]*`|'[^']*')
    | \$(?:this|index|total)\b
    | @T?\d[0-9T:.+\-Z]*
    | \d+(?:\.\d+)?
    | [A-Za-z_][A-Za-z0-9_]*
    | <= | >= | != | !~ | [.,()\[\]{}+\-*/&|=~<>]""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}


def is_readable(text: str) -> bool:
    open_ones: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            return False
        token, place = found.group(), found.end()
        if token in ("(", "[", "{"):
            open_ones.append(token)
        elif token in _CLOSES and (not open_ones or open_ones.pop() != _CLOSES[token]):
            return False
    return not open_ones
