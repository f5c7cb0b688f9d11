"""The organisation directory tells organisations, where they belong and what became of them, in the ORD's shape."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import date, timedelta

from aiohttp.test_utils import TestClient, TestServer

from carerecord.organisations import read_region
from demo.people.places import PRACTICES
from demo.region import write_region
from demo.systems.ods import ROOT, Directory, OrganisationDirectory, organisations, successions


@asynccontextmanager
async def _directory(fault=None):
    directory = OrganisationDirectory(Directory(host="127.0.0.1", port=8405, fault=fault))
    async with TestClient(TestServer(directory.app())) as client:
        yield client


async def _one(client, code):
    answer = await client.get(f"{ROOT}/organisations/{code}")
    assert answer.status == 200, code
    return (await answer.json())["Organisation"]


async def test_every_organisation_of_the_region_and_every_practice_of_its_people_is_told(tmp_path):
    region = read_region(
        write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:8402").region
    )
    async with _directory() as client:
        for code in {each.ods_code for each in region.organisations} | {practice.code for practice in PRACTICES}:
            told = await _one(client, code)
            assert told["OrgId"]["extension"] == code
            assert told["Status"] == "Active"
            assert [role for role in told["Roles"]["Role"] if role.get("primaryRole")]


def test_every_practice_of_the_invented_people_is_an_organisation_of_the_region(tmp_path):
    region = read_region(
        write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:8402").region
    )
    for practice in PRACTICES:
        organisation = region.find_organisation(practice.code)
        assert (organisation.name, organisation.area) == (practice.name, practice.area)
        assert organisation.in_region == (practice.area == "London")


async def test_a_practice_belongs_to_a_board_that_is_still_there():
    async with _directory() as client:
        for code in ("Y99101", "Y99001", "Y99201", "Y99211"):
            told = await _one(client, code)
            board = told["Rels"]["Rel"][0]
            assert board["id"] == "RE4"
            assert (await _one(client, board["Target"]["OrgId"]["extension"]))["Status"] == "Active"


async def test_a_board_that_ended_names_its_successor_and_both_name_one_succession():
    async with _directory() as client:
        for succession in successions():
            old, new = await _one(client, succession.predecessor), await _one(client, succession.successor)
            assert (old["Status"], new["Status"]) == ("Inactive", "Active")
            assert old["Date"][0]["End"] < new["Date"][0]["Start"] == succession.on.isoformat()
            for told, kind, other in ((old, "Successor", new), (new, "Predecessor", old)):
                found = next(each for each in told["Succs"]["Succ"] if each["uniqueSuccId"] == succession.number)
                assert found["Type"] == kind
                assert found["Target"]["OrgId"] == other["OrgId"]
    assert len([each for each in successions() if each.successor == "Y99801"]) == 2


async def test_what_there_is_none_of_is_left_out():
    async with _directory() as client:
        assert "Succs" not in await _one(client, "RTH")
        assert "GeoLoc" not in await _one(client, "RTH")


async def test_an_unknown_code_a_search_and_a_day_that_is_too_long_ago():
    async with _directory() as client:
        assert (await client.get(f"{ROOT}/organisations/ZZZ99")).status == 404
        assert (await client.get(f"{ROOT}/organisations")).status == 406
        answer = await client.get(f"{ROOT}/organisations", params={"Name": "surgery", "Status": "Active"})
        found = (await answer.json())["Organisations"]
        assert "Y99101" in {each["OrgId"] for each in found}
        assert all("SURGERY" in each["Name"] for each in found)
        long_ago = date.today() - timedelta(days=400)
        assert (await client.get(f"{ROOT}/sync", params={"LastChangeDate": long_ago.isoformat()})).status == 406
        assert (await client.get(f"{ROOT}/sync")).status == 406
        since = date.today() - timedelta(days=180)
        links = (await (await client.get(f"{ROOT}/sync", params={"LastChangeDate": f"{since}"})).json())[
            "Organisations"
        ]
        changed = {link["OrgLink"].rpartition("/")[2] for link in links}
        assert changed == {code for code, each in organisations().items() if each.changed >= since}


async def test_its_operator_can_break_it(tmp_path):
    fault = tmp_path / "ods.fault"
    fault.write_text("unavailable")
    async with _directory(fault) as client:
        assert (await client.get(f"{ROOT}/organisations/RTH")).status == 503
