"""Subject access for the pages: each deed connects as the role that may (`steward`), and leaves it again after it.

Whoever serves may not read so much by itself; where it cannot take that role on, the command does the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from carerecord import audit, clock, database
from carerecord.disclosure import sentences
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.stewardship.desk import only_by_command
from carerecord.stewardship.subject_access.making import Files

T = TypeVar("T")


class SubjectAccessDesk:
    """The role is asked about before anything is connected to."""

    def __init__(self, region: Region, settings: Settings, *, random_key: Callable[[], int] = clock.random_key) -> None:
        self.region = region
        self._settings = settings
        self._random_key = random_key

    async def do(self, staff: Staff, doing: Callable[[Files], Awaitable[T | Refusal]]) -> T | Refusal:
        if refused := Files.may_not(staff, self.region):
            return refused
        try:
            async with database.connect(self._settings, "steward") as db, audit.Writer.open(db) as writer:
                return await doing(Files(db, writer, self.region, random_key=self._random_key))
        except database.DatabaseRefused:
            return only_by_command("carerecord subject-access")
        except (database.DatabaseLost, audit.WitnessUnavailable, OSError):
            return sentences.unavailable(self.region)
