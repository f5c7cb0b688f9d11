"""What a view takes, computed live from what is kept; against the usual way to build it, in the same run."""

from __future__ import annotations

import asyncio
import html
import json
import os
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks import clients, harness, usual_side
from benchmarks.audit import APPOINTMENT, CLINICIAN, SESSION, events
from benchmarks.clients import Page
from benchmarks.harness import Cpu, Ground, Meter, Yardstick
from benchmarks.promise import Benchmark, Promise
from carerecord import audit, clock, database, patient_index, signin
from carerecord.model import OriginalReference, Person, Purpose, StoredStatement
from carerecord.record import chunk, fold
from carerecord.record import read as record_read

PEOPLE = 12
PENDING_MESSAGES = 5
CONNECTIONS = 8
ROUNDS = 6
VIEWS, USUAL_VIEWS, VIEWS_ALONE, READS = 96, 48, 48, 120

_PEOPLE = """
    with homes as (select distinct patient_key, home_key from patient_index.member)
    select h.patient_key
    from homes h join record.chunk c on c.patient_key = h.home_key
    group by h.patient_key order by sum(c.statement_count) desc limit $1
"""
CHUNKS = "select header, body from record.chunk where patient_key = $1"
LOG = """
    select identity_key, source, original_day, original_seq, received_at, header, body
    from record.log where patient_key = $1
"""
_SESSION = """
    insert into signin.session
        (token_hash, id, staff, patient_key, evidence, purpose, route, created_at, expires_at, used_at)
    values ($1, $2, '{}', $3, '{}', 'TREAT', 'launch', now(), now(), now())
"""
_PLAIN = """
    select false, heading::bigint, null::bigint, null::text, null::date, null::bigint, null::timestamptz, header, body
    from record.chunk where patient_key = $1
    union all
    select true, seq, identity_key, source, original_day, original_seq, received_at, header, body
    from record.log where patient_key = $1
"""


class Viewed(NamedTuple):
    """One person whose record is viewed."""

    patient_key: int
    home_keys: tuple[int, ...]
    statements: list[StoredStatement]


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, tuple[float, str]]:
    async with harness.ground() as on:
        viewed = await load(on)
        pages = await _sessions(on, viewed)
        port = await usual_side.prepare(on, [(each.patient_key, each.statements) for each in viewed])
        usual_pages = [Page(f"/patients/{each.patient_key}/summary", f"session={each.patient_key}") for each in viewed]
        async with (
            harness.process(on, "carerecord", "serve", port=on.settings.serve_port) as serving,
            harness.process(on, "benchmarks.usual_stack", usual_side.address(on), str(port), port=port) as usual,
        ):
            size, usual_size = await _check_same_content(on, viewed, pages, port, usual_pages)
            ours, theirs, yardstick = [], [], Yardstick()
            for _ in range(ROUNDS):  # By turns, so that a neighbour on the machine disturbs both alike.
                ours.append(await _round(Meter(on, serving), on.settings.serve_port, pages, VIEWS, CONNECTIONS))
                theirs.append(await _round(Meter(on, usual), port, usual_pages, USUAL_VIEWS, CONNECTIONS))
                yardstick.measure()
            alone = await _round(Meter(on, serving), on.settings.serve_port, pages, VIEWS_ALONE, 1)
        wall = await _witnessed_and_plain(on, viewed)
        pair = await _pair(on, viewed)
        nginx = await usual_side.nginx_us(on, b"x" * size)
    static = f"{nginx:,.0f} µs" if nginx else "not measured: nginx is not installed"
    pages_words = f"page {size / 1000:,.0f} kB, which nginx sends from a file in {static}; {yardstick}"
    ratio = statistics.median(usual_cpu.both / cpu.both for cpu, usual_cpu in zip(ours, theirs, strict=True))
    return {
        "view_us_per_statement": _view(viewed, ours, alone, pages_words),
        "view_against_usual_stack": (
            round(ratio, 2),
            f"median of {ROUNDS} rounds by turns; the usual stack {harness.best(theirs)[0]} µs a view at best, page "
            f"{usual_size / 1000:,.0f} kB; neither is compressed",
        ),
        "witnessed_read_share_of_view": _wall(*wall, harness.best(ours)[0]),
        "witness_share_of_view": (
            round(pair.both / harness.best(ours)[0].both, 3),
            f"both events {pair} µs, {CONNECTIONS} readers at once; a view {harness.best(ours)[0]} µs",
        ),
    }


