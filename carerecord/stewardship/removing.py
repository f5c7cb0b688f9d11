"""The working process's part in removal: take out what is withdrawn, and what was sent again, until told to stop.

Then its bytes leave the disk, table by table, by night.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg

from carerecord import audit, database, logs
from carerecord.database import Database
from carerecord.record import dictionary
from carerecord.settings import Settings
from carerecord.stewardship import off_disk, removal, removal_ledger

REST_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 600.0  # between two looks for what was sent again: no reader is given it meanwhile


async def keep_removed(db: Database, chosen: Settings, *, clock: Callable[[], datetime]) -> None:
    """Until cancelled. What fails is said, left as it was, and tried again."""
    returned = removal.Returned()
    looked_at: datetime | None = None
    while True:
        try:
            at = clock()
            done = await take_out(db, chosen, at=at)
            if looked_at is None or (at - looked_at).total_seconds() >= AGAIN_SECONDS:
                looked_at = at
                done += await returned.remove(db)
            if done:
                logs.say(logs.Line.REMOVED, count=done)
            if off := await off_disk.take_off(db, chosen, at=at):
                logs.say(logs.Line.OFF_DISK, count=off)
        except (database.DatabaseLost, database.DatabaseRefused, audit.WitnessUnavailable):
            logs.say(logs.Line.DATABASE_LOST)
        except (dictionary.Unreadable, dictionary.UnknownDictionary, asyncpg.PostgresError, OSError) as error:
            logs.say(logs.Line.REMOVAL_FAILED, kind=type(error).__name__)
        await asyncio.sleep(REST_SECONDS)


async def take_out(db: Database, chosen: Settings, *, at: datetime) -> int:
    """Whatever is withdrawn and not yet taken out; how many removals that were. A witness is leased only if any is."""
    if not await removal.has_open(db):
        return 0
    folder = Path(chosen.drop_folder) if chosen.drop_folder else None
    async with audit.Writer.open(db) as writer:
        done = await removal.complete_open(db, writer, ledger=removal_ledger.path_of(chosen), drop_folder=folder, at=at)
    return len(done)
