"""Which identities are one person: undoing a link."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack

from carerecord import clock, patient_index
from carerecord.cli.commands import Commands, open_database
from carerecord.settings import Settings


def add_to(commands: Commands) -> None:
    identities = commands.group("patient-index", "Which identities are one person.")
    unlinked = identities.add(
        "unlink", unlink, "Undo a link: the identity returns to where it was. Nothing is rewritten."
    )
    unlinked.add_argument("patient_key", type=int)
    unlinked.add_argument("identity_key", type=int)
    unlinked.add_argument("--by", required=True, help="who decided")
    unlinked.add_argument("--reason", required=True)


async def unlink(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "operate")
        async with db.transaction() as connection:
            await patient_index.unlink(
                connection,
                asked.patient_key,
                asked.identity_key,
                by=asked.by,
                reason=asked.reason,
                at=clock.now(),
                random_key=clock.random_key,
            )
    print("The link is undone; the next look shows it.")
    return 0
