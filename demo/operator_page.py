"""The operator's page of the demonstration: every system, whether it is up, what it sent and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web

from demo.systems import pages


class SystemState(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    address: str
    is_up: bool
    is_web: bool = True
    sent: int | None = None
    waiting: int | None = None
    refused: int | None = None


def operator_app(states: Callable[[], list[SystemState]], *, truth: Path) -> web.Application:
    async def front(_: web.Request) -> web.Response:
        return pages.page("operator.html", systems=states())

    async def show_truth(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(truth, headers={"Content-Type": "application/json; charset=utf-8"})

    app = web.Application()
    app.add_routes([web.get("/", front), web.get("/truth", show_truth), web.get("/style.css", pages.style)])
    return app
