"""The record inside another system's page, in a real browser: shown where it is registered to be, and nowhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, Frame, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.organisations import Neighbour
from carerecord.signin import patient_cookie
from tests import browser, samples
from tests.stage import NOBODY_YET, REGION, STAFF, Stage

pytestmark = pytest.mark.browser
EPR = "https://epr.ouh.example"
PANEL = 400


def host() -> Starlette:
    """A page of some other system that frames whatever address it is asked to."""

    async def around(request: Request) -> Response:
        framed = request.query_params["of"]
        return HTMLResponse(
            "<!doctype html><html lang='en'><title>A host</title><main><h1>A patient here</h1>"
            f"<iframe title='The record' name='panel' src='{framed}' width='{PANEL}' height='700'></iframe></main>"
        )

    return Starlette(routes=[Route("/", around)])


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser.chromium() as started:
        yield started


class Served:
    """The record, the page of the system that is registered to frame it, and a page that is not."""

    def __init__(self, stage: Stage, record: str, registered: str, other: str) -> None:
        self.stage, self.record, self.registered, self.other = stage, record, registered, other
        stage.settings = msgspec.structs.replace(stage.settings, public_url=record)
        neighbour = Neighbour(
            issuer=EPR, organisation="RTH", name="Oxford", jwks={"keys": []}, frame_origins=(registered,)
        )
        stage.region = msgspec.structs.replace(REGION, neighbours=(neighbour,))

    def open_chart(self, page: Page, kind: EvidenceClass = EvidenceClass.APPOINTMENT) -> str:
        """The address of a chart that Oxford launched; the browser has its cookie."""
        new = self.stage.sessions.create(
            STAFF, patient_key=7, evidence=Evidence(kind=kind), purpose=Purpose.TREAT, route="launch",
            at=samples.AT, issuer=EPR,
        )  # fmt: skip
        self._keep(page, patient_cookie(new.id), new.token, f"/patient/{new.id}")
        return f"{self.record}/patient/{new.id}"

    def sign_in(self, page: Page, role: str) -> None:
        staff = msgspec.structs.replace(STAFF, role=role)
        new = self.stage.sessions.create(staff, at=samples.AT, **NOBODY_YET)
        self._keep(page, "carerecord_staff", new.token, "/")

    def _keep(self, page: Page, name: str, value: str, path: str) -> None:
        cookie = {"name": name, "value": value, "domain": "127.0.0.1", "path": path, "sameSite": "Lax"}
        page.context.add_cookies([cookie])  # type: ignore[list-item]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    stage = Stage(samples.summary())
    with contextlib.ExitStack() as stack:
        record = stack.enter_context(browser.serving(stage.app))
        registered, other = (stack.enter_context(browser.serving(host())) for _ in range(2))
        yield Served(stage, record, registered, other)


def frame_in(page: Page, around: str, address: str) -> Frame:
    """What stands in the frame of a host's page, once it has come to rest; a refusal of the browser is empty."""
    page.goto(f"{around}/?of={address}")
    # By its element: while the browser puts an error in its place, a frame has no name for a moment.
    found = page.locator("iframe[name='panel']").element_handle().content_frame()
    assert found is not None
    found.wait_for_load_state()
    return found


def is_blocked(frame: Frame) -> bool:
    """The browser has put its own error in place of what was not to be framed."""
    return frame.url.startswith("chrome-error://")


def test_the_registered_systems_page_shows_the_record_and_a_click_in_it_works(served: Served, chrome: Browser) -> None:
    page = browser.page(chrome, width=900)
    frame = frame_in(page, served.registered, f"{served.open_chart(page)}/summary")
    expect(frame.locator(".cr-banner__name")).to_be_visible()
    link = frame.locator("#allergies a[href^='entry/']").first
    frame.locator("label[for='allergies-show']").click()
    link.click()
    expect(link).to_have_attribute("aria-expanded", "true")
    assert frame.evaluate("window.innerWidth") == PANEL
    assert not frame.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    browser.keep_picture(page, "framed-900", full_page=False)


def test_another_origin_that_frames_the_same_address_shows_nothing(served: Served, chrome: Browser) -> None:
    page = browser.page(chrome)
    chart = served.open_chart(page)
    shown = frame_in(page, served.registered, f"{chart}/summary")
    assert not is_blocked(shown)
    for path in ("summary", "reason", "emergency", "safety", "nowhere"):
        assert is_blocked(frame_in(page, served.other, f"{chart}/{path}")), path


def test_a_host_that_is_itself_framed_by_another_shows_nothing(served: Served, chrome: Browser) -> None:
    """Every page around it counts, to the top of the window."""
    page = browser.page(chrome)
    inner = f"{served.registered}/%3Fof={served.open_chart(page)}/summary"
    frame_in(page, served.other, inner.replace("%3F", "?"))
    urls = [frame.url for frame in page.frames]
    assert urls[1].startswith(served.registered)
    assert urls[2].startswith("chrome-error://")


@pytest.mark.parametrize("role", ["clinician", "privacy-officer", "caldicott-guardian", "records-manager"])
def test_nothing_behind_a_sign_in_is_framed_by_anybody(served: Served, chrome: Browser, role: str) -> None:
    page = browser.page(chrome)
    served.sign_in(page, role)
    for path in ("/find", "/desk", "/desk/privacy", "/desk/guardian", "/desk/records", "/desk/administration"):
        for around in (served.registered, served.other):
            assert is_blocked(frame_in(page, around, f"{served.record}{path}")), path


def test_signing_in_says_in_the_frame_that_it_opens_a_tab_and_does(served: Served, chrome: Browser) -> None:
    page = browser.page(chrome)
    frame = frame_in(page, served.registered, f"{served.record}/")
    expect(frame.get_by_role("heading", name="Signing in needs a window of its own")).to_be_visible()
    with page.context.expect_page() as opened:
        frame.get_by_role("link", name="Sign in (opens in a new tab)").click()
    expect(opened.value.get_by_role("heading", name=served.stage.region.title)).to_be_visible()
    assert opened.value.evaluate("window.opener") is None
    assert is_blocked(frame_in(page, served.other, f"{served.record}/"))


def test_a_reason_is_given_and_the_chart_is_closed_inside_the_frame(served: Served, chrome: Browser) -> None:
    page = browser.page(chrome)
    frame = frame_in(page, served.registered, f"{served.open_chart(page, EvidenceClass.NONE)}/summary")
    frame.get_by_role("button").filter(has_not_text="Close").filter(has_not_text="Do not").first.click()
    expect(frame.locator(".cr-banner__name")).to_be_visible()
    frame.get_by_role("button", name="Close this record").click()
    expect(frame.get_by_role("heading", name="The record is closed")).to_be_visible()


def test_a_panel_whose_session_ends_says_so_in_its_place(served: Served, chrome: Browser) -> None:
    page = browser.page(chrome)
    frame = frame_in(page, served.registered, f"{served.open_chart(page)}/summary")
    expect(frame.locator(".cr-banner__name")).to_be_visible()
    served.stage.sessions.open.clear()
    frame.locator("body").press("Tab")
    frame.evaluate("window.location.reload()")
    expect(frame.get_by_role("heading", name="Nothing is open here")).to_be_visible()
    expect(frame.locator(".cr-banner__name")).to_have_count(0)


def test_axe_finds_nothing_in_the_panel_at_its_width(served: Served, chrome: Browser) -> None:
    page = browser.page(chrome, width=900)
    frame = frame_in(page, served.registered, f"{served.open_chart(page)}/summary")
    expect(frame.locator(".cr-banner__name")).to_be_visible()
    assert browser.axe_violations(frame) == []
