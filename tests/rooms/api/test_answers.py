"""The API by itself: what it answers to what is not right, and that a program needs a token and its scope."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from carerecord import api
from carerecord.disclosure import Found, Looking, Refusal
from carerecord.fhir.references import patient_part
from carerecord.model import Staff
from carerecord.routing import starlette_routes
from carerecord.settings import Settings
from carerecord.signin import ClientAccess, ClientRefusal, ClientToken, Scopes
from carerecord.signin.allowance import SECONDS_OF_BURST, Allowance
from tests.house import AT, BIRTH_DATE, NHS_NUMBER, PROGRAM, REGION

KEY = 2**61 + 7
ID = patient_part(KEY)
NOBODY = Refusal(kind="not-found", sentences=("No person is found.",))
FORM = {"identifier": f"https://fhir.nhs.uk/Id/nhs-number|{NHS_NUMBER}", "birthdate": "1948-03-12"}


class OneDoor:
    """A door behind which one person stands; it can be told to refuse."""

    refusal: Refusal | None = None
    looked: Looking | None = None

    def __init__(self) -> None:
        self.witnessed: list[tuple[str, dict[str, str], Staff | None]] = []

    async def find(
        self, staff: Staff, *, nhs_number: str, birth_date: date | None, route: str, session: str, at: datetime
    ) -> Found | Refusal:
        if (nhs_number, birth_date) != (NHS_NUMBER, BIRTH_DATE):
            return NOBODY
        return Found(patient_key=KEY, name="HARTLEY, Joan", birth_date=birth_date, nhs_number=nhs_number)

    async def patient(self, looking: Looking) -> bytes | Refusal:
        self.looked = looking
        if looking.patient_key != KEY:
            return NOBODY
        return self.refusal or msgspec.json.encode({"resourceType": "Patient", "id": ID})

    async def everything(self, looking: Looking) -> bytes | Refusal:
        return self.refusal or b'{"resourceType":"Bundle","type":"searchset"}'

    async def witness_event(self, kind: str, **said: Any) -> Refusal | None:
        self.witnessed.append((kind, said["detail"], said["staff"]))
        return self.refusal


class TwoClients:
    async def grant(self, form: Mapping[str, str], *, at: datetime) -> ClientToken | ClientRefusal:
        if form.get("client_assertion") == "good":
            return ClientToken(access_token="wide", expires_in=300, scope="system/*.rs")
        return ClientRefusal(error=form.get("error", "invalid_client"), sentence="exp: it has expired.")

    async def find(self, token: str | None, *, at: datetime, cost: float = 1) -> ClientAccess | None:
        scope = {"wide": "system/*.rs", "narrow": "system/Patient.s"}.get(token or "")
        if scope is None:
            return None
        return ClientAccess(id="token-1", staff=PROGRAM, scopes=Scopes.parse(scope), expires_at=at)


class LimitedClients(TwoClients):
    """As the kept ones, with a limit that the settings of a test set low."""

    def __init__(self) -> None:
        self.allowance = Allowance(Settings(program_requests_per_second_max=1))

    async def find(self, token: str | None, *, at: datetime, cost: float = 1) -> ClientAccess | None:
        if cost:
            self.allowance.spend(PROGRAM, at=at, cost=cost)
        return await super().find(token, at=at)


class Parts:
    def __init__(self, door: OneDoor) -> None:
        self.door = door
        self.clients = TwoClients()
        self.region = REGION
        self.settings = Settings(home=Path("home"), public_url="https://record.example")

    def clock(self) -> datetime:
        return AT


@pytest.fixture
def door() -> OneDoor:
    return OneDoor()


@pytest.fixture
def client(door: OneDoor) -> TestClient:
    app = Starlette(routes=starlette_routes(api.routes))
    app.state.parts = Parts(door)
    return TestClient(app, headers={"authorization": "Bearer wide"})


def sentence(response: Any) -> str:
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    assert response.headers["content-type"] == "application/fhir+json"
    assert response.headers["cache-control"] == "no-store"
    said: str = body["issue"][0]["diagnostics"]
    assert said.endswith((".", "body")), said
    return said


def test_a_patient_is_found_by_number_and_birth_date_together(client: TestClient, door: OneDoor) -> None:
    bundle = client.post("/fhir/Patient/_search", data=FORM).json()
    assert (bundle["type"], bundle["total"]) == ("searchset", 1)
    assert bundle["entry"][0]["fullUrl"] == f"https://record.example/fhir/Patient/{ID}"
    assert door.looked is not None
    assert (door.looked.route, door.looked.session, door.looked.evidence.kind) == ("fhir", "token-1", "agreement")


@pytest.mark.parametrize(
    "wrong", [{"birthdate": "1948-03-13"}, {"identifier": "9990000018"}], ids=["wrong birth date", "nobody"]
)
def test_nobody_and_the_wrong_birth_date_get_one_empty_answer(client: TestClient, wrong: dict[str, str]) -> None:
    response = client.post("/fhir/Patient/_search", data={**FORM, **wrong})
    assert response.status_code == 200
    assert response.json() == {"resourceType": "Bundle", "type": "searchset", "total": 0}


@pytest.mark.parametrize("missing", ["identifier", "birthdate"])
def test_a_search_by_half_of_the_two_is_refused(client: TestClient, missing: str) -> None:
    response = client.post("/fhir/Patient/_search", data={name: FORM[name] for name in FORM if name != missing})
    assert response.status_code == 400
    assert "birthdate" in sentence(response)


def test_another_system_of_identifiers_is_refused(client: TestClient) -> None:
    response = client.post("/fhir/Patient/_search", data={**FORM, "identifier": "urn:mrn|1"})
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status", "challenge"),
    [
        ({"authorization": ""}, 401, 'Bearer realm="carerecord"'),
        ({"authorization": "Basic eDp5"}, 401, 'Bearer realm="carerecord"'),
        ({"authorization": "Bearer gone"}, 401, 'Bearer realm="carerecord", error="invalid_token"'),
        (
            {"authorization": "Bearer narrow"},
            403,
            'Bearer realm="carerecord", error="insufficient_scope", scope="system/Patient.r"',
        ),
    ],
)
def test_a_program_needs_a_token_that_covers_what_it_asks(
    client: TestClient, headers: dict[str, str], status: int, challenge: str
) -> None:
    response = client.get(f"/fhir/Patient/{ID}", headers=headers)
    assert (response.status_code, response.headers["www-authenticate"]) == (status, challenge)
    sentence(response)


def test_everything_needs_a_scope_that_covers_every_kind(client: TestClient) -> None:
    assert client.get(f"/fhir/Patient/{ID}/$everything").status_code == 200
    assert client.get(f"/fhir/Patient/{ID}/$everything", headers={"authorization": "Bearer narrow"}).status_code == 403


@pytest.mark.parametrize("own_id", ["1", "AAAAAAAAAAAAA", "aaaaaaaaaaaab", "a" * 300, f"{ID}x"])
def test_an_id_that_is_not_one_of_ours_is_not_found(client: TestClient, own_id: str) -> None:
    response = client.get(f"/fhir/Patient/{own_id}")
    assert response.status_code == 404
    sentence(response)


@pytest.mark.parametrize(
    ("kind", "status"), [("not-allowed", 403), ("reason-needed", 403), ("not-found", 404), ("unavailable", 503)]
)
def test_a_refusal_of_the_door_is_an_outcome_with_its_sentence(
    client: TestClient, door: OneDoor, kind: Any, status: int
) -> None:
    door.refusal = Refusal(kind=kind, sentences=("First.", "Then phone."))
    for path in (f"/fhir/Patient/{ID}", f"/fhir/Patient/{ID}/$everything"):
        response = client.get(path)
        assert response.status_code == status
        assert [issue["diagnostics"] for issue in response.json()["issue"]] == ["First.", "Then phone."]


def test_another_format_is_refused(client: TestClient) -> None:
    by_header = client.get("/fhir/metadata", headers={"accept": "application/fhir+xml"})
    by_parameter = client.get("/fhir/metadata", params={"_format": "xml"})
    for response in (by_header, by_parameter):
        assert response.status_code == 406
        sentence(response)
    assert client.get("/fhir/metadata", params={"_format": "application/fhir+json"}).status_code == 200


def test_a_search_that_is_no_form_is_refused(client: TestClient) -> None:
    response = client.post("/fhir/Patient/_search", json=FORM)
    assert response.status_code == 415
    sentence(response)


def test_a_form_too_large_or_ambiguous_is_refused(client: TestClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/fhir/Patient/_search", content=b"a" * 20_000, headers=form).status_code == 413
    twice = b"birthdate=1948-03-12&birthdate=1950-01-01"
    assert client.post("/fhir/Patient/_search", content=twice, headers=form).status_code == 400
    assert client.post("/fhir/Patient/_search", content=b"a=%ff%fe", headers=form).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/fhir/Observation/1", 404, None),
        ("DELETE", f"/fhir/Patient/{ID}", 405, "GET"),
        ("PUT", "/fhir/metadata", 405, "GET"),
        ("GET", f"/fhir/Patient?identifier={NHS_NUMBER}", 405, ""),
        ("GET", "/fhir/", 404, None),
    ],
)
def test_what_is_not_served_is_said_in_fhir(
    client: TestClient, method: str, path: str, status: int, allow: str | None
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.headers.get("allow")) == (status, allow)
    assert NHS_NUMBER not in sentence(response)


def test_the_capability_statement_lists_exactly_what_the_route_table_serves(client: TestClient) -> None:
    statement = client.get("/fhir/metadata", headers={"authorization": ""}).json()
    patient, audit_event = statement["rest"][0]["resource"]
    assert [each["code"] for each in audit_event["interaction"]] == ["search-type"]
    assert [each["name"] for each in audit_event["searchParam"]] == [
        "patient", "date", "agent", "entity", "agent.identifier", "entity.identifier", "entity-type", "entity-role",
        "source.identifier", "address", "type", "subtype", "outcome",
    ]  # fmt: skip
    assert [each["code"] for each in patient["interaction"]] == ["search-type", "read"]
    assert [each["name"] for each in patient["operation"]] == ["everything"]
    assert [each["name"] for each in patient["searchParam"]] == ["identifier", "birthdate"]
    assert statement["implementation"]["url"] == "https://record.example/fhir"
    smart = client.get("/fhir/.well-known/smart-configuration").json()
    assert smart["token_endpoint"] == "https://record.example/token"
    assert smart["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]


def test_a_token_given_or_refused_is_written_down_and_none_is_given_unwritten(
    client: TestClient, door: OneDoor
) -> None:
    client.post("/token", data={"client_assertion": "good"})
    client.post("/token", data={"client_assertion": "bad"})
    assert door.witnessed == [
        ("signed_in", {"what": "token", "scope": "system/*.rs"}, PROGRAM),
        ("refused", {"what": "token", "rule": "invalid_client"}, None),
    ]
    door.refusal = NOBODY
    response = client.post("/token", data={"client_assertion": "good"})
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "access_token" not in response.json()


def test_a_token_is_given_for_a_good_assertion_and_never_kept_by_a_cache(client: TestClient) -> None:
    response = client.post("/token", data={"client_assertion": "good"})
    assert response.json() == {
        "access_token": "wide",
        "token_type": "bearer",
        "expires_in": 300,
        "scope": "system/*.rs",
    }
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("error", "status"), [("invalid_client", 401), ("invalid_scope", 400)])
def test_no_token_is_given_for_anything_else(client: TestClient, error: str, status: int) -> None:
    response = client.post("/token", data={"client_assertion": "bad", "error": error})
    assert response.status_code == status
    assert response.json() == {"error": error, "error_description": "exp: it has expired."}
    assert client.post("/token", content=b"{}", headers={"content-type": "application/json"}).json()["error"] == (
        "invalid_request"
    )


def test_every_route_says_who_may_call_it() -> None:
    clients = {route.path for route in api.routes if route.access == "client"}
    assert clients == {
        "/fhir/AuditEvent",
        "/fhir/Patient/_search",
        "/fhir/Patient/{id}",
        "/fhir/Patient/{id}/$everything",
    }
    assert json.dumps([route.summary for route in api.routes])


def test_a_program_that_asks_too_often_is_told_when_to_ask_again_and_it_is_witnessed_once(
    client: TestClient, door: OneDoor
) -> None:
    client.app.state.parts.clients = LimitedClients()  # type: ignore[attr-defined]
    answers = [client.get(f"/fhir/Patient/{ID}") for _ in range(SECONDS_OF_BURST + 3)]
    assert [answer.status_code for answer in answers] == [200] * SECONDS_OF_BURST + [429] * 3
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["issue"][0]["code"] == "throttled"
    assert "asked by this program" in sentence(answers[-1])
    refused = [(detail, staff) for kind, detail, staff in door.witnessed if kind == "refused"]
    assert refused == [({"rule": "limit program"}, PROGRAM)]


def test_a_search_counts_as_ten_and_a_token_that_is_given_as_nothing(client: TestClient) -> None:
    client.app.state.parts.clients = LimitedClients()  # type: ignore[attr-defined]
    for _ in range(3):
        given = client.post("/token", data={"client_assertion": "good"})
        assert given.status_code == 200
    searched = [client.post("/fhir/Patient/_search", data=FORM).status_code for _ in range(3)]
    assert searched == [200, 200, 429]
