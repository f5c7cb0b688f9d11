"""A fingerprint of exactly what was shown, so that the witness can later be held against the record. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from carerecord.model import StoredStatement


def snapshot(shown: Iterable[StoredStatement]) -> bytes:
    """SHA-256 of the ordered list of (local id, version) of every statement behind what was shown."""
    listed = sorted([f"{statement.local_id} {statement.version}" for statement in shown])
    return sha256("\n".join(listed).encode()).digest()
