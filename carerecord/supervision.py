"""`carerecord run`: the database and the three processes, each as its own user and role, started again if one ends."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from carerecord import database, logs, settings
from carerecord.database import places
from carerecord.settings import Settings

PROCESSES = ("listen", "work", "serve")
READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 20.0
PORT_SECONDS_MAX = 12.0
RESTART_SECONDS = 0.5  # twice as long each time that it ends soon again
RESTART_SECONDS_MAX = 5.0  # Longer, and readers wait for a process that would run again.
SOON_SECONDS = 10.0
STARTS_MAX = 3  # of a process that ends before all are ready: what stops it does not mend itself
_SET_PARENT_DEATH_SIGNAL = 1


class ProcessDoesNotStart(RuntimeError):
    """A process of the record does not become ready: read its last log line above, mend that and start again."""


async def run(chosen: Settings, *, prepare: Callable[[Settings], Awaitable[object]], ready: Callable[[], None]) -> None:
    """Everything, until SIGINT or SIGTERM. `prepare` brings the database up to date; `ready` hears when all work."""
    check_users(chosen)
    await wait_for_ports(chosen)
    stop = _stop_event()
    async with database.embedded.Supervisor(chosen):
        await prepare(chosen)
        if not (os.geteuid() == 0 and chosen.user_listen and chosen.user_work and chosen.user_serve):
            logs.say(logs.Line.ONE_USER)
        children = [_Child(name, chosen) for name in PROCESSES]
        keepers = [asyncio.create_task(child.keep(stop)) for child in children]
        try:
            if await _become_ready(chosen, stop, children):
                ready()
                await stop.wait()
        finally:
            stop.set()
            await asyncio.gather(*keepers, return_exceptions=True)
    logs.say(logs.Line.STOPPED)


class UserDoesNotFit(RuntimeError):
    """A process cannot run as the operating system user named for it; the sentence says which and what to do."""


def check_users(chosen: Settings) -> None:
    """As root: each named user exists and can run this Python. Raises UserDoesNotFit."""
    if os.geteuid():
        return
    python = Path(sys.executable).resolve()
    for setting, name in (("listen", chosen.user_listen), ("work", chosen.user_work), ("serve", chosen.user_serve)):
        if not name:
            continue
        variable = f"CARERECORD_USER_{setting.upper()}"
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            raise UserDoesNotFit(
                f"{variable} names {name}, which does not exist: create it, or name another."
            ) from None
        user = places.ServerUser(name, account.pw_uid, account.pw_gid, dropped=True)
        if not places.can_reach(python, user):
            raise UserDoesNotFit(
                f"{variable} names {name}, who cannot run {python}: install carerecord where every user may read it."
            )


class PortTaken(RuntimeError):
    """An address of the record is in use; the sentence says which setting names another."""


def check_ports(chosen: Settings) -> None:
    """Every address is free: otherwise whoever answers there would pass for us. Raises PortTaken."""
    addresses = [
        ("listen", chosen.listen_host, chosen.listen_port),
        ("serve", chosen.serve_host, chosen.serve_port),
        *([("listen_fhir", chosen.listen_host, chosen.listen_fhir_port)] if chosen.listen_fhir_port else []),
    ]
    for setting, host, port in addresses:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except (OSError, OverflowError) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise PortTaken(
                    f"{host}:{port} cannot be used ({why}): name another in CARERECORD_{setting.upper()}_PORT or "
                    f"CARERECORD_{setting.partition('_')[0].upper()}_HOST."
                ) from None


async def wait_for_ports(chosen: Settings, *, seconds_max: float = PORT_SECONDS_MAX) -> None:
    """After a kill the processes of the run before take a moment to end; what is taken then is someone else's."""
    waited = 0.0
    while True:
        try:
            return check_ports(chosen)
        except PortTaken:
            if waited >= seconds_max:
                raise
        await asyncio.sleep(0.1)
        waited += 0.1


class _Child:
    def __init__(self, name: str, chosen: Settings) -> None:
        self.name = name
        self.ended = 0  # how often by itself
        self._user = {"listen": chosen.user_listen, "work": chosen.user_work, "serve": chosen.user_serve}[name]

    async def keep(self, stop: asyncio.Event) -> None:
        """Runs the process, and again whenever it ends by itself, until told to stop."""
        stopping = asyncio.create_task(stop.wait())
        pause = RESTART_SECONDS
        while not stop.is_set():
            since = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "carerecord", self.name,
                start_new_session=True,  # Ctrl-C reaches only us: we stop the children in order.
                env=settings.environment(),
                **_as_user(self._user),
            )  # fmt: skip
            ending = asyncio.create_task(process.wait())
            await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done() and not stop.is_set():
                logs.say(logs.Line.CHILD_ENDED, process=self.name, code=process.returncode or 0)
                self.ended += 1
                if time.monotonic() - since > SOON_SECONDS:
                    pause = RESTART_SECONDS
                await asyncio.wait({stopping}, timeout=pause)
                pause = min(pause * 2, RESTART_SECONDS_MAX)
                continue
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait({ending}, timeout=STOP_SECONDS_MAX)
            if not ending.done():
                process.kill()
                await ending


async def _become_ready(chosen: Settings, stop: asyncio.Event, children: Sequence[_Child]) -> bool:
    """True when messages are heard and pages are served; False if told to stop before."""
    waited = 0.0
    while waited < READY_SECONDS_MAX and not stop.is_set():
        if await _hears(chosen) and await _serves(chosen):
            return True
        if any(child.ended >= STARTS_MAX for child in children):
            break
        await asyncio.sleep(0.05)
        waited += 0.05
    if stop.is_set():
        return False
    raise ProcessDoesNotStart(ProcessDoesNotStart.__doc__)


async def _hears(chosen: Settings) -> bool:
    for port in filter(None, (chosen.listen_port, chosen.listen_fhir_port)):
        try:
            _, writer = await asyncio.open_connection(chosen.listen_host, port)
        except OSError:
            return False
        writer.close()
    return True


async def _serves(chosen: Settings) -> bool:
    """Asked without a library, which would ask the proxy that a data centre's environment names."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(chosen.serve_host, chosen.serve_port)
            writer.write(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            said = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in said


def _as_user(name: str) -> dict[str, Any]:
    """Arguments that drop root to the process's own user, and end the child when its parent is killed."""
    drop: dict[str, Any] = {}
    if name and os.geteuid() == 0:
        account = pwd.getpwnam(name)
        drop = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return {**drop, "preexec_fn": _die_with_parent}


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
