"""Loads many invented people into a running record through its own doors, with a progress display.

`python -m demo.load --people 100000`: people are streamed from the generator, so memory stays flat however many there
are. Several processes, several connections each; one person's messages go one after another, in order of time.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator
from datetime import date
from multiprocessing.sharedctypes import Synchronized, SynchronizedArray
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import msgspec

from demo.messages import Message, history
from demo.people import ANCHOR, Person, generate
from demo.people.generator import Density
from demo.systems.drop_folder import DropFolder
from demo.systems.fhir_push import Push
from demo.systems.http import Http
from demo.systems.lines import Answer, LineLost, Sending
from demo.systems.mllp import Line
from demo.systems.outbox import Waiting
from demo.systems.tokens import Tokens

_TOLD_MAX = 12  # Different refusals that are told in words.
_SHOW_SECONDS = 0.5
# What each process counts, in its own places of one shared array.
PEOPLE, MESSAGES, REFUSED, SKIPPED, FIRST_UNFINISHED, CPU_MICROSECONDS = range(6)
_PLACES = 6


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is loaded, and where the doors are. A door that is "" is not used: what would go through it is skipped."""

    people: int
    start: int = 0
    seed: int = 7
    until: date = ANCHOR
    density: Density = "light"
    mllp: str = ""  # host:port
    fhir_push: str = ""
    token: str = ""
    drop_folder: str = ""
    clients: dict[str, tuple[str, str]] = {}  # source -> (client_id, file with its private key)
    connections: int = 8
    chunk: int = 500  # people that a process takes at once: after a stop, so many a process may be sent again
    patience_seconds: float = 120.0  # how long the record may be silent
    nothing_sent: bool = False  # the messages are made and let go: what making them costs

    @property
    def end(self) -> int:
        return self.start + self.people


class RecordGone(Exception):
    """The record has not answered for long: start it again, then go on with --start."""


# --- one process ------------------------------------------------------------------------------------------------------


def work(load: Load, place: int, following: Synchronized[int], counts: SynchronizedArray[int], stop: Event, told: Any):
    """Takes chunks of people until there are none left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it says stop, and nothing is cut in half.
    worker = Worker(load, place * _PLACES, following, counts, stop, told)
    try:
        asyncio.run(worker.run())
    except* RecordGone:
        sys.exit(3)


class Worker:
    def __init__(
        self,
        load: Load,
        base: int,
        following: Synchronized[int],
        counts: SynchronizedArray[int],
        stop: Event,
        told: Any,
    ) -> None:
        self.load = load
        self._base = base
        self._following = following
        self._counts = counts.get_obj()  # Only this process writes to its places.
        self._stop = stop
        self._told = told
        self._words: set[str] = set()
        self._unfinished: dict[int, int] = {}  # first of a chunk -> how many of it are still under way
        self._tokens = {
            source: Tokens(load.token, client_id=client_id, key=Path(key))
            for source, (client_id, key) in (load.clients if load.fhir_push else {}).items()
        }

    async def run(self) -> None:
        people = self._people()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.load.connections):
                group.create_task(self._send(people))
        self._counts[self._base + FIRST_UNFINISHED] = self.load.end
        self._count_cpu()

    def _people(self) -> Iterator[tuple[int, Person]]:
        """Everybody this process has taken on, each with the first of their chunk. Connections share it."""
        load = self.load
        while not self._stop.is_set():
            with self._following.get_lock():
                first = self._following.value
                self._following.value = first + self.load.chunk
            size = min(load.chunk, load.end - first)
            if size <= 0:
                return
            self._unfinished[first] = size
            self._mark()
            for person in generate(load.seed, size, start=first, until=load.until, density=load.density):
                yield first, person
                if self._stop.is_set():
                    return

    def _mark(self) -> None:
        self._counts[self._base + FIRST_UNFINISHED] = min(self._unfinished, default=self.load.end)

    async def _send(self, people: Iterator[tuple[int, Person]]) -> None:
        """One connection to each door; the next person when the last one is told whole."""
        load, counts, base = self.load, self._counts, self._base
        ways = self._ways()
        try:
            for first, person in people:
                for message in history(person):
                    if load.nothing_sent:
                        counts[base + MESSAGES] += 1
                        continue
                    way = ways.get(message.source) if message.channel == "fhir" else ways.get(message.channel)
                    if way is None:
                        counts[base + SKIPPED] += 1
                        continue
                    self._settle(message, await self._answer(way, message))
                counts[base + PEOPLE] += 1
                self._unfinished[first] -= 1
                if not self._unfinished[first]:
                    del self._unfinished[first]
                    self._mark()
                self._count_cpu()
                if load.nothing_sent:
                    await asyncio.sleep(0)
        finally:
            for way in set(ways.values()):
                way.close()

    def _ways(self) -> dict[str, Sending]:
        """By channel; what is pushed, by source, since each has its own token. All of them share one connection."""
        load = self.load
        ways: dict[str, Sending] = {}
        if load.mllp:
            host, _, port = load.mllp.rpartition(":")
            ways["mllp"] = Line(host, int(port))
        if load.fhir_push:
            http = Http(load.fhir_push)
            ways |= {source: Push(load.fhir_push, tokens, http=http) for source, tokens in self._tokens.items()}
        if load.drop_folder:
            ways["drop"] = _Dropping(Path(load.drop_folder))
        return ways

    async def _answer(self, way: Sending, message: Message) -> Answer:
        """The same message again until it was answered; patience ends."""
        waiting = Waiting(0, message.control_id, message.kind, message.content, message.beside)
        if isinstance(way, _Dropping):
            way.source = message.source
        pause, ends = 0.1, time.monotonic() + self.load.patience_seconds
        while True:
            try:
                return await way.send(waiting)
            except LineLost as lost:
                if time.monotonic() > ends:
                    self._tell(f"No answer for {self.load.patience_seconds:.0f} seconds: {lost}")
                    raise RecordGone(RecordGone.__doc__) from lost
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _settle(self, message: Message, answer: Answer) -> None:
        self._counts[self._base + MESSAGES] += 1
        if answer.is_taken:
            return
        self._counts[self._base + REFUSED] += 1
        self._tell(f"{message.source} {message.kind.split('/')[0]}: {answer.code} {answer.text}", message.control_id)

    def _tell(self, words: str, control_id: str = "") -> None:
        """Each kind of refusal once, with the number of one message that shows it."""
        if words not in self._words and len(self._words) < _TOLD_MAX:
            self._words.add(words)
            self._told.put(f"{words} ({control_id})" if control_id else words)

    def _count_cpu(self) -> None:
        self._counts[self._base + CPU_MICROSECONDS] = int(time.process_time() * 1_000_000)


class _Dropping:
    """Documents into the folder of their source. Nobody waits for them: there are few, and the folder keeps them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.source = ""

    async def send(self, message: Waiting) -> Answer:
        DropFolder(self._folder / self.source).write(message)
        return Answer("done", message.control_id, "")

    def close(self) -> None:
        """Nothing is held open."""


