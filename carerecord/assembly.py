"""Where the parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime

import msgspec
import uvicorn
from starlette.applications import Starlette

from carerecord import api, audit, clock, database, disclosure, intake, launch, logs, signin, web
from carerecord.organisations import Region, read_region
from carerecord.record import dictionary, fold
from carerecord.routing import starlette_routes
from carerecord.settings import Settings
from carerecord.sources import mllp_server

FOLD_PATIENTS_AT_ONCE = 200
REST_SECONDS = 5.0
STOP_SECONDS_MAX = 10


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the mouths may use: doors and sign-in, nothing behind them."""

    door: disclosure.Door
    sessions: signin.Sessions
    arrivals: signin.Arrivals
    clients: signin.Clients
    cis2: signin.Cis2 | None
    pages: web.Pages
    region: Region
    settings: Settings
    clock: Callable[[], datetime] = clock.now


async def prepare(chosen: Settings) -> list[str]:
    """Schema, roles, grants and dictionaries as this version needs them. Returns the migrations applied."""
    applied = await database.migrate(chosen)
    async with database.connect(chosen, "owner") as db:
        await dictionary.ensure_dictionaries(db, at=clock.now())
    return applied


async def listen(chosen: Settings) -> None:
    """Hears messages and appends them, until told to stop; what was delivered is finished first."""
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(database.connect(chosen, "listen"))
        taking = intake.Intake(db, region, chosen, clock=clock.now, random_key=clock.random_key)
        stack.push_async_callback(taking.close)

        async def deliver(content: bytes, peer: mllp_server.Peer) -> bytes:
            receipt = await taking.receive(content, received_at=clock.now())
            return receipt.acknowledgement

        server = await mllp_server.serve(chosen, deliver=deliver)
        stack.push_async_callback(server.stop)
        _settle_memory()
        await _told_to_stop()


async def work(chosen: Settings) -> None:
    """Folds what waits, and makes room for tomorrow's originals, until told to stop."""
    async with database.connect(chosen, "work") as db:
        stopping = asyncio.create_task(_told_to_stop())
        while not stopping.done():
            folded = 0
            try:
                await database.make_partitions(db)
                folded = await fold.fold_some(db, patients_max=FOLD_PATIENTS_AT_ONCE, at=clock.now())
            except database.DatabaseLost:
                logs.say(logs.Line.DATABASE_LOST)
            if folded:
                logs.say(logs.Line.FOLDED, patients=folded)
            else:
                await asyncio.wait({stopping}, timeout=REST_SECONDS)


async def serve(chosen: Settings) -> None:
    """Serves people and programs until told to stop; a request under way is finished first."""
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        parts = await open_parts(stack, chosen, region)
        _settle_memory()
        # A traceback may quote what a patient's record holds: the catalogue of logs is the only voice.
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())
        logging.getLogger("uvicorn").propagate = False
        server = uvicorn.Server(
            uvicorn.Config(
                application(parts),
                host=chosen.serve_host,
                port=chosen.serve_port,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=STOP_SECONDS_MAX,
            )
        )
        logs.say(logs.Line.SERVING, port=chosen.serve_port)
        with contextlib.suppress(KeyboardInterrupt):
            await server.serve()


async def open_parts(stack: AsyncExitStack, chosen: Settings, region: Region) -> Parts:
    db = await stack.enter_async_context(database.connect(chosen, "serve"))
    await dictionary.load(db)
    writer = await stack.enter_async_context(audit.Writer.open(db))
    return Parts(
        door=disclosure.Door(db, writer, region, public_url=chosen.public_url),
        sessions=signin.Sessions(db, chosen),
        arrivals=signin.Arrivals(db),
        clients=signin.Clients(db, region, chosen),
        cis2=signin.Cis2(db, region, chosen) if region.sign_in else None,
        pages=web.Pages(),
        region=region,
        settings=chosen,
    )


def application(parts: Parts) -> Starlette:
    """The three mouths as one ASGI application. Raises RouteWithoutAccess before anything is served."""
    app = Starlette(
        routes=starlette_routes((*web.routes, *launch.routes, *api.routes)),
        middleware=web.middleware(parts.settings),
        exception_handlers=web.exception_handlers(),
    )
    app.state.parts = parts
    return app


def _settle_memory() -> None:
    """What lives as long as the process is no longer looked through by the collector: it halves the slowest answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
