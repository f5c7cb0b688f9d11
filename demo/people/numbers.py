"""Numbers that look right and belong to nobody: NHS numbers of the 999 range, hospital and laboratory numbers."""

from __future__ import annotations

from collections.abc import Iterator

_BODIES = 1_000_000
_STEP = 618_033  # Coprime with a million, so stepping visits every body once and neighbours look unrelated.


class NoNumberLeft(ValueError):
    """The 999 range holds about 909,000 valid NHS numbers: generate fewer people."""


def check_digit(nine: str) -> int | None:
    """The modulus 11 digit, or None where there is none (a remainder of ten is never issued)."""
    digit = (11 - sum(int(nine[place]) * (10 - place) for place in range(9)) % 11) % 11
    return None if digit == 10 else digit


def nhs_numbers(seed: int) -> Iterator[str]:
    """Every valid number of the 999 range once, in an order fixed by the seed."""
    body = seed * 7919 % _BODIES
    for _ in range(_BODIES):
        body = (body + _STEP) % _BODIES
        nine = f"999{body:06d}"
        digit = check_digit(nine)
        # 9999999999 passes the arithmetic but is used as a filler, so it is nobody's.
        if digit is not None and body != 999_999:
            yield f"{nine}{digit}"
    raise NoNumberLeft(NoNumberLeft.__doc__)


def superseded_number(seed: int, index: int) -> str | None:
    """A valid number that nobody of the region has: taken from the far end of the series, three bodies for each."""
    for place in range(3):
        body = (seed * 7919 - (3 * index + place) * _STEP) % _BODIES
        digit = check_digit(f"999{body:06d}")
        if digit is not None and body != 999_999:
            return f"999{body:06d}{digit}"
    return None


def number_at(source: str, index: int) -> str:
    """What a system other than the first hospital and the laboratory calls person `index`."""
    shape, step = _SHAPES[source]
    return shape.format(100_000 + index * step)


_SHAPES = {
    "uclh": ("4{:07d}", 7), "gosh": ("G{:07d}", 3), "gp-mile-end": ("ME{:06d}", 5), "gp-kilburn": ("KL{:06d}", 9),
    "london-imaging": ("IMG{:07d}", 13), "east-london-mh": ("RIO{:07d}", 11), "central-community": ("CC{:07d}", 17),
    "london-ambulance": ("LAS{:07d}", 19), "mile-end-council": ("MEC{:06d}", 3), "london-ucp": ("UCP{:07d}", 23),
    "bedfordshire": ("BH{:07d}", 7), "milton-keynes": ("MK{:07d}", 9), "east-suffolk": ("ES{:07d}", 11),
    "west-suffolk": ("WS{:07d}", 13), "west-herts": ("WH{:07d}", 17), "east-herts": ("EH{:07d}", 19),
    "beds-gp": ("HL{:06d}", 3), "suffolk-gp": ("GV{:06d}", 7), "luton-community": ("LC{:07d}", 5),
    "essex-ambulance": ("EA{:07d}", 3), "herts-council": ("HC{:07d}", 9),
}  # fmt: skip


def hospital_number(index: int, *, twice: bool = False) -> str:
    """`twice`: the number under which the hospital knew the same person a second time."""
    return f"{(7_000_000 if twice else 3_000_000) + index * 3 + 17}"


def laboratory_number(index: int) -> str:
    return f"L{20_000_000 + index * 7 + 5}"


def oxford_number(index: int) -> str:
    return f"{1_100_000 + index * 11 + 3}"
