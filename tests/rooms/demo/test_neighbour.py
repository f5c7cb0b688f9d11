"""Every neighbour's record system mints launches that the record takes, follows its answer, and shows a refusal."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jws
from joserfc.jwk import KeySet

from carerecord.access.policies import read_policies
from carerecord.launch.attestation import verify as verify_attestation
from carerecord.launch.closing import Closing
from carerecord.launch.closing import verify as verify_closing
from carerecord.launch.context_link import verify
from carerecord.organisations import read_region
from carerecord.signin import Launch, peek
from carerecord.stewardship.attestations import Attestation
from demo.people import generate
from demo.region import write_region
from demo.region.write import NEIGHBOUR_ISSUER
from demo.systems.evidence import known, patients
from demo.systems.neighbour import NeighbourSystem, Running
from demo.systems.neighbours import neighbours, read_neighbour

LONDON = ZoneInfo("Europe/London")
AT = datetime(2026, 11, 20, 9, 0, tzinfo=LONDON)
OXFORD = read_neighbour("oxford")
DOCTOR = OXFORD.staff[0]
RECORD = "http://127.0.0.1:8400"
JWT = "application/jwt"
IDS = [neighbour.id for neighbour in neighbours()]


@cache
def _people(count=60):
    return list(generate(7, count))


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """The region and every key, made once."""
    folder = tmp_path_factory.mktemp("keys")
    return write_region(folder / "region", folder / "keys", sign_in_issuer="http://127.0.0.1:8402")


def _oxfords_patients(count=60):
    return patients(OXFORD, known(OXFORD, _people(count)), at=AT)


def _system(keys, neighbour_id="oxford", record=RECORD):
    running = Running(
        id=neighbour_id, key=keys.of(neighbour_id), record=record, record_title="London Care Record",
        host="127.0.0.1", port=8403, seed=7, people=60, until=date(2026, 11, 20),
    )  # fmt: skip
    return NeighbourSystem(running, _people())


@asynccontextmanager
async def _beside_a_record(keys, answer, status):
    launches, attested = [], []

    async def launch(request):
        launches.append((request.content_type, await request.text()))
        return web.json_response(answer, status=status)

    async def attestation(request):
        attested.append((request.content_type, await request.text()))
        return web.json_response({"taken": 1}, status=201)

    record = web.Application()
    record.add_routes([web.post("/launch", launch), web.post("/launch/attestation", attestation)])
    async with TestServer(record) as served:
        system = _system(keys, record=f"http://127.0.0.1:{served.port}")
        async with TestClient(TestServer(system.app())) as client:
            client.launches, client.attested, client.system = launches, attested, system
            yield client


async def _sign_in(client, user="OUH-4410"):
    answer = await client.post("/staff", data={"user": user}, allow_redirects=False)
    assert answer.headers["Location"] == "/patients"


@pytest.mark.parametrize("neighbour_id", IDS)
def test_the_record_takes_the_launch_of_every_member_of_staff_of_every_neighbour(keys, neighbour_id):
    neighbour = read_neighbour(neighbour_id)
    system = _system(keys, neighbour_id)
    region = read_region(keys.region)
    at = datetime.now(UTC)
    patient = next(patient for patient in system.patients() if patient.evidence)
    roles = []
    for staff in neighbour.staff:
        launch = verify(
            system.mint(staff, patient, at=int(at.timestamp())), region=region, audience=f"{RECORD}/launch", at=at
        )
        assert isinstance(launch, Launch), launch
        assert launch.nhs_number == patient.person.nhs_number
        assert launch.evidence.is_strong
        assert launch.staff.organisation == neighbour.organisation
        assert not region.find_organisation(neighbour.organisation).in_region
        roles.append(launch.staff.role)
    assert roles[-1] == "admin"
    assert "admin" not in roles[:-1]
    assert "unknown" not in roles


def test_each_kind_of_neighbour_has_its_own_staff_and_its_own_evidence(keys):
    region = read_region(keys.region)
    roles, evidence = {}, {}
    for neighbour in neighbours():
        listed = patients(neighbour, known(neighbour, _people(400)), at=AT)
        kinds = {patient.evidence.kind for patient in listed if patient.evidence}
        evidence[neighbour.kind] = evidence.get(neighbour.kind, set()) | kinds
        held = {region.roles[staff.role_code] for staff in neighbour.staff}
        roles[neighbour.kind] = roles.get(neighbour.kind, set()) | held
    assert evidence == {
        "hospital": {"appointment", "encounter", "referral"},
        "practice": {"registration", "appointment"},
        "community": {"caseload", "appointment"},
        "ambulance": {"incident"},
        "social-care": {"caseload", "referral"},
    }
    assert roles["practice"] >= {"gp", "pharmacist"}
    assert roles["ambulance"] == {"paramedic", "admin"}
    assert roles["social-care"] == {"social-worker", "admin"}
    assert "mental-health-clinician" in roles["community"]


def test_every_role_of_the_matrix_can_be_held_by_somebody(keys):
    region = read_region(keys.region)
    assert set(region.roles.values()) == set(read_policies().matrix.role) - {"program"}


def test_no_two_neighbours_share_a_member_of_staff_a_key_or_a_look(keys):
    staff = [staff.user_id for neighbour in neighbours() for staff in neighbour.staff]
    assert len(staff) == len(set(staff))
    assert len({keys.of(neighbour_id).read_bytes() for neighbour_id in IDS}) == len(IDS)
    assert len({neighbour.style for neighbour in neighbours()}) == len(IDS)


def test_a_launch_is_signed_with_oxfords_key_and_says_who_whom_and_why(keys):
    patient = _oxfords_patients()[0]
    launch = _system(keys).mint(DOCTOR, patient, at=1_763_629_200)
    public = KeySet.import_key_set(msgspec.json.decode((keys.region.parent / "keys/oxford.jwks.json").read_bytes()))
    signed = jws.deserialize_compact(launch.encode(), public, algorithms=["ES256"])
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


def test_no_two_launches_share_an_id(keys):
    system, patient = _system(keys), _oxfords_patients()[0]
    minted = [system.mint(DOCTOR, patient, at=1_763_629_200) for _ in range(20)]
    ids = {msgspec.json.decode(jws.extract_compact(launch.encode()).payload)["jti"] for launch in minted}
    assert len(ids) == 20


def test_a_launch_without_evidence_names_none(keys):
    patient = next(patient for patient in _oxfords_patients(400) if patient.evidence is None)
    launch = _system(keys).mint(DOCTOR, patient, at=1_763_629_200)
    assert "evidence" not in msgspec.json.decode(jws.extract_compact(launch.encode()).payload)


async def test_the_button_sends_the_browser_to_the_address_that_the_record_gives(keys):
    async with _beside_a_record(keys, {"url": "http://record/launch/c0de", "expires_in": 60}, 201) as client:
        await _sign_in(client)
        number = _oxfords_patients()[0].number
        answer = await client.post(f"/patients/{number}/record", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "http://record/launch/c0de")
        assert client.launches[0][0] == "application/jwt"


async def test_a_refused_launch_is_told_in_its_own_sentence(keys):
    refusal = {"error": "organisation", "sentence": "This neighbour may speak only for RTH. <b>"}
    async with _beside_a_record(keys, refusal, 403) as client:
        await _sign_in(client)
        number = _oxfords_patients()[0].number
        page = await (await client.post(f"/patients/{number}/record")).text()
        assert "did not open for HARTLEY, Joan Margaret (Mrs)" in page
        assert "This neighbour may speak only for RTH. &lt;b&gt;" in page


async def test_a_record_that_does_not_answer_is_told(keys):
    async with TestClient(TestServer(_system(keys, record="http://127.0.0.1:9").app())) as client:
        await _sign_in(client)
        number = _oxfords_patients()[0].number
        assert "It does not answer." in await (await client.post(f"/patients/{number}/record")).text()


@pytest.mark.parametrize("neighbour_id", IDS)
async def test_every_neighbour_shows_its_own_patients_to_its_own_staff_only(keys, neighbour_id):
    system = _system(keys, neighbour_id)
    async with TestClient(TestServer(system.app())) as client:
        answer = await client.get("/patients", allow_redirects=False)
        assert answer.headers["Location"] == "/"
        others = next(each for each in neighbours() if each.id != neighbour_id)
        await client.post("/staff", data={"user": others.staff[0].user_id})
        assert (await client.get("/patients", allow_redirects=False)).headers["Location"] == "/"
        await _sign_in(client, system.neighbour.staff[0].user_id)
        page = await (await client.get("/patients")).text()
        named = [part.split('"')[0] for part in page.split('aria-label="London Care Record of ')[1:]]
        assert len(named) == len(set(named)) == min(100, len(system.patients())) >= 1
        style = await (await client.get("/style.css")).text()
        assert system.neighbour.style in style


async def test_a_patient_is_found_by_the_beginning_of_a_name_or_number_and_never_by_an_address(keys):
    system = _system(keys)
    wanted = system.patients()[1]
    async with TestClient(TestServer(system.app())) as client:
        await _sign_in(client)
        for asked in (wanted.person.name[:9], wanted.person.nhs_number[:8], wanted.number):
            answer = await client.post("/patients", data={"wanted": asked})
            assert wanted.person.name in await answer.text()
            assert str(answer.url).endswith("/patients")
        assert (
            "No patient here begins with that."
            in await (await client.post("/patients", data={"wanted": "Zzyzx"})).text()
        )


async def test_a_neighbour_attests_what_it_launched_once_and_leaves_out_what_named_no_evidence(keys):
    async with _beside_a_record(keys, {"url": "/launch/code", "expires_in": 60}, 201) as client:
        await _sign_in(client)
        listed = client.system.patients()
        named = next(patient for patient in listed if patient.evidence)
        bare = next(patient for patient in listed if not patient.evidence)
        for patient in (named, bare):
            await client.post(f"/patients/{patient.number}/record", allow_redirects=False)
        jtis = [peek(launch).claims["jti"] for _, launch in client.launches]
        await client.system.attest()
        await client.system.attest()  # Nothing is left to say.
        [(kind, compact)] = client.attested
        assert kind == "application/jwt"
        record = client.system.running.record
        said = verify_attestation(
            compact, region=read_region(keys.region), audience=f"{record}/launch/attestation", at=datetime.now(UTC)
        )
        assert isinstance(said, Attestation), said
        assert [(each.jti, each.holds) for each in said.launches] == [(jtis[0], True)]
        assert named.person.nhs_number not in str(said)


# --- The panel beside a patient ---------------------------------------------------------------------------------------


@asynccontextmanager
async def _beside_a_record_that_counts(keys):
    """A record that takes each launch under a code of its own, and is told what closes."""
    launches, closed = [], []

    async def launch(request):
        launches.append(msgspec.json.decode(jws.extract_compact(await request.read()).payload))
        return web.json_response({"url": f"http://record/launch/{len(launches)}", "expires_in": 60}, status=201)

    async def context(request):
        closed.append((request.content_type, await request.text()))
        return web.json_response({"ended": 1})

    record = web.Application()
    record.add_routes([web.post("/launch", launch), web.post("/launch/context", context)])
    async with TestServer(record) as served:
        system = _system(keys, record=f"http://127.0.0.1:{served.port}")
        async with TestClient(TestServer(system.app())) as client:
            await _sign_in(client)
            client.launches, client.system = launches, system
            client.closed = lambda: [_heard(keys, system, compact) for kind, compact in closed if kind == JWT]
            yield client


def _heard(keys, system, compact):
    audience = f"{system.running.record}/launch/context"
    heard = verify_closing(compact, region=read_region(keys.region), audience=audience, at=datetime.now(UTC))
    assert isinstance(heard, Closing), heard
    return heard.event, heard.launch


async def test_the_panel_frames_what_was_launched_for_the_patient_who_is_open(keys):
    async with _beside_a_record_that_counts(keys) as client:
        first = client.system.patients()[0]
        page = await (await client.post(f"/patients/{first.number}/panel")).text()
        assert '<iframe src="http://record/launch/1"' in page
        assert first.person.name in page
        assert client.launches[0]["patient"]["nhs_number"] == first.person.nhs_number
        assert f'name="record-{client.launches[0]["jti"]}"' in page


async def test_turning_to_another_patient_ends_what_was_launched_for_the_one_before_it_opens(keys):
    async with _beside_a_record_that_counts(keys) as client:
        first, second = client.system.patients()[:2]
        await client.post(f"/patients/{first.number}/panel")
        await client.post(f"/patients/{second.number}/panel")
        before, after = (launch["jti"] for launch in client.launches)
        assert client.closed() == [("patient-changed", before)]
        page = await (await client.post("/patient/close")).text()
        assert "My patients" in page
        assert client.closed()[1:] == [("closed", after)]


async def test_drawn_again_the_panel_is_launched_again_and_what_it_showed_is_closed(keys):
    async with _beside_a_record_that_counts(keys) as client:
        number = client.system.patients()[0].number
        await client.post(f"/patients/{number}/panel")
        assert '<iframe src="http://record/launch/2"' in await (await client.get("/patient")).text()
        assert client.closed() == [("closed", client.launches[0]["jti"])]


async def test_another_user_of_the_computer_finds_no_panel_open(keys):
    async with _beside_a_record_that_counts(keys) as client:
        await client.post(f"/patients/{client.system.patients()[0].number}/panel")
        await client.post("/leave")
        assert client.closed() == [("closed", client.launches[0]["jti"])]
        await _sign_in(client, "OUH-7782")
        assert (await client.get("/patient", allow_redirects=False)).headers["Location"] == "/patients"


async def test_a_panel_that_the_record_refuses_says_its_sentence_in_its_place(keys):
    refusal = {"error": "organisation", "sentence": "This neighbour may speak only for RTH. <b>"}
    async with _beside_a_record(keys, refusal, 403) as client:
        await _sign_in(client)
        page = await (await client.post(f"/patients/{_oxfords_patients()[0].number}/panel")).text()
        assert "This neighbour may speak only for RTH. &lt;b&gt;" in page
        assert "<iframe" not in page


async def test_a_system_that_is_not_registered_to_frame_has_no_panel(keys):
    system = _system(keys, "bedfordshire")
    async with TestClient(TestServer(system.app())) as client:
        await _sign_in(client, system.neighbour.staff[0].user_id)
        assert "/panel" not in await (await client.get("/patients")).text()
        assert (await client.post(f"/patients/{system.patients()[0].number}/panel")).status == 404


def test_the_region_names_the_address_from_which_oxford_frames(tmp_path):
    """Wherever the demonstration runs: also where one system's port was another's in the file it is made from."""
    written = write_region(
        tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:8403", panel="http://127.0.0.1:8404"
    )
    region = read_region(written.region)
    assert region.frame_origins_of(NEIGHBOUR_ISSUER) == region.frame_origins == ("http://127.0.0.1:8404",)
    assert region.sign_in.issuer == "http://127.0.0.1:8403"
