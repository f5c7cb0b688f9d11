"""What was refused, parked, not translated, or waits for a decision: list it, show it, replay it."""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, time

from carerecord import clock, intake
from carerecord.audit import Kind
from carerecord.cli.commands import Commands, open_database, say
from carerecord.cli.operator import Refused
from carerecord.cli.witnessing import witness_operator
from carerecord.formats import document
from carerecord.model import OriginalReference, Outcome
from carerecord.organisations import read_region
from carerecord.settings import Settings

LISTED_MAX = 100_000


def add_to(commands: Commands) -> None:
    inbox = commands.group("inbox", "What was refused, parked, not translated, or waits for a decision.")
    listing = inbox.add("list", list_unsettled, "List unsettled messages, oldest first.")
    listing.add_argument("--outcome", choices=[outcome.value for outcome in Outcome if outcome is not Outcome.RECORDED])
    listing.add_argument("--source", help="id of a source in the region's file")
    listing.add_argument("--since", type=_day, help="what came on this day (UTC) or later: 2026-11-22")
    listing.add_argument("--limit", type=_count, default=50, help="at most so many; it is said if there are more")
    listing.add_argument("--json", action="store_true")
    shown = inbox.add("show", show, "Show one message as it arrived, what was wrong with it, and each attempt since.")
    shown.add_argument("reference", type=reference_of, help="as listed: 20261122-7")
    shown.add_argument("--because", required=True, help="why you must look at a patient's message; it is witnessed")
    shown.add_argument("--json", action="store_true")
    replayed = inbox.add("replay", replay, "Translate and attribute messages again, with what is known today.")
    replayed.add_argument("reference", type=reference_of, nargs="+", help="as listed: 20261122-7")


def reference_of(text: str) -> OriginalReference:
    try:
        return OriginalReference.parse(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("a message is named as it is listed, such as 20261122-7") from wrong


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, UTC)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("a day is written as 2026-11-22") from wrong


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= LISTED_MAX):
        raise argparse.ArgumentTypeError(f"how many is a number from 1 to {LISTED_MAX:,}")
    return int(text)


async def list_unsettled(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "operate")
        outcome = Outcome(asked.outcome) if asked.outcome else None
        found = await intake.list_unsettled(
            db, outcome=outcome, source=asked.source, since=asked.since, limit=asked.limit + 1
        )
    # A source that has left the region may have left messages too: only where there is none is it perhaps misspelt.
    if not found and asked.source and asked.source != intake.UNKNOWN_SOURCE:
        region = read_region(chosen.region)
        if region.find_source(asked.source) is None:
            known = ", ".join([*(source.id for source in region.sources), intake.UNKNOWN_SOURCE])
            raise Refused(f"There is no source {asked.source}, and nothing of one that left: name one of {known}.")
    listed = found[: asked.limit]
    say(listed, as_json=asked.json, lines=lambda: [line_of(item) for item in listed] or ["Nothing waits."])
    if len(found) > len(listed):
        print(
            f"There are more than these {len(listed)}, the oldest: narrow them by --since, --source or --outcome,"
            " or raise --limit.",
            file=sys.stderr,
        )
    return 0


def line_of(item: intake.Unsettled) -> str:
    """What stopped it, before what was only noticed."""
    worst = sorted(item.problems, key=lambda problem: not problem.fatal)
    why = worst[0].sentence if worst else ""
    return f"{item.reference!s:20} {item.outcome:13} {item.source:20} {item.message_type:10} {why}"


async def show(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "operate")
        # An original is a patient's own detail: it is written down who looks and why before it is read.
        about = await intake.find_patient(db, asked.reference) or 0
        reference = str(asked.reference)
        await witness_operator(
            chosen, Kind.EXAMINED, what="original", because=asked.because, patient_key=about, original=reference
        )
        found = await intake.show(db, asked.reference)
    if found is None:
        print(f"There is no message {asked.reference}: list them with `carerecord inbox list`.", file=sys.stderr)
        return 1
    say(found, as_json=asked.json, lines=lambda: _lines_of(found))
    return 0


def _lines_of(found: intake.KeptMessage) -> list[str]:
    last = found.replays[-1].problems if found.replays else found.first_problems
    problems = [f"  {problem.field or problem.segment}: {problem.rule}: {problem.sentence}" for problem in last]
    attempts = [
        f"  attempt {attempt.attempt} at {attempt.at:%d-%b-%Y %H:%M}: {attempt.outcome}" for attempt in found.replays
    ]
    head = f"{found.reference} from {found.source}, received {found.received_at:%d-%b-%Y %H:%M}: {found.outcome}"
    if found.format == "document":
        words = document.text_of(found.content)
    else:
        words = found.content.decode(errors="replace").replace("\r", "\n")
    return [head, *problems, *attempts, "", words]


async def replay(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "operate")
        region = read_region(chosen.region)
        answers = await intake.replay(db, region, chosen, asked.reference, at=clock.now(), random_key=clock.random_key)
    for answer in answers:
        said = answer.sentence if isinstance(answer, intake.ReplayRefused) else answer.outcome.value
        print(f"{answer.reference}: {said}")
        if isinstance(answer, intake.Replayed):
            print(*(f"  {problem.field}: {problem.sentence}" for problem in answer.problems), sep="\n")
    return 1 if any(isinstance(answer, intake.ReplayRefused) for answer in answers) else 0
