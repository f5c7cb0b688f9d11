"""The desks as they are served: the real application over a database of its own, and a browser at any of them.

Use as a module's fixture: `with real_desks(test_server) as desks: yield desks`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import tempfile
import threading
from collections.abc import Awaitable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvicorn
from playwright.sync_api import Browser, Page

from carerecord import assembly, clock, database
from carerecord.model import Staff
from carerecord.organisations import Neighbour, Region
from carerecord.organisations.region import Organisation
from carerecord.settings import Settings
from tests import browser
from tests.conftest import _as_superuser, _dsn
from tests.house import CLIENT_KEY, REGION, House, open_house

T = TypeVar("T")
_NUMBERS = itertools.count(1)


def region() -> Region:
    """Tests' region with a lead, a neighbour, roles, and agreements that end."""
    today = datetime.now(UTC).date()
    ends = {
        "RAL": today + timedelta(days=12),
        "F84001": today - timedelta(days=3),
        "K84001": today + timedelta(days=400),
    }
    organisations = tuple(
        msgspec.structs.replace(each, agreement_until=ends.get(each.ods_code)) for each in REGION.organisations
    )
    neighbour = Neighbour(
        issuer="https://epr.oxford.example",
        organisation="RTH",
        name="Oxford’s record system",
        jwks={"keys": [CLIENT_KEY.as_dict(private=False)]},
    )
    return msgspec.structs.replace(
        REGION,
        organisations=(*organisations, Organisation(ods_code="Y1", name="Region’s office", kind="office")),
        neighbours=(neighbour,),
        roles={"S8000:G8000:R8000": "clinician", "S0010:G0020:R0260": "gp"},
        privacy_organisation="R1H",
    )


class RealDesks:
    """The application in a thread with an event loop of its own; what a test asks of the doors runs there too."""

    def __init__(self, settings: Settings, *, chrome: Browser | None = None) -> None:
        self.settings = settings
        self.region = region()
        self.chrome = chrome
        self.address = ""
        self.said: list[str] = []
        self.parts: assembly.Parts
        self.house: House
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(60), "The desks did not start."
        if self._failed:
            raise self._failed[0]

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(30)

    def run(self, doing: Awaitable[T]) -> T:
        async def done() -> T:
            return await doing

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(60)

    def staff(self, role: str, *, name: str = "", organisation: str = "R1H") -> Staff:
        called = name or f"{role.replace('-', ' ').title()} One"
        return Staff(
            user_id=f"555-{called.lower().replace(' ', '-')}",
            name=called,
            role_code="S8000:G8000:R9911",
            role=role,
            role_name=role.replace("-", " ").capitalize(),
            organisation=organisation,
            organisation_name=self.region.organisation_name(organisation),
            sign_in="cis2",
        )

    def at(self, path: str, role: str, *, name: str = "", organisation: str = "R1H", **how: Any) -> Page:
        """A page of its own, signed in as that person."""
        assert self.chrome is not None
        staff = self.staff(role, name=name, organisation=organisation)
        new = self.run(self.parts.sessions.create_staff(staff, at=clock.now()))
        page = browser.page(self.chrome, **how)
        page.context.add_cookies([{"name": "carerecord_staff", "value": new.token, "domain": "127.0.0.1", "path": "/"}])
        self.said = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(self.address + path)
        return page

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                listening = stack.enter_context(socket.socket())
                listening.bind(("127.0.0.1", 0))
                self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
                self.settings = msgspec.structs.replace(self.settings, public_url=self.address)
                self.house = await stack.enter_async_context(open_house(self.settings, region=self.region))
                self.parts = await assembly.open_parts(stack, self.settings, self.region)
                server = uvicorn.Server(
                    uvicorn.Config(
                        assembly.application(self.parts),
                        log_level="critical",
                        lifespan="off",
                        timeout_graceful_shutdown=1,  # Pages that are held open must not hold up its end.
                    )
                )
                serving = asyncio.create_task(server.serve(sockets=[listening]))
                while not server.started:
                    await asyncio.sleep(0.01)
                self._ready.set()
                await self._stopping.wait()
                server.should_exit = True
                await serving
        except BaseException as wrong:
            self._failed.append(wrong)
            self._ready.set()
            raise


@contextlib.contextmanager
def real_desks(test_server: Settings, *, is_seen: bool = True) -> Iterator[RealDesks]:
    """The database is made before the browser starts: while that is open, no event loop may begin in this thread."""
    name = f"desks_{next(_NUMBERS)}"
    asyncio.run(
        _as_superuser(test_server, f"create database {name} template template strategy wal_log owner carerecord_owner")
    )
    try:
        with tempfile.TemporaryDirectory() as home:
            settings = Settings(home=Path(home) / "home", database=_dsn(test_server, name))
            settings.home.mkdir()
            desks = RealDesks(settings)
            desks.start()
            try:
                with browser.chromium() if is_seen else contextlib.nullcontext() as chrome:
                    desks.chrome = chrome
                    yield desks
            finally:
                desks.stop()
    finally:
        asyncio.run(_as_superuser(test_server, f"drop database {name} with (force)"))


def look_over(desks: RealDesks, shown: Page, name: str) -> None:
    """axe, no sideways scrolling, nothing said on the console, one heading; and a picture to look at."""
    width = shown.viewport_size["width"] if shown.viewport_size else 0
    browser.keep_picture(shown, f"{name}-{width}")
    wrong = browser.axe_violations(shown)
    assert wrong == [], "\n".join(wrong)
    assert not browser.is_wider_than_the_window(shown)
    assert [line for line in desks.said if "status of" not in line] == []
    assert shown.locator("h1").count() == 1


__all__ = ["RealDesks", "database", "look_over", "real_desks", "region"]
