"""The hand of the records desk in tests: what the command does, with a ledger in the test's own folder."""

from __future__ import annotations

import itertools
from pathlib import Path

from carerecord import audit, clock, database
from carerecord.settings import Settings
from carerecord.stewardship import removal, removal_ledger
from carerecord.stewardship.removal_plan import Authority, Decision, Target, plan_removal
from carerecord.stewardship.removal_ledger import Entry

_numbers = itertools.count(1000)
AGREED = Decision(
    authority=Authority.ERASURE,
    reason="Sent in breach of confidence.",
    asked_by="Ann Records",
    agreed_by="Dr B Guardian",
)


def ledger_of(settings: Settings) -> Path:
    return removal_ledger.path_of(settings)


async def withdraw(
    settings: Settings, target: Target, *, decision: Decision = AGREED, give_back: bool = False
) -> list[Entry]:
    number = next(_numbers)
    async with database.connect(settings, "remove") as db, audit.Writer.open(db) as writer:
        async with db.connection() as connection:
            parts = await plan_removal(connection, target, removal=number, give_back=give_back)
        return await removal.withdraw(
            db, writer, parts, decision, removal=number, ledger=ledger_of(settings), at=clock.now()
        )


async def complete(settings: Settings) -> list[Entry]:
    """As the working process does it, in its own role."""
    folder = Path(settings.drop_folder) if settings.drop_folder else None
    async with database.connect(settings, "work") as db, audit.Writer.open(db) as writer:
        return await removal.complete_open(db, writer, ledger=ledger_of(settings), drop_folder=folder, at=clock.now())