def _view(viewed: Sequence[Viewed], rounds: Sequence[Cpu], alone: Cpu, pages_words: str) -> tuple[float, str]:
    count = statistics.mean(len(each.statements) for each in viewed)
    resources = statistics.mean(len(usual_side.newest(each.statements)) for each in viewed)
    least, words = harness.best(rounds)
    return (
        round(least.both / count, 2),
        f"{count:,.0f} statements of {resources:,.0f} resources for each of {len(viewed)} people, the last "
        f"{PENDING_MESSAGES} messages not folded; a view {least} µs at {CONNECTIONS} connections, {words}; "
        f"{alone} at one; {pages_words}",
    )


def _wall(read: Cpu, plain: Cpu, view: Cpu) -> tuple[float, str]:
    return (
        round(read.both / view.both, 3),
        f"the whole call {read} µs; a plain select of the same rows {plain}; so the wall itself is "
        f"{(read.both - plain.both) / view.both:.1%} of a view",
    )


async def load(on: Ground) -> list[Viewed]:
    """The people of whom most was said, as the record holds them: nearly all folded, the newest messages waiting."""
    fullest = sorted(harness.people(), key=harness.statement_count, reverse=True)[:PEOPLE]
    await harness.load(on, [messages[:-PENDING_MESSAGES] for messages in fullest])
    async with database.connect(on.settings, "work") as db:
        while await fold.fold_some(db, patients_max=100, at=clock.now(), rows_min=1):
            pass
    await harness.load(on, [messages[-PENDING_MESSAGES:] for messages in fullest])
    async with database.connect(on.settings, "owner") as db:
        for table in ("record.chunk", "record.log", "patient_index.member", "patient_index.identity"):
            await db.execute(f"vacuum analyze {table}")
        found = []
        for row in await db.fetch(_PEOPLE, PEOPLE):
            person = await patient_index.read_person(db, row["patient_key"])
            found.append(
                Viewed(row["patient_key"], tuple(set(person.identities.values())), await _statements(db, person))
            )
    return [each for each in found if len(each.statements) > 200]


async def _statements(db: database.Database, person: Person) -> list[StoredStatement]:
    """Read past the wall, by the owner: what the usual stack is given must be what the record holds."""
    statements: list[StoredStatement] = []
    for home in set(person.identities.values()):
        for header, body in await db.fetch(CHUNKS, home):
            statements += chunk.unpack_folded(header, body, patient_key=home, identities=person.identities)
        for identity_key, source, day, seq, received_at, header, body in await db.fetch(LOG, home):
            if identity_key in person.identities:
                said = chunk.Said(identity_key, source, OriginalReference(day, seq), received_at)
                statements += chunk.unpack(header, body, patient_key=home, said=said)
    return statements


async def _sessions(on: Ground, viewed: Sequence[Viewed]) -> list[Page]:
    pages = []
    async with database.connect(on.settings, "serve") as db:
        sessions = signin.Sessions(db, on.settings)
        for each in viewed:
            new = await sessions.create_patient(
                CLINICIAN,
                patient_key=each.patient_key,
                evidence=APPOINTMENT,
                purpose=Purpose.TREAT,
                route="launch",
                at=clock.now(),
            )
            pages.append(Page(f"/patient/{new.id}/summary", f"{signin.patient_cookie(new.id)}={new.token}"))
    return pages


async def _round(meter: Meter, port: int, pages: Sequence[Page], count: int, connections: int) -> Cpu:
    """Microseconds for each view, after one of each page to warm up."""
    await clients.get_all(port, pages, connections=connections)
    asked = [pages[number % len(pages)] for number in range(count)]
    before = meter.read()
    await clients.get_all(port, asked, connections=connections)
    return meter.read().since(before).per(count)


