"""The operator's hand."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from carerecord import (
    __version__,
    access,
    assembly,
    audit,
    clock,
    database,
    intake,
    patient_index,
    settings,
    supervision,
)
from carerecord.database import backup
from carerecord.formats import document
from carerecord.model import OriginalReference, Outcome
from carerecord.organisations import RegionDoesNotFit, read_region
from carerecord.record import dictionary
from carerecord.settings import Settings

Command = Callable[[Settings, argparse.Namespace], Awaitable[int]]
# What an operator may meet and mend: its sentence is printed alone. Anything else is a fault of ours: its trace shows.
EXPECTED = (
    RegionDoesNotFit, database.embedded.CannotStart, database.DatabaseLost, database.DatabaseRefused,
    database.RolesMissing, database.MigrationChanged, backup.BackupRefused,
    supervision.ProcessDoesNotStart, supervision.UserDoesNotFit, supervision.PortTaken,
    patient_index.LinkRefused, dictionary.DictionaryChanged, msgspec.ValidationError,
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="carerecord", description="The shared care record of a region.")
    top.add_argument("--version", action="version", version=f"carerecord {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, command: Command, says: str, within: Any = None) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = (within or commands).add_parser(name, help=says, description=says)
        added.set_defaults(run=command)
        return added

    def group(name: str, says: str) -> Any:
        return commands.add_parser(name, help=says, description=says).add_subparsers(required=True, metavar="action")

    add("run", run, "Everything: the database, and the three processes below, kept up.")
    add("listen", _process(assembly.listen), "Hear messages and append them to the record.")
    add("work", _process(assembly.work), "Fold the record, and keep room for tomorrow's originals.")
    add("serve", _process(assembly.serve), "Serve the record to people and programs.")
    add("migrate", migrate, "Bring the schema up to date.")

    inbox = group("inbox", "What was refused, parked, not translated, or waits for a decision.")
    listing = add("list", inbox_list, "List unsettled messages, oldest first.", inbox)
    listing.add_argument("--outcome", choices=[outcome.value for outcome in Outcome if outcome is not Outcome.RECORDED])
    listing.add_argument("--source", help="id of a source in the region's file")
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--json", action="store_true")
    shown = add(
        "show", inbox_show, "Show one message as it arrived, what was wrong with it, and each attempt since.", inbox
    )
    shown.add_argument("reference", type=_reference, help="as listed: 20261122-7")
    shown.add_argument("--json", action="store_true")
    replayed = add("replay", inbox_replay, "Translate and attribute messages again, with what is known today.", inbox)
    replayed.add_argument("reference", type=_reference, nargs="+", help="as listed: 20261122-7")

    identities = group("patient-index", "Which identities are one person.")
    unlinked = add(
        "unlink", unlink, "Undo a link: the identity returns to where it was. Nothing is rewritten.", identities
    )
    unlinked.add_argument("patient_key", type=int)
    unlinked.add_argument("identity_key", type=int)
    unlinked.add_argument("--by", required=True, help="who decided")
    unlinked.add_argument("--reason", required=True)

    witness = group("witness", "The audit.")
    verified = add(
        "verify", witness_verify, "Find a changed, missing or re-ordered row. Exit code 1 if there is one.", witness
    )
    verified.add_argument("--stream", type=int)
    verified.add_argument("--json", action="store_true")

    add("policy", policy, "Print who may see what, role by heading.")
    add("region", region, "Read the region's file and say what it holds.").add_argument("--json", action="store_true")
    kept = add("backup", make_backup, "Write the whole database to one file.")
    kept.add_argument("path", type=Path)
    restored = add("restore", restore, "Bring a backup back into an empty database.")
    restored.add_argument("path", type=Path)
    restored.add_argument("--replace", action="store_true", help="replace what the database holds now")
    return top


def main(arguments: list[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    try:
        done: int = asyncio.run(asked.run(settings.read(), asked))
        return done
    except EXPECTED as expected:
        print(expected, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _reference(text: str) -> OriginalReference:
    try:
        return OriginalReference.parse(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("a message is named as it is listed, such as 20261122-7") from wrong


def _process(process: Callable[[Settings], Awaitable[None]]) -> Command:
    async def start(chosen: Settings, asked: argparse.Namespace) -> int:
        await process(chosen)
        return 0

    return start


def _say(value: Any, *, as_json: bool, lines: Callable[[], list[str]]) -> None:
    print(msgspec.json.encode(value).decode() if as_json else "\n".join(lines()), flush=True)


async def _database(stack: AsyncExitStack, chosen: Settings, role: str) -> database.Database:
    """The database as `role`; the embedded one is started for the time of the command unless it is up already."""
    if not await database.is_up(chosen):
        await stack.enter_async_context(database.embedded.Supervisor(chosen))
        await assembly.prepare(chosen)
    return await stack.enter_async_context(database.connect(chosen, role))


async def run(chosen: Settings, asked: argparse.Namespace) -> int:
    read_region(chosen.region)
    await supervision.run(chosen, prepare=assembly.prepare, ready=lambda: print("carerecord: ready", flush=True))
    return 0


async def migrate(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        if not await database.is_up(chosen):
            await stack.enter_async_context(database.embedded.Supervisor(chosen))
        applied = await assembly.prepare(chosen)
    print("\n".join(applied) or "The schema was up to date.")
    return 0


async def inbox_list(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await _database(stack, chosen, "operate")
        outcome = Outcome(asked.outcome) if asked.outcome else None
        found = await intake.list_unsettled(db, outcome=outcome, source=asked.source, limit=asked.limit)
    _say(found, as_json=asked.json, lines=lambda: [_inbox_line(item) for item in found] or ["Nothing waits."])
    return 0


def _inbox_line(item: intake.Unsettled) -> str:
    """What stopped it, before what was only noticed."""
    worst = sorted(item.problems, key=lambda problem: not problem.fatal)
    why = worst[0].sentence if worst else ""
    return f"{item.reference!s:20} {item.outcome:13} {item.source:20} {item.message_type:10} {why}"


async def inbox_show(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await _database(stack, chosen, "operate")
        found = await intake.show(db, asked.reference)
    if found is None:
        print(f"There is no message {asked.reference}: list them with `carerecord inbox list`.", file=sys.stderr)
        return 1
    _say(found, as_json=asked.json, lines=lambda: _inbox_lines(found))
    return 0


def _inbox_lines(found: intake.KeptMessage) -> list[str]:
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


async def inbox_replay(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await _database(stack, chosen, "operate")
        region = read_region(chosen.region)
        answers = await intake.replay(db, region, chosen, asked.reference, at=clock.now(), random_key=clock.random_key)
    for answer in answers:
        said = answer.sentence if isinstance(answer, intake.ReplayRefused) else answer.outcome.value
        print(f"{answer.reference}: {said}")
        if isinstance(answer, intake.Replayed):
            print(*(f"  {problem.field}: {problem.sentence}" for problem in answer.problems), sep="\n")
    return 1 if any(isinstance(answer, intake.ReplayRefused) for answer in answers) else 0


async def unlink(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await _database(stack, chosen, "operate")
        async with db.transaction() as connection:
            await patient_index.unlink(
                connection,
                asked.patient_key,
                asked.identity_key,
                by=asked.by,
                reason=asked.reason,
                at=clock.now(),
                random_key=clock.random_key,
            )
    print("The link is undone; the next look shows it.")
    return 0


async def witness_verify(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await _database(stack, chosen, "witness")
        report = await audit.verify(db, stream=asked.stream)
    lines = [f"stream {finding.stream} row {finding.seq}: {finding.sentence}" for finding in report.findings]
    verdict = "the chain does not hold." if lines else "the chain holds."
    total = f"{report.events} events in {report.streams} streams: {verdict}"
    _say(report, as_json=asked.json, lines=lambda: [*lines, total])
    return 1 if report.findings else 0


async def policy(chosen: Settings, asked: argparse.Namespace) -> int:
    print(access.matrix())
    return 0


async def region(chosen: Settings, asked: argparse.Namespace) -> int:
    held = read_region(chosen.region)
    counts = {
        "name": held.name,
        "organisations": len(held.organisations),
        "sources": [source.id for source in held.sources],
        "neighbours": [neighbour.organisation for neighbour in held.neighbours],
        "clients": [client.client_id for client in held.clients],
        "sign_in": held.sign_in.issuer if held.sign_in else None,
    }
    _say(counts, as_json=asked.json, lines=lambda: [f"{name:14} {value}" for name, value in counts.items()])
    return 0


async def make_backup(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        await _database(stack, chosen, "owner")
        await backup.backup(chosen, asked.path)
    print(f"Written to {asked.path}. It holds patients: keep it as you keep the record.")
    return 0


async def restore(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        if not await database.is_up(chosen):
            await stack.enter_async_context(database.embedded.Supervisor(chosen))
        await backup.restore(chosen, asked.path, replace=asked.replace)
    print(f"Restored from {asked.path}.")
    return 0
