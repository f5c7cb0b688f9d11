"""The cuts of a chunk's results as bytes: what many say alike once for all of them, then each one's own. Pure.

A column of u16 for each statement (0: not cut; else one more than the number of what it says alike), the lengths of
what is said alike (u32, after their u16 count), those bytes, and the texts that are each one's own, a line for each.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

from carerecord.fhir.cut import Cut
from carerecord.record.dictionary import Unreadable

_ALIKE_MAX: Final = 0xFFFF  # kinds that a chunk has numbers for; what is said in yet another way is read whole


def pack_cuts(cuts: Sequence[Cut | None]) -> bytes:
    numbers: dict[bytes, int] = {}
    column: list[int] = []
    own: list[str] = []
    for cut in cuts:
        if cut is None or (cut[0] not in numbers and len(numbers) == _ALIKE_MAX):
            column.append(0)
            continue
        column.append(numbers.setdefault(cut[0], len(numbers) + 1))
        own.append(cut[1])
    lengths = [len(alike) for alike in numbers]
    return b"".join(
        (
            struct.pack(f"<{len(column)}HH{len(lengths)}I", *column, len(lengths), *lengths),
            *numbers,
            "\n".join(own).encode("ascii"),
        )
    )


def read_cuts(packed: bytes, count: int) -> list[Cut | None]:
    try:
        *column, alike_count = struct.unpack_from(f"<{count + 1}H", packed)
        begin = 2 * (count + 1) + 4 * alike_count
        lengths = struct.unpack_from(f"<{alike_count}I", packed, 2 * (count + 1))
        ends = list(accumulate(lengths, initial=begin))
        alike = [packed[start:end] for start, end in pairwise(ends)]
        own = iter(packed[ends[-1] :].decode("ascii").split("\n"))
        return [(alike[number - 1], next(own)) if number else None for number in column]
    except (struct.error, IndexError, StopIteration, UnicodeDecodeError) as error:
        raise Unreadable from error
