"""Is the person whom we hold the one whom the host means? Pure."""

from __future__ import annotations

import unicodedata
from datetime import date
from difflib import SequenceMatcher

SIMILAR = 0.6


def is_same_person(*, held_name: str, held_birth_date: date | None, family: str | None, birth_date: date) -> bool:
    """The birth date must be the same. A family name, when the host sends one, must be like one of the names held.

    Like, not equal: spelling, accents, hyphens and double names differ between systems.
    """
    if held_birth_date != birth_date:
        return False
    if not (family or "").strip():
        return True
    held, sent = _words(held_name), _words(family or "")
    joined = "".join(_words(held_name.split(",")[0]))
    return any(_is_like(one, other) for one in sent for other in held) or _is_like("".join(sent), joined)


def _is_like(one: str, other: str) -> bool:
    return bool(one) and bool(other) and SequenceMatcher(None, one, other, autojunk=False).ratio() >= SIMILAR


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold()).replace("'", "").replace("’", "")
    letters = "".join(letter if letter.isalpha() else " " for letter in plain if not unicodedata.combining(letter))
    return letters.split()