# --- all of them ------------------------------------------------------------------------------------------------------


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """How far a load has come."""

    people: int
    messages: int
    refused: int
    skipped: int
    go_on_with: int
    cpu_seconds: float
    seconds: float

    @property
    def messages_a_second(self) -> float:
        return self.messages / self.seconds if self.seconds else 0.0


def run(load: Load, *, workers: int, show: Any = None) -> tuple[Loaded, int]:
    """Loads everybody; `show` is called with how far it has come. The exit code: 0 whole, 1 refused, 3 not finished."""
    context = multiprocessing.get_context("spawn")
    following = context.Value("q", load.start)
    counts = context.Array("q", [0] * (_PLACES * workers))
    for place in range(workers):
        counts[place * _PLACES + FIRST_UNFINISHED] = load.start
    stop, told = context.Event(), context.SimpleQueue()
    processes = [
        context.Process(target=work, args=(load, place, following, counts, stop, told), daemon=True)
        for place in range(workers)
    ]
    began = time.monotonic()
    for process in processes:
        process.start()
    try:
        while any(process.is_alive() for process in processes):
            time.sleep(_SHOW_SECONDS)
            if show:
                show(_loaded(counts, workers, began), _words(told))
            if any(process.exitcode for process in processes):
                stop.set()
    except KeyboardInterrupt:
        stop.set()
    for process in processes:
        process.join()
    found = _loaded(counts, workers, began)
    if show:
        show(found, _words(told))
    if any(process.exitcode for process in processes) or found.people < load.people:
        return found, 3
    return found, 1 if found.refused else 0


def _words(told: Any) -> list[str]:
    words = []
    while not told.empty():
        words.append(told.get())
    return words


