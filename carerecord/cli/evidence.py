"""What neighbours sign in their launches, and how much of it is borne out."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack
from datetime import date

from carerecord import clock
from carerecord.cli.commands import Commands, open_database, say
from carerecord.organisations import read_region
from carerecord.settings import Settings
from carerecord.stewardship.attestations import Share, matched_shares


def add_to(commands: Commands) -> None:
    group = commands.group("evidence", "What neighbours sign in their launches, looked at afterwards.")
    shown = group.add("shares", shares, "How much of what each neighbour opened in a month was borne out within a day.")
    shown.add_argument("--month", type=_month, help="2026-11; this month if not given")
    shown.add_argument("--json", action="store_true")


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("a month is written as 2026-11") from wrong


async def shares(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        found = await matched_shares(db, read_region(chosen.region), month=asked.month or clock.now().date())
    say(found, as_json=asked.json, lines=lambda: [_line(each) for each in found] or ["There is no neighbour."])
    return 0


def _line(share: Share) -> str:
    of = "none settled" if share.share is None else f"{share.share:.1%} borne out"
    rest = f"{share.unmatched} not, {share.denied} denied, {share.waiting} waiting"
    return f"{share.month:%b-%Y}  {share.organisation:8} {of:18} of {share.launches} launches ({rest})  {share.name}"
