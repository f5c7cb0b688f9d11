"""Make the dictionaries that ship with the record: `python -m scripts.train_dictionaries <folder>`.

They are trained on what the demo's invented people are told about, and on nobody else. One in use is never changed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import zstandard

from carerecord.formats import document
from carerecord.formats.translate import translate
from carerecord.model import Original, Source, Statement
from carerecord.record.dictionary import LEVEL, ORIGINALS, STATEMENTS
from demo.messages import Message, history
from demo.people import generate

DICTIONARY_BYTES_MAX = 112 * 1024
SAMPLE_BYTES_MAX = 16_384  # A larger one is a document in base64, from which nothing can be learnt.
SEED = 2026
PEOPLE = 250
LONDON = ZoneInfo("Europe/London")


def said(people: int, *, seed: int) -> Iterator[tuple[bytes, tuple[Statement, ...]]]:
    """Every original about so many people, with what it states. The same call gives the same originals."""
    for person in generate(seed, people, start=1000):
        for message in history(person):
            source = Source(id=message.source, organisation="X26", name=message.source)
            original = _original(message)
            yield original.content, translate(original, source=source).statements


def _original(message: Message) -> Original:
    """As the door in keeps it: what a push asked for stands where a message has its control id."""
    received_at = message.at.replace(tzinfo=LONDON)
    if message.channel == "drop":
        dropped = document.Dropped(f"{message.control_id}.{message.kind}", message.beside, message.content)
        content = document.pack(dropped)
        return Original(source=message.source, content=content, received_at=received_at, format="document")
    is_pushed = message.channel == "fhir"
    return Original(
        source=message.source,
        content=message.content,
        received_at=received_at,
        control_id=message.kind.strip() if is_pushed else message.control_id,
        format="fhir" if is_pushed else "hl7v2",
    )


def train(people: int = PEOPLE, *, seed: int = SEED) -> dict[int, bytes]:
    messages, bodies = [], []
    for content, statements in said(people, seed=seed):
        messages.append(content)
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
