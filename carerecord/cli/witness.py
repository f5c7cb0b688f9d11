"""The audit: verifying it."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack

from carerecord import audit
from carerecord.cli.commands import Commands, open_database, say
from carerecord.settings import Settings


def add_to(commands: Commands) -> None:
    witness = commands.group("witness", "The audit.")
    verified = witness.add("verify", verify, "Find a changed, missing or re-ordered row. Exit code 1 if there is one.")
    verified.add_argument("--stream", type=int)
    verified.add_argument("--json", action="store_true")


async def verify(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "witness")
        report = await audit.verify(db, stream=asked.stream)
    lines = [f"stream {finding.stream} row {finding.seq}: {finding.sentence}" for finding in report.findings]
    verdict = "the chain does not hold." if lines else "the chain holds."
    total = f"{report.events} events in {report.streams} streams: {verdict}"
    say(report, as_json=asked.json, lines=lambda: [*lines, total])
    return 1 if report.findings else 0
