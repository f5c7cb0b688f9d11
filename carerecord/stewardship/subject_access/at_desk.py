"""Subject access for the pages: each deed connects as the role that may (`steward`), and leaves it again after it.

Whoever serves may not read so much by itself; where it cannot take that role on, the command does the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from carerecord import access, audit, clock, database
from carerecord.disclosure import sentences
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.stewardship.subject_access.desk import DESKS
from carerecord.stewardship.subject_access.making import Files

T = TypeVar("T")
ONLY_BY_COMMAND = (
    "Here the process that serves may not read so much: ask whoever runs the record for `carerecord subject-access`."
)


class SubjectAccessDesk:
    """The role is asked about before anything is connected to."""

    def __init__(self, region: Region, settings: Settings, *, random_key: Callable[[], int] = clock.random_key) -> None:
        self.region = region
        self._settings = settings
        self._random_key = random_key

    async def do(self, staff: Staff, doing: Callable[[Files], Awaitable[T | Refusal]]) -> T | Refusal:
        if not any(access.may_work(staff.role, desk) for desk in DESKS):
            return sentences.not_allowed(
                self.region, ("Your role does not answer requests for what is held about a person.",)
            )
        try:
            async with database.connect(self._settings, "steward") as db, audit.Writer.open(db) as writer:
                return await doing(Files(db, writer, self.region, random_key=self._random_key))
        except database.DatabaseRefused:
            return Refusal(kind="not-allowed", sentences=(ONLY_BY_COMMAND,))
        except (database.DatabaseLost, audit.WitnessUnavailable, OSError):
            return sentences.unavailable(self.region)
