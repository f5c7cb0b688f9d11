"""How soon what two people cut is gone from open pages, and how soon an objection holds, on a record that runs."""

from __future__ import annotations

import asyncio
import time

from benchmarks.promise import Benchmark, Promise
from carerecord import clock
from carerecord.stewardship.objections import Scope, Told
from tests.safety import test_h26_access_is_cut_while_it_is_needed as cutting
from tests.system import Sender, System

ROUNDS = 8
PROMISES = (
    Promise(
        name="cut_seconds",
        area="access",
        says="From the second person's agreement to an open page that goes, the slowest of several, s.",
        at_most=5,
    ),
    Promise(
        name="objection_seconds",
        area="access",
        says="From the receipt of an objection to the first page refused for it, the slowest of several, s.",
        at_most=60,
    ),
)


def measure() -> dict[str, tuple[float, str]]:
    with System() as system:
        return asyncio.run(_measure(system))


async def _measure(system: System) -> dict[str, tuple[float, str]]:
    sender = Sender(system.mllp_port)
    for message in cutting.MESSAGES:
        await sender.send(message.encode())
    await sender.close()
    async with cutting.reader(system) as reader:
        await reader.arrive()
        cut = [await _cut(system, reader, rest=number * 0.3) for number in range(ROUNDS)]
        objected = [await _object(system, reader) for _ in range(ROUNDS)]
    told = f"{ROUNDS} times, each on a page that was open"
    return {
        "cut_seconds": (round(max(cut), 2), told),
        "objection_seconds": (round(max(objected), 3), f"{ROUNDS} times, with the next request"),
    }


async def _cut(system: System, reader: cutting.Reader, *, rest: float) -> float:
    """Begun at different moments between two questions of the watch."""
    running = asyncio.create_task(reader.get("open"))
    await asyncio.sleep(1 + rest)
    await cutting.switch(system, "cut", "organisation", "RTH")
    agreed_at = time.monotonic()
    status, _ = await running
    gone_after = time.monotonic() - agreed_at
    await cutting.switch(system, "restore", "organisation", "RTH")
    if status != 403:
        raise RuntimeError(f"an open page was answered {status} instead of being let go")
    return gone_after


async def _object(system: System, reader: cutting.Reader) -> float:
    async with cutting.desks(system) as (_, objections):
        found = await objections.find_person(
            cutting.RECORDS,
            nhs_number=cutting.BELA["nhs_number"],
            birth_date=cutting.BORN,
            session=cutting.SESSION,
            at=clock.now(),
        )
        if not isinstance(found, int):
            raise RuntimeError("nobody is found to object")
        told = await objections.receive(
            cutting.RECORDS, patient_key=found, scope=Scope.WHOLE, session=cutting.SESSION, at=clock.now()
        )
        received_at = time.monotonic()
        while (await reader.get("summary"))[0] == 200:
            pass
        held_after = time.monotonic() - received_at
        if not isinstance(told, Told):
            raise RuntimeError("the objection was not received")
        await objections.withdraw(
            cutting.RECORDS,
            objection_id=told.objection.id,
            reason="She telephoned us.",
            session=cutting.SESSION,
            at=clock.now(),
        )
    return held_after


BENCHMARK = Benchmark(promises=PROMISES, measure=measure)
