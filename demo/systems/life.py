"""How every simulator lives: reads its configuration, says that it is ready, stops when told to."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from aiohttp import web

Configuration = TypeVar("Configuration", bound=msgspec.Struct)


def live(kind: type[Configuration], run: Callable[[Configuration, asyncio.Event], Awaitable[None]]) -> None:
    """Runs `run` with the configuration named on the command line, until SIGTERM, SIGINT or the end of the parent."""
    parser = argparse.ArgumentParser(description="One simulated system of the demonstration.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--stop-with-parent", action="store_true", help="stop when standard input closes")
    given = parser.parse_args()
    raw = given.config.read_bytes()
    configuration = msgspec.json.decode(raw, type=kind, dec_hook=lambda wanted, told: wanted(told))  # Paths.
    asyncio.run(_live(configuration, run, given.stop_with_parent))


async def _live(
    configuration: Configuration, run: Callable[[Configuration, asyncio.Event], Awaitable[None]], stop_with_parent: bool
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    watcher = asyncio.create_task(_watch_parent(stop)) if stop_with_parent else None
    await run(configuration, stop)
    if watcher:
        watcher.cancel()


async def _watch_parent(stop: asyncio.Event) -> None:
    """A parent that was killed closes our standard input: nothing must be left running behind it."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop.set()


def ready() -> None:
    print("ready", flush=True)


async def serve(app: web.Application, *, host: str, port: int, stop: asyncio.Event) -> None:
    """Serves one application until told to stop."""
    from aiohttp import web  # Only here: systems that serve nothing start faster and smaller without it.

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    ready()
    await stop.wait()
    await runner.cleanup()
