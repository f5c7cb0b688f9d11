"""Which version of the policy is served: a change from what was served before is witnessed before anybody is served."""

from __future__ import annotations

from datetime import datetime

from carerecord import database
from carerecord.audit.chain import Event, Kind
from carerecord.audit.witness import Writer
from carerecord.database import Database
from carerecord.model import Purpose

QUERIES = database.queries(__package__)


async def note_policy(db: Database, writer: Writer, *, version: str, at: datetime) -> bool:
    """As `serve`, at its start. True: it was another version before, and that is written down now."""
    last = await db.fetchval(QUERIES["read_policy"])
    is_changed = last is not None and last != version
    if is_changed:
        await writer.witness(
            Event(
                kind=Kind.ADMINISTERED.value,
                patient_key=0,
                staff=None,  # Whoever started it: the change itself was decided, and witnessed, elsewhere.
                purpose=Purpose.PATADMIN,
                evidence=None,
                decision={"policy_version": version},
                detail={"what": "policy-version", "from": last, "to": version},
                route="start",
                session="",
                at=at,
            )
        )
    await db.execute(QUERIES["keep_policy"], version, at)
    return is_changed
