"""Does a view get dearer as the region grows? The same people, viewed among a thousand and among a hundred thousand.

The thousand are loaded as messages; the others are their rows again under keys of their own, put in by the database, so
that an area's tables and indexes stand there within minutes. Each person is viewed once, so no row was just read.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from benchmarks import clients, harness
from benchmarks.audit import APPOINTMENT, CLINICIAN
from benchmarks.clients import Page
from benchmarks.harness import Cpu, Ground, Meter
from benchmarks.promise import Benchmark, Promise
from carerecord import clock, database, signin
from carerecord.model import Purpose
from carerecord.record import fold
from demo.messages import history
from demo.people import generate

FEW, MANY = 1_000, 100_000
VIEWED, ROUNDS, PROCESSES, CONNECTIONS = 96, 4, 3, 8

TABLES = ("patient_index.member", "patient_index.identity", "record.chunk")
_FIRST = """
    create table public.first_member as table patient_index.member;
    create table public.first_identity as table patient_index.identity;
    create table public.first_chunk as table record.chunk
"""
# A key of 63 random bits stays one when it is mixed with another. What a chunk says of whom is packed in it, so
# identities keep their keys: they are found under their patient's.
_AGAIN = (
    """insert into patient_index.member
       select patient_key # $1, identity_key, home_key # $1 from public.first_member""",
    """insert into patient_index.identity
       select patient_key # $1, identity_key, person_key # $1, source, system, value, nhs_number,
              nhs_number_verified, subject, said_at from public.first_identity""",
    """insert into record.chunk
       select patient_key # $1, heading, period, part, statement_count, header, body from public.first_chunk""",
)
# The fuller half, in an order that says nothing of when they were stored.
_PEOPLE = """
    with homes as (select distinct patient_key, home_key from public.first_member),
         held as (select h.patient_key, sum(c.statement_count) as statements
                  from homes h join public.first_chunk c on c.patient_key = h.home_key group by h.patient_key),
         middle as (select percentile_cont(0.5) within group (order by statements) as statements from held)
    select held.patient_key, held.statements::int from held, middle
    where held.statements >= middle.statements order by held.patient_key limit $1
"""


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(measure_between(FEW, MANY))


async def measure_between(few: int, many: int) -> dict[str, tuple[float, str]]:
    async with harness.ground() as on:
        await _load(on, few)
        async with database.connect(on.settings, "owner") as db:
            for statement in _FIRST.split(";"):
                await db.execute(statement)
            sample = await db.fetch(_PEOPLE, VIEWED * (ROUNDS + 1))
            keys = [row["patient_key"] for row in sample]
            statements = sum(row["statements"] for row in sample) / len(sample)
            await _settle(db)
            await _views(on, keys)  # Not counted: after loading, the machine is busy for a while.
            among_few, pages_few = await _views(on, keys)
            masks = [clock.random_key() for _ in range(1, many // few)]
            for mask in masks:
                async with db.transaction() as connection:
                    for again in _AGAIN:
                        await connection.execute(again, mask)
            await _settle(db)
            # The same people, each as one of the hundredfold, so that the pages are the same.
            among_many, pages_many = await _views(
                on, [key ^ masks[place % len(masks)] for place, key in enumerate(keys)]
            )
            assert pages_many == pages_few, "The same people must have the same pages, or comparing them means nothing."
            taken = await db.fetchval("select pg_total_relation_size('record.chunk')")
    exponent = math.log(among_many.both / among_few.both) / math.log(many / few)
    return {
        "view_growth_exponent": (
            round(max(exponent, 0.0), 3),
            f"people of {statements:,.0f} statements, each viewed once: {among_few} µs among {few:,}, {among_many} µs "
            f"among {many:,}, whose record takes {taken / 1e9:,.2f} GB; best of {PROCESSES * ROUNDS} rounds of "
            f"{len(keys) // (ROUNDS + 1)} people",
        )
    }


async def _load(on: Ground, few: int) -> None:
    everyone = generate(harness.SEED, few, density="light")
    await harness.load(on, [tuple(history(person, channel="mllp")) for person in everyone])
    async with database.connect(on.settings, "work") as db:
        while await fold.fold_some(db, patients_max=200, at=clock.now(), rows_min=1):
            pass


async def _settle(db: database.Database) -> None:
    for table in TABLES:
        await db.execute(f"vacuum analyze {table}")


async def _views(on: Ground, keys: Sequence[int]) -> tuple[Cpu, list[int]]:
    """Microseconds for each view, by processes that have just begun; their first people only warm them up. And the
    bytes of every page, smallest first."""
    lengths: list[int] = []
    port, size, rounds = on.settings.serve_port, len(keys) // (ROUNDS + 1), []
    for _ in range(PROCESSES):
        pages = await _sessions(on, keys)
        async with harness.process(on, "carerecord", "serve", port=port) as serving:
            meter = Meter(on, serving)
            await clients.get_all(port, pages[:size], connections=CONNECTIONS)
            for turn in range(1, ROUNDS + 1):
                before = meter.read()
                asked = pages[turn * size : (turn + 1) * size]
                lengths += await clients.get_all(port, asked, connections=CONNECTIONS)
                rounds.append(meter.read().since(before).per(size))
    return harness.best(rounds)[0], sorted(lengths)


async def _sessions(on: Ground, keys: Sequence[int]) -> list[Page]:
    async with database.connect(on.settings, "serve") as db:
        sessions = signin.Sessions(db, on.settings)
        made = [
            await sessions.create_patient(
                CLINICIAN, patient_key=key, evidence=APPOINTMENT, purpose=Purpose.TREAT, route="launch", at=clock.now()
            )
            for key in keys
        ]
    return [Page(f"/patient/{new.id}/summary", f"{signin.patient_cookie(new.id)}={new.token}") for new in made]


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="view_growth_exponent",
            area="scale",
            says=f"How the processor time of a view grows from {FEW:,} to {MANY:,} people: 0 not at all, 1 in step.",
            at_most=0.1,
        ),
    ),
    measure=measure,
    is_long=True,
)
