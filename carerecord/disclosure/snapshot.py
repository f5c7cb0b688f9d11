"""A fingerprint of exactly what was shown, so that the witness can later be held against the record. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b, sha256

from carerecord.model import StoredStatement

Item = tuple[str, str]  # (local id, version)


def snapshot(shown: Iterable[StoredStatement]) -> bytes:
    """SHA-256 of the ordered list of (local id, version) of every statement behind what was shown."""
    return sha256(_listed([f"{statement.local_id} {statement.version}" for statement in shown])).digest()


def snapshot_of(items: Iterable[Item]) -> bytes:
    """The same, of ids and versions alone."""
    return sha256(_listed([f"{local_id} {version}" for local_id, version in items])).digest()


def held(statements: Iterable[StoredStatement]) -> str:
    """Short, of all that a reader might have been shown, where the page shows a part of it."""
    return _short([f"{statement.local_id} {statement.version}" for statement in statements])


def held_of(items: Iterable[Item]) -> str:
    return _short([f"{local_id} {version}" for local_id, version in items])


def digest(content: bytes) -> str:
    """Short, of an original as it arrived: which statements are behind it does not say that its bytes are the same."""
    return blake2b(content, digest_size=16).hexdigest()


def _short(lines: list[str]) -> str:
    return digest(_listed(lines))


def _listed(lines: list[str]) -> bytes:
    lines.sort()
    return "\n".join(lines).encode()
