"""A launch in a frame of another site, over https, in a browser that keeps no third-party cookie but partitioned."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Frame, Page, expect
from starlette.applications import Starlette

from carerecord import launch, web
from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.organisations import Neighbour
from carerecord.routing import starlette_routes
from carerecord.signin import ArrivalRefusal, Launch
from tests import browser
from tests.rooms.sources.test_mllp_server import certificate
from tests.rooms.web.test_in_a_frame import frame_in, host, is_blocked
from tests.stage import REGION, STAFF, Stage

pytestmark = pytest.mark.browser
EPR = "https://epr.ouh.example"
FLAGS = ("--host-resolver-rules=MAP *.example 127.0.0.1", "--test-third-party-cookie-phaseout")


class MadeArrivals:
    """A launch waits under each code that is asked for, once."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    async def redeem(self, code: str, *, at: datetime) -> Launch | ArrivalRefusal:
        if code in self.used:
            return ArrivalRefusal(rule="used", sentence="This link was used already.", issuer=EPR)
        self.used.add(code)
        return Launch(
            issuer=EPR,
            jti=code,
            staff=STAFF,
            nhs_number="9990123454",
            birth_date=date(1948, 3, 9),
            evidence=Evidence(kind=EvidenceClass.APPOINTMENT),
            purpose=Purpose.TREAT,
        )


class Https:
    """The record at one site and two systems at two others; one of them is registered to frame it."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path) -> None:
        certificate(folder, "authority")
        tls = {"ssl_certfile": str(folder / "authority.pem"), "ssl_keyfile": str(folder / "authority.key")}

        def serve(app: Any, name: str) -> str:
            port = stack.enter_context(browser.serving(app, **tls)).rpartition(":")[2]
            return f"https://{name}:{port}"

        self.stage = Stage()
        self.stage.arrivals = MadeArrivals()  # type: ignore[attr-defined]
        self.stage.pages = web.Pages()  # type: ignore[attr-defined]
        app = Starlette(
            routes=starlette_routes((*web.routes, *launch.routes)),
            middleware=web.middleware(msgspec.structs.replace(self.stage.settings, public_url="https://record")),
            exception_handlers=dict(web.exception_handlers()),
        )
        app.state.parts = self.stage
        self.record = serve(app, "record.london.example")
        self.registered, self.other = (serve(host(), name) for name in ("epr.ouh.example", "elsewhere.example"))
        self.stage.settings = msgspec.structs.replace(self.stage.settings, public_url=self.record)
        neighbour = Neighbour(
            issuer=EPR, organisation="RTH", name="Oxford", jwks={"keys": []}, frame_origins=(self.registered,)
        )
        self.stage.region = msgspec.structs.replace(REGION, neighbours=(neighbour,))


@pytest.fixture(scope="module")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Https]:
    with contextlib.ExitStack() as stack:
        yield Https(stack, tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser.chromium(*FLAGS) as started:
        yield started


def opened(chrome: Browser) -> Page:
    return browser.page(chrome, width=900, ignore_https_errors=True)


def launched(page: Page, https: Https, code: str) -> Frame:
    return frame_in(page, https.registered, f"{https.record}/launch/{code}")


def test_the_chart_opens_in_the_frame_and_its_forms_are_taken(https: Https, chrome: Browser) -> None:
    page = opened(chrome)
    frame = launched(page, https, "one")
    expect(frame.locator(".cr-banner__name")).to_be_visible()
    (cookie,) = page.context.cookies(frame.url)
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "None")
    assert "ouh.example" in str(cookie["partitionKey"])  # type: ignore[typeddict-item]
    frame.get_by_role("button", name="Close this record").click()
    expect(frame.get_by_role("heading", name="The record is closed")).to_be_visible()
    assert page.context.cookies(frame.url) == []
    assert https.stage.sessions.open == {}


def test_what_was_opened_in_the_frame_opens_nothing_in_a_tab_or_in_another_systems_frame(
    https: Https, chrome: Browser
) -> None:
    page = opened(chrome)
    frame = launched(page, https, "two")
    expect(frame.locator(".cr-banner__name")).to_be_visible()
    chart = frame.url
    tab = page.context.new_page()
    tab.goto(chart)
    expect(tab.get_by_role("heading", name="This session has ended")).to_be_visible()
    other = page.context.new_page()
    assert is_blocked(frame_in(other, https.other, chart))
    expect(frame.locator(".cr-banner__name")).to_be_visible()


def test_a_launch_that_is_refused_says_its_sentence_in_the_frame(https: Https, chrome: Browser) -> None:
    page = opened(chrome)
    launched(page, https, "three")
    again = launched(page, https, "three")
    expect(again.get_by_text("This link was used already.")).to_be_visible()
    assert is_blocked(frame_in(page, https.other, f"{https.record}/launch/three"))


def test_a_launch_in_a_window_of_its_own_keeps_its_ordinary_cookie(https: Https, chrome: Browser) -> None:
    page = opened(chrome)
    page.goto(f"{https.record}/launch/four")
    expect(page.locator(".cr-banner__name")).to_be_visible()
    (cookie,) = page.context.cookies(page.url)
    assert (cookie["secure"], cookie["sameSite"], cookie.get("partitionKey")) == (True, "Lax", None)
