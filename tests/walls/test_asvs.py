"""The list of the security standard is whole, and whatever it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")
# How many requirements of levels 1 and 2 each chapter of ASVS 5.0.0 has.
CHAPTERS = {
    1: 27,
    2: 11,
    3: 19,
    4: 10,
    5: 9,
    6: 35,
    7: 18,
    8: 7,
    9: 7,
    10: 29,
    11: 14,
    12: 9,
    13: 13,
    14: 9,
    15: 13,
    16: 16,
    17: 7,
}


def rows() -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in TEXT.splitlines()
        if re.match(r"\| \d", line)
    ]


def test_every_requirement_of_the_two_levels_is_there_once() -> None:
    numbers = [row[0].strip("| ") for row in rows()]
    assert len(set(numbers)) == len(numbers)
    counted: dict[int, int] = {}
    for number in numbers:
        chapter = int(number.split(".")[0])
        counted[chapter] = counted.get(chapter, 0) + 1
    assert counted == CHAPTERS


def test_every_line_says_how_and_by_what_it_is_held() -> None:
    for row in rows():
        assert len(row) == 5, row
        assert all(len(cell) > 2 for cell in row[2:]), row


def test_every_file_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:tests|carerecord|docs)/[\w./-]+|[A-Z]+\.md|[a-z.-]+\.(?:toml|lock))`", TEXT))
    assert len(named) > 60
    assert sorted(each for each in named if not (ROOT / each).exists()) == []
