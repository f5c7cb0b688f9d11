"""Sensitivity labels as bits: a statement is shown to a reader who is allowed every label that it bears."""

from __future__ import annotations

from enum import IntFlag


class Label(IntFlag):
    """Stored in statement headers: never renumber, only add. A bit that is not listed here is allowed to nobody."""

    MENTAL_HEALTH = 1
    SAFEGUARDING = 2
    SENSITIVE = 4  # what a source marks as sensitive (confidentiality R or V) without saying why
    SEALED = 8  # by the person's own wish
    SOCIAL_CARE = 16
    SEXUAL_HEALTH = 32
    TERMINATION = 64
    ASSISTED_CONCEPTION = 128  # Human Fertilisation and Embryology Act 1990, section 33A
    GENDER_HISTORY = 256  # Gender Recognition Act 2004, section 22
    ADOPTION = 512  # Adoption and Children Act 2002
    THIRD_PARTY = 1024  # says something of, or in confidence from, somebody else
    DISSENT = 2048  # the source says that the person dissents: no emergency overrides it

    @property
    def word(self) -> str:
        """As the matrix writes it: "mental-health"."""
        return (self.name or "").lower().replace("_", "-")


WORDS = {label.word: label for label in Label}


def bits_of(words: str) -> int:
    """The bits of labels written with spaces between: "safeguarding third-party"."""
    return sum(int(WORDS[word]) for word in dict.fromkeys(words.split()))


def words_of(bits: int) -> tuple[str, ...]:
    """Labels by their words, for operators and the audit."""
    return tuple(label.word for label in Label if label & bits)
