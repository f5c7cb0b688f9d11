"""The ground of the benchmarks: an installation of its own, set as users have it, and the processor time it takes.

Processor time is what the processes of the record and all of PostgreSQL's together were given by the kernel
(/proc/PID/schedstat); the load comes from this process and is not counted.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from carerecord import assembly, clock, database, settings
from carerecord.formats import hl7v2
from carerecord.intake import Intake
from carerecord.model import Original, Source
from carerecord.organisations import Region, read_region
from carerecord.settings import Settings
from demo.messages import Message, history
from demo.people import generate
from demo.region import write_region

SEED = 20_261_122
PEOPLE = 300
READY_SECONDS_MAX = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """One installation: a folder, its settings, its region and its running PostgreSQL."""

    folder: Path
    settings: Settings
    region: Region
    postmaster: int


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Everything a user's own installation has, fsync too; gone with the block."""
    folder = Path(tempfile.mkdtemp(prefix="carerecord-promises-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user: it must get through.
    try:
        keys = write_region(folder / "region", folder / "keys", sign_in_issuer="http://127.0.0.1:1")
        chosen = Settings(
            home=folder / "home", region=keys.region, listen_port=free_port(), serve_port=free_port(), public_url=""
        )
        chosen = msgspec.structs.replace(chosen, public_url=f"http://127.0.0.1:{chosen.serve_port}")
        async with database.embedded.Supervisor(chosen) as supervisor:
            await assembly.prepare(chosen)
            assert supervisor.server.pid is not None
            yield Ground(
                folder=folder,
                settings=chosen,
                region=read_region(chosen.region),
                postmaster=supervisor.server.pid,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def process(on: Ground, *arguments: str, port: int) -> AsyncIterator[int]:
    """A Python process of its own, ready when its port answers. Gives its number."""
    chosen = on.settings
    log = on.folder / f"{arguments[0]}.log"
    with log.open("ab") as words:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdout=words,
            stderr=words,
            env=settings.environment(
                home=str(chosen.home),
                region=str(chosen.region),
                listen_port=str(chosen.listen_port),
                serve_port=str(chosen.serve_port),
                public_url=chosen.public_url,
                # One session asks what a region asks.
                session_requests_per_second_max="1000000",
                user_requests_per_second_max="1000000",
                program_requests_per_second_max="1000000",
                organisation_requests_per_second_max="1000000",
            ),
        )
    try:
        until = time.monotonic() + READY_SECONDS_MAX
        while not await _answers(port):
            if child.returncode is not None or time.monotonic() > until:
                raise RuntimeError(f"{' '.join(arguments)} does not start: {log.read_text(errors='replace')[-2000:]}")
            await asyncio.sleep(0.05)
        yield child.pid
    finally:
        with suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


# --- Processor time ---------------------------------------------------------------------------------------------------


class Cpu(NamedTuple):
    """Seconds of processor time since some beginning."""

    app: float
    database: float

    def since(self, before: Cpu) -> Cpu:
        return Cpu(self.app - before.app, self.database - before.database)

    def per(self, count: float) -> Cpu:
        """Microseconds for each of `count`."""
        return Cpu(self.app / count * 1e6, self.database / count * 1e6)

    @property
    def both(self) -> float:
        return self.app + self.database

    def __str__(self) -> str:
        return f"{self.app:,.1f} app + {self.database:,.1f} PostgreSQL"


class Meter:
    """Reads the clocks of processes of ours, and of PostgreSQL with all its children: also its writers."""

    def __init__(self, on: Ground, *pids: int) -> None:
        self._postmaster = on.postmaster
        self._pids = pids

    def read(self) -> Cpu:
        return Cpu(sum(map(processor_seconds, self._pids)), self._database())

    def _database(self) -> float:
        # A child that has ended is counted with its parent, to the hundredth of a second.
        after_name = Path(f"/proc/{self._postmaster}/stat").read_text().rpartition(")")[2].split()
        reaped = (int(after_name[13]) + int(after_name[14])) / _TICKS
        return sum(map(processor_seconds, children(self._postmaster))) + reaped


def processor_seconds(pid: int) -> float:
    seconds = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):
            seconds += int(task.read_text().split()[0])
    return seconds / 1e9


def children(pid: int) -> list[int]:
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, listed.read_text().split())
    return found


