"""What a host says in words: made legible, and whether it calls the person whom we hold by a name like ours. Pure."""

from __future__ import annotations

import unicodedata
from difflib import SequenceMatcher

SIMILAR = 0.6


def is_like_the_name_held(family: str | None, *, held: str) -> bool:
    """A family name, when the host sends one, against the names held ("SURNAME, Given").

    Like, not equal: spelling, accents, hyphens and double names differ between systems.
    """
    sent, ours = _words(family or ""), _words(held)
    if not sent:
        return True
    joined = "".join(_words(held.split(",")[0]))
    return any(_is_like(one, other) for one in sent for other in ours) or _is_like("".join(sent), joined)


def legible(text: str) -> str:
    """The words without signs that nobody sees: those turn around or hide what stands beside them
    (https://www.unicode.org/reports/tr36/), and some no table keeps."""
    seen = (letter if letter.isprintable() or letter.isspace() else "" for letter in text)
    return " ".join("".join(seen).split())


def _is_like(one: str, other: str) -> bool:
    return bool(one) and bool(other) and SequenceMatcher(None, one, other, autojunk=False).ratio() >= SIMILAR


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold()).replace("'", "").replace("’", "")
    letters = "".join(letter if letter.isalpha() else " " for letter in plain if not unicodedata.combining(letter))
    return letters.split()
