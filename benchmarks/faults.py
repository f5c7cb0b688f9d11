"""What is lost, and what is shown unwitnessed, while processes are killed: counts of the test that kills them."""

from __future__ import annotations

import asyncio
from collections import Counter

from benchmarks.promise import Benchmark, Promise
from tests.safety import test_kill_nine as killing
from tests.safety.kill_nine_readers import counted, unwitnessed
from tests.system import System

PROMISES = (
    Promise(
        name="lost_in_faults", area="intake", says="Acknowledged messages lost or doubled over kill -9.", at_most=0
    ),
    Promise(
        name="unwitnessed_in_faults",
        area="access",
        says="Pages shown without their two events.",
        at_most=0,
    ),
)


def measure() -> dict[str, tuple[float, str]]:
    people, messages = killing.the_load()
    with System() as system:
        answers, seen, kills, others = asyncio.run(killing.load_look_and_kill(system, people, messages))
        originals = asyncio.run(killing.kept_originals(system))
        held = asyncio.run(killing.recorded_originals(system))
        events = asyncio.run(killing.events_by_session(system))
        found = asyncio.run(unwitnessed(system, others, events))
    expected = killing.statements_expected(system, messages)
    numbers = {key: seq for key, _, seq in originals}
    lost = [key for key in answers if key not in numbers]
    recorded = [key for key, code in answers.items() if code == "AA" and key in numbers]
    wrong = [key for key in recorded if held[numbers[key]] != expected[key]]
    without = sum(len(sessions) for sessions in found.values()) + sum(
        max(0, pages - min(events.get(session, Counter())[kind] for kind in ("opened", "shown")))
        for session, pages in seen.items()
    )
    told = f"{sum(kills.values())} kills, {len(answers):,} messages"
    return {
        "lost_in_faults": (len(lost) + len(wrong), told),
        "unwitnessed_in_faults": (
            without,
            f"{sum(kills.values())} kills; {sum(seen.values()):,} pages of readers, "
            + ", ".join(f"{count:,} {name}" for name, count in counted(others).items()),
        ),
    }


BENCHMARK = Benchmark(promises=PROMISES, measure=measure, is_long=True)
