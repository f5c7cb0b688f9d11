"""One demonstration from start to stop and to start again, beside a stand-in for the record."""

from __future__ import annotations

import asyncio
import html
import io
import os
import random
import socket
import stat
import subprocess
import sys
from collections import Counter
from datetime import datetime
from importlib.util import find_spec

import aiohttp
import msgspec
import pytest

from carerecord.organisations import read_region
from demo.conductor import Conductor, only_one
from demo.footprint import resident_bytes
from demo.operate import write_operate
from demo.plan import CannotStart, Ports, check_ports, make_plan
from demo.progress import Progress
from demo.region import write_region
from demo.roster import roster
from demo.systems.neighbour import Running
from demo.systems.sending import Sender

AT = datetime(2026, 11, 22, 12, 0)


def _free_ports() -> Ports:
    """Ports below those that the system hands out to connections."""
    while True:
        base = 10_000 + 40 * random.randrange(200)
        ports = Ports(base=base, mllp=base + 39)
        try:
            check_ports(ports)
        except CannotStart:
            continue
        return ports


class ConductorOfStandIn(Conductor):
    """Some of each group: the stand-in hears HL7 v2 alone, and the journeys start everything."""

    record_module = ("tests.rooms.demo.fake_record",)
    some = ("barts", "nel-pathology", "oxford", "beds-gp", "provider", "pds", "ods")

    def _roster(self, keys):
        return [system for system in super()._roster(keys) if system.id in self.some]


async def _run_until_ready(plan, *, do=None):
    conductor = ConductorOfStandIn(plan)
    running = asyncio.create_task(conductor.run())
    async with asyncio.timeout(240):
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


async def _take_a_line_down_and_up(client, plan, operator_page):
    for line, is_down in (("down", True), ("up", False)):
        page = await (await client.post(f"{operator_page}/systems/barts", data={"line": line})).text()
        assert ("line down" in page) == is_down == plan.pause("barts").exists()
    for elsewhere in ({"Origin": "http://elsewhere.example"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}):
        refused = await client.post(f"{operator_page}/systems/barts", data={"line": "down"}, headers=elsewhere)
        assert refused.status == 403
    assert not plan.pause("barts").exists()
    await client.post(f"{operator_page}/systems/pds", data={"fault": "unavailable"})
    front = f"http://127.0.0.1:{plan.ports.pds}/"
    assert (await client.get(front)).status == 503
    await client.post(f"{operator_page}/systems/pds", data={"fault": ""})
    assert (await client.get(front)).status == 200
    assert (await client.post(f"{operator_page}/systems/pds", data={"fault": "fire"})).status == 404
    parts = {name: await (await client.get(f"{operator_page}/truth/{name}")).json() for name in ("barts", "oxford")}
    assert all(each["source"] == "barts" for person in parts["barts"]["people"] for each in person["identities"])
    assert [person["number"] for person in parts["oxford"]["people"]]


async def test_a_demonstration_starts_says_where_everything_is_stops_and_goes_on_where_it_was(tmp_path, capsys):
    plan = make_plan(tmp_path / "demo", seed=7, people=6, ports=_free_ports(), quiet=True, at=AT)

    async def look(told):
        async with aiohttp.ClientSession() as client:
            for address in (
                told["operator_page"],
                *(each["address"] for each in told["neighbours"] if each["id"] in ConductorOfStandIn.some),
                told["sign_in_provider"]["issuer"],
                told["pds"].partition("/personal")[0],
                told["ods"].partition("/ORD")[0],
            ):
                assert (await client.get(address)).status == 200
            page = await (await client.get(told["operator_page"])).text()
            for system in told["systems"]:
                assert system["name"] in html.unescape(page)
            assert "ready after" in page
            await _take_a_line_down_and_up(client, plan, told["operator_page"])
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
    ports = _free_ports()
    for port, what in (
        (ports.base, "the record"),
        (ports.base + 4, "the Personal Demographics Service"),
        (ports.base + 31, "the record system of Hertfordshire adult care"),
        (ports.mllp, "HL7 v2 over MLLP"),
    ):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen()
            with pytest.raises(CannotStart, match=f"Port {port}, meant for {what}, .*PORT_BASE"):
                check_ports(ports)


