"""Writing the whole database to one file, and bringing it back."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack
from pathlib import Path

from carerecord import database
from carerecord.audit import Kind, retire_streams
from carerecord.cli import removal
from carerecord.cli.commands import Commands, open_database
from carerecord.cli.witnessing import witness_operator
from carerecord.database import backup
from carerecord.settings import Settings


def add_to(commands: Commands) -> None:
    kept = commands.add("backup", make, "Write the whole database to one file.")
    kept.add_argument("path", type=Path)
    kept.add_argument("--because", default="backup", help="why, where it is not the usual one; it is witnessed")
    restored = commands.add("restore", restore, "Bring a backup back into an empty database.")
    restored.add_argument("path", type=Path)
    restored.add_argument("--because", default="restore", help="why; it is witnessed in what was restored")
    restored.add_argument("--replace", action="store_true", help="replace what the database holds now")


async def make(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        await open_database(stack, chosen, "owner")
        await witness_operator(chosen, Kind.EXPORTED, what="backup", because=asked.because)
        await backup.backup(chosen, asked.path)
    print(f"Written to {asked.path}. It holds patients: keep it as you keep the record.")
    return 0


async def _before_anybody(chosen: Settings) -> None:
    """No chain is continued that was sealed further than the backup knows; and what was removed since is removed."""
    async with database.connect(chosen, "owner") as db:
        await retire_streams(db)
    await removal.replay_ledger(chosen)


async def restore(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        if not await database.is_up(chosen):
            await stack.enter_async_context(database.embedded.Supervisor(chosen))
        # Nobody reads before the removals since that backup are done again.
        await backup.restore(chosen, asked.path, replace=asked.replace, then=_before_anybody)
        await witness_operator(chosen, Kind.ADMINISTERED, what="restore", because=asked.because)
    print(f"Restored from {asked.path}.")
    return 0
