"""Finds in text what gives a sensitive thing away. Deterministic, and it can say by which rule and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from carerecord.sensitivity.context import is_anybodys, is_bare_test, is_denied, is_relatives
from carerecord.sensitivity.cues import Cue, read_cues
from carerecord.sensitivity.findings import Finding
from carerecord.sensitivity.labels import Label
from carerecord.sensitivity.spelling import REMEMBERED, anchor_of

_WORD: Final = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)*\+?")
_PART: Final = re.compile(r"[a-z0-9]+")
_END: Final = re.compile(r"(?<!\bdr)(?<!\bmr)(?<!\bms)(?<!\be\.g)[.!?](?=\s+[A-Z\d(\"'-]|\s*$)|\n", re.MULTILINE)
_WRAPPED_MIN: Final = 60  # A shorter line was ended by its author, not by the width of the page.
_PLAIN: Final = str.maketrans({"’": "'", "‘": "'", "–": "-", "—": "-", "\u2010": "-", "\u2011": "-", "\xa0": " "})
# Dr Abortson is nobody's misspelt abortion.
_NO_NAME: Final = r"(?<!dr )(?<!mr )(?<!mrs )(?<!ms )(?<!miss )(?<!prof )(?<!nurse )(?<!sister )"
_OF_ONESELF: Final = int(Label.SEXUAL_HEALTH | Label.TERMINATION | Label.ASSISTED_CONCEPTION | Label.GENDER_HISTORY)


def find_in(text: str, *, where: str = "") -> list[Finding]:
    """Everything that the text gives away, in its order. No length of text changes but by one: spans fit the text."""
    plain = text if text.isascii() else text.translate(_PLAIN)
    words = set(_WORD.findall(plain.lower()))
    known = {word for word in words if _is_known(word)}
    if not known:
        return []
    found: list[Finding] = []
    for start, sentence in _sentences(plain):
        found += _in_sentence(sentence, start, where, known)
    return found


def bits_in(text: str) -> int:
    bits = 0
    for finding in find_in(text):
        bits |= finding.bits
    return bits


@lru_cache(maxsize=REMEMBERED)
def _is_known(word: str) -> bool:
    return any(_anchors(word))


def _anchors(word: str) -> Iterator[str]:
    if (anchor := anchor_of(word)) is not None:
        yield anchor
    elif "-" in word or "'" in word or "+" in word:
        for part in _PART.findall(word):
            if (anchor := anchor_of(part)) is not None:
                yield anchor


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """A stop before a new sentence ends one, and so does the end of a line that was not merely full."""
    start = 0
    for end in _END.finditer(text):
        if end[0] == "\n":
            width = end.start() - text.rfind("\n", 0, end.start()) - 1
            goes_on = text[end.end() : end.end() + 1]
            if width >= _WRAPPED_MIN and (goes_on.isalpha() or goes_on in "(,"):
                continue
        yield start, text[start : end.end()]
        start = end.end()
    if start < len(text):
        yield start, text[start:]


def _in_sentence(sentence: str, start: int, where: str, known: set[str]) -> list[Finding]:
    small = sentence.lower()
    here = {word for word in _WORD.findall(small) if word in known}
    if not here:
        return []
    # Line ends within a sentence are of layout; so both keep their length and every span fits the text.
    spelt = sentence.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    exact = True
    for part in {part for word in here for part in (word, *_PART.findall(word))}:
        anchor = anchor_of(part)
        if anchor is not None and anchor != part:
            spelt = re.sub(rf"{_NO_NAME}\b{re.escape(part)}\b", anchor, spelt, flags=re.IGNORECASE)
            exact = False
    cues = {cue.rule: cue for word in here for anchor in _anchors(word) for cue in read_cues().by_anchor[anchor]}
    found = []
    for cue in cues.values():
        for match in cue.pattern.finditer(spelt):
            if match[0] and _stands(cue, spelt, match):
                first, last = (match.start(), match.end()) if exact else (0, len(sentence))
                found.append(Finding(cue.bits, cue.rule, where, start + first, start + last))
                break
    return found


def _stands(cue: Cue, sentence: str, match: re.Match[str]) -> bool:
    """Whether the cue means what it seems to, in its sentence."""
    if cue.unless is not None and cue.unless.search(sentence):
        return False
    if cue.kind == "firm":
        return not is_anybodys(sentence.lower())
    before, after = sentence[: match.start()].lower(), sentence[match.end() :].lower()
    if is_anybodys(sentence.lower()):
        return False
    if cue.bits & _OF_ONESELF and is_relatives(before, after):
        return False
    return cue.kind == "positive" or not (is_denied(before, after) or is_bare_test(before, after))
