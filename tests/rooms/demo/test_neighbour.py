"""Oxford's record system mints launches as agreed, sends the browser where the record says, and shows a refusal."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jws
from joserfc.jwk import KeySet

from demo.people import generate
from demo.region import write_region
from demo.region.write import NEIGHBOUR_ISSUER
from demo.systems.neighbour import Neighbour, NeighbourSystem
from demo.systems.oxford import STAFF, patients

AT = datetime(2026, 11, 20, 9, 0, tzinfo=ZoneInfo("Europe/London"))


def _neighbour(tmp_path, record="http://127.0.0.1:8400"):
    keys = write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:8402")
    return Neighbour(
        name="Oxford University Hospitals", organisation="RTH", issuer=NEIGHBOUR_ISSUER, key=keys.oxford, record=record,
        record_title="London Care Record", host="127.0.0.1", port=8403, seed=7, people=60, until=date(2026, 11, 20),
    )  # fmt: skip


@asynccontextmanager
async def _beside_a_record(tmp_path, answer, status):
    launches = []

    async def launch(request):
        launches.append((request.content_type, await request.text()))
        return web.json_response(answer, status=status)

    record = web.Application()
    record.add_routes([web.post("/launch", launch)])
    async with TestServer(record) as served:
        system = NeighbourSystem(_neighbour(tmp_path, record=f"http://127.0.0.1:{served.port}"))
        async with TestClient(TestServer(system.app())) as client:
            client.launches = launches
            yield client


async def _sign_in(client, user="OUH-4410"):
    answer = await client.post("/staff", data={"user": user}, allow_redirects=False)
    assert answer.headers["Location"] == "/patients"


def _launch(tmp_path, staff, patient):
    system = NeighbourSystem(_neighbour(tmp_path))
    return system.mint(staff, patient, at=1_763_629_200)


def test_a_launch_is_signed_with_oxfords_key_and_says_who_whom_and_why(tmp_path):
    patient = patients(generate(7, 60), at=AT)[0]
    launch = _launch(tmp_path, STAFF[0], patient)
    keys = KeySet.import_key_set(msgspec.json.decode((tmp_path / "region/keys/oxford.jwks.json").read_bytes()))
    signed = jws.deserialize_compact(launch.encode(), keys, algorithms=["ES256"])
    assert signed.headers() == {"alg": "ES256", "kid": "oxford-1", "typ": "carerecord-launch+jwt"}
    claims = msgspec.json.decode(signed.payload)
    assert claims["exp"] - claims["iat"] == 60
    assert (claims["iss"], claims["aud"]) == (NEIGHBOUR_ISSUER, "http://127.0.0.1:8400/launch")
    assert (claims["sub"], claims["organisation"], claims["purpose"]) == ("OUH-4410", "RTH", "TREAT")
    assert claims["patient"] == {
        "nhs_number": patient.person.nhs_number,
        "birth_date": "1948-03-09",
        "family": "Hartley",
    }
    assert claims["evidence"]["kind"] == "appointment"
    assert claims["staff"]["role_code"] == "S8000:G8000:R8000"


def test_no_two_launches_share_an_id(tmp_path):
    system, patient = NeighbourSystem(_neighbour(tmp_path)), patients(generate(7, 2), at=AT)[0]
    minted = [system.mint(STAFF[0], patient, at=1_763_629_200) for _ in range(20)]
    ids = {msgspec.json.decode(jws.extract_compact(launch.encode()).payload)["jti"] for launch in minted}
    assert len(ids) == 20


def test_some_patients_are_shown_by_clinic_ward_and_referral_and_some_by_nothing():
    kinds = [patient.evidence.kind if patient.evidence else None for patient in patients(generate(7, 60), at=AT)]
    assert set(kinds) == {"appointment", "encounter", "referral", None}
    assert len(kinds) == len([person for person in generate(7, 60) if person.oxford_number and person.nhs_number])


def test_a_launch_without_evidence_names_none(tmp_path):
    patient = next(patient for patient in patients(generate(7, 60), at=AT) if patient.evidence is None)
    claims = msgspec.json.decode(jws.extract_compact(_launch(tmp_path, STAFF[0], patient).encode()).payload)
    assert "evidence" not in claims


async def test_the_button_sends_the_browser_to_the_address_that_the_record_gives(tmp_path):
    async with _beside_a_record(tmp_path, {"url": "http://record/launch/c0de", "expires_in": 60}, 201) as client:
        await _sign_in(client)
        number = patients(generate(7, 2), at=AT)[0].number
        answer = await client.post(f"/patients/{number}/record", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "http://record/launch/c0de")
        assert client.launches[0][0] == "application/jwt"


async def test_a_refused_launch_is_told_in_its_own_sentence(tmp_path):
    refusal = {"error": "organisation", "sentence": "This neighbour may speak only for RTH. <b>"}
    async with _beside_a_record(tmp_path, refusal, 403) as client:
        await _sign_in(client)
        number = patients(generate(7, 2), at=AT)[0].number
        page = await (await client.post(f"/patients/{number}/record")).text()
        assert "did not open for HARTLEY, Joan Margaret (Mrs)" in page
        assert "This neighbour may speak only for RTH. &lt;b&gt;" in page


async def test_a_record_that_does_not_answer_is_told(tmp_path):
    async with TestClient(
        TestServer(NeighbourSystem(_neighbour(tmp_path, record="http://127.0.0.1:9")).app())
    ) as client:
        await _sign_in(client)
        number = patients(generate(7, 2), at=AT)[0].number
        assert "It does not answer." in await (await client.post(f"/patients/{number}/record")).text()


async def test_the_list_needs_a_member_of_staff(tmp_path):
    async with TestClient(TestServer(NeighbourSystem(_neighbour(tmp_path)).app())) as client:
        answer = await client.get("/patients", allow_redirects=False)
        assert answer.headers["Location"] == "/"


async def test_every_control_of_the_list_has_a_name_of_its_own(tmp_path):
    async with TestClient(TestServer(NeighbourSystem(_neighbour(tmp_path)).app())) as client:
        await _sign_in(client)
        page = await (await client.get("/patients")).text()
        named = [part.split('"')[0] for part in page.split('aria-label="London Care Record of ')[1:]]
        assert len(named) == len(set(named)) >= 28
