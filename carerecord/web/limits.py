"""How often one session, one token or one address may ask: counted before anybody is asked whose it is.

What a member of staff, a program and an organisation may ask is counted where the session is found
(`carerecord/signin/allowance.py`). What a clinician does in a second is far below all of these; they stop a script.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_address
from math import ceil

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carerecord import logs
from carerecord.settings import Settings
from carerecord.signin import SEARCH_COSTS, Buckets

WRONG_COSTS = 10  # times as much as what was right: guessing is slow long before it is stopped
WITHOUT_SESSION = ("/sign-in", "/token", "/launch")
ARRIVALS = "/launch/"
WRONG = (400, 401, 403, 404)
TOO_OFTEN = "Too much was asked in a short time, so nothing was done: wait {seconds} s, then ask again."


class Limits:
    """Counts by the secret that a request shows, else by the address that it comes from."""

    def __init__(self, app: ASGIApp, *, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._is_behind_proxy = settings.serve_behind_proxy
        self._clock = clock
        share = 1 / max(settings.serve_processes, 1)  # Each process counts by itself.
        self._of_session = Buckets(settings.session_requests_per_second_max * share)
        self._of_address = Buckets(settings.address_requests_per_second_max * share)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        path = request.url.path
        shown = request.headers.get("authorization") or request.headers.get("cookie")
        if shown and not path.startswith(WITHOUT_SESSION):
            is_search = request.method == "POST" and (path == "/find" or path.endswith("/_search"))
            wait = self._of_session.spend(hash(shown), SEARCH_COSTS if is_search else 1, now=self._clock())
            await self._answer(wait, scope, receive, send)
            return
        address = self._address(request)
        wait = self._of_address.spend(address, now=self._clock()) if address else 0.0
        if wait and not self._of_address.is_told(address, now=self._clock()):
            logs.say(logs.Line.LIMITED, of="address", organisation="")  # A whole hospital may stand behind one.
        # A launch's code has 256 bits, so nobody guesses one; what comes too late or twice is a browser's second fetch.
        is_guess = request.method != "GET" or not path.startswith(ARRIVALS)

        async def send_and_count(message: Message) -> None:
            if address and is_guess and message["type"] == "http.response.start" and message["status"] in WRONG:
                self._of_address.spend(address, WRONG_COSTS, now=self._clock())
            await send(message)

        await self._answer(wait, scope, receive, send_and_count if not wait else send)

    async def _answer(self, wait: float, scope: Scope, receive: Receive, send: Send) -> None:
        if not wait:
            await self._app(scope, receive, send)
            return
        seconds = str(ceil(wait))
        refused = PlainTextResponse(
            TOO_OFTEN.format(seconds=seconds),
            status_code=429,
            headers={"retry-after": seconds, "cache-control": "no-store"},
        )
        await refused(scope, receive, send)

    def _address(self, request: Request) -> str | None:
        """Whose it is: as the proxy before us says, if there is one. None: this machine itself, which is not counted,
        since a proxy that is not told of in the settings would make everybody one."""
        said = request.client.host if request.client else ""
        if self._is_behind_proxy:
            said = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        try:
            return None if ip_address(said).is_loopback else said
        except ValueError:
            return None
