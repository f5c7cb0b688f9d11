"""The cues of words.toml, compiled once and found by their anchors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from carerecord.sensitivity.labels import bits_of
from carerecord.sensitivity.shipped import read_list

KINDS: Final = frozenset({"fact", "positive", "firm"})


class Cue(msgspec.Struct, frozen=True):
    """One way of saying a sensitive thing. words.toml says what each member is."""

    rule: str
    bits: int
    anchors: frozenset[str]
    pattern: re.Pattern[str]
    kind: str
    unless: re.Pattern[str] | None


class Cues(msgspec.Struct, frozen=True):
    by_anchor: Mapping[str, tuple[Cue, ...]]
    misspelt: Mapping[str, tuple[tuple[str, int], ...]]  # by first letter: word, and how many wrong letters it may have


@cache
def read_cues() -> Cues:
    table = read_list("words")
    by_anchor: dict[str, list[Cue]] = {}
    for entry in table["cue"]:
        kind = entry.get("kind", "fact")
        assert kind in KINDS, f"words.toml: {entry['rule']} is of kind {kind}, which is none of {sorted(KINDS)}."
        unless = entry.get("unless")
        cue = Cue(
            rule=f"words:{entry['rule']}",
            bits=bits_of(entry["label"]),
            anchors=frozenset(entry["anchors"]),
            pattern=re.compile(entry["pattern"], re.IGNORECASE),
            kind=kind,
            unless=re.compile(unless, re.IGNORECASE) if unless else None,
        )
        for anchor in cue.anchors:
            by_anchor.setdefault(anchor, []).append(cue)
    misspelt: dict[str, list[tuple[str, int]]] = {}
    for letters, words in ((1, table["misspelt"]["one"]), (2, table["misspelt"]["two"])):
        for word in words:
            misspelt.setdefault(word[0], []).append((word, letters))
    return Cues(
        {anchor: tuple(cues) for anchor, cues in by_anchor.items()},
        {letter: tuple(words) for letter, words in misspelt.items()},
    )
