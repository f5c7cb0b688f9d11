"""A FHIR client that others wrote gets a token and reads a record, over a real socket, from a real database."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import msgspec
import pytest
import uvicorn
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, OperationOutcome, ResourceNotFound
from joserfc import jwt

from carerecord import assembly
from carerecord.fhir.references import patient_part
from carerecord.organisations import Client, Region
from carerecord.settings import Settings
from tests.house import BIRTH_DATE, CLIENT_KEY, NHS_NUMBER, REGION, House, open_house
from tests.pushed import pushing
from tests.said import allergy, letter, result


@asynccontextmanager
async def served(settings: Settings, region: Region = REGION) -> AsyncIterator[tuple[str, House]]:
    """The whole serving process, but in this one, on a free port of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        chosen = msgspec.structs.replace(settings, public_url=base)
        async with AsyncExitStack() as stack:
            house = await stack.enter_async_context(open_house(chosen))
            parts = await assembly.open_parts(stack, chosen, region)
            server = uvicorn.Server(uvicorn.Config(assembly.application(parts), log_config=None, lifespan="off"))
            running = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                yield base, house
            finally:
                server.should_exit = True
                await running


async def token(base: str, *, scope: str = "system/*.rs", client: str = "renal-registry") -> str:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/fhir/.well-known/smart-configuration") as said:
            address = (await said.json())["token_endpoint"]
        claims = {
            "iss": client,
            "sub": client,
            "aud": address,
            "exp": int(time.time()) + 120,
            "jti": f"{base} {scope} {client}",
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "ES384", "kid": "k1"}, claims, CLIENT_KEY, ["ES384"]),
            "scope": scope,
        }
        async with session.post(address, data=form) as answer:
            assert answer.status == 200, await answer.text()
            given: str = (await answer.json())["access_token"]
            return given


async def search(base: str, authorization: str, **form: str) -> dict[str, object]:
    """fhirpy searches by GET alone; the form of a POST goes through its transport's own arguments."""
    client = AsyncFHIRClient(f"{base}/fhir", authorization=authorization, aiohttp_config={"data": form})
    found: dict[str, object] = await client.execute("Patient/_search", method="post")
    return found


async def test_a_program_reads_a_record_with_a_client_that_others_wrote(settings: Settings) -> None:
    async with served(settings) as (base, house):
        joan = await house.joan()
        await house.remember(
            joan, [allergy("Penicillin"), result("Potassium", "4.90"), letter("Letter", "Hidden.", sensitivity=4)]
        )
        bearer = f"Bearer {await token(base)}"
        client = AsyncFHIRClient(f"{base}/fhir", authorization=bearer)
        metadata = await client.execute("metadata", method="get")
        assert metadata["fhirVersion"] == "4.0.1"
        identifier = f"https://fhir.nhs.uk/Id/nhs-number|{NHS_NUMBER}"
        bundle = await search(base, bearer, identifier=identifier, birthdate=BIRTH_DATE.isoformat())
        assert bundle["total"] == 1
        patient_id = bundle["entry"][0]["resource"]["id"]  # type: ignore[index]
        patient = await client.reference("Patient", patient_id).to_resource()
        assert patient["name"][0]["family"] == "HARTLEY"
        assert patient["birthDate"] == "1948-03-12"
        everything = await client.execute(f"Patient/{patient_id}/$everything", method="get")
        kinds = sorted(entry["resource"]["resourceType"] for entry in everything["entry"])
        assert kinds == ["AllergyIntolerance", "Encounter", "Observation", "OperationOutcome", "Patient"]
        shown = [event["detail"] for event in await house.events() if event["kind"] == "shown"]
        assert [detail["what"] for detail in shown] == ["patient", "patient", "everything"]
        assert shown[-1]["withheld"] == {"LETTERS": 1}


