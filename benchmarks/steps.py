"""What each step of a view takes between the rows of the database and the page: pure work, timed in this process."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

from benchmarks import harness, view
from benchmarks.audit import APPOINTMENT, CLINICIAN
from benchmarks.harness import Ground, Yardstick
from benchmarks.promise import Benchmark, Promise
from benchmarks.rendering import FRAME
from carerecord import access, clock, database, patient_index
from carerecord.disclosure.answers import last_contact, source_answers, withholding_sources
from carerecord.disclosure.banner import banner
from carerecord.disclosure.snapshot import snapshot
from carerecord.disclosure.values import Summary
from carerecord.disclosure.withhold import withhold
from carerecord.model import Heading, OriginalReference, Person, Purpose, StoredStatement
from carerecord.reconciliation import Record, reconcile
from carerecord.reconciliation.pathway import pathway
from carerecord.record import chunk
from carerecord.web import drawing, present

ROUNDS = 20
STEPS = ("unpack", "decide and sign", "reconcile", "present", "draw")
T = TypeVar("T")
Rows = list[tuple[int, list[tuple[bytes, bytes]], list[tuple[chunk.Said, bytes, bytes]]]]


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, tuple[float, str]]:
    async with harness.ground() as on:
        viewed = await view.load(on)
        kept = [await _rows(on, each.patient_key) for each in viewed]
        names = {source.id: source.name for source in on.region.sources}
        decision = access.decide(
            access.Question.of(
                CLINICIAN,
                evidence=APPOINTMENT,
                organisation_in_agreement=True,
                route="launch",
                purpose=Purpose.TREAT,
            )
        )
        count = sum(len(each.statements) for each in viewed)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)  # as the process that serves
        best, yardstick = dict.fromkeys(STEPS, float("inf")), Yardstick()
        for _ in range(ROUNDS):
            taken = dict.fromkeys(STEPS, 0.0)
            for person, rows in kept:
                _view_once(person, rows, decision, on, names, taken)
            best = {step: min(best[step], taken[step]) for step in STEPS}
            yardstick.measure()
    words = ", ".join(f"{step} {seconds / count * 1e6:.2f}" for step, seconds in best.items())
    total = sum(best.values())
    return {
        "view_steps_us_per_statement": (
            round(total / count * 1e6, 2),
            f"{words}; {total / len(kept) * 1e3:.2f} ms a view in all, best of {ROUNDS} rounds; the rest of a view is "
            f"HTTP, the session, the pool, two witnesses and PostgreSQL; {yardstick}",
        )
    }


async def _rows(on: Ground, patient_key: int) -> tuple[Person, Rows]:
    async with database.connect(on.settings, "owner") as db:
        person = await patient_index.read_person(db, patient_key)
        rows: Rows = []
        for home in set(person.identities.values()):
            said = [
                (chunk.Said(identity, source, OriginalReference(day, seq), received_at), header, body)
                for identity, source, day, seq, received_at, header, body in await db.fetch(view.LOG, home)
                if identity in person.identities
            ]
            rows.append((home, [tuple(row) for row in await db.fetch(view.CHUNKS, home)], said))
    return person, rows


def _unpacked(person: Person, rows: Rows) -> list[StoredStatement]:
    statements: list[StoredStatement] = []
    for home, folded, pending in rows:
        for header, body in folded:
            statements += chunk.unpack_folded(header, body, patient_key=home, identities=person.identities)
        for said, header, body in pending:
            statements += chunk.unpack(header, body, patient_key=home, said=said)
    return statements


def _view_once(
    person: Person,
    rows: Rows,
    decision: access.Decision,
    on: Ground,
    names: dict[str, str],
    taken: dict[str, float],
) -> None:
    """As the door and the page do it, without their witnesses."""

    def timed(step: str, work: Callable[[], T]) -> T:
        begun = time.process_time()
        made = work()
        taken[step] += time.process_time() - begun
        return made

    at = clock.now()
    statements = timed("unpack", lambda: _unpacked(person, rows))
    seen = timed("decide and sign", lambda: withhold(statements, decision)).shown
    timed("decide and sign", lambda: withholding_sources(seen))
    since = timed("decide and sign", lambda: last_contact(seen, at=at))
    record = timed("reconcile", lambda: reconcile(seen, region_names=names, since=since))
    timed("decide and sign", lambda: snapshot(seen))
    shown = timed("decide and sign", lambda: _summary(person, seen, record, decision, on, names, since, at))
    page = timed("present", lambda: present.summary(shown, at=at))
    timed("draw", lambda: drawing.text("pages/summary.html", frame=FRAME, page=page).encode())


def _summary(
    person: Person,
    seen: Sequence[StoredStatement],
    record: Record,
    decision: access.Decision,
    on: Ground,
    names: dict[str, str],
    since: date | None,
    at: datetime,
) -> Summary:
    return Summary(
        title=on.region.title,
        banner=banner(person, region=on.region, record=record, at=at),
        answers=(),
        sources=source_answers(seen, on.region, names),
        record=record,
        headings=tuple(heading for heading in Heading if heading in decision.headings),
        opened_from="",
        why=decision.reasons,
        limits=decision.limits,
        since=since,
        patient_id="",
        pathway=pathway(record, at=at),
    )


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="view_steps_us_per_statement",
            area="skeleton",
            says="Of a view, the pure work between rows and page, µs of processor time per statement.",
        ),
    ),
    measure=measure,
)
