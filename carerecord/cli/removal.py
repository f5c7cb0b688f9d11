"""Lawful removal: what would go, withdraw it, take it out, prove it; what is due; and a source that leaves."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from carerecord import assembly, audit, clock, database
from carerecord.cli import removal_due
from carerecord.cli.commands import Commands, open_database, say
from carerecord.database import backup
from carerecord.model import OriginalReference
from carerecord.settings import Settings
from carerecord.stewardship import (
    proof,
    removal,
    removal_asked,
    removal_desk,
    removal_ledger,
    removal_plan,
    removal_proofs,
)
from carerecord.stewardship.removal_plan import Authority, Decision, Part, RemovalRefused, Target


def add_to(commands: Commands) -> None:
    group = commands.group("removal", "Erasure, rectification, retention, and a source that leaves.")
    asked = group.add("ask", ask, "Say what would go; nothing is changed, unless no desk is staffed.")
    what = asked.add_mutually_exclusive_group(required=True)
    what.add_argument("--statement", help="its id as its receipt and FHIR show it: <patient>-<local id>")
    what.add_argument("--original", type=_reference, help="a message and all that came of it: 20261122-7")
    what.add_argument("--source", help="id of a source: all that it said of --patient, and who they are to it")
    what.add_argument("--identity", type=int, help="one identity of --patient, and all that was said of it")
    asked.add_argument("--version", default="", help="one version of the statement; without it all")
    asked.add_argument("--patient", type=_patient, help="the person's id, as FHIR shows it, or their key")
    asked.add_argument(
        "--give-back", action="store_true", help="of a misfiled original: keep it, to be replayed to the right person"
    )
    asked.add_argument("--authority", required=True, choices=[each.value for each in Authority])
    _two_people(asked)
    asked.add_argument("--carry-out", action="store_true", help="only with CARERECORD_REMOVAL_BY_NAMES")
    asked.add_argument("--json", action="store_true")
    agreed = group.add("carry-out", carry_out, "Withdraw what two people agreed at the desk from every reader at once.")
    agreed.add_argument("reference", help="as the desk shows it: 07F3-1A2B-3C4D-5E6F")
    finished = group.add("complete", complete, "Take out now what is withdrawn, and free its room.")
    finished.add_argument("--scrub", action="store_true", help="write the files anew; each table is locked meanwhile")
    listed = group.add("list", list_all, "The ledger of removals, newest first.")
    listed.add_argument("--json", action="store_true")
    proven = group.add(
        "prove", prove, "Decode all that is kept and look for what was removed. Exit code 1: it is there."
    )
    proven.add_argument("removal", type=int, nargs="?", help="one removal, by its number; without it all")
    proven.add_argument("--backup", type=Path, help="prove it of this backup as a restore brings it back")
    proven.add_argument("--files", type=Path, help="search these raw files too: the data folder of the server")
    proven.add_argument("--json", action="store_true")
    removal_due.add_to(group)
    group.add("replay", replay, "After a restore: do again what the ledger holds and the database does not.")


def _two_people(to: argparse.ArgumentParser) -> None:
    to.add_argument("--by", required=True, help="who asks")
    to.add_argument("--agreed-by", default="", help="who agrees: somebody else")
    to.add_argument("--reason", required=True, help="in words, without any of the content")


def _reference(text: str) -> OriginalReference:
    try:
        return OriginalReference.parse(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("an original is named as its receipt names it, such as 20261122-7") from wrong


def _patient(text: str) -> int:
    if text.isdigit():
        return int(text)
    found = removal_plan.patient_key_of(text)
    if found is None:
        raise argparse.ArgumentTypeError("a person is named by the id of their FHIR Patient, 13 letters and digits")
    return found


async def ask(chosen: Settings, asked: argparse.Namespace) -> int:
    target, decision = _target(asked), _decision(asked)
    if asked.carry_out:
        removal_asked.refuse_names(chosen)
        removal.refuse_unless_two(decision)
    number = clock.random_key() >> 16
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "remove")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        parts = await removal.look_up(
            db, writer, target, decision, removal=number, give_back=asked.give_back, at=clock.now()
        )
        if asked.carry_out:
            await removal.withdraw(
                db, writer, parts, decision, removal=number, ledger=removal_ledger.path_of(chosen), at=clock.now()
            )
    counted = [{"patient_key": part.patient_key, "target": part.target, **part.counts} for part in parts]
    said = {"removal": number if asked.carry_out else None, "parts": counted}
    say(said, as_json=asked.json, lines=lambda: _ask_lines(parts, number, target, asked))
    return 0


def _target(asked: argparse.Namespace) -> Target:
    if asked.give_back and (asked.original is None or asked.authority != Authority.MISFILED):
        raise RemovalRefused("Only a misfiled original can be given back: name it with --original.")
    if asked.statement:
        patient, _, local_id = asked.statement.partition("-")
        key = removal_plan.patient_key_of(patient)
        if key is None or not local_id:
            raise RemovalRefused("A statement is named by its id: 13 letters and digits, a hyphen, 26 more.")
        local_id, _, version = local_id.partition(".")
        return Target(kind="statement", patient_key=key, local_id=local_id, version=asked.version or version)
    if asked.original:
        return Target(kind="original", original=asked.original)
    if asked.patient is None:
        raise RemovalRefused("Say of whom: --patient with the id of their FHIR Patient.")
    if asked.source:
        return Target(kind="source", patient_key=asked.patient, source=asked.source)
    return Target(kind="identity", patient_key=asked.patient, identity_key=asked.identity)


def _decision(asked: argparse.Namespace) -> Decision:
    return Decision(
        authority=Authority(asked.authority),
        reason=asked.reason,
        asked_by=removal.typed(asked.by),
        agreed_by=removal.typed(asked.agreed_by),
    )


async def carry_out(chosen: Settings, asked: argparse.Namespace) -> int:
    """What two people agreed at the desk, where the process that serves may not do it itself."""
    at = clock.now()
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "remove")
        proposal = await removal_asked.read_agreed(db, asked.reference, at=at)
        content = removal_asked.content_of(proposal)
        if content.reach in removal_asked.BY_COMMAND:
            how = "due --apply" if content.reach is removal_asked.Reach.DUE else f"destroy {content.source} --carry-out"
            raise RemovalRefused(f"This takes longer: run `carerecord removal {how} --agreed {asked.reference}`.")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        outcome = await removal_desk.carry_out(db, writer, proposal, by=None, settings=chosen, session="", at=at)
        await removal_asked.note_done(db, proposal, outcome, at=at)
    print(f"{outcome} `carerecord removal prove {proposal.id}` shows within the day that it is gone.")
    return 0


def _ask_lines(parts: list[Part], number: int, target: Target, asked: argparse.Namespace) -> list[str]:
    lines = []
    for part in parts:
        lines.append(f"{part.target} of {part.source or 'no source'}:")
        lines += [f"  {name.replace('_', ' '):30} {count}" for name, count in part.counts.items()]
    if not asked.carry_out:
        return [*lines, "Nothing was changed. Two people agree to it at the records desk."]
    lines.append(f"Withdrawn as {number}: no reader is given it any more. It is taken out within the day;")
    lines.append(f"`carerecord removal prove {number}` then shows that it is gone.")
    if asked.authority == Authority.MISFILED:
        named = f"--original {target.original}" if target.original else f"--statement {asked.statement}"
        lines.append(f"Who saw it on the wrong record: `carerecord witness recall {named}`.")
    if asked.give_back:
        lines.append(f"Once the identity is corrected: `carerecord inbox replay {target.original}`.")
    return lines


async def complete(chosen: Settings, asked: argparse.Namespace) -> int:
    folder = Path(chosen.drop_folder) if chosen.drop_folder else None
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "owner")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        ledger = removal_ledger.path_of(chosen)
        done = await removal.complete_open(db, writer, ledger=ledger, drop_folder=folder, at=clock.now(), limit=10_000)
        tables = await proof.scrub(db, at=clock.now(), full=asked.scrub)
    how = "written anew" if asked.scrub else "vacuumed; their bytes on disk stay until used again, or until --scrub"
    print(f"{len(done)} removals were taken out; {tables} tables were {how}.")
    return 0


async def list_all(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "remove")
        found = await removal.list_removals(db)
    bare = [msgspec.structs.replace(entry, what=removal_ledger.What()) for entry in found]
    say(bare, as_json=asked.json, lines=lambda: [_line(entry) for entry in found] or ["Nothing was ever removed."])
    return 0


def _line(entry: removal_ledger.Entry) -> str:
    state = "scrubbed" if entry.scrubbed_at else "taken out" if entry.completed_at else "withdrawn"
    counts = f"{entry.counts.get('statements', 0)} statements, {entry.counts.get('originals', 0)} originals"
    who = f"{entry.asked_by} and {entry.agreed_by}"
    return f"{entry.id:<20} {entry.withdrawn_at:%d-%b-%Y %H:%M} {state:10} {entry.authority:14} {counts}; {who}"


async def prove(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "owner")
        entries = await removal.list_removals(db, removal=asked.removal)
        if asked.removal is not None and not entries:
            print(f"There is no removal {asked.removal}: `carerecord removal list` shows them.", file=sys.stderr)
            return 2
        if asked.backup:
            found = await _prove_backup(asked.backup, chosen, entries)
        else:
            folder = Path(chosen.drop_folder) if chosen.drop_folder else None
            found = await proof.prove(db, entries, drop_folder=folder)
        if asked.files:
            windows = {window for entry in entries for window in entry.what.stored}
            gone = windows - await proof.still_held(db, windows)
            found.in_files = await asyncio.to_thread(proof.search_files, asked.files, gone)
        of = f"the backup {asked.backup.name}" if asked.backup else "the record"
        await removal_proofs.keep(db, found, removal=asked.removal or 0, of=of, by="by command", at=clock.now())
    say(found, as_json=asked.json, lines=lambda: _proof_lines(found))
    return 0 if found.holds else 1


async def _prove_backup(path: Path, chosen: Settings, entries: list[removal_ledger.Entry]) -> proof.Proof:
    """The backup in a server of its own, restored as a restore does it, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="carerecord-proof-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        aside = msgspec.structs.replace(
            chosen,
            home=Path(folder) / "home",
            database="",
            removal_ledger=str(removal_ledger.path_of(chosen).absolute()),
        )
        async with database.embedded.Supervisor(aside):
            await backup.restore(aside, path, then=_replay_aside)
            async with database.connect(aside, "owner") as db:
                again = {entry.key for entry in entries}
                restored = [entry for entry in await removal.list_removals(db) if entry.key in again]
                return await proof.prove(db, restored)


