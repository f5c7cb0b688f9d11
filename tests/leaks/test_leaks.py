"""Every route, by everybody, about everybody: nothing comes that is hidden, everything comes that is due.

One campaign (`campaign.py`) is run for all tests of this file, through the application that is served, with its own
PostgreSQL, against a second reading of the documents (`oracle.py`).
"""

from __future__ import annotations

import asyncio
import math
import socket
import statistics
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest
import uvicorn

from carerecord.settings import Settings
from tests.conftest import fresh_database
from tests.leaks.campaign import Campaign, campaigning
from tests.leaks.filling import DEEP
from tests.leaks.judging import masked
from tests.leaks.oracle import HEADINGS, LABELS
from tests.leaks.readers import open_chart, readers
from tests.leaks.recipes import ends_a_case, name_of, served, without_recipe

COMBINATIONS_MIN = 20_000


class Done(msgspec.Struct, frozen=True):
    campaign: Campaign
    over_a_socket: list[tuple[bytes, bytes]]  # the same asked of a server, and of the application


@pytest.fixture(scope="module")
def done(test_server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    with fresh_database(test_server, tmp_path_factory.mktemp("leaks")) as settings:
        yield asyncio.run(_campaign(settings))


async def _campaign(settings: Settings) -> Done:
    async with campaigning(settings, plain=2) as campaign:
        await campaign.compare()
        await campaign.run(all_routes_one_in=17, opened_one_in=7, refused_one_in=3)
        sample = await _over_a_socket(campaign)
    return Done(campaign, sample)


async def _over_a_socket(campaign: Campaign) -> list[tuple[bytes, bytes]]:
    place = campaign.place
    server = uvicorn.Server(
        uvicorn.Config(place.app, log_config=None, access_log=False, server_header=False, lifespan="off")
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        pairs = []
        async with httpx2.AsyncClient(headers={"accept-encoding": "gzip"}) as client:
            for name in (DEEP, "restricted-0", "objects-0", "unlinked-b"):
                for reader in readers()[:12:3]:
                    someone = place.people[name]
                    chart = await open_chart(place, someone, reader)
                    path = f"{chart.base}/summary"
                    cookie = "; ".join(f"{key}={value}" for key, value in chart.cookies.items())
                    sent = await client.get(base + path, headers={"cookie": cookie})
                    asked = await place.ask("GET", path, cookies=chart.cookies)
                    pairs.append(tuple(masked(body, someone, "-" * 13) for body in (sent.content, asked.body)))
        server.should_exit = True
        await serving
    return [(sent, asked) for sent, asked in pairs]


def test_every_route_is_asked_for_by_a_recipe() -> None:
    assert without_recipe() == [], "Write a recipe for each in tests/leaks/recipes.py."


def test_no_answer_holds_anything_that_is_hidden_or_of_somebody_else(done: Done) -> None:
    assert done.campaign.judge.leaks == []


def test_everything_that_is_due_comes(done: Done) -> None:
    assert done.campaign.judge.denials == []


def test_a_record_that_hides_something_is_byte_for_byte_one_that_never_held_it(done: Done) -> None:
    twins = done.campaign.twins
    assert twins.compared > 500
    assert twins.different == []


def test_nothing_that_is_asked_fails_inside(done: Done) -> None:
    assert done.campaign.judge.faults == []


def test_the_combinations_are_as_many_as_promised_and_every_route_is_among_them(done: Done) -> None:
    combinations = done.campaign.judge.combinations
    assert len(combinations) >= COMBINATIONS_MIN
    asked = {route for route, _, _, _ in combinations}
    unasked = {name_of(route) for route in served() if not (route.access == "desk" and ends_a_case(route))} - asked
    assert unasked == set()


def test_every_heading_with_every_label_stands_in_the_record_and_one_item_in_five_refers_to_somebody_else(
    done: Done,
) -> None:
    deep = done.campaign.place.people[DEEP]
    held = {(item.heading, label) for item in deep.items for label in item.labels or ("",)}
    assert held == {(heading, label) for heading in HEADINGS for label in ("", *LABELS)}
    for someone in done.campaign.place.people.values():
        if len(someone.items) > 25 and someone.name not in ("plain-0", "merged", "changed", "unlinked-b"):
            referring = [item for item in someone.items if item.refers]
            assert abs(len(referring) / len(someone.items) - 1 / 5) < 0.1, someone.name


def test_over_a_real_socket_the_same_bytes_come(done: Done) -> None:
    assert len(done.over_a_socket) >= 12
    for sent, asked in done.over_a_socket:
        assert sent == asked


def test_the_time_that_hiding_takes_is_told(done: Done, record_property: object) -> None:
    """No bar: what a shared machine takes says nothing. Both are drawn by the same code from the same statements."""
    twins = done.campaign.twins
    assert len(twins.hiding) == len(twins.plain)
    ratio = statistics.median(twins.hiding) / statistics.median(twins.plain)
    assert math.isfinite(ratio)


def test_this_suite_says_what_it_is_in_the_guide_for_contributors() -> None:
    assert "`leaks`" in (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
