"""Make the dictionaries that ship with the record: `python -m scripts.train_dictionaries <folder>`.

They are trained on what the demo's invented people are told about, and on nobody else. One in use is never changed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import zstandard

from carerecord.formats.hl7v2 import translate
from carerecord.model import Original, Source, Statement
from carerecord.record.dictionary import LEVEL, ORIGINALS, STATEMENTS
from demo.messages import Message, history
from demo.people import generate

DICTIONARY_BYTES_MAX = 112 * 1024
SAMPLE_BYTES_MAX = 16_384  # A larger one is a document in base64, from which nothing can be learnt.
SEED = 2026
PEOPLE = 250


def said(people: int, *, seed: int) -> Iterator[tuple[Message, tuple[Statement, ...]]]:
    """Every message about so many people, with what it states. The same call gives the same messages."""
    for person in generate(seed, people, start=1000):
        for message in history(person, channel="mllp"):
            source = Source(id=message.source, organisation="X26", name=message.source)
            original = Original(source=message.source, content=message.content, received_at=message.at)
            yield message, translate(original, source=source).statements


def train(people: int = PEOPLE, *, seed: int = SEED) -> dict[int, bytes]:
    messages, bodies = [], []
    for message, statements in said(people, seed=seed):
        messages.append(message.content)
        bodies += [statement.body for statement in statements]
    return {STATEMENTS: _train(STATEMENTS, bodies), ORIGINALS: _train(ORIGINALS, messages)}


def _train(number: int, samples: list[bytes]) -> bytes:
    fitting: list[bytes | bytearray | memoryview] = [s for s in samples if len(s) <= SAMPLE_BYTES_MAX]
    return zstandard.train_dictionary(DICTIONARY_BYTES_MAX, fitting, level=LEVEL, dict_id=number).as_bytes()


def main(folder: Path) -> None:
    for number, content in train().items():
        (folder / f"{number:04}.zdict").write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
