"""Who asks too often waits, and nobody else does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from carerecord.settings import Settings
from carerecord.signin.allowance import SECONDS_OF_BURST
from carerecord.web.limits import Limits

SETTINGS = Settings(session_requests_per_second_max=1, address_requests_per_second_max=2)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def answer(request: Request) -> Response:
    return PlainTextResponse("Here.", status_code=int(request.query_params.get("status", "200")))


def served(clock: Clock, settings: Settings = SETTINGS) -> Starlette:
    routes = [
        Route(path, answer, methods=["GET", "POST"])
        for path in ("/find", "/token", "/launch", "/launch/code", "/summary")
    ]
    return Starlette(routes=routes, middleware=[Middleware(Limits, settings=settings, clock=clock)])


def asking(app: Starlette, address: str, **headers: str) -> TestClient:
    return TestClient(app, client=(address, 5000), headers=headers)


def many(client: TestClient, path: str, *, method: str = "GET", **more: Any) -> int:
    """How many are answered before the first that must wait."""
    for number in range(2000):
        said = client.request(method, path, **more)
        if said.status_code == 429:
            assert int(said.headers["retry-after"]) >= 1
            assert said.text.startswith("Too much was asked")
            return number
    raise AssertionError("nobody was ever asked to wait")


def test_one_session_waits_and_another_does_not() -> None:
    clock = Clock()
    app = served(clock)
    one, other = asking(app, "192.0.2.1", Cookie="a=1"), asking(app, "192.0.2.1", Cookie="a=2")
    assert many(one, "/summary") == SECONDS_OF_BURST
    assert other.get("/summary").status_code == 200
    clock.now += 1
    assert one.get("/summary").status_code == 200


def test_a_search_counts_as_ten() -> None:
    assert many(asking(served(Clock()), "192.0.2.1", Cookie="a=1"), "/find", method="POST") == SECONDS_OF_BURST // 10


def test_who_guesses_waits_soon_and_nobody_elses_way_in_is_shut() -> None:
    app = served(Clock())
    attacker, clinician = asking(app, "192.0.2.66"), asking(app, "192.0.2.1")
    assert many(attacker, "/token?status=401") <= SECONDS_OF_BURST * 2 // 10
    assert clinician.get("/token").status_code == 200
    assert many(asking(app, "192.0.2.77"), "/launch") == SECONDS_OF_BURST * 2


def test_links_that_are_fetched_twice_shut_no_hospital_out_and_a_flood_of_them_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = served(Clock())
    hospital = asking(app, "192.0.2.1")
    assert many(hospital, "/launch/code?status=403") == SECONDS_OF_BURST * 2
    assert [hospital.get("/launch/code").status_code for _ in range(3)] == [429, 429, 429]
    told = [line for line in capsys.readouterr().err.splitlines() if '"LIMITED"' in line]
    assert len(told) == 1
    assert '"of":"address"' in told[0]
    assert "192.0.2.1" not in told[0]
    assert many(asking(app, "192.0.2.2"), "/launch?status=400", method="POST") <= SECONDS_OF_BURST * 2 // 10


def test_a_cookie_that_is_made_up_is_no_way_round_where_there_is_no_session() -> None:
    app = served(Clock())
    answered = [asking(app, "192.0.2.66", Cookie=f"a={n}").get("/token").status_code for n in range(60)]
    assert answered.count(429) == 60 - SECONDS_OF_BURST * 2


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "testclient"])
def test_this_machine_itself_is_not_counted(address: str) -> None:
    client = asking(served(Clock()), address)
    assert {client.get("/launch").status_code for _ in range(100)} == {200}


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_added() -> None:
    app = served(Clock(), msgspec.structs.replace(SETTINGS, serve_behind_proxy=True))
    one = asking(app, "127.0.0.1", **{"X-Forwarded-For": "203.0.113.9, 192.0.2.1"})
    assert many(one, "/launch") == SECONDS_OF_BURST * 2
    pretending = asking(app, "127.0.0.1", **{"X-Forwarded-For": "198.51.100.7, 192.0.2.1"})
    assert pretending.get("/launch").status_code == 429
    assert asking(app, "127.0.0.1", **{"X-Forwarded-For": "192.0.2.2"}).get("/launch").status_code == 200


def test_each_of_two_processes_lets_by_its_half() -> None:
    """The settings say how many serve: what one may ask of all of them together stays what it is."""
    halved = served(Clock(), msgspec.structs.replace(SETTINGS, serve_processes=2))
    assert many(asking(halved, "192.0.2.1", Cookie="a=1"), "/summary") == SECONDS_OF_BURST // 2
    assert many(asking(halved, "192.0.2.1"), "/launch") == SECONDS_OF_BURST