def best(rounds: Sequence[Cpu]) -> tuple[Cpu, str]:
    """The round that took least, since neighbours on the machine only ever add; and the words that say so."""
    chosen = min(rounds, key=lambda cpu: cpu.both)
    middle = statistics.median(cpu.both for cpu in rounds)
    return chosen, f"best of {len(rounds)} rounds, median {middle:,.1f}"


class Yardstick:
    """A fixed piece of Python beside each round says how fast this machine was just then: hosts slow down at times."""

    def __init__(self) -> None:
        self._milliseconds: list[float] = []

    def measure(self) -> None:
        begun = time.process_time()
        sum(number * number for number in range(200_000))
        self._milliseconds.append((time.process_time() - begun) * 1000)

    def __str__(self) -> str:
        return (
            f"a fixed loop of Python beside them took {min(self._milliseconds):.0f} to {max(self._milliseconds):.0f} ms"
        )


# --- The limits of the machine, in the same run -----------------------------------------------------------------------


def fdatasyncs_per_second(folder: Path, *, seconds: float = 0.7) -> float:
    """How often this disk makes one 8 kB page durable, one after the other, in a file that does not grow."""
    page, pages = os.urandom(8192), 256
    path = folder / "fdatasync"
    with path.open("wb+", buffering=0) as file:
        file.write(page * pages)
        os.fsync(file.fileno())
        count, begun = 0, time.perf_counter()
        while (taken := time.perf_counter() - begun) < seconds:
            os.pwrite(file.fileno(), page, count % pages * 8192)
            os.fdatasync(file.fileno())
            count += 1
    path.unlink()
    return count / taken


async def bare_copy(on: Ground, rows: Sequence[tuple[bytes, ...]], *, batch: int, rounds: int = 4) -> Cpu:
    """The floor under whatever stores these bytes: COPY into a table without an index, `batch` rows a commit."""
    columns = [f"column_{number}" for number in range(len(rows[0]))]
    meter, found = Meter(on, os.getpid()), []
    async with database.connect(on.settings, "owner") as db, db.connection() as connection:
        await connection.execute(f"create table public.bare ({', '.join(f'{name} bytea' for name in columns)})")
        for _ in range(rounds):
            before = meter.read()
            for first in range(0, len(rows), batch):
                await connection.copy_records_to_table(
                    "bare", schema_name="public", columns=columns, records=rows[first : first + batch]
                )
            found.append(meter.read().since(before).per(len(rows)))
        await connection.execute("drop table public.bare")
    return best(found)[0]


# --- What is sent and loaded ------------------------------------------------------------------------------------------


@cache
def people() -> tuple[tuple[Message, ...], ...]:
    """Messages of invented people, each person's in order of time."""
    return tuple(tuple(history(person, channel="mllp")) for person in generate(SEED, PEOPLE))


def statement_count(messages: Sequence[Message]) -> int:
    """How many statements these messages make."""
    at = clock.now()
    return sum(
        len(
            hl7v2.translate(
                Original(source=m.source, content=m.content, received_at=at),
                source=Source(id=m.source, organisation="", name=m.source),
            ).statements
        )
        for m in messages
    )


@asynccontextmanager
async def receiving(on: Ground) -> AsyncIterator[Intake]:
    """The way in, in this process, for loading."""
    async with database.connect(on.settings, "listen") as db:
        taking = Intake(db, on.region, on.settings, clock=clock.now, random_key=clock.random_key)
        try:
            yield taking
        finally:
            await taking.close()


async def load(on: Ground, histories: Iterable[Sequence[Message]]) -> int:
    """Takes in every message, each person's in order. Returns how many."""
    async with receiving(on) as taking:

        async def tell(messages: Sequence[Message]) -> int:
            for message in messages:
                await taking.receive(message.content, received_at=clock.now())
            return len(messages)

        return sum(await asyncio.gather(*map(tell, histories)))
