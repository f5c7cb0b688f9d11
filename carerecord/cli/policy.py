"""Who may see what: the matrix."""

from __future__ import annotations

import argparse

from carerecord import access
from carerecord.cli.commands import Commands
from carerecord.settings import Settings


def add_to(commands: Commands) -> None:
    commands.add("policy", matrix, "Print who may see what, role by heading.")


async def matrix(chosen: Settings, asked: argparse.Namespace) -> int:
    print(access.matrix())
    return 0
