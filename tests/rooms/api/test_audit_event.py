"""A privacy office reads the audit as FHIR AuditEvents; that it did stands in the audit before it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import asyncpg
import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from carerecord import api, audit, clock, database
from carerecord.audit import Kind
from carerecord.audit.audit_event import SHAPES, audit_event
from carerecord.audit.events import read_events_witnessed
from carerecord.fhir.references import patient_part
from carerecord.fhir.validate import validate
from carerecord.model import Evidence, EvidenceClass, Staff
from carerecord.routing import starlette_routes
from carerecord.settings import Settings
from carerecord.signin import ClientAccess, Scopes
from carerecord.stewardship import examining
from carerecord.stewardship.examining import Examining
from tests.house import OXFORD, PROGRAM, REGION, House, looking, open_house

OFFICE = msgspec.structs.replace(PROGRAM, user_id="privacy-office", role="privacy-officer", organisation="R1H")
SCOPES = {
    "office": (OFFICE, "system/AuditEvent.rs"),
    "narrow": (OFFICE, "system/Patient.rs"),
    "neighbour": (msgspec.structs.replace(OFFICE, organisation="RAL"), "system/AuditEvent.rs"),
    "registry": (PROGRAM, "system/*.rs"),
}
LED = msgspec.structs.replace(REGION, privacy_organisation="R1H")


class Tokens:
    async def find(self, token: str | None, *, at: datetime, cost: float = 1) -> ClientAccess | None:
        staff, scope = SCOPES[token or ""]
        return ClientAccess(id=f"token-{token}", staff=staff, scopes=Scopes.parse(scope), expires_at=at)


class Office:
    """The API as such programs meet it."""

    def __init__(self, house: House, examining: Examining) -> None:
        self.house = house
        self.region = LED
        self.settings = Settings(public_url="https://record.example")
        self.clients = Tokens()
        self.examining = examining
        app = Starlette(routes=starlette_routes(api.routes))
        app.state.parts = self
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://record.example")

    def clock(self) -> datetime:
        return clock.now()

    async def get(self, query: dict[str, Any] | str, token: str = "office") -> httpx2.Response:
        address = query if isinstance(query, str) else "/fhir/AuditEvent"
        params = None if isinstance(query, str) else query
        return await self.client.get(address, params=params, headers={"authorization": f"Bearer {token}"})

    async def found(self, query: dict[str, Any], token: str = "office") -> list[dict[str, Any]]:
        answer = await self.get(query, token)
        assert answer.status_code == 200, answer.text
        assert validate(answer.content) == []
        return [entry["resource"] for entry in answer.json().get("entry", ())]


@asynccontextmanager
async def office(settings: Settings) -> AsyncIterator[tuple[Office, int]]:
    async with (
        open_house(settings) as house,
        database.connect(settings, "serve") as db,
        audit.Writer.open(db) as writer,
    ):
        key = await house.joan()
        await house.door.summary(looking(key))
        yield Office(house, Examining(db, writer, LED, public_url="https://record.example")), key


WATCHED = ["shown", "opened", "searched"]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["subtype"][1]["code"] for event in events]


async def test_who_looked_at_a_person_is_told_and_that_it_was_asked_is_in_the_audit_first(settings: Settings) -> None:
    async with office(settings) as (at, key):
        events = await at.found({"patient": f"Patient/{patient_part(key)}"})
        assert kinds(events) == ["examined", "shown", "opened", "searched"]
        shown = events[1]
        reader = shown["agent"][0]
        assert (reader["name"], reader["who"]["identifier"]["value"]) == (OXFORD.name, OXFORD.user_id)
        assert shown["entity"][0]["what"]["reference"] == f"https://record.example/fhir/Patient/{patient_part(key)}"
        assert shown["meta"]["profile"] == [
            "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"
        ]
        (look,) = [event for event in await at.house.events() if event["kind"] == "examined"]
        assert (look["patient_key"], look["session"], look["purpose"]) == (key, "token-office", "PATADMIN")


async def test_events_are_found_by_day_kind_and_reader(settings: Settings) -> None:
    async with office(settings) as (at, key):
        today = clock.now().date()
        by = {"date": f"ge{today - timedelta(days=1)}"}
        assert kinds(await at.found({**by, "subtype": "shown,opened"})) == ["shown", "opened"]
        assert kinds(await at.found({**by, "agent": OXFORD.user_id})) == ["shown", "opened", "searched"]
        assert kinds(await at.found({**by, "agent": "5550"})) == []
        assert await at.found({"date": str(today - timedelta(days=2))}) == []
        patient = patient_part(key)
        assert await at.found({"patient": patient, "date": f"lt{today - timedelta(days=1)}"}) == []


BASE = "https://record.example/fhir"
AUTHZ = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"
DCM = "http://dicom.nema.org/resources/ontology/DCM"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"outcome": "0"}, ["examined", "shown", "opened", "searched"]),
        ({"outcome": "4"}, ["refused"]),
        ({"outcome": "0,4", "type": f"{DCM}|110113"}, ["refused", "opened"]),
        ({"outcome": "8"}, []),
        ({"type": "rest"}, ["shown", "searched"]),
        ({"type": "rest", "subtype": "search-type"}, ["searched"]),
        ({"subtype": f"{AUTHZ}|AuthZ-Role"}, ["refused", "opened"]),
        ({"subtype": "opened", "outcome": "4"}, []),
        ({"entity-type": "1", "subtype": "shown,opened,searched"}, ["shown", "opened", "searched"]),
        ({"entity-type": "3"}, []),
        ({"entity-role": "24"}, ["searched"]),
        ({"entity-role": "4", "type": "rest"}, ["shown"]),
        ({"entity-role": "http://terminology.hl7.org/CodeSystem/object-role|24"}, ["searched"]),
        ({"entity-role": "urn:another|24"}, []),
        ({"agent.identifier": f"https://fhir.nhs.uk/Id/sds-user-id|{OXFORD.user_id}", "outcome": "0"}, WATCHED),
        ({"agent.identifier": "https://fhir.nhs.uk/Id/ods-organization-code|RTH", "outcome": "0"}, WATCHED),
        ({"agent.identifier": "urn:carerecord:client|privacy-office"}, ["examined"]),
        ({"agent.identifier": "nobody"}, []),
        ({"address": BASE, "type": "rest"}, ["shown", "searched"]),
        ({"address": BASE, "subtype": "opened"}, []),
        ({"source.identifier": f"urn:ietf:rfc:3986|{BASE}", "type": "rest"}, ["shown", "searched"]),
        ({"source.identifier": "urn:ietf:rfc:3986|https://another.example/fhir"}, []),
        ({"entity.identifier": "urn:carerecord:session|s-1", "outcome": "0"}, ["shown", "opened"]),
        ({"entity.identifier": "urn:carerecord:session|s-2"}, []),
    ],
)
async def test_events_are_found_by_what_the_standard_searches_by(
    settings: Settings, asked: dict[str, str], found: list[str]
) -> None:
    async with office(settings) as (at, key):
        denied = msgspec.structs.replace(OXFORD, role="unknown", user_id="other")
        await at.house.door.summary(looking(key, staff=denied))
        got = kinds(await at.found({"patient": patient_part(key), **asked}))
        assert got == found, got


async def test_what_was_shown_is_found_by_its_snapshot_and_the_person_as_an_entity(settings: Settings) -> None:
    async with office(settings) as (at, key):
        await at.house.door.summary(looking(key))
        entity = {"entity": f"Patient/{patient_part(key)}"}
        shown = (await at.found({**entity, "subtype": "shown"}))[0]
        (what,) = [each["what"]["identifier"] for each in shown["entity"] if each["role"]["code"] == "4"]
        again = await at.found({**entity, "entity.identifier": f"{what['system']}|{what['value']}"})
        assert {event["id"] for event in again} >= {shown["id"]}
        assert kinds(again) == ["shown"] * len(again)


async def test_what_is_rare_is_found_over_several_pages_and_none_is_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examining, "READ_AT_ONCE", 3)
    monkeypatch.setattr(examining, "READ_MAX", 6)
    async with office(settings) as (at, key):
        for number in range(7):
            session = "s-rare" if number in (1, 5) else "s-often"
            await at.house.door.summary(looking(key, session=session))
        answer = await at.get({"patient": patient_part(key), "entity.identifier": "urn:carerecord:session|s-rare"})
        met, pages = [], 0
        while True:
            pages += 1
            met += [entry["resource"]["id"] for entry in answer.json().get("entry", ())]
            link = {each["relation"]: each["url"] for each in answer.json()["link"]}
            if "next" not in link:
                break
            answer = await at.get(link["next"])
        assert (len(met), len(set(met))) == (4, 4)
        assert pages > 2


async def test_pages_follow_each_other_without_losing_or_repeating_any(settings: Settings) -> None:
    async with office(settings) as (at, key):
        for _ in range(4):
            await at.house.door.summary(looking(key))
        patient, met = patient_part(key), []
        answer = await at.get({"patient": patient, "_count": "3", "subtype": "opened,shown"})
        while True:
            body = answer.json()
            met += [entry["resource"]["id"] for entry in body["entry"]]
            link = {each["relation"]: each["url"] for each in body["link"]}
            if "next" not in link:
                break
            named = dict(parse_qsl(urlsplit(link["next"]).query))
            assert set(named) == {"patient", "_count", "subtype", "_page"}
            assert len(named["_page"]) == 27
            answer = await at.get(link["next"])
        assert len(met) == len(set(met)) == 10


@pytest.mark.parametrize(
    ("token", "status"), [("narrow", 403), ("registry", 403)], ids=["without the scope", "without the role"]
)
async def test_others_are_refused_and_the_refusal_of_a_role_is_witnessed(
    settings: Settings, token: str, status: int
) -> None:
    async with office(settings) as (at, key):
        answer = await at.get({"patient": patient_part(key)}, token)
        assert answer.status_code == status
        assert answer.json()["resourceType"] == "OperationOutcome"
        refusals = [event for event in await at.house.events() if event["kind"] == "refused"]
        assert len(refusals) == (token == "registry")


async def test_another_organisations_office_sees_the_looks_of_its_own_readers_alone(settings: Settings) -> None:
    async with office(settings) as (at, key):
        assert kinds(await at.found({"patient": patient_part(key)}, "neighbour")) == ["examined"]
        staff = msgspec.structs.replace(OXFORD, organisation="RAL", organisation_name="Royal Free")
        await at.house.door.summary(looking(key, staff=staff))
        found = kinds(await at.found({"patient": patient_part(key)}, "neighbour"))
        assert found == ["examined", "shown", "opened", "examined"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"date": "ge2026-01-01", "agent": "x"},
        {"patient": "9990123454"},
        {"patient.identifier": "https://fhir.nhs.uk/Id/nhs-number|9990123454"},
        {"patient": "Patient/aaaaaaaaaaaaa", "date": "about noon"},
        {"date": "2026-11-22T09:00:00"},
        {"date": "ne2026-11-22"},
        {"date": "9999-12-31"},
        {"date": "ge0001-01-01T00:00:00+14:00"},
        {"date": "2026-11-22", "_count": "9" * 5_000},
        {"date": "2026-11-22", "subtype": "peeked"},
        {"date": "2026-11-22", "agent": "urn:x|y"},
        {"date": "2026-11-22", "_count": "many"},
        {"date": "2026-11-22", "outcome": "success"},
        {"date": "2026-11-22", "type": "unheard-of"},
        {"date": "2026-11-22", "entity": "Observation/1"},
        {"date": "2026-11-22", "entity.identifier": "https://fhir.nhs.uk/Id/nhs-number|9990123454"},
        {"date": "2026-11-22", "entity.identifier": "urn:carerecord:session|"},
        {"date": "2026-11-22", "address": "192.0.2.7"},
        {"date": "2026-11-22", "action": "R"},
        {"date": "2026-11-22", "_page": "AAAA"},
    ],
)
async def test_a_search_that_cannot_be_served_says_what_to_send(settings: Settings, query: dict[str, str]) -> None:
    async with office(settings) as (at, _):
        answer = await at.get(query)
        assert answer.status_code == 400
        said = answer.json()["issue"][0]["diagnostics"]
        assert said.endswith(".")
        assert "9990123454" not in said


async def test_the_process_that_serves_reads_no_event_without_a_witness_of_this_minute(settings: Settings) -> None:
    async with office(settings) as (at, key):
        await at.found({"patient": patient_part(key)})
        (look,) = [event for event in await at.house.events() if event["kind"] == "examined"]
        (opened,) = [event for event in await at.house.events() if event["kind"] == "opened"]
        for event, patient_key in ((opened, key), (look, 0), (look, key + 1)):
            witness = audit.Witness(
                patient_key=patient_key, stream=event["stream"], seq=event["seq"], recorded_at=event["recorded_at"]
            )
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await read_events_witnessed(at.house.db, witness=witness, limit=5)
        await at.house.owner.execute("update audit.event set recorded_at = recorded_at - interval '2 minutes'")
        stale = audit.Witness(patient_key=key, stream=look["stream"], seq=look["seq"], recorded_at=look["recorded_at"])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await read_events_witnessed(at.house.db, witness=stale, limit=5)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("about", [0, 2**61 + 7])
@pytest.mark.parametrize(
    "staff", [None, OXFORD, PROGRAM, msgspec.structs.replace(OXFORD, organisation="", role_code="")]
)
def test_every_kind_of_event_is_a_valid_resource(kind: Kind, about: int, staff: Staff | None) -> None:
    event = audit.StoredEvent(
        patient_key=about,
        stream=3,
        seq=77,
        recorded_at=clock.now(),
        kind=kind,
        staff=staff,
        purpose="TREAT",
        evidence=Evidence(kind=EvidenceClass.ENCOUNTER, id="V1"),
        decision={"kind": "permit", "policies": ["relationship"], "policy_version": "7"},
        about=(3, 76),
        snapshot=b"\x01" * 32,
        detail={"what": "summary", "count": 3, "withheld": {"sealed": 1}, "at": "2026-11-22T09:12:00Z"},
        route="launch",
        session="s-1",
        hash=bytes(32),
    )
    resource = audit_event(event, base="https://record.example/fhir", site="London Care Record")
    assert validate(msgspec.json.encode(resource)) == []
    token = msgspec.structs.replace(event, detail={"what": "token"})
    assert validate(msgspec.json.encode(audit_event(token, base="", site="x"))) == []
    assert set(SHAPES) == set(Kind)
