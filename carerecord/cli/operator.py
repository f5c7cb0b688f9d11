"""Who is at the keyboard, and one person named without leaving their number in the shell's history."""

from __future__ import annotations

import os
import pwd
import sys
from datetime import date
from typing import TypeVar

from carerecord.disclosure import Refusal
from carerecord.model import Staff

T = TypeVar("T")


class NotAPerson(ValueError):
    """Two lines are read from standard input: the NHS number, and the date of birth as 1948-03-12."""

    def __init__(self) -> None:
        super().__init__(NotAPerson.__doc__)


class Refused(Exception):
    """What was asked was not done, and why."""


def operator(*, by: str, role: str) -> Staff:
    """Known by the operating system's own account, so that one account is never two people; called as they say."""
    account = pwd.getpwuid(os.getuid()).pw_name
    return Staff(
        user_id=f"account:{account}",
        name=by,
        role_code="operator",
        role=role,
        role_name="operator",
        organisation="",
        organisation_name="those who run the record",
        sign_in="command line",
    )


def read_person() -> tuple[str, date]:
    """NHS number and date of birth, from standard input. Raises NotAPerson."""
    if sys.stdin.isatty():
        print("NHS number, then date of birth (1948-03-12), each on a line:", file=sys.stderr)
    try:
        number, born = (sys.stdin.readline().strip() for _ in range(2))
        return number, date.fromisoformat(born)
    except ValueError as wrong:
        raise NotAPerson from wrong


def done(answer: T | Refusal) -> T:
    """Raises Refused with the sentences of a refusal."""
    if isinstance(answer, Refusal):
        raise Refused(" ".join(answer.sentences))
    return answer
