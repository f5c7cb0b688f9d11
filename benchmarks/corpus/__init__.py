"""Letters with truth, made of sentences that were written apart from the rules; each file says what it is for."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

SEED = 20_261_122
PARTS = ("tuning", "second", "third", "held_out")
VARIANTS = {"tuning": 2, "second": 2, "third": 2, "held_out": 3}  # letters around each sentence
_DRUGS = ("amlodipine 5 mg", "ramipril 2.5 mg", "metformin 500 mg", "atorvastatin 20 mg", "omeprazole 20 mg")
_DATES = ("2016", "March 2019", "12-Feb-2021", "June", "October 2023", "last spring")
_NAMES = ("Ada Quill", "Rosa Vane", "Tom Orchard", "Imran Sabel", "Jo Fenn", "Petra Lund")
_OPENINGS = (
    "Dear Dr Marsh,\nRe: {name}, born 04-May-1984\n\nThank you for referring this patient, whom I saw today.",
    "Diagnosis: see below.\n\nI reviewed {name} in clinic this morning.",
    "DISCHARGE SUMMARY\nAdmitted with chest pain, discharged the next day.",
    "Many thanks for asking me to see this patient, who was well.",
    "",
)
_CLOSINGS = (
    "On examination the chest was clear and the abdomen soft.\nPlan: bloods in six weeks.\n\nDr L. Hale",
    "Medicines: {drug} once a day.\nI have not arranged to see {name} again.\n\nYours sincerely,\nMiss R. Okafor",
    "Blood pressure 128/76, pulse 72 regular. No change to treatment.",
    "",
)
_SLIPS = {
    "chlamydia": ("chlamidia", "chlymidia", "clamydia"),
    "gonorrhoea": ("gonorrhea", "gonorhoea", "gonnorrhoea"),
    "syphilis": ("syphillis", "siphilis", "syphylis"),
    "termination": ("terminaton", "termintion"),
    "abortion": ("abortoin", "abotion"),
    "safeguarding": ("safegaurding", "safeguardng"),
    "fertilisation": ("fertilization", "fertlisation"),
    "transgender": ("transgendr", "transegender"),
}


class Letter(msgspec.Struct, frozen=True):
    """`label`: what it gives away, "" where nothing. `sentence`: the one of the corpus that it was made around."""

    label: str
    sentence: str
    text: str


def sentences(part: str) -> Iterator[tuple[str, str]]:
    """(label, sentence), each once: those written out, and each frame with each thing."""
    table: dict[str, Any] = tomllib.loads((Path(__file__).parent / f"{part}.toml").read_text(encoding="utf-8"))
    for label, said in table["positive"].items():
        yield from ((label, each) for each in said)
    for each in table["negative"]["sentences"]:
        yield "", each
    for label, things in table["things"].items():
        for thing in things:
            yield from ((label, frame.replace("{thing}", thing)) for frame in table["frames"]["true"])
            yield from (("", frame.replace("{thing}", thing)) for frame in table["frames"]["untrue"])
            if label != "SAFEGUARDING":  # Of a child whose mother is abused, that is said of the child too.
                yield from (("", frame.replace("{thing}", thing)) for frame in table["frames"]["relative"])


def letters(part: str, *, variants: int | None = None) -> Iterator[Letter]:
    """Every sentence in letters of several makes, some with a slip of the pen."""
    rng = random.Random(f"{SEED}-{part}")
    for label, sentence in sentences(part):
        for number in range(variants or VARIANTS[part]):
            filled = _filled(_slipped(sentence, rng) if number == 1 else sentence, rng)
            opening, closing = _filled(rng.choice(_OPENINGS), rng), _filled(rng.choice(_CLOSINGS), rng)
            gap = rng.choice(("\n", "\n\n", " ") if filled[-1] in ".!?" else ("\n", "\n\n"))
            text = gap.join(part for part in (opening, filled, closing) if part)
            yield Letter(label, sentence, text)


def _filled(text: str, rng: random.Random) -> str:
    they = rng.choice(("She", "He"))
    for slot, words in (
        ("{they}", they),
        ("{their}", "her" if they == "She" else "his"),
        ("{date}", rng.choice(_DATES)),
        ("{weeks}", str(rng.randint(6, 14))),
        ("{drug}", rng.choice(_DRUGS)),
        ("{name}", rng.choice(_NAMES)),
    ):
        text = text.replace(slot, words)
    return text


def _slipped(text: str, rng: random.Random) -> str:
    for right, wrong in _SLIPS.items():
        if right in text:
            return text.replace(right, rng.choice(wrong), 1)
    return text
