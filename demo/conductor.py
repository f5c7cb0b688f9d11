"""Runs one demonstration: the record and the systems around it, from the first key to the last SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from demo.channels import WORDS, read_channels
from demo.children import Child
from demo.desks import Desks, write_registers
from demo.endpoints import endpoints, ready_block
from demo.footprint import resident_bytes
from demo.operate import write_operate
from demo.operator_page import Operator, operator_app
from demo.people import Person, generate, region_truth
from demo.plan import HOST, CannotStart, Plan, check_ports
from demo.progress import Progress
from demo.region.write import Keys, write_privately, write_region
from demo.roster import LONDON, System, roster
from demo.systems.neighbours import read_neighbour
from demo.systems.outbox import Counts

_READY_SECONDS_MAX = 180
_STILL_SECONDS = 60


class Conductor:
    """One demonstration while it runs."""

    record_module: tuple[str, ...] = ("carerecord", "run")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.people: list[Person] = list(generate(plan.told.seed, plan.told.people, until=plan.told.until))
        self.children: dict[str, Child] = {}
        self.systems: list[System] = []
        self.operator = Operator(plan, is_up=self._is_up)
        self._runner: web.AppRunner | None = None
        self._desks: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Until cancelled, or until the record ends by itself. Everything started here is stopped here."""
        plan, began = self.plan, time.monotonic()
        (plan.home / "endpoints.json").unlink(missing_ok=True)
        try:
            check_ports(plan.ports)
            keys = self._prepare()
            write_operate(plan, region=keys.region)
            await self._start_record(keys)
            await self._serve_operator_page()
            await self._start_systems()
            await self._load_history()
            self.operator.ready(seconds=time.monotonic() - began, resident=resident_bytes())
            told = endpoints(plan, keys, self.people, self.systems)
            write_privately(plan.home / "endpoints.json", msgspec.json.format(msgspec.json.encode(told), indent=2))
            print(ready_block(told, quiet=plan.quiet, cost=self.operator.cost), flush=True)
            if not plan.quiet:
                self._desks = asyncio.create_task(self._give_the_desks_work(keys))
            return await self._watch()
        finally:
            await self._stop()

    def _prepare(self) -> Keys:
        plan = self.plan
        truth = region_truth(self.people, seed=plan.told.seed, until=plan.told.until)
        write_privately(plan.home / "truth.json", msgspec.json.encode(truth))
        keys = write_region(
            plan.home / "region",
            plan.home / "keys",
            sign_in_issuer=plan.address(plan.ports.provider),
            person_sign_in_issuer=plan.address(plan.ports.nhs_login),
            panel=plan.address(plan.ports.neighbour(read_neighbour("oxford"))),
        )
        self.systems = self._roster(keys)
        for system in self.systems:  # Every line is up when a demonstration starts, whatever was tried in the last.
            plan.pause(system.id).unlink(missing_ok=True)
            plan.fault(system.id).unlink(missing_ok=True)
        self.operator.knows(self.systems, self.people)
        write_registers(plan, self.people)
        return keys

    def _roster(self, keys: Keys) -> list[System]:
        return roster(self.plan, keys)

    # --- starting -----------------------------------------------------------------------------------------------------

    async def _start_record(self, keys: Keys) -> None:
        plan = self.plan
        print("Starting the record (the first start makes its database) …", flush=True)
        environment = {
            "CARERECORD_HOME": str(plan.record_home),
            "CARERECORD_REGION": str(keys.region),
            "CARERECORD_SERVE_HOST": HOST,
            "CARERECORD_SERVE_PORT": str(plan.ports.record),
            "CARERECORD_LISTEN_HOST": HOST,
            "CARERECORD_LISTEN_PORT": str(plan.ports.mllp),
            "CARERECORD_LISTEN_FHIR_PORT": str(plan.ports.fhir_push),
            "CARERECORD_DROP_FOLDER": str(plan.drop),
            "CARERECORD_STAFF_REGISTERS": str(plan.staff_registers),
            "CARERECORD_WITNESS_SEALS": str(plan.seals),
            "CARERECORD_PUBLIC_URL": plan.record,
        }
        child = Child("The record", plan.logs / "carerecord.log", "carerecord: ready")
        self.children["record"] = child
        await child.start(list(self.record_module), environment=environment, stop_with_us=False)
        await child.until_ready(seconds_max=240)

    async def _start_systems(self) -> None:
        """All at once; when one fails the others have come to rest before it is told, so that all can be stopped."""
        print(f"Starting {len(self.systems)} systems around it …", flush=True)
        started = await asyncio.gather(*map(self._start_system, self.systems), return_exceptions=True)
        for failed in started:
            if failed is not None:
                raise failed

    async def _start_system(self, system: System) -> None:
        plan = self.plan
        file = plan.home / "systems" / f"{system.id}.json"
        write_privately(file, msgspec.json.encode(system.configuration))
        child = Child(system.name, plan.logs / f"{system.id}.log", "ready")
        self.children[system.id] = child
        module = f"demo.systems.{system.module}"
        await child.start([module, "--config", str(file), "--stop-with-parent"], stop_with_us=True)
        await child.until_ready(seconds_max=_READY_SECONDS_MAX)

    async def _serve_operator_page(self) -> None:
        self._runner = web.AppRunner(operator_app(self.operator), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.plan.ports.operator).start()

    async def _load_history(self) -> None:
        """Waits until every message of the histories was answered; a system that ends meanwhile is a reason to stop."""
        progress = Progress("Loading the history")
        told: set[tuple[str, str]] = set()
        last, since = -1, time.monotonic()
        while True:
            channels = self._channels()
            total = sum(counts.history for counts in channels.values())
            waiting = sum(counts.history_waiting for counts in channels.values())
            for channel, counts in channels.items():
                if channel not in told and counts.history and not counts.history_waiting:
                    told.add(channel)
                    progress.tell(_loaded(*channel, counts))
            progress.show(total - waiting, total)
            if not waiting:
                return
            self._check_nothing_ended()
            if waiting != last:
                last, since = waiting, time.monotonic()
            elif time.monotonic() - since > _STILL_SECONDS:
                since = time.monotonic()
                progress.tell(f"  No answer for {_STILL_SECONDS} seconds; see {self.children['record'].log}.")
            await asyncio.sleep(0.2)

    def _channels(self) -> dict[tuple[str, str], Counts]:
        """Each channel of each sender, by the sender's name and the channel."""
        return {
            (system.name, channel): counts
            for system in self.systems
            if system.group == LONDON
            for channel, counts in read_channels(self.plan.outbox(system.id)).items()
        }

    def _check_nothing_ended(self) -> None:
        for child in self.children.values():
            if child.is_over:
                raise CannotStart(
                    f"{child.name} ended while the history was loading. Its last words:\n{child.last_words()}"
                )

    async def _give_the_desks_work(self, keys: Keys) -> None:
        failed = await Desks(self.plan, keys, self.people).run()
        for each in failed:
            print(f"The desks have less to do: {each}", file=sys.stderr, flush=True)

    # --- running ------------------------------------------------------------------------------------------------------

    def _is_up(self, name: str) -> bool:
        child = self.children.get(name)
        return child is not None and child.ready.is_set() and not child.is_over

    async def _watch(self) -> int:
        """Says when a system ends by itself. Without the record there is no demonstration; without another there is."""
        ends = {asyncio.create_task(child.ended()): name for name, child in self.children.items()}
        while ends:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                name = ends.pop(task)
                child = self.children[name]
                next_step = "" if name == "record" else " The rest goes on; stop and start again to have it back."
                print(
                    f"{child.name} ended by itself (exit code {task.result()}); see {child.log}.{next_step}",
                    file=sys.stderr,
                    flush=True,
                )
                if name == "record":
                    return 1
        return 1

    async def _stop(self) -> None:
        """Senders first, so that nothing is sent to a record that is leaving; the record last."""
        (self.plan.home / "endpoints.json").unlink(missing_ok=True)
        if self._desks:
            self._desks.cancel()
            await asyncio.wait([self._desks])
        others = [child for name, child in self.children.items() if name != "record"]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*(child.stop() for child in others))
        if record := self.children.get("record"):
            await record.stop(seconds_max=30)
        if self._runner:
            await self._runner.cleanup()


def _loaded(name: str, channel: str, counts: Counts) -> str:
    aside = f", {counts.parked:,} refused" if counts.parked else ""
    return f"  {name}, {WORDS.get(channel, channel)}: {counts.history:,} messages{aside}"


def only_one(home: Path) -> Any:
    """Holds the folder for one demonstration. Raises CannotStart when another has it."""
    import fcntl

    lock = (home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as held:
        raise CannotStart(
            f"A demonstration already runs from {home}. Stop it first, or name another folder with --home."
        ) from held
    return lock
