"""Every route, by everybody, about everybody: what comes that is hidden, and what is due and does not come."""

from __future__ import annotations

import asyncio
import statistics

from benchmarks.harness import ground
from benchmarks.promise import Benchmark, Promise
from tests.leaks.campaign import Campaign, campaigning

PROMISES = (
    Promise(
        name="leaks",
        area="access",
        says="Words that come to somebody from whom an independent reading of the rules hides them, on any route; and "
        "pages, receipts and bundles that differ from those of a record which never held what is hidden.",
        at_most=0,
    ),
    Promise(
        name="denials of what is due",
        area="access",
        says="Statements that an independent reading of the rules gives to a reader, and that do not come.",
        at_most=0,
    ),
    Promise(
        name="leak combinations",
        area="access",
        says="Combinations of route, reader (role, relationship, purpose), person and label that were judged.",
        at_least=20_000,
    ),
)


def measure() -> dict[str, tuple[float, str]]:
    campaign = asyncio.run(_campaign())
    judge, twins = campaign.judge, campaign.twins
    if judge.faults:
        raise RuntimeError(f"{len(judge.faults)} requests failed inside, the first: {judge.faults[0]}")
    hiding, plain = statistics.median(twins.hiding) * 1e3, statistics.median(twins.plain) * 1e3
    people = [someone for someone in campaign.place.people.values() if not someone.name.startswith("twin-")]
    items = sum(len(someone.items) for someone in people)
    return {
        "leaks": (
            float(len(judge.leaks) + len(twins.different)),
            f"{judge.answers:,} answers; {twins.compared} compared with a twin's that never held what is hidden, which "
            f"took {plain:.1f} ms where the one that hides up to 298 of 299 statements took {hiding:.1f} ms (medians)",
        ),
        "denials of what is due": (
            float(len(judge.denials)),
            f"{len(people)} people with {items:,} statements, {len(list(campaign.place.aviary.all())):,} words planted",
        ),
        "leak combinations": (
            float(len(judge.combinations)),
            f"{len({route for route, *_ in judge.combinations})} routes, "
            f"{len({reader for _, reader, *_ in judge.combinations})} readers",
        ),
    }


async def _campaign() -> Campaign:
    async with ground() as on, campaigning(on.settings, plain=7) as campaign:
        await campaign.compare()
        await campaign.run(all_routes_one_in=7, opened_one_in=2, refused_one_in=1)
    return campaign


BENCHMARK = Benchmark(promises=PROMISES, measure=measure, is_long=True)
