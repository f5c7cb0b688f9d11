"""The region's file: what it holds."""

from __future__ import annotations

import argparse

from carerecord.cli.commands import Commands, say
from carerecord.organisations import read_region
from carerecord.sensitivity import check, check_sources
from carerecord.settings import Settings


def add_to(commands: Commands) -> None:
    commands.add("region", region, "Read the region's file and say what it holds.").add_argument(
        "--json", action="store_true"
    )


async def region(chosen: Settings, asked: argparse.Namespace) -> int:
    held = read_region(chosen.region)
    check(held.sensitive_codes)
    check_sources(held.sources)
    counts = {
        "name": held.name,
        "organisations": len(held.organisations),
        "sources": [source.id for source in held.sources],
        "neighbours": [neighbour.organisation for neighbour in held.neighbours],
        "clients": [client.client_id for client in held.clients],
        "sign_in": held.sign_in.issuer if held.sign_in else None,
    }
    say(counts, as_json=asked.json, lines=lambda: [f"{name:14} {value}" for name, value in counts.items()])
    return 0
