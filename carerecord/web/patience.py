"""A page that does not come in time is answered by one that says whom to phone, and not by a blank."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

# A page takes milliseconds. One that takes this long comes from a database that hangs, which can be for hours; a reader
# who is told phones, and one who looks at a blank page tries again, and goes on without (H18, H19).
SECONDS_MAX = 10.0
Endpoint = Callable[[Request], Awaitable[Response]]
_given_up: set[asyncio.Future[Response]] = set()


class NotInTime(Exception):
    """The record did not answer in time: phone, and try again in a minute."""


def in_time(endpoint: Endpoint) -> Endpoint:
    """What is given up is told to stop and not waited for: a connection that hangs does not answer that either."""

    @functools.wraps(endpoint)
    async def answer(request: Request) -> Response:
        answering = asyncio.ensure_future(endpoint(request))
        try:
            done, _ = await asyncio.wait((answering,), timeout=SECONDS_MAX)
        except asyncio.CancelledError:
            _give_up(answering)
            raise
        if not done:
            _give_up(answering)
            raise NotInTime
        return answering.result()

    return answer


def _give_up(answering: asyncio.Future[Response]) -> None:
    answering.cancel()
    _given_up.add(answering)  # The loop itself holds it weakly.
    answering.add_done_callback(_forget)


def _forget(answering: asyncio.Future[Response]) -> None:
    _given_up.discard(answering)
    if not answering.cancelled():
        answering.exception()  # Taken, or asyncio would print it: the reader was told already.
