"""Headless Chromium for tests: starts it, serves an application on loopback, asks axe, keeps pictures to look at.

Use as: `with browser.chromium() as chrome, browser.serving(app) as address: shown = browser.page(chrome) ...`.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

SCREENSHOTS = Path(__file__).parent / "screenshots"
WIDTHS = (1280, 768, 400)
_MADE: list[BrowserContext] = []
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The machine's own Chromium; a test that needs it says so and is skipped where there is none."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("No Chromium is installed here, so the page was not looked at in a browser.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def serving(application: Any, **more: Any) -> Iterator[str]:
    """The application on a free port of loopback, in a thread; gives its address. `more` is for uvicorn: TLS."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        # Pages that are held open must not hold up its end.
        how = {"log_level": "critical", "lifespan": "off", "timeout_graceful_shutdown": 1} | more
        server = uvicorn.Server(
            uvicorn.Config(application, **how)
        )  # Pages that are held open must not hold up its end.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        until = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < until, "The application did not start within 10 seconds."
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def page(browser: Browser, *, width: int = 1280, height: int = 800, script: bool = True, **context: Any) -> Page:
    """A fresh page of that size, with no cookie of any other."""
    made = browser.new_context(
        viewport={"width": width, "height": height}, java_script_enabled=script, locale="en-GB", **context
    )
    made.set_default_timeout(10_000)
    _MADE.append(made)
    return made.new_page()


@contextlib.contextmanager
def closing_pages() -> Iterator[None]:
    """What was opened inside is closed: fifty pages that stay open take half a minute to end, and slow the rest."""
    before = len(_MADE)
    yield
    for made in _MADE[before:]:
        with contextlib.suppress(PlaywrightError):  # Its browser was closed before it.
            made.close()
    del _MADE[before:]


def axe_violations(shown: Page | Frame) -> list[str]:
    """What axe finds wrong, one line for each element, for a failing test to show."""
    found = Axe().run(shown, options={"rules": {"target-size": {"enabled": True}}}).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]} ({rule['help']})" for rule in found for node in rule["nodes"]]


def is_wider_than_the_window(shown: Page) -> bool:
    return bool(shown.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def keep_picture(shown: Page, name: str, *, full_page: bool = True) -> Path:
    """A picture in tests/screenshots (not kept in git)."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    shown.screenshot(path=path, full_page=full_page)
    return path
