"""What a national service can be told to do wrong: a file names the fault for as long as it is to last."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

SLOW_SECONDS = 5.0

# Of each service: what its operator may choose. Every service but for these works.
FAULTS = {
    "provider": ("slow", "error-page", "unavailable", "clock-ahead", "clock-behind", "key-rotated"),
    "nhs-login": ("slow", "error-page", "unavailable", "clock-ahead", "clock-behind"),
    "pds": ("slow", "error-page", "unavailable", "rate-limited"),
    "ods": ("slow", "error-page", "unavailable"),
}
WORDS = {
    "slow": f"answers after {SLOW_SECONDS:.0f} seconds",
    "error-page": "answers 200 with a page that says sorry",
    "unavailable": "answers 503",
    "rate-limited": "answers 429 whatever is asked",
    "clock-ahead": "signs with a clock ten minutes ahead",
    "clock-behind": "signs with a clock ten minutes behind",
    "key-rotated": "signs with a new key and publishes only that",
}
_ERROR_PAGE = (
    "<!doctype html><html lang='en-GB'><title>Sorry</title><h1>Sorry, there is a problem with the service</h1>"
    "<p>Try again later.</p></html>"
)


def read_fault(file: Path | None) -> str:
    """The fault of this moment, "" for none."""
    try:
        return file.read_text(encoding="utf-8").strip() if file else ""
    except FileNotFoundError:
        return ""


def doing_wrong(file: Path | None) -> Middleware:
    """A middleware for what every service can do wrong; the style sheet always comes."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = "" if request.path == "/style.css" else read_fault(file)
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        elif fault == "error-page":
            return web.Response(text=_ERROR_PAGE, content_type="text/html")
        elif fault == "unavailable":
            return web.Response(status=503, text="Service unavailable.", headers={"Retry-After": "5"})
        return await handler(request)

    return middleware
