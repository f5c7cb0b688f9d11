"""Texts that many events say, kept once: who decided on what, and what showed that they are involved. Pure.

An event names them by their SHA-256, which stands in its own hash: a text that is changed, exchanged or gone is found.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

SHARED: Final = 0  # The key of texts that say nothing of any patient.
_LENGTH: Final = struct.Struct(">I").pack


class Text(NamedTuple):
    """What stands once for many events of one stream and month. `patient_key` 0: it says nothing of any patient."""

    patient_key: int
    digest: bytes
    said: tuple[str, ...]


def digest_of(*said: str) -> bytes:
    """SHA-256 over each text with its length before it, so that no two lists have the same."""
    parts = [text.encode() for text in said]
    return sha256(b"".join([_LENGTH(len(part)) + part for part in parts])).digest()


@lru_cache(maxsize=8192)
def manner_of(staff: str, decision: str) -> bytes:
    """Who looked, and what was decided of it: the same for many patients."""
    return digest_of(staff, decision)


@lru_cache(maxsize=8192)
def grounds_of(evidence: str) -> bytes:
    """What showed that they are involved in one person's care."""
    return digest_of(evidence)
