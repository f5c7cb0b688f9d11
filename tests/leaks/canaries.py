"""Words that stand nowhere else, each planted once: wherever one comes out, it is known whose it is and from where."""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

_LETTERS: Final = "bcdfghjklmnprstv"  # sixteen consonants: no word of any language, and nothing a page would change
_WORD: Final = re.compile(rf"zq([{_LETTERS}]{{7}})x", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?<!\d)999[ +\u00a0-]?(\d{3})[ +\u00a0-]?(\d{4})(?!\d)")
_TOKEN: Final = re.compile(r"(?<![a-z2-7])([a-z2-7]{13})(?![a-z2-7])")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")
_BASE64_URL: Final = re.compile(rb"[A-Za-z0-9_-]{24,}={0,2}")
_TAG: Final = re.compile(r"<[^>]{0,200}>")

IDENTITY, IDENTITY_PLACE, ID = "identity", "identity-place", "id"
MAIN, BODY, BESIDE, PLACE, OLDER, FILE = "main", "body", "beside", "place", "older", "file"


class Canary(NamedTuple):
    """`patient` and `item` say whose and of what; `part` where in it the word stands."""

    word: str
    patient: str
    item: str
    part: str


class Aviary:
    """Every canary that was planted, and the eyes that find them."""

    def __init__(self) -> None:
        self._known: dict[str, Canary] = {}
        self._numbers: dict[str, Canary] = {}
        self._ids: dict[str, Canary] = {}

    def plant(self, patient: str, item: str, part: str) -> str:
        number = len(self._known)
        word = "zq" + "".join(_LETTERS[number * 40503 % 2**28 >> shift & 15] for shift in range(0, 28, 4)) + "x"
        assert word not in self._known
        self._known[word] = Canary(word, patient, item, part)
        return word

    def plant_number(self, patient: str, nhs_number: str) -> None:
        self._numbers[nhs_number] = Canary(nhs_number, patient, "", IDENTITY)

    def plant_id(self, patient: str, part: str) -> None:
        self._ids[part] = Canary(part, patient, "", ID)

    def all(self) -> Iterable[Canary]:
        return self._known.values()

    def found_in(self, *contents: bytes) -> set[Canary]:
        """Every canary in these bytes, however they are written."""
        found: set[Canary] = set()
        for content in contents:
            for text in _readings(content):
                found |= {self._known[word] for word in _words_in(text) if word in self._known}
                for number in _NUMBER.finditer(text):
                    if known := self._numbers.get(f"999{number[1]}{number[2]}"):
                        found.add(known)
                found |= {self._ids[token] for token in _TOKEN.findall(text) if token in self._ids}
        return found


def _words_in(text: str) -> Iterator[str]:
    return (found.lower() for found in _WORD.findall(text) for found in [f"zq{found}x"])


def _readings(content: bytes, depth: int = 0) -> Iterator[str]:
    """The bytes as text, and again without tags and escapes, with every base64 in it decoded and unpacked."""
    for plain in _unpacked(content):
        text = plain.decode("utf-8", errors="replace")
        yield text
        if "<" in text:
            yield _TAG.sub("", text)
        if "&" in text:
            yield html.unescape(text)
        if "%" in text or "+" in text:
            yield unquote_plus(text)
        if "\\" in text:
            yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda each: chr(int(each[1], 16)), text).replace("\\/", "/")
        if depth < 2:
            for inside in _decoded(plain):
                yield from _readings(inside, depth + 1)


def _unpacked(content: bytes) -> Iterator[bytes]:
    yield content
    if content[:3] == b"\x1f\x8b\x08":
        try:
            yield gzip.decompress(content)
        except (OSError, EOFError, zlib.error):  # Bytes that begin so by chance: base64 of a digest.
            return
    elif content[:1] == b"\x78":
        try:
            yield zlib.decompress(content)
        except zlib.error:
            return


def _decoded(content: bytes) -> Iterator[bytes]:
    for pattern, decode in ((_BASE64, base64.b64decode), (_BASE64_URL, base64.urlsafe_b64decode)):
        for found in pattern.findall(content):
            if pattern is _BASE64_URL and b"-" not in found and b"_" not in found:
                continue
            try:
                yield decode(found + b"=" * (-len(found) % 4))
            except (binascii.Error, ValueError):
                continue
