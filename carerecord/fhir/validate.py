"""Whether a resource is right by FHIR R4: every error in it, where it is, and what to do about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from carerecord.fhir.definitions import definitions
from carerecord.fhir.walk import DEPTH_MAX, ISSUES_MAX, NAME, Enough, Issue, Walk

__all__ = ["CONTENT_BYTES_MAX", "Issue", "validate"]

CONTENT_BYTES_MAX = 64 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACES = (b" ", b"\t", b"\n", b"\r")
_TOO_MUCH = Issue("", "too-costly", "There is more in it than is looked at: send it in smaller parts.")
_TOO_DEEP = Issue("", "too-costly", f"Objects are nested deeper than {DEPTH_MAX}: send a flatter resource.")
_TOO_LONG = Issue("", "too-long", f"It is longer than {CONTENT_BYTES_MAX:,} bytes: send it in smaller parts.")


def validate(resource: dict[str, Any] | bytes) -> list[Issue]:
    """All errors of a resource, given as JSON or as what JSON was read into; none of them if it is right. Never raises.

    Names that come twice in one object can be told from JSON only.
    """
    walk = Walk(definitions())
    content = bytes(resource) if isinstance(resource, bytes | bytearray | memoryview) else b""
    found: object = resource
    if content or not isinstance(resource, dict):
        found = _read(content)
        if isinstance(found, Issue):
            return [found]
    try:
        walk.root(found)
    except Enough:
        walk.issues.append(_TOO_MUCH)
    except RecursionError:
        walk.issues.append(_TOO_DEEP)
    if content and _may_repeat_names(content, walk.members):
        walk.issues.extend(_repeated_names(content))
    return walk.issues


def _may_repeat_names(content: bytes, members: int) -> bool:
    """Whether it is worth looking. Each name ends in a quote and a colon; text can only look like more of them."""
    # Where no colon follows a space, as many ends of names as members were found mean that none was dropped.
    # Looking for the space alone is faster, and there is often none.
    return content.count(b'":') != members or any(space in content and space + b":" in content for space in _SPACES)


def _number(text: str) -> Decimal:
    """A number with all its digits; one that no computer holds is no finite number."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return Decimal("Infinity")


_decoder = msgspec.json.Decoder(float_hook=_number)


def _read(content: bytes) -> object:
    """What the JSON holds, or what is wrong with it."""
    if len(content) > CONTENT_BYTES_MAX:
        return _TOO_LONG
    try:
        return _decoder.decode(content.removeprefix(_BYTE_ORDER_MARK))
    except RecursionError:
        return _TOO_DEEP
    except (msgspec.DecodeError, ValueError) as error:
        reason = str(error).removeprefix("JSON is malformed: ")
        return Issue("", "structure", f"It is no JSON: {reason}. Send a resource as FHIR JSON in UTF-8.")


class _Repeating(dict[str, Any]):
    """An object in which some names came more than once."""

    names: frozenset[str] = frozenset()


def _build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeating = _Repeating(found)
    repeating.names = frozenset(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return repeating


def _repeated_names(content: bytes) -> Iterator[Issue]:
    """Names that come twice in one object: readers keep one of the two values, and not all of them the same."""
    try:
        tree = json.loads(content, object_pairs_hook=_build, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return
    told = 0
    waiting = [(tree, str(tree.get("resourceType")) if isinstance(tree, dict) else "")]
    while waiting and told < ISSUES_MAX:
        value, path = waiting.pop()
        for name in sorted(value.names) if isinstance(value, _Repeating) else ():
            where = f"{path}.{name}" if NAME.fullmatch(name) else path
            told += 1
            yield Issue(where, "structure", f"{where} comes more than once in one object: leave all but one out.")
        if isinstance(value, dict):
            waiting += [(item, f"{path}.{name}") for name, item in value.items() if isinstance(item, dict | list)]
        elif isinstance(value, list):
            waiting += [(item, f"{path}[{index}]") for index, item in enumerate(value)]
