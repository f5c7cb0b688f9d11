"""How often one session, one program or one address may ask: buckets of this process, refused with 429 and when again.

Nobody's account is ever locked: who asks too often waits, and nobody else does. What a clinician does in a second is
far below these numbers; they stop a script (hazard H18). Each process counts by itself: there is one that serves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_address
from math import ceil

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carerecord.settings import Settings

KEYS_MAX = 65_536  # remembered at once; who has not asked for longest is forgotten first
SECONDS_OF_BURST = 20
WRONG_COSTS = 10  # times as much as what was right: guessing is slow long before it is stopped
SEARCH_COSTS = 10
WITHOUT_SESSION = ("/sign-in", "/token", "/launch")
WRONG = (400, 401, 403, 404)
TOO_OFTEN = "Too much was asked in a short time, so nothing was done: wait {seconds} s, then ask again."


class Buckets:
    """Each key may spend `each_second`, and save up for so many seconds."""

    def __init__(self, each_second: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._each_second = each_second
        self._full = each_second * SECONDS_OF_BURST
        self._clock = clock
        self._left: dict[object, tuple[float, float]] = {}

    def spend(self, key: object, cost: int = 1) -> float:
        """Seconds to wait; 0 where it may be done."""
        now = self._clock()
        left, since = self._left.pop(key, (float(self._full), now))
        left = min(self._full, left + (now - since) * self._each_second)
        wait = 0.0 if left >= 1 else (1 - left) / self._each_second
        self._left[key] = (left - cost if not wait else left, now)
        if len(self._left) > KEYS_MAX:
            del self._left[next(iter(self._left))]
        return wait


class Limits:
    """Counts by the secret that a request shows, else by the address that it comes from."""

    def __init__(self, app: ASGIApp, *, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._is_behind_proxy = settings.serve_behind_proxy
        self._of_session = Buckets(settings.session_requests_per_second_max, clock=clock)
        self._of_address = Buckets(settings.address_requests_per_second_max, clock=clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        path = request.url.path
        shown = request.headers.get("authorization") or request.headers.get("cookie")
        if shown and not path.startswith(WITHOUT_SESSION):
            is_search = request.method == "POST" and (path == "/find" or path.endswith("/_search"))
            wait = self._of_session.spend(hash(shown), SEARCH_COSTS if is_search else 1)
            await self._answer(wait, scope, receive, send)
            return
        address = self._address(request)
        wait = self._of_address.spend(address) if address else 0.0

        async def send_and_count(message: Message) -> None:
            if address and message["type"] == "http.response.start" and message["status"] in WRONG:
                self._of_address.spend(address, WRONG_COSTS)
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
