"""Starting the record, all of it or one process, and bringing its schema up to date."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from carerecord import assembly, database, supervision
from carerecord.cli.commands import Command, Commands
from carerecord.organisations import read_region
from carerecord.settings import Settings


def add_to(commands: Commands) -> None:
    commands.add("run", run, "Everything: the database, and the three processes below, kept up.")
    commands.add("listen", _process(assembly.listen), "Hear messages and append them to the record.")
    commands.add("work", _process(assembly.work), "Fold the record, and keep room for tomorrow's originals.")
    commands.add("serve", _process(assembly.serve), "Serve the record to people and programs.")
    commands.add("migrate", migrate, "Bring the schema up to date.")


def _process(process: Callable[[Settings], Awaitable[None]]) -> Command:
    async def start(chosen: Settings, asked: argparse.Namespace) -> int:
        await process(chosen)
        return 0

    return start


async def run(chosen: Settings, asked: argparse.Namespace) -> int:
    read_region(chosen.region)
    await supervision.run(chosen, prepare=assembly.prepare_to_run, ready=lambda: print("carerecord: ready", flush=True))
    return 0


async def migrate(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        if not await database.is_up(chosen):
            await stack.enter_async_context(database.embedded.Supervisor(chosen))
        applied = await assembly.prepare(chosen)
    print("\n".join(applied) or "The schema was up to date.")
    return 0
