"""What it takes to hear a message, keep it for good and answer: processor time, waiting time, write-ahead log."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

from benchmarks import clients, harness
from benchmarks.harness import Ground, Meter, Yardstick
from benchmarks.promise import Benchmark, Promise
from carerecord import database
from demo.messages import Message, history
from demo.people import generate

CONNECTIONS = 64
ROUNDS = 6
ALONE_ROUNDS = 3
ALONE_PEOPLE = 12
PEOPLE_A_ROUND = 2 * CONNECTIONS  # Fewer would leave connections without anything to send before a round ends.
STORED = """
    select o.content, coalesce(l.header, ''), coalesce(l.body, '') from intake.original o
    left join record.log l on l.original_day = o.day and l.original_seq = o.seq order by o.seq limit 4000
"""


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, tuple[float, str]]:
    async with harness.ground() as on:
        syncs = harness.fdatasyncs_per_second(on.folder)
        async with harness.process(on, "carerecord", "listen", port=on.settings.listen_port) as listener:
            count = ALONE_ROUNDS * ALONE_PEOPLE + CONNECTIONS + ROUNDS * PEOPLE_A_ROUND
            everyone = [tuple(history(person, channel="mllp")) for person in generate(harness.SEED, count)]
            alone, everyone = everyone[: ALONE_ROUNDS * ALONE_PEOPLE], everyone[ALONE_ROUNDS * ALONE_PEOPLE :]
            warm, everyone = everyone[:CONNECTIONS], everyone[CONNECTIONS:]
            await clients.send_all(on.settings.listen_port, _queues(warm))
            figures = await _under_load(on, listener, everyone)
            return figures | await _alone(on, alone, syncs)


async def _under_load(on: Ground, listener: int, everyone: Sequence[Sequence[Message]]) -> dict[str, tuple[float, str]]:
    meter, rounds, wal, rates, yardstick = Meter(on, listener), [], [], [], Yardstick()
    async with database.connect(on.settings, "owner") as db:
        for number in range(ROUNDS):
            queues = _queues(everyone[number * PEOPLE_A_ROUND : (number + 1) * PEOPLE_A_ROUND])
            count = sum(map(len, queues))
            at, begun, before = await db.fetchval("select pg_current_wal_lsn()"), time.perf_counter(), meter.read()
            await clients.send_all(on.settings.listen_port, queues)
            rounds.append(meter.read().since(before).per(count))
            rates.append(count / (time.perf_counter() - begun))
            yardstick.measure()
            wal.append(float(await db.fetchval("select pg_current_wal_lsn() - $1::pg_lsn", at)) / count)
        stored = await db.fetch(STORED)
        recorded = await db.fetchval("select avg((outcome = 'recorded')::int) from intake.original")
    floor = await harness.bare_copy(on, [tuple(row) for row in stored], batch=CONNECTIONS)
    contents = [len(message.content) for each in everyone for message in each]
    least, words = harness.best(rounds)
    mix = (
        f"{len(contents):,} messages of {len(everyone)} new people, {statistics.mean(contents):,.0f} bytes each, "
        f"{recorded:.0%} recorded, the others of types that are kept and answered but not translated yet"
    )
    return {
        "intake_us_per_message": (
            round(least.both, 1),
            f"{mix}; {CONNECTIONS} connections; {least}; {words}; at best {max(rates):,.0f} messages/s with the sender "
            f"beside it, {1e6 / least.app:,.0f} a second of the listener's own processor time; {yardstick}; "
            f"the same bytes by COPY, {CONNECTIONS} messages a commit: {floor}",
        ),
        "intake_wal_bytes_per_message": (
            round(statistics.median(wal)),
            f"median of {ROUNDS} rounds, {min(wal):,.0f} to {max(wal):,.0f}, no checkpoint in between",
        ),
    }


async def _alone(on: Ground, everyone: Sequence[Sequence[Message]], syncs: float) -> dict[str, tuple[float, str]]:
    p50s, p99s, count = [], [], 0
    for number in range(ALONE_ROUNDS):
        some = everyone[number * ALONE_PEOPLE : (number + 1) * ALONE_PEOPLE]
        one = [message.content for each in some for message in each]
        seconds = sorted(await clients.send_all(on.settings.listen_port, [one]))
        count += len(seconds)
        p50s.append(seconds[len(seconds) // 2] * 1000)
        p99s.append(seconds[len(seconds) * 99 // 100] * 1000)
    note = f"best of {ALONE_ROUNDS} rounds, {count:,} messages in all; serial fdatasync {1000 / syncs:.2f} ms"
    return {
        "intake_acknowledged_ms_p50": (round(min(p50s), 2), note),
        "intake_acknowledged_ms_p99": (
            round(min(p99s), 2),
            f"{note}; median of the rounds {statistics.median(p99s):.1f} ms",
        ),
    }


def _queues(everyone: Sequence[Sequence[Message]]) -> list[list[bytes]]:
    """Each person's messages in order over one connection, people dealt out so that all have about as many to send."""
    queues: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
    for messages in sorted(everyone, key=len, reverse=True):
        min(queues, key=len).extend(message.content for message in messages)
    return queues


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="intake_us_per_message",
            area="skeleton",
            says="A message heard, translated, attributed, durable and answered, µs of processor time.",
            at_most=250,
        ),
        Promise(
            name="intake_acknowledged_ms_p50",
            area="skeleton",
            says="One connection: half of the messages are answered within, in ms.",
            at_most=1,
        ),
        Promise(
            name="intake_acknowledged_ms_p99",
            area="skeleton",
            says="One connection: 99 of 100 messages are answered within, in ms.",
            at_most=5,
        ),
        Promise(
            name="intake_wal_bytes_per_message",
            area="skeleton",
            says="Write-ahead log for each message, in bytes.",
            at_most=2500,
        ),
    ),
    measure=measure,
)
