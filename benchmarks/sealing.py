"""A million events sealed, and verified against their chains and seals; and the room that a year of them takes."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta

from benchmarks import harness
from benchmarks.audit import events
from benchmarks.harness import Ground, Meter
from benchmarks.promise import Benchmark, Promise
from carerecord import audit, clock, database
from carerecord.audit import keys
from carerecord.audit.chain import first_hash, link_all, write
from carerecord.audit.sealer import Sealer
from carerecord.audit.seals import Folder

EVENTS = 1_000_000
A_YEAR = 540_000_000
STREAMS = 2
AT_ONCE = 5_000
PEOPLE = 50_000
COLUMNS = (
    *("patient_key", "stream", "seq", "recorded_at", "kind", "staff", "purpose", "evidence", "decision"),
    *("about_seq", "snapshot", "detail", "route", "session", "hash"),
)
SIZES = """
    select sum(pg_table_size(inhrelid))::bigint as rows, sum(pg_indexes_size(inhrelid))::bigint as indexes
    from pg_inherits where inhparent = 'audit.event'::regclass
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
        return _figures(on, (size["rows"], size["indexes"]), sealing.per(EVENTS), sealing_seconds) | {
            "audit_verify_million_seconds": (
                round(verifying.app + verifying.database, 1),
                f"each row against chain and leaf, each seal against root and key: {verifying.app:.1f} s "
                f"app + {verifying.database:.1f} s PostgreSQL in one process; {seconds:.1f} s by the clock",
            )
        }


def _figures(on: Ground, size: tuple[int, int], sealing: harness.Cpu, seconds: float) -> dict[str, tuple[float, str]]:
    rows, indexes = size
    each = (rows + indexes) / EVENTS
    leaves = sum(path.stat().st_size for path in (on.folder / "seals").iterdir()) / EVENTS
    return {
        "audit_seal_us_per_event": (
            round(sealing.both, 1),
            f"walked, taken into the tree and signed, 20,000 at most in a seal: {sealing} µs; {seconds:.0f} s "
            f"by the clock for {EVENTS:,}",
        ),
        "audit_bytes_per_event": (
            round(each),
            f"rows {rows / EVENTS:.0f}, indexes {indexes / EVENTS:.0f}; {each * A_YEAR / 1e9:,.0f} GB a year of "
            f"{A_YEAR:,} events, in twelve tables; the seals outside it {leaves:.1f} B an event, "
            f"{leaves * A_YEAR / 1e9:,.0f} GB a year",
        ),
    }


async def _fill(owner: database.Database) -> None:
    """As the writer would have written them: opened and shown by turns, in two streams, over the last hours."""
    opened, shown = events()
    pair = [write(opened(1)), write(shown(1))]
    began_at = clock.now() - timedelta(hours=6)
    async with owner.connection() as connection:
        for stream in range(1, STREAMS + 1):
            previous, seq = first_hash(stream), 0
            while seq < EVENTS // STREAMS:
                at = began_at + timedelta(milliseconds=seq // 100)
                batch = [pair[n % 2]._replace(patient_key=(seq + n) // 2 % PEOPLE + 1) for n in range(AT_ONCE)]
                hashes = link_all(previous, batch, stream=stream, seq=seq, recorded_at=at)
                await connection.copy_records_to_table(
                    "event",
                    schema_name="audit",
                    columns=COLUMNS,
                    records=[
                        (event.patient_key, stream, seq + n, at, *event[1:-1], own)
                        for n, (event, own) in enumerate(zip(batch, hashes, strict=True), 1)
                    ],
                )
                previous, seq = hashes[-1], seq + AT_ONCE
            await connection.execute("insert into audit.stream values ($1, $2, $3)", stream, seq, previous)
        await connection.execute("analyze audit.event")


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
