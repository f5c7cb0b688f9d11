"""How a group of commands adds itself to the parser, reaches the database and speaks."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from carerecord import assembly, database
from carerecord.settings import Settings

Command = Callable[[Settings, argparse.Namespace], Awaitable[int]]


class Commands:
    """The commands of one level: `add` one, or a `group` of them under one name."""

    def __init__(self, within: Any) -> None:
        self._within = within

    def add(self, name: str, command: Command, says: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = self._within.add_parser(name, help=says, description=says)
        added.set_defaults(run=command)
        return added

    def group(self, name: str, says: str, *, alone: Command | None = None) -> Commands:
        """`alone`: what is done when the group is named without an action; without it, an action must be named."""
        added = self._within.add_parser(name, help=says, description=says)
        added.set_defaults(run=alone)
        return Commands(added.add_subparsers(required=alone is None, metavar="action"))


def say(value: Any, *, as_json: bool, lines: Callable[[], list[str]]) -> None:
    print(msgspec.json.encode(value).decode() if as_json else "\n".join(lines()), flush=True)


async def open_database(stack: AsyncExitStack, chosen: Settings, role: str) -> database.Database:
    """The database as `role`; the embedded one is started for the time of the command unless it is up already."""
    if not await database.is_up(chosen):
        await stack.enter_async_context(database.embedded.Supervisor(chosen))
        await assembly.prepare(chosen)
    return await stack.enter_async_context(database.connect(chosen, role))
