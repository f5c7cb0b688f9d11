"""Labels after their lists changed: what would differ, and setting them anew."""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack
from typing import Any

from carerecord import audit, clock
from carerecord.cli.commands import Commands, open_database, say
from carerecord.cli.witnessing import witness_operator
from carerecord.organisations import read_region
from carerecord.record import dictionary
from carerecord.settings import Settings
from carerecord.stewardship import relabelling_asked
from carerecord.stewardship.proposals import Proposal
from carerecord.stewardship.relabelling import Counted, Relabelled, relabel

DIFFERS = 3  # of a dry run: something would change


def add_to(commands: Commands) -> None:
    group = commands.group("sensitivity", "Labels of what is sensitive, after their lists changed.")
    again = group.add("relabel", label_again, "Label everything kept by the lists of today; lower nothing.")
    again.add_argument("--dry-run", action="store_true", help="change nothing; exit code 3: something would")
    again.add_argument("--lower", action="store_true", help="lower labels too, which shows more: takes two people")
    again.add_argument("--agreed", default="", help="with --lower: the reference under which two people agreed to it")
    again.add_argument("--because", required=True, help="why, in words: it is kept in the audit")
    again.add_argument("--json", action="store_true")


async def label_again(chosen: Settings, asked: argparse.Namespace) -> int:
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        proposal = None
        if asked.lower and not asked.dry_run:
            steward = await open_database(stack, chosen, "steward")
            proposal = await relabelling_asked.read_agreed(steward, asked.agreed, region, at=clock.now())
        db = await open_database(stack, chosen, "relabel")
        await dictionary.load(db)
        if not asked.dry_run:
            said: dict[str, Any] = {"step": "lowered", **who_agreed(proposal)} if proposal else {"step": "raised"}
            await witness_operator(chosen, audit.Kind.ADMINISTERED, what="relabel", because=asked.because, **said)
        done = await relabel(
            db,
            region,
            at=clock.now(),
            is_dry_run=asked.dry_run,
            lowers=asked.lower,
            progress=None if asked.json else _progress,
        )
        if proposal:
            outcome = f"{sum(each.count for each in done.lowered)} labels were lowered."
            await relabelling_asked.note_done(steward, proposal, outcome, at=clock.now())
    say(done, as_json=asked.json, lines=lambda: lines_of(done))
    return DIFFERS if asked.dry_run and done.differs else 0


def who_agreed(proposal: Proposal) -> dict[str, Any]:
    """As they signed in."""
    return {
        "asked_by": f"{proposal.asked_by_name} ({proposal.asked_by})",
        "agreed_by": f"{proposal.agreed_by_name} ({proposal.agreed_by})",
    }


def _progress(done: Relabelled) -> None:
    print(f"{done.people:,} people, {done.statements:,} statements looked at", file=sys.stderr, flush=True)


def lines_of(done: Relabelled) -> list[str]:
    would = "would be" if done.is_dry_run else "were"
    lines = [f"By lists {done.lists}: {done.statements:,} statements of {done.people:,} people looked at."]
    lines += [f"{_of(each)} {would} raised." for each in done.raised]
    if done.lowers:
        lines += [f"{_of(each)} {would} lowered." for each in done.lowered]
    elif done.lowered:
        lines += [f"{_of(each)} could be lowered." for each in done.lowered]
        lines.append("To lower takes two people, at the Guardian's desk; then --lower --agreed REFERENCE.")
    return lines if done.differs else [*lines, "Every label is as these lists have it."]


def _of(each: Counted) -> str:
    return f"{each.count:>8} of {each.heading}: {each.label}"
