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


def hospital_number(index: int, *, twice: bool = False) -> str:
    """`twice`: the number under which the hospital knew the same person a second time."""
    return f"{(7_000_000 if twice else 3_000_000) + index * 3 + 17}"


def laboratory_number(index: int) -> str:
    return f"L{20_000_000 + index * 7 + 5}"


def oxford_number(index: int) -> str:
    return f"{1_100_000 + index * 11 + 3}"
