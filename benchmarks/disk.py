"""What the record takes on disk, folded a few times as it grows, indexes and dead space included."""

from __future__ import annotations

import asyncio

from benchmarks import harness
from benchmarks.promise import Benchmark, Promise
from carerecord import clock, database
from carerecord.record import chunk, fold

STEPS = 3
SAMPLE = 200
_SIZES = """
    select (select sum(statement_count) from record.chunk) as statements,
           (select count(*) from record.chunk) as parts,
           (select count(distinct patient_key) from record.chunk) as patients,
           pg_total_relation_size('record.chunk') as chunk_bytes,
           (select sum(length(header) + length(body)) from record.chunk) as packed_bytes,
           (select count(*) from intake.original) as originals,
           (select sum(pg_total_relation_size(relid)) from pg_partition_tree('intake.original')) as original_bytes,
           (select sum(length(content)) from intake.original) as content_bytes,
           pg_total_relation_size('intake.message_key') as key_bytes,
           (select count(*) from record.log) as pending
"""


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, tuple[float, str]]:
    everyone = harness.people()
    async with harness.ground() as on:
        for step in range(STEPS):
            part = [
                each[len(each) * step // STEPS : len(each) * (step + 1) // STEPS] for each in everyone
            ]  # Each person's messages come over time, and a fold rewrites what it grows.
            await harness.load(on, part)
            async with database.connect(on.settings, "work") as db:
                while await fold.fold_some(db, patients_max=200, at=clock.now(), rows_min=1):
                    pass
        async with database.connect(on.settings, "owner") as db:
            for table in ("record.chunk", "intake.original"):
                await db.execute(f"vacuum {table}")
            sizes = await db.fetchrow(_SIZES)
            parts = await db.fetch("select header, body from record.chunk limit $1", SAMPLE)
        unpacked = [s for header, body in parts for s in chunk.unpack_folded(header, body, patient_key=0)]
        json_bytes = sum(len(statement.body) for statement in unpacked) / len(unpacked)
        assert sizes is not None
        assert sizes["pending"] == 0
    sent = [message.content for each in everyone for message in each]
    statements, originals = sizes["statements"], sizes["originals"]
    return {
        "disk_bytes_per_statement": (
            round(sizes["chunk_bytes"] / statements, 1),
            f"{statements:,} statements of {sizes['patients']} people in {sizes['parts']:,} parts, grown in {STEPS} "
            f"folds, then vacuumed; {json_bytes:,.0f} B of JSON each, "
            f"{sizes['packed_bytes'] / statements:,.0f} B of it packed content",
        ),
        "disk_bytes_per_original": (
            round(float(sizes["original_bytes"] + sizes["key_bytes"]) / originals, 1),
            f"{originals:,} messages of {sum(map(len, sent)) / len(sent):,.0f} B as sent, indexes and the key that "
            f"makes a message sent twice one ({sizes['key_bytes'] / originals:,.0f} B) included; "
            f"{sizes['content_bytes'] / originals:,.0f} B of it content",
        ),
    }


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="disk_bytes_per_statement",
            area="skeleton",
            says="The folded record on disk with its index, bytes for each statement.",
            at_most=370,
        ),
        Promise(
            name="disk_bytes_per_original",
            area="skeleton",
            says="The originals on disk with their indexes, bytes for each message.",
        ),
    ),
    measure=measure,
)
