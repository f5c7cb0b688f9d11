"""Runs one demonstration: the record and the systems around it, from the first key to the last SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from demo.children import Child
from demo.endpoints import endpoints, ready_block
from demo.operator_page import SystemState, operator_app
from demo.people import Person, generate, region_truth
from demo.plan import HOST, CannotStart, Plan, check_ports
from demo.progress import Progress
from demo.region.write import NEIGHBOUR_ISSUER, SIGN_IN_CLIENT_ID, Keys, write_privately, write_region
from demo.systems.outbox import Counts, read_counts

_SOURCES = (("barts", "Barts Health", "hospital"), ("nel-pathology", "NEL Pathology", "laboratory"))
_TICK_SECONDS = 8.0


class Conductor:
    """One demonstration while it runs."""

    record_module: tuple[str, ...] = ("carerecord", "run")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.people: list[Person] = list(generate(plan.told.seed, plan.told.people, until=plan.told.until))
        self.children: dict[str, Child] = {}
        self._runner: web.AppRunner | None = None

    async def run(self) -> int:
        """Until cancelled, or until the record ends by itself. Everything started here is stopped here."""
        plan = self.plan
        (plan.home / "endpoints.json").unlink(missing_ok=True)
        try:
            check_ports(plan.ports)
            keys = self._prepare()
            await self._start_record(keys)
            await self._start_systems(keys)
            await self._serve_operator_page()
            await self._load_history()
            told = endpoints(plan, keys, self.people)
            write_privately(plan.home / "endpoints.json", msgspec.json.format(msgspec.json.encode(told), indent=2))
            print(ready_block(told, quiet=plan.quiet), flush=True)
            return await self._watch()
        finally:
            await self._stop()

    def _prepare(self) -> Keys:
        plan = self.plan
        truth = region_truth(self.people, seed=plan.told.seed, until=plan.told.until)
        write_privately(plan.home / "truth.json", msgspec.json.encode(truth))
        return write_region(plan.home / "region", plan.home / "keys", sign_in_issuer=plan.address(plan.ports.provider))

    # --- starting -----------------------------------------------------------------------------------------------------

    async def _start_record(self, keys: Keys) -> None:
        plan = self.plan
        print("Starting the record (the first start makes its database) …", flush=True)
        environment = {
            "CARERECORD_HOME": str(plan.home / "carerecord"),
            "CARERECORD_REGION": str(keys.region),
            "CARERECORD_SERVE_HOST": HOST,
            "CARERECORD_SERVE_PORT": str(plan.ports.record),
            "CARERECORD_LISTEN_HOST": HOST,
            "CARERECORD_LISTEN_PORT": str(plan.ports.mllp),
            "CARERECORD_PUBLIC_URL": plan.record,
        }
        child = Child("The record", plan.logs / "carerecord.log", "carerecord: ready")
        self.children["record"] = child
        await child.start(list(self.record_module), environment=environment, stop_with_us=False)
        await child.until_ready(seconds_max=240)

    async def _start_systems(self, keys: Keys) -> None:
        """All at once; when one fails the others have come to rest before it is told, so that all can be stopped."""
        started = await asyncio.gather(
            *(self._start_system(*each) for each in self._systems(keys)), return_exceptions=True
        )
        for failed in started:
            if failed is not None:
                raise failed

    def _systems(self, keys: Keys) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Every simulator: its name, its kind, what people call it, its configuration."""
        plan = self.plan
        region = {"seed": plan.told.seed, "people": plan.told.people, "until": plan.told.until}
        provider = {
            "issuer": plan.address(plan.ports.provider),
            "host": HOST,
            "port": plan.ports.provider,
            "key": str(keys.provider),
            "client_id": SIGN_IN_CLIENT_ID,
            "client_secret": str(keys.sign_in_secret),
            "client_name": "London Care Record",
            "redirect_uris": [f"{plan.record}/sign-in/callback"],
        }
        oxford = {
            **region,
            "name": "Oxford University Hospitals",
            "organisation": "RTH",
            "issuer": NEIGHBOUR_ISSUER,
            "key": str(keys.oxford),
            "record": plan.record,
            "record_title": "London Care Record",
            "host": HOST,
            "port": plan.ports.oxford,
        }
        senders = [
            (
                source,
                kind,
                name,
                {
                    **region,
                    "source": source,
                    "name": name,
                    "mllp_host": HOST,
                    "mllp_port": plan.ports.mllp,
                    "outbox": str(plan.outbox(source)),
                    "tick_seconds": 0.0 if plan.quiet else _TICK_SECONDS,
                },
            )
            for source, name, kind in _SOURCES
        ]
        return [
            ("provider", "sign_in_provider", "The sign-in provider", provider),
            ("oxford", "neighbour", "Oxford's record system", oxford),
            *senders,
        ]

    async def _start_system(self, name: str, module: str, called: str, configuration: dict[str, Any]) -> None:
        plan = self.plan
        file = plan.home / "systems" / f"{name}.json"
        write_privately(file, msgspec.json.encode(configuration))
        child = Child(called, plan.logs / f"{name}.log", "ready")
        self.children[name] = child
        await child.start([f"demo.systems.{module}", "--config", str(file), "--stop-with-parent"], stop_with_us=True)
        await child.until_ready(seconds_max=60)

    async def _serve_operator_page(self) -> None:
        self._runner = web.AppRunner(
            operator_app(self.states, truth=self.plan.home / "truth.json"), access_log=None, shutdown_timeout=1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.plan.ports.operator).start()

    async def _load_history(self) -> None:
        """Waits until every message of the histories was answered; a system that ends meanwhile is a reason to stop."""
        progress = Progress("Loading the history")
        while True:
            counts = [self._counts(source) for source, _, _ in _SOURCES]
            total, waiting = sum(each.history for each in counts), sum(each.history_waiting for each in counts)
            progress.show(total - waiting, total)
            if not waiting:
                return
            for name in [name for name, child in self.children.items() if child.is_over]:
                child = self.children[name]
                raise CannotStart(
                    f"{child.name} ended while the history was loading. Its last words:\n{child.last_words()}"
                )
            await asyncio.sleep(0.2)

    def _counts(self, source: str) -> Counts:
        return read_counts(self.plan.outbox(source))

    # --- running ------------------------------------------------------------------------------------------------------

    def states(self) -> list[SystemState]:
        """Every system as it is now, for the operator's page."""
        plan, ports = self.plan, self.plan.ports
        rows = [
            SystemState(name="The record", address=f"{plan.record}/", is_up=self._is_up("record")),
            SystemState(
                name="Oxford's record system", address=f"{plan.address(ports.oxford)}/", is_up=self._is_up("oxford")
            ),
            SystemState(
                name="The sign-in provider", address=f"{plan.address(ports.provider)}/", is_up=self._is_up("provider")
            ),
        ]
        for source, name, _ in _SOURCES:
            counts = self._counts(source)
            rows.append(
                SystemState(
                    name=name,
                    address=f"sends to {HOST}:{ports.mllp}",
                    is_up=self._is_up(source),
                    is_web=False,
                    sent=counts.acknowledged,
                    waiting=counts.waiting,
                    refused=counts.parked,
                )
            )
        return rows

    def _is_up(self, name: str) -> bool:
        return name in self.children and not self.children[name].is_over

    async def _watch(self) -> int:
        """Says when a system ends by itself. Without the record there is no demonstration; without another there is."""
        ends = {asyncio.create_task(child.ended()): name for name, child in self.children.items()}
        while ends:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                name = ends.pop(task)
                child = self.children[name]
                print(
                    f"{child.name} ended by itself (exit code {task.result()}); see {child.log}.",
                    file=sys.stderr,
                    flush=True,
                )
                if name == "record":
                    return 1
        return 1

    async def _stop(self) -> None:
        """Senders first, so that nothing is sent to a record that is leaving; the record last."""
        (self.plan.home / "endpoints.json").unlink(missing_ok=True)
        others = [child for name, child in self.children.items() if name != "record"]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*(child.stop() for child in others))
        if record := self.children.get("record"):
            await record.stop(seconds_max=30)
        if self._runner:
            await self._runner.cleanup()


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