def _proof_lines(found: proof.Proof) -> list[str]:
    lines = [
        f"{found.removals} removals, {found.looked_for} hashes looked for.",
        f"Decoded: {found.chunks} chunks and {found.log_rows} rows of the log with {found.statements} statements, "
        f"{found.originals} originals, {found.values} values of {found.tables} other tables, {found.files} files.",
        f"Found: {found.found}{' in ' + ', '.join(found.found_in) if found.found_in else ''}.",
    ]
    if found.same_words:
        lines.append(
            f"The same eight words in a row stand in {found.same_words} rows that are somebody else's to keep."
        )
    if found.not_completed:
        lines.append(f"{found.not_completed} are withdrawn and not taken out yet: `carerecord removal complete`.")
    if found.in_files:
        lines.append(f"Stored bytes of it stand in the files {', '.join(sorted(found.in_files))}.")
    if found.not_scrubbed:
        lines.append(
            f"Of {found.not_scrubbed} the bytes may stand in unused room of the database's files, and in its "
            "write-ahead log until that is used again: who works takes them off by night, or "
            "`carerecord removal complete --scrub` now, with each table locked."
        )
    return lines


async def replay(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        if not await database.is_up(chosen):
            await stack.enter_async_context(database.embedded.Supervisor(chosen))
            await assembly.prepare(chosen)
        done = await replay_ledger(chosen)
    print(
        f"{done} removals of the ledger were done again." if done else "The database holds every removal of the ledger."
    )
    return 0


async def _replay_aside(aside: Settings) -> int:
    return await replay_ledger(aside, writes=False)


async def replay_ledger(chosen: Settings, *, writes: bool = True) -> int:
    """As the owner, before anybody reads: what `restore` does before it returns."""
    ledger = removal_ledger.path_of(chosen)
    entries = removal_ledger.read(ledger)
    async with database.connect(chosen, "owner") as db, audit.Writer.open(db) as writer:
        return await removal.replay(db, writer, entries, ledger=ledger if writes else None, at=clock.now())
