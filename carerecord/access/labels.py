"""Sensitivity labels as bits: a statement is shown to a reader who is allowed every label that it bears."""

from __future__ import annotations

from enum import IntFlag


class Label(IntFlag):
    """Stored in statement headers: never renumber, only add. A bit that is not listed here is allowed to nobody."""

    MENTAL_HEALTH = 1
    SAFEGUARDING = 2
    SENSITIVE = 4  # what a source marks as sensitive: sexual health, termination, assisted conception, gender history
    SEALED = 8  # by the person's own wish
    SOCIAL_CARE = 16

    @property
    def word(self) -> str:
        """As the matrix writes it: "mental-health"."""
        return (self.name or "").lower().replace("_", "-")


WORDS = {label.word: label for label in Label}
