"""What opens the record for the request under way: the hash of its session's or its program's secret.

It is shown to the database with each reading, beside the witness: what a hole in a mouth asks of another patient is
then refused where the record is kept. It goes with the task of the request and is written down nowhere.
"""

from __future__ import annotations

from contextvars import ContextVar

_KEY: ContextVar[bytes] = ContextVar("key", default=b"")


def show_key(key: bytes) -> None:
    """From now on, and in this request alone. Called by whoever found the session or the token by its secret."""
    _KEY.set(key)


def shown_key() -> bytes:
    """Empty where nobody has shown one: it opens nothing."""
    return _KEY.get()
