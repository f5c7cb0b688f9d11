"""The working process's part in a new key for seals: two people agreed, it is made where the keys are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from carerecord import audit, database, logs
from carerecord.audit.events import NOBODY
from carerecord.audit.keys import SignerFailed, signer_of
from carerecord.database import Database
from carerecord.settings import Settings
from carerecord.stewardship.desk import deed
from carerecord.stewardship.in_force import store
from carerecord.stewardship.in_force.rules import KEY, WITNESS

REST_SECONDS: Final = 10.0
QUERIES = database.queries(__package__)


async def keep_sealing_key(db: Database, settings: Settings, *, clock: Callable[[], datetime]) -> None:
    """Until cancelled. What fails is said and tried again: until then the key before it goes on sealing."""
    handled = 0
    while True:
        try:
            number = await store.read_number(db)
            if number != handled and await renew_sealing_key(db, settings, at=clock()):
                logs.say(logs.Line.SEAL_KEY_MADE)
            handled = number
        except (SignerFailed, OSError) as wrong:
            logs.say(logs.Line.SEAL_FAILED, kind=type(wrong).__name__)
        except (database.DatabaseLost, database.DatabaseRefused, audit.WitnessUnavailable):
            logs.say(logs.Line.DATABASE_LOST)
        await asyncio.sleep(REST_SECONDS)


async def renew_sealing_key(db: Database, settings: Settings, *, at: datetime) -> bool:
    """Makes the key that two people agreed to last, once; the next seal announces it. Raises SignerFailed."""
    asked = [row for row in await store.read_standing(db) if row.kind == KEY and row.name == WITNESS]
    if not asked:
        return False
    [row] = asked
    sealed_since = await db.fetchval(QUERIES["has_new_sealing_key"], row.at)
    if sealed_since:
        return False
    made = await signer_of(settings).make_once(asked_at=row.at)
    if made is None:
        return False
    async with audit.Writer.open(db) as writer:
        await writer.witness(
            deed(
                audit.Kind.ADMINISTERED,
                None,  # The two people stand in the event of their proposal.
                NOBODY,
                {"what": "key", "step": "made", "thumbprint": made["kid"], "because": row.because},
                route="work",
                session=row.reference,
                at=at,
            )
        )
    return True
