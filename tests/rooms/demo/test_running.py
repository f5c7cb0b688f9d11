"""One demonstration from start to stop and to start again, beside a stand-in for the record."""

from __future__ import annotations

import asyncio
import io
import socket
import stat
from datetime import datetime

import aiohttp
import msgspec
import pytest

from carerecord.organisations import read_region
from demo.conductor import Conductor, only_one
from demo.plan import CannotStart, Ports, check_ports, make_plan
from demo.progress import Progress
from demo.region import write_region

AT = datetime(2026, 11, 22, 12, 0)


def _free_ports() -> Ports:
    with FreePorts(5) as free:
        return Ports(record=free[0], operator=free[1], provider=free[2], oxford=free[3], mllp=free[4])


class FreePorts:
    """Holds several free ports at once, so that no two are the same."""

    def __init__(self, count: int) -> None:
        self.sockets = [socket.socket() for _ in range(count)]

    def __enter__(self) -> list[int]:
        for each in self.sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in self.sockets]

    def __exit__(self, *_: object) -> None:
        for each in self.sockets:
            each.close()


class ConductorOfStandIn(Conductor):
    record_module = ("tests.rooms.demo.fake_record",)


async def _run_until_ready(plan, *, do=None):
    conductor = ConductorOfStandIn(plan)
    running = asyncio.create_task(conductor.run())
    async with asyncio.timeout(60):
        while not (plan.home / "endpoints.json").exists():
            if running.done():
                return running.result()
            await asyncio.sleep(0.05)
    told = msgspec.json.decode((plan.home / "endpoints.json").read_bytes())
    if do:
        await do(told)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert all(child.is_over for child in conductor.children.values())
    return told


async def test_a_demonstration_starts_says_where_everything_is_stops_and_goes_on_where_it_was(tmp_path, capsys):
    plan = make_plan(tmp_path / "demo", seed=7, people=6, ports=_free_ports(), quiet=True, at=AT)

    async def look(told):
        async with aiohttp.ClientSession() as client:
            for address in (
                told["operator_page"],
                told["neighbours"][0]["address"],
                told["sign_in_provider"]["issuer"],
            ):
                assert (await client.get(address)).status == 200
            page = await (await client.get(told["operator_page"])).text()
            assert "Barts Health" in page
            truth = await (await client.get(f"{told['operator_page']}/truth")).json()
            assert len(truth["people"]) == 6

    told = await _run_until_ready(plan, do=look)
    assert set(told) >= {
        "record", "fhir", "mllp", "sign_in_provider", "neighbours", "operator_page", "staff", "client", "people",
        "truth",
    }  # fmt: skip
    assert isinstance(told["mllp"]["port"], int)
    assert told["client"]["private_key"]["d"]
    out = capsys.readouterr().out
    assert "Ready" in out
    assert "100 %" in out
    received = (plan.home / "carerecord" / "received").read_text().split()
    assert len(received) == len(set(received)) > 100

    again = make_plan(tmp_path / "demo", seed=None, people=None, ports=plan.ports, quiet=True, at=AT)
    assert again.told == plan.told
    told_again = await _run_until_ready(again)
    assert told_again["client"] == told["client"]
    assert (plan.home / "carerecord" / "received").read_text().split() == received


async def test_a_record_that_cannot_start_is_told_with_its_last_words(tmp_path):
    plan = make_plan(tmp_path / "demo", seed=7, people=2, ports=_free_ports(), quiet=True, at=AT)
    conductor = ConductorOfStandIn(plan)
    conductor.record_module = ("json.nothing_here",)
    with pytest.raises(CannotStart, match=r"The record ended before it was ready[\s\S]*nothing_here"):
        await conductor.run()


def test_a_taken_port_is_named_with_what_it_is_for_and_how_to_choose_another():
    with FreePorts(5) as free:
        ports = Ports(record=free[0], operator=free[1], provider=free[2], oxford=free[3], mllp=free[4])
        with pytest.raises(CannotStart, match=f"Port {free[0]}, meant for the record, .*PORT_BASE"):
            check_ports(ports)


def test_a_folder_keeps_its_people_and_refuses_others(tmp_path):
    first = make_plan(tmp_path / "demo", seed=3, people=10, ports=Ports(), quiet=False, at=AT)
    assert make_plan(tmp_path / "demo", seed=None, people=None, ports=Ports(), quiet=False, at=AT).told == first.told
    with pytest.raises(CannotStart, match="holds 10 people of seed 3"):
        make_plan(tmp_path / "demo", seed=None, people=11, ports=Ports(), quiet=False, at=AT)


def test_only_one_demonstration_runs_from_a_folder(tmp_path):
    with only_one(tmp_path), pytest.raises(CannotStart, match="already runs"):
        only_one(tmp_path)


def test_the_region_is_one_that_the_record_can_read_and_its_secrets_are_private(tmp_path):
    keys = write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:9402")
    region = read_region(keys.region)
    assert region.title == "London Care Record"
    assert region.sign_in.issuer == "http://127.0.0.1:9402"
    assert region.find_sender(application="CERNER", facility="R1H").id == "barts"
    assert region.find_sender(application="WINPATH", facility="NELP").id == "nel-pathology"
    assert not region.find_organisation("RTH").in_region
    assert "d" not in region.find_neighbour("https://epr.ouh.example").jwks["keys"][0]
    for path in (*(tmp_path / "keys").iterdir(), keys.sign_in_secret, keys.region):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = keys.oxford.read_bytes()
    write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:9402")
    assert keys.oxford.read_bytes() == before


def test_progress_off_a_terminal_is_plain_lines():
    out = io.StringIO()
    progress = Progress("Loading", out=out)
    for done in range(101):
        progress.show(done, 100)
    lines = out.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1] == "Loading: 100 of 100 messages (100 %)"
