"""What SNOMED CT demands of its identifiers and expression constraints, so far as their writing alone can tell.

https://confluence.ihtsdotools.org/display/DOCECL and the Release File Specification, "SNOMED CT Identifiers".
"""

from __future__ import annotations

import re

SYSTEM = "http://snomed.info/sct"
NESTED_MAX = 60

# The dihedral group of Verhoeff's check digit: products, and the permutation by position.
_PRODUCT = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
_CONCEPT_PARTITIONS = frozenset(("00", "10"))


def is_identifier(text: str) -> bool:
    """Six to eighteen digits, the last a check on the others (Verhoeff)."""
    if not (6 <= len(text) <= 18 and text.isascii() and text.isdigit()) or text[0] == "0":
        return False
    check = 0
    for place, digit in enumerate(reversed(text)):
        check = int(_PRODUCT[check][int(_PERMUTED[place % 8][int(digit)])])
    return check == 0


def is_concept(text: str) -> bool:
    """An identifier whose partition says that it is a concept's."""
    return is_identifier(text) and text[-3:-1] in _CONCEPT_PARTITIONS


_TOKEN = re.compile(
    r"""\s+ | /\*.*?\*/
    | (?P<filter>\{\{.*?\}\})
    | (?P<term>\|[^|]*\|)
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<operator><<!|<!|<<|>>!|>!|>>|!!>|!!<|<|>)(?!=)
    | (?P<compare><=|>=|!=|=)
    | (?P<number>\#[+-]?\d+(?:\.\d+)?)
    | (?P<id>\d+)
    | (?P<word>[A-Za-z][A-Za-z0-9_-]*(?:\#[A-Za-z0-9._-]+)?)
    | (?P<cardinality>\[\s*\d+\s*\.\.\s*(?:\d+|\*)\s*\])
    | (?P<sign>[\^*():,.{}])""",
    re.VERBOSE | re.DOTALL,
)
_JOINS = frozenset(("and", "or", "minus"))


class _NotAConstraint(ValueError):
    """What stands here is no expression constraint."""


class _Tokens:
    def __init__(self, text: str) -> None:
        self._listed: list[tuple[str, str]] = []
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise _NotAConstraint
            if found.lastgroup:
                self._listed.append((found.lastgroup, found.group().lower()))
            place = found.end()
        self._at = 0
        self.depth = 0

    @property
    def next(self) -> tuple[str, str]:
        return self._listed[self._at] if self._at < len(self._listed) else ("end", "")

    def take(self, kind: str = "", text: str = "") -> bool:
        """Steps over the next token where it is of this kind and text."""
        found = self.next
        if found[0] == "end" or (kind and found[0] != kind) or (text and found[1] != text):
            return False
        self._at += 1
        return True

    def demand(self, kind: str, text: str = "") -> None:
        if not self.take(kind, text):
            raise _NotAConstraint


def is_expression_constraint(text: str) -> bool:
    """Whether this can be read as an expression constraint; what it means is not looked at."""
    try:
        tokens = _Tokens(text)
        _expression(tokens)
    except _NotAConstraint:
        return False
    return tokens.next[0] == "end"


def _expression(tokens: _Tokens) -> None:
    tokens.depth += 1
    if tokens.depth > NESTED_MAX:
        raise _NotAConstraint
    _part(tokens)
    while True:
        if tokens.take("sign", "."):
            _part(tokens)
        elif tokens.take("sign", ":"):
            _refinement(tokens)
        elif tokens.take("sign", ",") or (tokens.next[1] in _JOINS and tokens.take("word")):
            _part(tokens)
        else:
            break
    tokens.depth -= 1


def _part(tokens: _Tokens) -> None:
    tokens.take("operator")
    tokens.take("sign", "^")
    if tokens.take("sign", "("):
        _expression(tokens)
        tokens.demand("sign", ")")
    elif tokens.take("id") or ("#" in tokens.next[1] and tokens.take("word")):
        tokens.take("term")
    else:
        tokens.demand("sign", "*")
    while tokens.take("filter"):
        pass


def _refinement(tokens: _Tokens) -> None:
    _attribute(tokens)
    while tokens.take("sign", ",") or (tokens.next[1] in ("and", "or") and tokens.take("word")):
        _attribute(tokens)


def _attribute(tokens: _Tokens) -> None:
    tokens.take("cardinality")
    if tokens.take("sign", "{"):
        _refinement(tokens)
        tokens.demand("sign", "}")
        return
    if tokens.take("sign", "("):
        _refinement(tokens)
        tokens.demand("sign", ")")
        return
    tokens.take("word", "r")
    _part(tokens)
    tokens.demand("compare")
    if not (
        tokens.take("text") or tokens.take("number") or tokens.take("word", "true") or tokens.take("word", "false")
    ):
        _part(tokens)
