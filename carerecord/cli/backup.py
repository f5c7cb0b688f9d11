"""Writing the whole database to one file, and bringing it back."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack
from pathlib import Path

from carerecord import database
from carerecord.cli import removal
from carerecord.cli.commands import Commands, open_database
from carerecord.database import backup
from carerecord.settings import Settings


def add_to(commands: Commands) -> None:
    kept = commands.add("backup", make, "Write the whole database to one file.")
    kept.add_argument("path", type=Path)
    restored = commands.add("restore", restore, "Bring a backup back into an empty database.")
    restored.add_argument("path", type=Path)
    restored.add_argument("--replace", action="store_true", help="replace what the database holds now")


async def make(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        await open_database(stack, chosen, "owner")
        await backup.backup(chosen, asked.path)
    print(f"Written to {asked.path}. It holds patients: keep it as you keep the record.")
    return 0


async def restore(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        if not await database.is_up(chosen):
            await stack.enter_async_context(database.embedded.Supervisor(chosen))
        # Nobody reads before the removals since that backup are done again.
        await backup.restore(chosen, asked.path, replace=asked.replace, then=removal.replay_ledger)
    print(f"Restored from {asked.path}.")
    return 0