def _loaded(counts: SynchronizedArray[int], workers: int, began: float) -> Loaded:
    each = [counts[place * _PLACES : (place + 1) * _PLACES] for place in range(workers)]
    return Loaded(
        people=sum(row[PEOPLE] for row in each),
        messages=sum(row[MESSAGES] for row in each),
        refused=sum(row[REFUSED] for row in each),
        skipped=sum(row[SKIPPED] for row in each),
        go_on_with=min(row[FIRST_UNFINISHED] for row in each),
        cpu_seconds=sum(row[CPU_MICROSECONDS] for row in each) / 1_000_000,
        seconds=time.monotonic() - began,
    )


class Display:
    """One line that is written over on a terminal; elsewhere a line every ten seconds."""

    def __init__(self, people: int) -> None:
        self._people = people
        self._is_terminal = sys.stdout.isatty()
        self._clear = "\r\x1b[K" if self._is_terminal else ""
        self._last = 0.0
        self._is_done = False

    def __call__(self, found: Loaded, refusals: list[str]) -> None:
        for words in refusals:
            print(f"{self._clear}Refused: {words}", file=sys.stderr, flush=True)
        now = time.monotonic()
        if self._is_done or (not self._is_terminal and now - self._last < 10 and found.people < self._people):
            return
        self._last, self._is_done = now, found.people >= self._people
        left = found.seconds / found.people * (self._people - found.people) if found.people else 0
        line = (
            f"{found.people:,} of {self._people:,} people, {found.messages:,} messages, "
            f"{found.messages_a_second:,.0f}/s, {found.refused:,} refused, {int(left) // 60}:{int(left) % 60:02d} left"
        )
        print(f"{self._clear}{line}", end="" if self._is_terminal else "\n", flush=True)


def main() -> int:
    asked = _arguments()
    load = _load(asked)
    found, code = run(load, workers=asked.workers, show=Display(load.people))
    each = found.cpu_seconds / found.messages * 1_000_000 if found.messages else 0
    print(
        f"\n{found.people:,} people, {found.messages:,} messages in {found.seconds:,.1f} s "
        f"({found.messages_a_second:,.0f}/s), {found.refused:,} refused; sending took {each:.0f} µs of processor each."
    )
    if found.skipped:
        print(f"{found.skipped:,} messages were not sent: no address was given for their door.")
    if found.people < load.people:
        print(f"Not finished. Go on with --start {found.go_on_with} --people {load.end - found.go_on_with}.")
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.load", description=__doc__.split("\n\n")[0])
    parser.add_argument("--people", type=int, default=1000, help="how many people (1000)")
    parser.add_argument("--start", type=int, default=0, help="the first person's number: where a load goes on (0)")
    parser.add_argument("--seed", type=int, default=7, help="which people (7)")
    parser.add_argument("--until", type=date.fromisoformat, default=ANCHOR, help="where histories end (YYYY-MM-DD)")
    parser.add_argument(
        "--density", default="light", choices=("light", "full"), help="how much is told of each (light)"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that send (1)")
    parser.add_argument("--connections", type=int, default=8, help="connections of each process to each door (8)")
    where = Path(".demo/endpoints.json")
    parser.add_argument("--endpoints", type=Path, default=where, help="where a running demonstration tells its doors")
    parser.add_argument("--nothing-sent", action="store_true", help="make the messages only: what making them costs")
    return parser.parse_args()


def _load(asked: argparse.Namespace) -> Load:
    """The doors of a running demonstration, from its endpoints.json; the keys it names are kept beside it."""
    load = Load(
        people=asked.people,
        start=asked.start,
        seed=asked.seed,
        until=asked.until,
        density=asked.density,
        connections=asked.connections,
        nothing_sent=asked.nothing_sent,
    )
    if asked.nothing_sent:
        return load
    if not asked.endpoints.exists():
        sys.exit(f"{asked.endpoints} is not there: start the record with `make demo QUIET=1`, or name --endpoints.")
    return with_doors(load, msgspec.json.decode(asked.endpoints.read_bytes()), keys=asked.endpoints.parent / "keys")


def with_doors(load: Load, told: dict[str, Any], *, keys: Path) -> Load:
    """The same load through the doors that an endpoints.json tells. Private keys that it holds are kept in `keys`."""
    clients = {}
    for client in told.get("clients", ()):
        if not client.get("source"):
            continue
        path = keys / f"load-{client['client_id']}.jwk.json"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(client["private_key"]))
        clients[client["source"]] = (client["client_id"], str(path))
    return msgspec.structs.replace(
        load,
        mllp=f"{told['mllp']['host']}:{told['mllp']['port']}",
        fhir_push=told.get("fhir_push", ""),
        token=told.get("token", ""),
        drop_folder=told.get("drop_folder", ""),
        clients=clients,
    )


if __name__ == "__main__":
    sys.exit(main())
