"""A million events sealed, and verified against their chains and seals; and the room that a year of them takes."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta

import msgspec

from benchmarks import harness
from benchmarks.audit import APPOINTMENT, CLINICIAN, events
from benchmarks.harness import Ground, Meter
from benchmarks.promise import Benchmark, Promise
from carerecord import audit, clock, database
from carerecord.audit import keys
from carerecord.audit.chain import first_hash
from carerecord.audit.sealer import Sealer
from carerecord.audit.seals import Folder
from carerecord.audit.writing import STORED, Written, link_all, write

EVENTS = 1_000_000
A_YEAR = 540_000_000
STREAMS = 2
AT_ONCE = 5_000
EVENTS_EACH = 6  # of one patient on the same evidence: arrived, and a page or two with what is opened of them
COLUMNS = tuple("evidence" if name == "own_evidence" else name for name in Written._fields[:STORED])
STAFF = 500
SIZES = """
    select sum(pg_table_size(inhrelid)) filter (where inhparent = 'audit.entry'::regclass)::bigint as rows,
           sum(pg_indexes_size(inhrelid)) filter (where inhparent = 'audit.entry'::regclass)::bigint as indexes,
           sum(pg_total_relation_size(inhrelid)) filter (where inhparent = 'audit.text'::regclass)::bigint as texts,
           (select count(*) from audit.text) as text_count
    from pg_inherits where inhparent in ('audit.entry'::regclass, 'audit.text'::regclass)
"""


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, tuple[float, str]]:
    async with (
        harness.ground() as on,
        database.connect(on.settings, "owner") as owner,
        database.connect(on.settings, "work") as work,
        database.connect(on.settings, "witness") as witness,
    ):
        await _fill(owner)
        size = await owner.fetchrow(SIZES)
        assert size is not None
        folder, signer, meter = Folder(on.folder / "seals"), keys.FileSigner(on.folder / "keys"), Meter(on, os.getpid())
        key = signer.make(at=clock.now())
        sealer, before, begun = Sealer(work, folder, signer, clock=clock.now), meter.read(), time.perf_counter()
        while await sealer.seal():
            pass
        sealing, sealing_seconds = meter.read().since(before), time.perf_counter() - begun
        before, begun = meter.read(), time.perf_counter()
        report = await audit.verify(witness, seals=folder, trusted=[key])
        verifying, seconds = meter.read().since(before), time.perf_counter() - begun
        assert (report.events, report.sealed_events, report.findings) == (EVENTS, EVENTS, ())
        return _figures(on, dict(size), sealing.per(EVENTS), sealing_seconds) | {
            "audit_verify_million_seconds": (
                round(verifying.app + verifying.database, 1),
                f"each row against chain and leaf, each seal against root and key: {verifying.app:.1f} s "
                f"app + {verifying.database:.1f} s PostgreSQL in one process; {seconds:.1f} s by the clock",
            )
        }


def _figures(on: Ground, size: dict[str, int], sealing: harness.Cpu, seconds: float) -> dict[str, tuple[float, str]]:
    each = (size["rows"] + size["indexes"] + size["texts"]) / EVENTS
    leaves = sum(path.stat().st_size for path in (on.folder / "seals").iterdir()) / EVENTS
    return {
        "audit_seal_us_per_event": (
            round(sealing.both, 1),
            f"walked, taken into the tree and signed, 20,000 at most in a seal: {sealing} µs; {seconds:.0f} s "
            f"by the clock for {EVENTS:,}",
        ),
        "audit_bytes_per_event": (
            round(each),
            f"rows {size['rows'] / EVENTS:.0f}, indexes {size['indexes'] / EVENTS:.0f}, texts "
            f"{size['texts'] / EVENTS:.0f} ({size['text_count']:,} of them: {STAFF} staff, evidence of {EVENTS_EACH} "
            f"events each); {each * A_YEAR / 1e9:,.0f} GB a year of "
            f"{A_YEAR:,} events, in twelve tables; the seals outside it {leaves:.1f} B an event, "
            f"{leaves * A_YEAR / 1e9:,.0f} GB a year",
        ),
    }


async def _fill(owner: database.Database) -> None:
    """As the writer would have written them: opened and shown by turns, in two streams, over the last hours.

    Each patient is looked at by one of the staff, on evidence of their own: an appointment of its own number and time.
    """
    began_at = clock.now() - timedelta(hours=6)
    async with owner.connection() as connection:
        for stream in range(1, STREAMS + 1):
            previous, seq = first_hash(stream), 0
            texts: dict[tuple[int, bytes], tuple[object, ...]] = {}
            while seq < EVENTS // STREAMS:
                at = began_at + timedelta(milliseconds=seq // 100)
                batch = [each for first in range(0, AT_ONCE, EVENTS_EACH) for each in _looks(stream, seq + first)][
                    :AT_ONCE
                ]
                hashes = link_all(previous, batch, stream=stream, seq=seq, recorded_at=at)
                await connection.copy_records_to_table(
                    "entry",
                    schema_name="audit",
                    columns=(*COLUMNS, "stream", "seq", "recorded_at", "hash"),
                    records=[
                        (*event[:STORED], stream, seq + n, at, own)
                        for n, (event, own) in enumerate(zip(batch, hashes, strict=True), 1)
                    ],
                )
                month = at.date().replace(day=1)
                for event in batch:
                    for text in event.texts:
                        texts[text[:2]] = (text.patient_key, text.digest, stream, month, text.said)
                previous, seq = hashes[-1], seq + AT_ONCE
            await connection.copy_records_to_table("text", schema_name="audit", records=list(texts.values()))
            await connection.execute("insert into audit.stream values ($1, $2, $3)", stream, seq, previous)
        await connection.execute("analyze audit.entry")
        await connection.execute("analyze audit.text")


def _looks(stream: int, seq: int) -> list[Written]:
    """What one member of staff does with one patient."""
    number = stream * EVENTS + seq
    made = events(
        staff=msgspec.structs.replace(CLINICIAN, user_id=f"ouh-{number * 7919 % STAFF}"),
        evidence=msgspec.structs.replace(APPOINTMENT, id=f"OUH-APT-{number}"),
    )
    key = number * 2_654_435_761 % 2**62  # anywhere in the index, as keys are
    pair = [write(each(key)) for each in made]
    return pair * (EVENTS_EACH // 2)


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="audit_verify_million_seconds",
            area="access",
            says="A million events verified against their chains and their seals, seconds of processor time.",
            at_most=60,
        ),
        Promise(
            name="audit_seal_us_per_event",
            area="access",
            says="An event sealed: walked, taken into the tree, signed, on another disk, µs of processor time.",
            at_most=40,
        ),
        Promise(
            name="audit_bytes_per_event",
            area="access",
            says="What an event takes on disk with its indexes, bytes.",
        ),
    ),
    measure=measure,
    is_long=True,
)
