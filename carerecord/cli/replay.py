"""What somebody saw: the page of one look made again, and everyone who saw something that proved wrong."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from carerecord import audit, clock, disclosure
from carerecord.cli.commands import Commands, open_database, say
from carerecord.cli.operator import operator
from carerecord.disclosure import Replay, Replays, Target
from carerecord.fhir.references import parse_logical_id
from carerecord.model import OriginalReference
from carerecord.organisations import read_region
from carerecord.settings import Settings
from carerecord.stewardship.recall import Recalled, Recalls
from carerecord.web import again

SESSION = "command line"


def add_to(witness: Commands) -> None:
    """To the group `witness`."""
    replayed = witness.add(
        "replay", replay, "Make again the page of one look, and say what was not there. Exit code 1: not explained."
    )
    replayed.add_argument("stream", type=int)
    replayed.add_argument("seq", type=int, help="the number of the event `shown` in its stream")
    replayed.add_argument("--out", type=Path, help="where to write the page, for you alone to read")
    _who_and_why(replayed)
    recalled = witness.add(
        "recall", recall, "List everyone who saw something that proved wrong; with --notify tell their organisations."
    )
    what = recalled.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--statement", type=_statement, help="its id as its receipt shows it, with .version for that alone"
    )
    what.add_argument("--original", type=_original, help="a message and all that it said: 20261122-7")
    what.add_argument("--judgement", type=_judgement, help="a wrong link: patient_key/identity_key/number")
    recalled.add_argument("--notify", action="store_true", help="without it nobody is told")
    _who_and_why(recalled)


def _who_and_why(to: argparse.ArgumentParser) -> None:
    to.add_argument("--by", required=True, help="who asks: it is witnessed")
    to.add_argument("--because", required=True, help="in words, without any of the content: it is witnessed")
    to.add_argument("--json", action="store_true")


def _statement(text: str) -> Target:
    logical, _, version = text.rpartition("/")[2].partition(".")
    found = parse_logical_id(logical)
    if found is None:
        raise argparse.ArgumentTypeError("a statement is named by its id: 13 letters and digits, a hyphen, 26 more")
    return Target(patient_key=found[0], local_id=found[1], version=version)


def _original(text: str) -> Target:
    try:
        return Target(original=OriginalReference.parse(text))
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("a message is named as it is listed, such as 20261122-7") from wrong


def _judgement(text: str) -> Target:
    try:
        patient_key, identity_key, number = map(int, text.split("/"))
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("a link is named by three numbers: patient_key/identity_key/number") from wrong
    return Target(patient_key=patient_key, identity_key=identity_key, judgement=number)


async def replay(chosen: Settings, asked: argparse.Namespace) -> int:
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        found = await Replays(db, writer, region).replay(
            stream=asked.stream,
            seq=asked.seq,
            by=operator(by=asked.by, role="records-manager"),
            because=asked.because,
            session=SESSION,
            at=clock.now(),
        )
    drawn = again.draw(found)
    if drawn is not None and asked.out is not None:
        asked.out.touch(mode=0o600)
        asked.out.write_bytes(drawn.content)
    say(_told(found, asked), as_json=asked.json, lines=lambda: _replay_lines(found, asked))
    return 0 if found.is_explained else 1


def _told(found: Replay, asked: argparse.Namespace) -> dict[str, Any]:
    """Nothing of what was on the page: that is in the file alone."""
    return {
        "stream": found.stream,
        "seq": found.seq,
        "what": found.what,
        "shown_at": found.shown_at,
        "reader": found.looking.staff.user_id,
        "organisation": found.looking.staff.organisation,
        "is_identical": found.is_identical,
        "is_explained": found.is_explained,
        "proof": found.proof,
        "reasons": found.reasons,
        "unavailable": msgspec.to_builtins(found.unavailable),
        "page": str(asked.out) if asked.out is not None and found.page is not None else None,
    }


def _replay_lines(found: Replay, asked: argparse.Namespace) -> list[str]:
    staff = found.looking.staff
    lines = [
        f"{found.what} shown on {found.shown_at:%d-%b-%Y %H:%M:%S} UTC to {staff.name}, {staff.role_name}, "
        f"{staff.organisation_name}:",
        "  the same page, byte for byte." if found.is_identical else "  not the same page, byte for byte:",
        *(f"  {reason}" for reason in found.reasons),
    ]
    if asked.out is not None:
        lines.append(
            f"  written to {asked.out}: keep it as you keep the record." if found.page else "  nothing was written."
        )
    unavailable = found.unavailable
    lines += [
        f"  not there then: {each.count} under {each.heading} of {each.source}, "
        + ("theirs only since two were linked" if each.is_joined else f"arrived from {each.first_at:%d-%b-%Y %H:%M}")
        for each in unavailable.arrived_since
    ]
    lines += [f"  withheld from them: {count} under {heading}" for heading, count in unavailable.withheld.items()]
    return lines + [f"  the page said: {sentence}" for sentence in unavailable.not_heard]


async def recall(chosen: Settings, asked: argparse.Namespace) -> int:
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        recalls = Recalls(
            db,
            writer,
            region,
            random_key=clock.random_key,
            folder=Path(chosen.notices) if chosen.notices else None,
        )
        found = await recalls.recall(
            asked.statement or asked.original or asked.judgement,
            by=operator(by=asked.by, role="records-manager"),
            because=asked.because,
            session=SESSION,
            at=clock.now(),
            notify=asked.notify,
        )
    say(found, as_json=asked.json, lines=lambda: _recall_lines(found))
    return 0


def _recall_lines(found: Recalled) -> list[str]:
    lines = [_saw_line(saw) for saw in found.saw] or ["Nobody was shown it."]
    for told in found.told:
        seen = f"{told.people} people, {told.programs} programs, {told.looks} looks"
        state = f"told by notice {told.reference}" if told.reference else "told before" if found.is_told else "not told"
        lines.append(f"{told.name}: {seen}; {state}")
    if found.saw and not found.is_told:
        lines.append("Nobody was told: with --notify each organisation gets a notice, which names no patient.")
    return lines


def _saw_line(saw: disclosure.Saw) -> str:
    doubt = "" if saw.is_proven else "; likely, not proven"
    how = "seen by" if saw.how == "seen" else "sent to"
    return (
        f"{saw.at:%d-%b-%Y %H:%M} {how} {saw.name}, {saw.role}, {saw.organisation_name}: {saw.what} "
        f"(event {saw.stream}-{saw.seq}, version {saw.versions[0]}{doubt})"
    )
