"""A day in the region: when something happens, to whom, and what every system says of it, so that messages flow.

`python -m demo.a_day` tells what a day holds, hour by hour, as lines of JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Protocol

from demo.happenings import happen, is_suitable
from demo.messages import Message, Voices
from demo.people import ANCHOR, Person, generate

# How busy each hour is beside an average one: quiet nights, busy mornings. They add up to 24.
_HOURS = (
    0.25, 0.2, 0.2, 0.2, 0.2, 0.3, 0.6, 1.0, 1.7, 2.1, 2.2, 2.0, 1.6, 1.6, 1.8, 1.8, 1.6, 1.2, 0.9, 0.7, 0.6, 0.5,
    0.45, 0.3,
)  # fmt: skip
_DAYS = (1.35, 1.1, 1.05, 1.05, 1.0, 0.75, 0.7)  # Monday first: what waited over the weekend comes on Monday morning.
_PEAK = 3.6  # No hour is busier than this.
_MONDAY_MORNING = 1.15
_RUN = 0.02  # How often a happening is a whole run: an analyser or a clinic list, many people at once.
_DRAWS = 25


def busyness(at: datetime) -> float:
    """How busy an hour is, beside an average one."""
    monday = _MONDAY_MORNING if at.weekday() == 0 and 8 <= at.hour < 12 else 1.0
    return _HOURS[at.hour] * _DAYS[at.weekday()] * monday


def morning(on: date) -> datetime:
    """Where the histories end and the day begins."""
    return datetime.combine(on, time(7, 0))


def after(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


class Rhythm:
    """Moments in even steps, of which busy hours fill more than quiet ones: the same for every system of one region,
    whenever it was started."""

    def __init__(self, seed: int, *, since: date, tick_seconds: float, speed: float = 1.0) -> None:
        self._seed = seed
        self._since = datetime.combine(since, time())
        self.step_seconds = max(tick_seconds * speed / _PEAK, 0.001)

    def number_at(self, at: datetime) -> int:
        """The number of the last moment before `at`."""
        return int((at - self._since).total_seconds() // self.step_seconds)

    def find_happening(self, number: int) -> datetime | None:
        """When happening `number` is, or None where nothing happens at that moment."""
        rng = random.Random(f"{self._seed}/moment/{number}")
        at = after(self._since, int(number * self.step_seconds))
        return at if rng.random() * _PEAK < busyness(at) else None


def find_outage(seed: int, source: str, at: datetime) -> datetime | None:
    """Until when the line of `source` is down, if it is at this time: one system in eight has a bad half hour a day."""
    rng = random.Random(f"{seed}/outage/{source}/{at.date()}")
    if rng.random() >= 0.125:
        return None
    begins = datetime.combine(at.date(), time(rng.randint(8, 17), rng.randint(0, 59)))
    ends = begins + timedelta(minutes=rng.randint(12, 50))
    return ends if begins <= at < ends else None


class Indexed(Protocol):
    """People by number: a list, or People."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Person: ...


class People:
    """The people of a region, made when they are asked for: a few are kept, not all of a hundred thousand."""

    def __init__(self, seed: int, n: int, *, until: date = ANCHOR) -> None:
        self._n = n
        self._make = lru_cache(maxsize=256)(lambda index: next(generate(seed, 1, start=index, until=until)))

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: int) -> Person:
        return self._make(index)


def tick(
    seed: int, people: Indexed | Sequence[Person], number: int, at: datetime, *, source: str | None = None
) -> list[Message]:
    """Happening `number` as `source` tells it. Every system draws the same lot, so they tell of the same person."""
    if not len(people):
        return []
    rng = random.Random(f"{seed}/day/{number}")
    times = rng.randint(5, 12) if rng.random() < _RUN else 1
    messages = []
    for place in range(times):
        person = _draw(rng, people)
        if person is None:
            continue
        events = happen(person, random.Random(f"{seed}/day/{number}/{place}"), number * 16 + place, at)
        messages += Voices(person).say(events, source=source, mark=f"D{number * 16 + place:09d}")
    return messages


def _draw(rng: random.Random, people: Indexed | Sequence[Person]) -> Person | None:
    """Somebody of whom there is something new to tell."""
    for _ in range(_DRAWS):
        person = people[rng.randrange(len(people))]
        if is_suitable(person):
            return person
    return None


# --- what a day holds -------------------------------------------------------------------------------------------------


def hours(
    seed: int, people: Indexed | Sequence[Person], on: date, *, tick_seconds: float, speed: float
) -> Iterator[dict[str, Any]]:
    """Each hour of a day: what every source says in it, and whose line is down."""
    rhythm = Rhythm(seed, since=on, tick_seconds=tick_seconds, speed=speed)
    said: Counter[str] = Counter()
    happenings, hour = 0, 0
    last = rhythm.number_at(datetime.combine(on + timedelta(days=1), time()))
    for number in range(last + 1):
        at = after(datetime.combine(on, time()), number * rhythm.step_seconds)
        while hour < 24 and (at.date() > on or at.hour > hour):
            yield _hour(seed, on, hour, happenings, said)
            happenings, hour = 0, hour + 1
            said.clear()
        found = rhythm.find_happening(number)
        if found is None or hour > 23:
            continue
        happenings += 1
        for message in tick(seed, people, number, found):
            said[f"{message.source} {message.channel}"] += 1
    while hour < 24:
        yield _hour(seed, on, hour, happenings, said)
        happenings, hour = 0, hour + 1
        said.clear()


def _hour(seed: int, on: date, hour: int, happenings: int, said: Counter[str]) -> dict[str, Any]:
    since = datetime.combine(on, time(hour))
    sources = sorted({name.split(" ")[0] for name in said})
    down = {}
    for source in sources:
        ends = next(filter(None, (find_outage(seed, source, since + timedelta(minutes=m)) for m in range(60))), None)
        if ends:
            down[source] = f"until {ends:%H:%M}"
    told: dict[str, Any] = {
        "hour": f"{since:%Y-%m-%d %H}:00",
        "happenings": happenings,
        "messages": sum(said.values()),
    }
    return {**told, "by": dict(sorted(said.items())), **({"down": down} if down else {})}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.a_day", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="which people (7)")
    parser.add_argument("--people", type=int, default=60, help="how many people (60)")
    parser.add_argument("--on", type=date.fromisoformat, default=ANCHOR, help="which day (YYYY-MM-DD)")
    parser.add_argument(
        "--speed", type=float, default=60.0, help="how much faster than the clock (60: an hour a minute)"
    )
    parser.add_argument(
        "--tick-seconds", type=float, default=2.0, help="between two happenings of an average hour, on the wall (2)"
    )
    asked = parser.parse_args()
    people = People(asked.seed, asked.people)
    total: Counter[str] = Counter()
    for hour in hours(asked.seed, people, asked.on, tick_seconds=asked.tick_seconds, speed=asked.speed):
        print(json.dumps(hour), flush=True)
        total.update(hour["by"])
    print(json.dumps({"day": asked.on.isoformat(), "messages": sum(total.values()), "by": dict(sorted(total.items()))}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
