"""Known words behind misspelt ones, by Damerau and Levenshtein's distance to a few words that are like no other."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from carerecord.sensitivity.cues import read_cues

LETTERS_MIN: Final = 7  # Shorter words are each other's misspellings.
REMEMBERED: Final = 65_536


@lru_cache(maxsize=REMEMBERED)
def anchor_of(word: str) -> str | None:
    """The anchor that a word in small letters is, or is a misspelling of; None for nearly all words."""
    cues = read_cues()
    if word in cues.by_anchor:
        return word
    if len(word) < LETTERS_MIN or word in _LIKE_THEM:
        return None
    for known, wrong_max in cues.misspelt.get(word[0], ()):
        if abs(len(known) - len(word)) <= wrong_max and distance(word, known) <= wrong_max:
            return known
    return None


# Words of medicine that are within reach of a known one and mean something else.
_LIKE_THEM: Final = frozenset(
    [
        "chlamydophila",
        "safeguard",
        "safeguards",
        "abortive",
        "absorption",
        "fertilisations",
        "determination",
        "terminating",
        "trafficker",
        "psychotherapist",
        "psychotherapies",
        "trichophyton",
        "infertile",
    ]
)


def distance(one: str, other: str) -> int:
    """How many letters must be changed, left out, put in or swapped with their neighbour."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, beside in enumerate(other, 1):
            least = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != beside))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == beside:
                least = min(least, before[column - 2] + 1)
            current.append(least)
        before, last = last, current
    return last[-1]
