"""Which identities are one person: show by which links, undo one, make one."""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack

from carerecord import clock, intake, patient_index
from carerecord.audit import Kind
from carerecord.cli.commands import Commands, open_database, say
from carerecord.cli.inbox import reference_of
from carerecord.cli.witnessing import witness_operator
from carerecord.patient_index import Linked
from carerecord.settings import Settings


def add_to(commands: Commands) -> None:
    identities = commands.group("patient-index", "Which identities are one person.")
    shown = identities.add(
        "show", show, "Who is one person with whom a message is about, by which links, and how to undo them."
    )
    shown.add_argument("reference", type=reference_of, help="a message about any of them: 20261122-7")
    shown.add_argument("--because", required=True, help="why you must look; it is witnessed")
    shown.add_argument("--json", action="store_true")
    unlinked = identities.add(
        "unlink", unlink, "Undo a link: the identity returns to where it was. Nothing is rewritten."
    )
    linked = identities.add("link", link, "Make an identity part of another person, as to mend a link wrongly undone.")
    for command in (unlinked, linked):
        command.add_argument("patient_key", type=int, help="of the person, as `show` prints it")
        command.add_argument("identity_key", type=int, help="of the identity, as `show` prints it")
        command.add_argument("--by", required=True, help="who decided")
        command.add_argument("--reason", required=True, help="it is witnessed; name no patient")
    linked.add_argument("--to", type=int, required=True, help="patient_key of the other person")


async def show(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "operate")
        # Their own numbers are a patient's detail: it is written down who looks and why before they are read.
        about, reference = await intake.find_patient(db, asked.reference) or 0, str(asked.reference)
        await witness_operator(
            chosen, Kind.EXAMINED, what="links", because=asked.because, patient_key=about, original=reference
        )
        identity = await intake.find_identity(db, asked.reference)
        found = await patient_index.read_links(db, *identity) if identity else []
    if not found:
        print(f"{reference} is of nobody in the record: name a message that was recorded.", file=sys.stderr)
        return 1
    say(found, as_json=asked.json, lines=lambda: _lines(found))
    return 0


def _lines(found: list[Linked]) -> list[str]:
    person = found[0].patient_key
    lines = [f"Person {person} is {len(found)} {'identity' if len(found) == 1 else 'identities'}."]
    for each in found:
        by = f", message {each.original}" if each.original else ""
        recalled = f"{person}/{each.identity_key}/{each.seq}"
        lines += [
            f"  identity {each.identity_key}: {each.source} {each.number}",
            f"    by rule {each.rule}, {each.at:%d-%b-%Y %H:%M}{by}; to recall: {recalled}",
        ]
    if len(found) > 1:
        lines.append(f"To undo one: carerecord patient-index unlink {person} IDENTITY --by … --reason …")
    return lines


async def unlink(chosen: Settings, asked: argparse.Namespace) -> int:
    await _witness(chosen, asked, "unlink")
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "operate")
        async with db.transaction() as connection:
            now = await patient_index.unlink(
                connection,
                asked.patient_key,
                asked.identity_key,
                by=asked.by,
                reason=asked.reason,
                at=clock.now(),
                random_key=clock.random_key,
            )
    print(f"The link is undone; the next look shows it. Identity {asked.identity_key} is person {now} now.")
    return 0


async def link(chosen: Settings, asked: argparse.Namespace) -> int:
    await _witness(chosen, asked, "link")
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "operate")
        async with db.transaction() as connection:
            await patient_index.link(
                connection,
                asked.patient_key,
                asked.identity_key,
                to=asked.to,
                by=asked.by,
                reason=asked.reason,
                at=clock.now(),
                random_key=clock.random_key,
            )
    print(f"Linked; the next look shows it. Identity {asked.identity_key} is person {asked.to} now.")
    return 0


async def _witness(chosen: Settings, asked: argparse.Namespace, what: str) -> None:
    await witness_operator(chosen, Kind.ADMINISTERED, what=what, because=asked.reason, patient_key=asked.patient_key)