async def test_what_is_refused_is_refused_in_words_that_the_client_can_show(settings: Settings) -> None:
    async with served(settings) as (base, house):
        await house.joan()
        stranger = AsyncFHIRClient(f"{base}/fhir", authorization="Bearer made-up")
        with pytest.raises(AuthorizationError, match="get a new one"):
            await stranger.reference("Patient", "aaaaaaaaaaaaa").to_resource()
        bearer = f"Bearer {await token(base, scope='system/Patient.rs')}"
        client = AsyncFHIRClient(f"{base}/fhir", authorization=bearer)
        with pytest.raises(ResourceNotFound):
            await client.reference("Patient", "eaaaaaaaaaaao").to_resource()
        with pytest.raises(OperationOutcome, match="no address holds them"):
            await client.resources("Patient").search(identifier=NHS_NUMBER).fetch()
        assert (await search(base, bearer, identifier=NHS_NUMBER, birthdate="1948-03-13"))["total"] == 0


async def test_a_privacy_office_follows_the_audit_page_by_page_with_a_client_that_others_wrote(
    settings: Settings,
) -> None:
    keys = {"keys": [CLIENT_KEY.as_dict(private=False)]}
    office = Client(
        client_id="office",
        organisation="R1H",
        name="Privacy office",
        jwks=keys,
        role="privacy-officer",
        scope="system/AuditEvent.rs",
    )
    region = msgspec.structs.replace(REGION, privacy_organisation="R1H", clients=(*REGION.clients, office))
    async with served(settings, region) as (base, house):
        part = patient_part(await house.joan())
        reader = AsyncFHIRClient(f"{base}/fhir", authorization=f"Bearer {await token(base)}")
        for _ in range(4):
            await reader.reference("Patient", part).to_resource()
        bearer = f"Bearer {await token(base, client='office', scope='system/AuditEvent.rs')}"
        events = AsyncFHIRClient(f"{base}/fhir", authorization=bearer).resources("AuditEvent")
        looks = events.search(patient=f"Patient/{part}", subtype="shown").limit(3)
        assert len(await looks.fetch()) == 3  # a page
        shown = [event async for event in looks]
        assert len(shown) == 4
        assert {event["agent"][0]["name"] for event in shown} == {"Renal Registry"}
        assert {event["agent"][0]["who"]["identifier"]["value"] for event in shown} == {"renal-registry"}
        assert (
            len(await events.search(patient=f"Patient/{part}", agent="renal-registry", subtype="shown").fetch_all())
            == 4
        )
        with pytest.raises(OperationOutcome, match="Name a patient"):
            await events.search(subtype="shown").fetch()
        assert [event["detail"]["what"] for event in await house.events() if event["kind"] == "examined"] != []


async def test_a_system_pushes_with_a_client_that_others_wrote_and_reads_it_back(settings: Settings) -> None:
    async with pushing(settings) as it, served(settings) as (base, _):
        bearer = await it.bearer()
        client = AsyncFHIRClient(f"{it.base}/fhir", authorization=bearer)
        patient = client.resource(
            "Patient",
            id="p-17",
            identifier=[{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS_NUMBER}],
            name=[{"family": "Hartley", "given": ["Joan"]}],
            birthDate=BIRTH_DATE.isoformat(),
        )
        weight = client.resource(
            "Observation",
            id="w-1",
            status="final",
            code={"text": "Weight"},
            subject=patient.to_reference(),
            valueQuantity={"value": 70.5, "unit": "kg"},
        )
        entries = [
            {
                "resource": each.serialize(),
                "request": {"method": "PUT", "url": f"{each.resource_type}/{each.id}"},
            }
            for each in (patient, weight)
        ]
        transaction = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = await client.execute("", method="post", data=transaction)
        assert [entry["response"]["status"] for entry in answer["entry"]] == ["200 OK", "200 OK"]
        height = client.resource(
            "Observation", status="final", code={"text": "Height"}, subject=patient.to_reference(), valueString="164 cm"
        )
        assert (await client.execute("Observation", method="post", data=height.serialize()))["resourceType"]
        wrong = client.resource("Observation", status="invented", code={"text": "x"}, subject=patient.to_reference())
        with pytest.raises(OperationOutcome, match="status"):
            await wrong.save()
        reader = AsyncFHIRClient(f"{base}/fhir", authorization=f"Bearer {await token(base)}")
        part = answer["entry"][0]["response"]["location"].rpartition("/")[2].partition("-")[0]
        everything = await reader.execute(f"Patient/{part}/$everything", method="get")
        found = [entry["resource"] for entry in everything["entry"]]
        assert sorted(each["code"]["text"] for each in found if each["resourceType"] == "Observation") == [
            "Height",
            "Weight",
        ]
