"""Removals of every kind over a folded and an unfolded record: what is left of them, live and in a restored backup."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from pathlib import Path

import asyncpg
import msgspec

from benchmarks import harness
from benchmarks.harness import Ground
from benchmarks.promise import Benchmark, Promise
from carerecord import audit, clock, database
from carerecord.database import backup
from carerecord.database.address import DATABASE, superuser_address
from carerecord.record import fold, rewrite
from carerecord.settings import Settings
from carerecord.stewardship import off_disk, proof, removal, removal_ledger
from carerecord.stewardship.proof import Proof
from carerecord.stewardship.removal_plan import Authority, Decision, Target

REMOVALS = 60
AGREED = Decision(authority=Authority.ERASURE, reason="A promise is measured.", asked_by="Ann", agreed_by="Bea")
_PEOPLE = "select patient_key from patient_index.identity order by identity_key"
_numbers = itertools.count(1)


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, tuple[float, str]]:
    everyone = harness.people()[:120]
    async with harness.ground() as on:
        await harness.load(on, everyone)
        async with database.connect(on.settings, "work") as db:
            # Half of the people folded: what is removed lies in chunks and in the log.
            await fold.fold_some(db, patients_max=60, at=clock.now(), rows_min=1, age_seconds_min=0)
        file = on.folder / "before.backup"
        await backup.backup(on.settings, file)
        shown_after, seconds = await _remove(on)
        async with database.connect(on.settings, "owner") as db:
            entries = await removal.list_removals(db)
            live = await proof.prove(db, entries)
        left, windows, files = await _off_disk(on, entries)
        restored = await _prove_restored(on, file)
    statements = sum(entry.counts["statements"] for entry in entries)
    originals = sum(entry.counts["originals"] for entry in entries)
    return {
        "removal_left_at_once": (
            float(shown_after),
            f"{REMOVALS} removals (a statement, an original, all of a source about a person) of {statements:,} "
            "statements, read back as a reader is given them before anything was rewritten",
        ),
        "removal_left_live": (float(live.found), _examined(live, originals)),
        "removal_left_in_files": (
            float(left),
            f"{windows:,} windows of stored bytes that stand in no row still kept, looked for at every offset of "
            f"{files:,} files of the data folder, after who works had taken them off",
        ),
        "removal_left_restored": (
            float(restored.found),
            "a backup made before them, restored. " + _examined(restored, 0),
        ),
        "removal_ms_cpu": (
            round(seconds / REMOVALS * 1000, 1),
            "of our process, for deciding, withdrawing and taking out one removal",
        ),
    }


async def _off_disk(on: Ground, entries: list[removal_ledger.Entry]) -> tuple[int, int, int]:
    """As who works does it at night: windows still in files, how many were looked for, and in how many files."""
    chosen = msgspec.structs.replace(on.settings, removal_hours="")
    superuser = await asyncpg.connect(**superuser_address(on.settings))
    try:
        async with database.connect(chosen, "work") as db:
            for _ in range(40):
                await off_disk.take_off(db, chosen, at=clock.now())
                await superuser.execute("checkpoint")
        number = await superuser.fetchval("select oid from pg_database where datname = $1", DATABASE)
        folder = Path(await superuser.fetchval("show data_directory")) / "base" / str(number)
    finally:
        await superuser.close()
    windows = {window for entry in entries for window in entry.what.stored}
    async with database.connect(on.settings, "owner") as db:
        gone = windows - await proof.still_held(db, windows)
    found = proof.search_files(folder, gone)
    return sum(found.values()), len(gone), sum(1 for _ in folder.iterdir())


def _examined(found: Proof, originals: int) -> str:
    gone = f"{originals:,} originals removed; " if originals else ""
    return (
        f"{found.looked_for:,} hashes; {gone}decoded: {found.chunks:,} chunks, {found.log_rows:,} log rows, "
        f"{found.statements:,} statements, {found.originals:,} originals, {found.values:,} values of {found.tables} "
        "other tables"
    )


async def _remove(on: Ground) -> tuple[int, float]:
    """How many statements a reader is still given after each withdrawal, and the processor time of all."""
    chosen = random.Random(7)
    ledger = removal_ledger.path_of(on.settings)
    shown, began = 0, time.process_time()
    async with (
        database.connect(on.settings, "owner") as owner,
        database.connect(on.settings, "remove") as db,
        database.connect(on.settings, "work") as work,
        audit.Writer.open(db) as writer,
    ):
        people = [int(row["patient_key"]) for row in await owner.fetch(_PEOPLE)]
        for number in range(REMOVALS):
            target = await _target(db, chosen, people, number)
            known = next(_numbers)
            parts = await removal.look_up(db, writer, target, AGREED, removal=known, at=clock.now())
            await removal.withdraw(db, writer, parts, AGREED, removal=known, ledger=ledger, at=clock.now())
            shown += await _still_given(db, parts)
        async with audit.Writer.open(db) as second:
            await removal.complete_open(
                work, second, ledger=ledger, drop_folder=None, at=clock.now(), limit=10 * REMOVALS
            )
    return shown, time.process_time() - began


async def _target(db: database.Database, chosen: random.Random, people: list[int], number: int) -> Target:
    """One of each kind in turn, of somebody who still has anything."""
    while True:
        key = chosen.choice(people)
        async with db.connection() as connection:
            held = await rewrite.read_all(connection, key)
            left = (await rewrite.find_withdrawn(connection, key)).left(held)
        if not left:
            continue
        one = chosen.choice(left)
        if number % 3 == 0:
            return Target(kind="statement", patient_key=one.patient_key, local_id=one.local_id)
        if number % 3 == 1:
            return Target(kind="original", original=one.original)
        return Target(kind="identity", patient_key=one.patient_key, identity_key=one.identity_key)


async def _still_given(db: database.Database, parts: list[removal.Part]) -> int:
    """What the withholding leaves of what was to go, under its key."""
    given = 0
    for part in parts:
        async with db.connection() as connection:
            held = await rewrite.read_all(connection, part.patient_key)
            withdrawn = await rewrite.find_withdrawn(connection, part.patient_key)
        gone = set(part.what.hashes)
        given += sum(proof.traces_rules.hash_of(each.body) in gone for each in withdrawn.left(held))
    return given


async def _prove_restored(on: Ground, file: Path) -> Proof:
    """In a server of its own, as a restore on another machine does it."""
    aside = Settings(
        home=on.folder / "again",
        region=on.settings.region,
        removal_ledger=str(removal_ledger.path_of(on.settings).absolute()),
    )
    async with database.embedded.Supervisor(aside):
        await backup.restore(aside, file, then=_replay)
        async with database.connect(aside, "owner") as db:
            return await proof.prove(db, await removal.list_removals(db))


async def _replay(aside: Settings) -> None:
    ledger = removal_ledger.path_of(aside)
    async with database.connect(aside, "owner") as db, audit.Writer.open(db) as writer:
        await removal.replay(db, writer, removal_ledger.read(ledger), ledger=None, at=clock.now())


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="removal_left_at_once",
            area="access",
            says="Statements that a reader is still given once their removal is agreed.",
            at_most=0,
        ),
        Promise(
            name="removal_left_live",
            area="access",
            says="Hashes of removed content found by decoding everything that is kept.",
            at_most=0,
        ),
        Promise(
            name="removal_left_in_files",
            area="access",
            says="Windows of removed content’s stored bytes found in the raw files of the database.",
            at_most=0,
        ),
        Promise(
            name="removal_left_restored",
            area="access",
            says="Hashes of removed content found in a restored backup that is older than the removals.",
            at_most=0,
        ),
        Promise(
            name="removal_ms_cpu", area="access", says="Processor time of one removal, in milliseconds.", at_most=250
        ),
    ),
    measure=measure,
)
