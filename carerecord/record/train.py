"""Makes the dictionaries from samples: `python -m carerecord.record.train <folder>`. Never change one in use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import zstandard

from carerecord.record import samples
from carerecord.record.dictionary import LEVEL, ORIGINALS, STATEMENTS

DICTIONARY_BYTES_MAX: Final = 112 * 1024
SAMPLE_COUNT: Final = 6000


def train(number: int) -> bytes:
    make = {STATEMENTS: samples.bodies, ORIGINALS: samples.messages}[number]
    made: list[bytes | bytearray | memoryview] = [*make(SAMPLE_COUNT)]
    return zstandard.train_dictionary(DICTIONARY_BYTES_MAX, made, level=LEVEL, dict_id=number).as_bytes()


def main(folder: Path) -> None:
    for number in (STATEMENTS, ORIGINALS):
        (folder / f"{number:04}.zdict").write_bytes(train(number))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
