"""Whether an AuditEvent is among those that a search means: asked of the resource itself, as it would be given. Pure.

The search parameters of IHE ITI-81 (https://profiles.ihe.net/ITI/TF/Volume2/ITI-81.html) on FHIR R4
(https://hl7.org/fhir/R4/auditevent.html#search, tokens: https://hl7.org/fhir/R4/search.html#token).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from carerecord.audit.audit_event import OUR_KIND, SHAPES, TOKEN_SHAPE, Json
from carerecord.audit.chain import Kind

Tokens = tuple[tuple[str, str], ...]  # system ("": any) and code
Found = Iterator[tuple[str, str]]

OUTCOMES: Final = ("0", "4", "8", "12")  # https://hl7.org/fhir/R4/valueset-audit-event-outcome.html


def _codings(codings: Sequence[Json]) -> Found:
    return ((coding.get("system", ""), coding["code"]) for coding in codings)


def _identifiers(things: Sequence[Json]) -> Found:
    """Of what is referred to by an identifier."""
    found = (thing.get("identifier") for thing in things)
    return ((each.get("system", ""), each["value"]) for each in found if each)


_SAYS: Final[Mapping[str, Callable[[Json], Found]]] = {
    "type": lambda event: _codings([event["type"]]),
    "subtype": lambda event: _codings(event["subtype"]),
    "outcome": lambda event: iter([("", event["outcome"])]),
    "address": lambda event: (
        ("", agent["network"]["address"]) for agent in event["agent"] if agent.get("network", {}).get("address")
    ),
    "agent.identifier": lambda event: _identifiers([agent["who"] for agent in event["agent"]]),
    "source.identifier": lambda event: _identifiers([event["source"]["observer"]]),
    "entity.identifier": lambda event: _identifiers([entity.get("what", {}) for entity in event["entity"]]),
    "entity-type": lambda event: _codings([entity["type"] for entity in event["entity"]]),
    "entity-role": lambda event: _codings([entity["role"] for entity in event["entity"]]),
}
PARAMETERS: Final = tuple(_SAYS)


def tokens_of(text: str) -> Tokens:
    """`system|code` or `code`, one of several behind commas."""
    parted = (each.rpartition("|") for each in text.split(","))
    return tuple((system, code) for system, _, code in parted)


def is_meant(event: Json, asked: Sequence[tuple[str, Tokens]]) -> bool:
    """Every parameter that is asked, by one of its tokens."""
    return all(_is_among(tuple(_SAYS[name](event)), tokens) for name, tokens in asked)


def is_known(name: str, tokens: Tokens) -> bool:
    """Whether any event here could carry each of these: a word that none ever does is a slip of whoever searches."""
    if name == "outcome":
        return all(code in OUTCOMES for _, code in tokens)
    shapes = (*SHAPES.values(), TOKEN_SHAPE)
    said = {"type": {shape.type[:2] for shape in shapes}, "subtype": {shape.subtype[:2] for shape in shapes}}
    said["subtype"] |= {(OUR_KIND, kind.value) for kind in Kind}
    return name not in said or all(_is_among(tuple(said[name]), [token]) for token in tokens)


def kinds_of(asked: Sequence[tuple[str, Tokens]]) -> tuple[Kind, ...] | None:
    """The kinds of event that can be meant, to ask the database for no others; None: any."""
    kinds = [kind for kind in Kind if all(_may_be(kind, name, tokens) for name, tokens in asked)]
    return None if len(kinds) == len(Kind) else tuple(kinds)


def outcome_of(kind: Kind) -> str:
    return "4" if kind is Kind.REFUSED else "0"


def _may_be(kind: Kind, name: str, tokens: Tokens) -> bool:
    shapes = (SHAPES[kind], TOKEN_SHAPE)
    if name == "type":
        return _is_among([shape.type[:2] for shape in shapes], tokens)
    if name == "subtype":
        return _is_among([(OUR_KIND, kind.value), *(shape.subtype[:2] for shape in shapes)], tokens)
    return name != "outcome" or _is_among([("", outcome_of(kind))], tokens)


def _is_among(said: Sequence[Any], tokens: Sequence[tuple[str, str]]) -> bool:
    return any(code == value and system in ("", of) for system, code in tokens for of, value in said)
