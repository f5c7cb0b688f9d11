"""How soon what two people agreed holds in processes that run, and what following it costs them."""

from __future__ import annotations

import asyncio
import time

import msgspec

from benchmarks.promise import Benchmark, Promise
from carerecord import access, audit, clock, database
from carerecord.organisations import read_region
from carerecord.stewardship import administration
from carerecord.stewardship.in_force import InForce
from carerecord.stewardship.proposals import Kind, Proposal, Proposals
from tests.house import as_role
from tests.safety import test_h26_access_is_cut_while_it_is_needed as cutting
from tests.system import Sender, System

ROUNDS = 4
ASKED = 200
CODE = "S8000:G8000:R8000"
GUARDIANS = tuple(msgspec.structs.replace(as_role("caldicott-guardian"), user_id=number) for number in ("1", "2"))
PROMISES = (
    Promise(
        name="agreed_seconds",
        area="access",
        says="From the second person's agreement to a running record that decides by it, the slowest of several, s.",
        at_most=5,
    ),
    Promise(
        name="following_agreed_ms",
        area="access",
        says="Processor time of a process for one question whether anything was agreed, asked every two seconds, ms.",
        at_most=2,
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
    async with (
        database.connect(system.settings, "serve") as db,
        audit.Writer.open(db) as writer,
        cutting.reader(system) as reader,
    ):
        in_force = InForce(db, writer, base=access.SHIPPED, clock=clock.now)
        await in_force.load()
        region = read_region(system.settings.region)
        proposals = Proposals(db, writer, region, acts=administration.ACTS, changed=in_force.tell)
        took = [await _agreed(proposals, reader, rest=number * 0.45) for number in range(ROUNDS)]
        began = time.process_time()
        for _ in range(ASKED):
            await in_force.refresh()
        cost = 1000 * (time.process_time() - began) / ASKED
    return {
        "agreed_seconds": (round(max(took), 2), f"{ROUNDS} times, a role taken away while its reader reads"),
        "following_agreed_ms": (round(cost, 2), f"mean of {ASKED}"),
    }


async def _agreed(proposals: Proposals, reader: cutting.Reader, *, rest: float) -> float:
    """Another process than the one that agrees: it is told by the database alone."""
    while (await reader.arrive())[0] != 200:
        pass
    await asyncio.sleep(rest)
    await _put(proposals, "")
    agreed_at = time.monotonic()
    while (await reader.get("summary"))[0] == 200:
        pass
    took = time.monotonic() - agreed_at
    await _put(proposals, "clinician")
    return took


async def _put(proposals: Proposals, role: str) -> None:
    at = clock.now()
    asked = await proposals.ask(
        GUARDIANS[0], kind=Kind.ROLE, content={"code": CODE, "role": role}, because="As advised.", session="s", at=at
    )
    if not isinstance(asked, Proposal):
        raise RuntimeError(asked.sentences[0])
    done = await proposals.agree(GUARDIANS[1], proposal_id=asked.id, session="s", at=at)
    if not isinstance(done, Proposal):
        raise RuntimeError(done.sentences[0])


BENCHMARK = Benchmark(promises=PROMISES, measure=measure)
