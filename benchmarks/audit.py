"""What it takes to witness: events linked, appended and durable, with as many readers at once as a busy process has."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks import harness
from benchmarks.harness import Ground, Meter, Yardstick
from benchmarks.promise import Benchmark, Promise
from carerecord import access, audit, clock, database
from carerecord.audit import Event
from carerecord.audit.writing import STORED, write
from carerecord.disclosure.written import event as as_event
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff

WRITERS = 64
EVENTS_EACH = 100
ROUNDS = 6
COMMITS = 600

CLINICIAN = Staff(
    user_id="ouh-4411",
    name="Dr Amara Okafor",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Consultant",
    organisation="RTH",
    organisation_name="Oxford University Hospitals NHS Foundation Trust",
)
APPOINTMENT = Evidence(
    kind=EvidenceClass.APPOINTMENT,
    id="OUH-APT-1",
    start="2026-11-22T09:00:00+00:00",
    place="Cardiology clinic",
    said_by="RTH",
)


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, tuple[float, str]]:
    async with harness.ground() as on, database.connect(on.settings, "serve") as db:
        opened, shown = events()
        meter, yardstick = Meter(on, os.getpid()), Yardstick()
        rounds, rates, syncs = [], [], []
        async with audit.Writer.open(db) as writer:

            async def look(patient_key: int, count: int) -> None:
                for number in range(count):
                    await writer.witness(opened(patient_key) if number % 2 == 0 else shown(patient_key))

            await asyncio.gather(*(look(key, 10) for key in range(1, WRITERS + 1)))
            for _ in range(ROUNDS):
                syncs.append(harness.fdatasyncs_per_second(on.folder, seconds=0.3))
                before, begun = meter.read(), time.perf_counter()
                await asyncio.gather(*(look(key, EVENTS_EACH) for key in range(1, WRITERS + 1)))
                rates.append(WRITERS * EVENTS_EACH / (time.perf_counter() - begun))
                rounds.append(meter.read().since(before).per(WRITERS * EVENTS_EACH))
                yardstick.measure()
        least, least_words = harness.best(rounds)
        commits = await bare_commits(on)
        one = [write(made(1)) for made in (opened, shown)]
        same_bytes = [("".join(map(str, event[:STORED])).encode(),) for event in one] * 1600
        floor = await harness.bare_copy(on, same_bytes, batch=WRITERS // 2)
        each = f"{WRITERS} writers, {WRITERS * EVENTS_EACH:,} events a round, half opened and half shown"
        return {
            "audit_appends_per_fdatasync": (
                round(max(rates) / max(syncs), 2),
                f"{each}; {max(rates):,.0f}/s (median {statistics.median(rates):,.0f}) against {max(syncs):,.0f} "
                f"serial fdatasyncs/s (median {statistics.median(syncs):,.0f}), each the best of {ROUNDS} by turns; "
                f"one row for each commit over one connection: {commits:,.0f}/s",
            ),
            "audit_us_per_event": (
                round(least.both, 1),
                f"{each}; {least}; {least_words}; {yardstick}; "
                f"the same bytes by COPY, {WRITERS // 2} events a commit, unlinked: {floor}",
            ),
        }


SESSION = "m2Vv0kSr1p8jJx4WcQz7aE"


def events(
    *, staff: Staff = CLINICIAN, evidence: Evidence = APPOINTMENT
) -> tuple[Callable[[int], Event], Callable[[int], Event]]:
    """Makers of the two events of a view, as the door writes them."""
    decision = access.decide(
        access.Question.of(
            staff,
            evidence=evidence,
            organisation_in_agreement=True,
            route="launch",
            purpose=Purpose.TREAT,
        )
    )
    detail = {
        "what": "summary",
        "count": 305,
        "sources": ["barts", "nel-pathology"],
        "withheld": {},
        "said": ["barts", "2026-11-22T08:57:00Z"],
        "under": "7838725c437189cb844e4f1f0ae1ac22",
        "who": "5032899465828b75",
    }
    known = {"record_knew": True}
    fingerprint = bytes(range(32))

    def event(kind: str, patient_key: int, **more: Any) -> Event:
        return as_event(
            kind,
            patient_key=patient_key,
            staff=staff,
            evidence=evidence,
            decision=decision,
            route="launch",
            session=SESSION,
            at=clock.now(),
            **more,
        )

    def opened(patient_key: int) -> Event:
        return event("opened", patient_key, detail=known)

    def shown(patient_key: int) -> Event:
        about = audit.Witness(patient_key=patient_key, stream=1, seq=patient_key, recorded_at=clock.now())
        return event("shown", patient_key, detail=detail, shown=fingerprint, about=about)

    return opened, shown


async def bare_commits(on: Ground) -> float:
    """One row for each commit over one connection: what a plain audit insert costs in time."""
    async with database.connect(on.settings, "owner") as db, db.connection() as connection:
        await connection.execute("create table if not exists public.bare (id bigint primary key, said text)")
        insert = await connection.prepare("insert into public.bare values ($1, $2)")
        begun = time.perf_counter()
        for number in range(COMMITS):
            await insert.fetch(number, "x" * 300)
        taken = time.perf_counter() - begun
        await connection.execute("drop table public.bare")
    return COMMITS / taken


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="audit_appends_per_fdatasync",
            area="skeleton",
            says="Events witnessed each second by 64 at once, as a multiple of the disk's serial fdatasync rate.",
            at_least=3,
        ),
        Promise(
            name="audit_us_per_event",
            area="skeleton",
            says="An event linked to the one before it and durable, at that load, µs of processor time.",
            at_most=40,
        ),
    ),
    measure=measure,
)
