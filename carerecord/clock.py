"""Clock and chance: the one place they enter; everything else takes them as arguments."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def random_key() -> int:
    """A positive number without meaning that fits a bigint, 61 of its bits random: a patient_key or an identity_key."""
    return secrets.randbits(62) | 1 << 61  # Always 19 digits, never small enough to be mistaken for a count.


def random_token() -> str:
    """256 bits, URL-safe: session tokens, launch codes, states."""
    return secrets.token_urlsafe(32)