async def _check_same_content(
    on: Ground, viewed: Sequence[Viewed], pages: Sequence[Page], port: int, usual_pages: Sequence[Page]
) -> tuple[int, int]:
    """Every test, value, substance and letter stands on both pages, or comparing them means nothing. Bytes of each."""
    sizes = []
    for each, page, usual_page in zip(viewed, pages, usual_pages, strict=True):
        drawn = await clients.get_one(on.settings.serve_port, page)
        usual = await clients.get_one(port, usual_page)
        texts = [html.unescape(bytes_.decode()) for bytes_ in (drawn, usual)]
        for statement in usual_side.newest(each.statements):
            if statement.resource_type in ("DiagnosticReport", "Encounter"):
                continue  # These lend others their names and times, and are not named alike.
            resource = json.loads(statement.body)
            said = [resource.get("description") or resource.get("code", {}).get("text", "")]
            if "valueQuantity" in resource:
                said.append(str(resource["valueQuantity"]["value"]))
            assert all(words in text for words in said for text in texts), said
        sizes.append((len(drawn), len(usual)))
    return round(statistics.mean(ours for ours, _ in sizes)), round(statistics.mean(theirs for _, theirs in sizes))


async def _pair(on: Ground, viewed: Sequence[Viewed]) -> Cpu:
    """Microseconds to witness both events of a view, with as many readers at once as the views have connections."""
    opened, shown = events()
    meter, rounds = Meter(on, os.getpid()), []
    async with database.connect(on.settings, "serve") as db, audit.Writer.open(db) as writer:

        async def look(patient_key: int) -> None:
            for _ in range(READS):
                await writer.witness(opened(patient_key))
                await writer.witness(shown(patient_key))

        for _ in range(ROUNDS):
            before = meter.read()
            await asyncio.gather(*(look(each.patient_key) for each in viewed[:CONNECTIONS]))
            rounds.append(meter.read().since(before).per(READS * min(CONNECTIONS, len(viewed))))
    return harness.best(rounds)[0]


async def _witnessed_and_plain(on: Ground, viewed: Sequence[Viewed]) -> tuple[Cpu, Cpu]:
    """Microseconds to read one person's rows: through the wall as the serving role, and without it as the owner."""
    opened, _ = events()
    meter, witnessed, plain = Meter(on, os.getpid()), [], []
    async with (
        database.connect(on.settings, "serve") as db,
        database.connect(on.settings, "owner") as owner,
        audit.Writer.open(db) as writer,
    ):
        for each in viewed:
            await owner.execute(_SESSION, each.patient_key.to_bytes(32, "big"), SESSION, each.patient_key)
        for _ in range(ROUNDS):
            seen = [(each, await writer.witness(opened(each.patient_key))) for each in viewed]
            asked = [
                (each.patient_key, witness.stream, witness.seq, home, each.patient_key.to_bytes(32, "big"))
                for each, witness in seen
                for home in each.home_keys
            ] * (READS // len(viewed))
            before = meter.read()
            for arguments in asked:
                await db.fetch(record_read.QUERIES["read_witnessed"], *arguments)
            middle = meter.read()
            for *_, home, _ in asked:
                await owner.fetch(_PLAIN, home)
            witnessed.append(middle.since(before).per(len(viewed) * (READS // len(viewed))))
            plain.append(meter.read().since(middle).per(len(viewed) * (READS // len(viewed))))
    return harness.best(witnessed)[0], harness.best(plain)[0]


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="view_us_per_statement",
            area="skeleton",
            says="The summary with every entry of every heading, witnessed twice, µs of processor time per statement.",
            at_most=14,
        ),
        Promise(
            name="view_against_usual_stack",
            area="skeleton",
            says="Processor time of the usual stack (FastAPI, jsonb rows, dicts, Jinja2, one audit row) for the same "
            "content, as a multiple of ours.",
            at_least=5,
        ),
        Promise(
            name="witnessed_read_share_of_view",
            area="skeleton",
            says="What reading through the witness takes, as a share of a view.",
            at_most=0.25,
        ),
        Promise(
            name="witness_share_of_view",
            area="access",
            says="What both events of a view take, linked and durable, as a share of a view.",
            at_most=0.25,
        ),
    ),
    measure=measure,
)