def test_a_port_that_two_would_share_is_told_before_anything_starts():
    ports = _free_ports()
    with pytest.raises(CannotStart, match=f"Port {ports.base + 10} is meant for .* and for another"):
        check_ports(Ports(base=ports.base, mllp=ports.base + 10))


@pytest.mark.parametrize("given", ["abc", "0", "-1", "65530"])
def test_a_port_that_is_none_is_told_in_a_sentence(given):
    asked = [sys.executable, "-m", "demo"]
    answer = subprocess.run(asked, env={**os.environ, "PORT_BASE": given}, capture_output=True, text=True, check=False)
    assert (answer.returncode, "Traceback" in answer.stderr) == (2, False)
    assert f"{given} is no port from 1 to 65504" in answer.stderr


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("no folder")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(CannotStart, match=r"cannot be made .*--home FOLDER"):
            make_plan(home, seed=None, people=None, ports=Ports(), quiet=True, at=AT)


def test_the_operators_commands_are_written_for_the_record_that_runs(tmp_path):
    plan = make_plan(tmp_path / "a demo", seed=7, people=2, ports=_free_ports(), quiet=True, at=AT)
    keys = write_region(plan.home / "region", plan.home / "keys", sign_in_issuer="http://127.0.0.1:1")
    write_operate(plan, region=keys.region)
    said = subprocess.run([plan.operate, "region"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "gp-mile-end" in said
    assert "list" in subprocess.run([plan.operate, "inbox", "-h"], capture_output=True, text=True, check=True).stdout


def test_no_two_parts_of_a_demonstration_ask_for_the_same_port():
    ports = [port for _, port in Ports().named()]
    assert len(ports) == len(set(ports)) == 20
    assert {8400, 8401, 8402, 8403, 8404, 8405, 8410, 8412, 8421, 8431, 2575} <= set(ports)


def test_a_folder_keeps_its_people_and_refuses_others(tmp_path):
    first = make_plan(tmp_path / "demo", seed=3, people=10, ports=Ports(), quiet=False, at=AT)
    assert make_plan(tmp_path / "demo", seed=None, people=None, ports=Ports(), quiet=False, at=AT).told == first.told
    with pytest.raises(CannotStart, match="holds 10 people of seed 3"):
        make_plan(tmp_path / "demo", seed=None, people=11, ports=Ports(), quiet=False, at=AT)


def test_every_system_of_the_roster_has_a_program_and_a_configuration_that_it_understands(tmp_path):
    plan = make_plan(tmp_path / "demo", seed=7, people=2, ports=Ports(), quiet=True, at=AT)
    keys = write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:8402")
    systems = roster(plan, keys)
    by_group = Counter(system.group for system in systems)
    assert by_group == {"London": 12, "Neighbours": 12, "National services": 4}
    understood = {"London": Sender, "Neighbours": Running}
    for system in systems:
        assert find_spec(f"demo.systems.{system.module}"), system.id
        if configuration := understood.get(system.group):
            told = msgspec.json.encode(system.configuration)
            msgspec.json.decode(told, type=configuration, dec_hook=lambda wanted, told: wanted(told))
    ways = {system.id: {name for name in ("mllp_port", "fhir", "drop_folder") if system.configuration[name]}
            for system in systems if system.group == "London"}  # fmt: skip
    assert ways["barts"] == {"mllp_port"}
    assert ways["uclh"] == {"mllp_port", "fhir"}
    assert ways["london-ambulance"] == {"fhir", "drop_folder"}
    assert ways["london-ucp"] == {"fhir"}
    assert all(ways.values())


def test_memory_is_that_of_a_process_and_of_all_below_it():
    if (alone := resident_bytes()) is None:
        pytest.skip("There is no /proc on this system.")
    child = subprocess.Popen([sys.executable, "-c", "x = b'x' * 50_000_000; print(len(x), flush=True); input()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    child.stdout.readline()
    assert resident_bytes() > alone + 45_000_000
    child.communicate(b"\n")


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
