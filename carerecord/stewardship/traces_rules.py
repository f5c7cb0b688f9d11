"""By what content is known again after it is gone: SHA-256 of bytes, salted hashes of runs of words. Pure."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256
from typing import Any, Final

import msgspec

from carerecord.formats import document

RUN_WORDS: Final = 8  # so many words in a row are hardly ever written twice by chance
RUNS_MAX: Final = 200  # of one removal: spread over all of its words
FILE_BYTES_MIN: Final = 32  # a smaller file says nothing that is anybody's own
_WORD: Final = re.compile(r"\w+")
WINDOW_BYTES: Final = 24  # of what is stored: as many as nothing else has by chance
WINDOWS_MAX: Final = 200
# Where a window begins is said by the bytes themselves, so that it is found wherever a file holds them.
_WINDOW: Final = re.compile(rb"[\x1b\x53\x8e\xc7](?=(.{24}))", re.DOTALL)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{44,}={0,2}")


def hash_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def hashes_in(content: bytes) -> set[str]:
    """Of some bytes as they are kept, and of every file inside them: a dropped document's two, and attachments."""
    return {hash_of(each) for each in (content, *files_in(content))}


def files_in(content: bytes) -> Iterator[bytes]:
    if content.startswith(document.BEGINS):
        try:
            dropped = document.unpack(content)
        except (document.NotADrop, UnicodeDecodeError):
            return
        for part in (dropped.sidecar, dropped.content):
            if len(part) >= FILE_BYTES_MIN:
                yield part
    # HL7 v2 escapes and FHIR both hold a file as base64 without breaks.
    for found in _BASE64.finditer(content):
        try:
            file = b64decode(found[0] + b"=" * (-len(found[0]) % 4))
        except (NotBase64, ValueError):
            continue
        if len(file) >= FILE_BYTES_MIN:
            yield file


def texts_in(content: bytes) -> Iterator[str]:
    """Every text of a resource, its attachments' too; of anything else its words as they stand."""
    try:
        yield from _strings(msgspec.json.decode(content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield content.decode("utf-8", "replace")
        for file in files_in(content):
            yield file.decode("utf-8", "replace")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "data" and isinstance(each, str):
                yield from _decoded(each)
            else:
                yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, str):
        yield value


def _decoded(data: str) -> Iterator[str]:
    try:
        yield b64decode(data).decode()
    except (NotBase64, ValueError):
        return


def runs(texts: Iterable[str], *, salt: bytes) -> set[str]:
    """Of every run of eight words, whatever stands between them: a hash that is of no use without this salt."""
    found = set()
    for text in texts:
        words = [word.casefold() for word in _WORD.findall(text)]
        for first in range(len(words) - RUN_WORDS + 1):
            run = " ".join(words[first : first + RUN_WORDS])
            found.add(blake2b(run.encode(), digest_size=8, salt=salt).hexdigest())
    return found


def chosen(found: Iterable[str]) -> tuple[str, ...]:
    """Not more than a ledger should hold; by their hash, so the choice says nothing about the words."""
    return tuple(sorted(found)[:RUNS_MAX])


def salt_of(removal: int) -> bytes:
    return removal.to_bytes(16, "big")


def windows(stored: bytes) -> set[str]:
    """Of bytes as a database keeps them, compressed: hashes of short windows, by which a file is searched for them
    without keeping any."""
    return {blake2b(found[1], digest_size=8).hexdigest() for found in _WINDOW.finditer(stored)}


def windows_of(stored: Iterable[bytes], *, but: Iterable[bytes] = (), known: Iterable[str] = ()) -> tuple[str, ...]:
    """Of what was stored and is not any more, and those known before; not more than a ledger should hold."""
    found = set().union(*map(windows, stored)) - set().union(*map(windows, but))
    return tuple(sorted(found | set(known))[:WINDOWS_MAX])


def windows_found(content: bytes, wanted: frozenset[str]) -> set[str]:
    """Which of these windows stand in a file."""
    return windows(content) & wanted
