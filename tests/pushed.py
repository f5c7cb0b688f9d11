"""What a source pushes and what programs read: made, sent over a real socket, and compared resource by resource."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import tarfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey

from carerecord import api, assembly, clock, database, signin
from carerecord.fhir.compartments import patient_element
from carerecord.fhir.references import local_id, logical_id, parse_logical_id
from carerecord.organisations import Client, Organisation
from carerecord.organisations.region import SourceEntry
from carerecord.record import dictionary
from carerecord.settings import Settings
from carerecord.signin.store import Store
from tests.house import CLIENT_KEY, PROGRAM, REGION, House, open_house

JSON = {"content-type": "application/fhir+json"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OURS = ("versionId", "lastUpdated", "source")  # of meta: said by the server that a resource is read from

Resource = dict[str, Any]

_KEYS = {"keys": [CLIENT_KEY.as_dict(private=False)]}
PUSHING_REGION = msgspec.structs.replace(
    REGION,
    organisations=(*REGION.organisations, Organisation(ods_code="Y99101", name="Mile End Green", kind="practice")),
    sources=(
        *REGION.sources,
        SourceEntry(id="gp-mile-end", organisation="Y99101", name="Mile End Green Surgery", kind="practice"),
        SourceEntry(id="gp-kilburn", organisation="Y99101", name="Kilburn Lane", kind="practice"),
    ),
    clients=(
        *REGION.clients,
        *(
            Client(
                client_id=source, organisation="Y99101", name=source, jwks=_KEYS, scope="system/*.cruds", source=source
            )
            for source in ("gp-mile-end", "gp-kilburn")
        ),
    ),
)


def read_json(content: bytes | str) -> Any:
    """Numbers as they are written: 5.0 is not 5.00."""
    return json.loads(content, parse_float="number ".__add__, parse_int="number ".__add__)


def bundles_of(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as files:
        for member in files:
            opened = files.extractfile(member) if member.name.endswith(".json") else None
            if opened is not None:
                yield member.name.rpartition("/")[2], opened.read()


def as_read(resource: Resource, *, source: str, key: int, references: Mapping[str, str], patient: str) -> Resource:
    """What is to come out for what went in: ours are the ids, the references, and whose it is."""
    kind = resource["resourceType"]
    expected: Resource = _mapped(resource, references)
    expected["id"] = logical_id(key, local_id(source, kind, resource["id"]))
    if element := patient_element(kind):
        expected[element] = {**expected.get(element, {}), "reference": f"Patient/{patient}"}
    return expected


def _mapped(value: Any, references: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: references.get(item, item)
            if name == "reference" and isinstance(item, str)
            else _mapped(item, references)
            for name, item in value.items()
        }
    return [_mapped(item, references) for item in value] if isinstance(value, list) else value


def without_ours(resource: Resource) -> Resource:
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in OURS}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": meta} if meta else rest


def expected_of(bundle: Resource, *, source: str, key: int) -> dict[str, Resource]:
    """Every resource of a pushed bundle, by the id under which it is to be read."""
    part = logical_id(key, "").rstrip("-")
    references = {}
    for entry in bundle["entry"]:
        resource = entry["resource"]
        kind, own = (
            resource["resourceType"],
            logical_id(key, local_id(source, entry["resource"]["resourceType"], resource["id"])),
        )
        references[entry["fullUrl"]] = f"{kind}/{part if kind == 'Patient' else own}"
    found = {}
    for entry in bundle["entry"]:
        read = as_read(entry["resource"], source=source, key=key, references=references, patient=part)
        found[read["id"]] = without_ours(read)
    return found


def patient_key_of(location: str) -> int:
    parsed = parse_logical_id(location.rpartition("/")[2])
    assert parsed is not None, location
    return parsed[0]


async def token(client: aiohttp.ClientSession, base: str, *, key: ECKey, client_id: str, scope: str) -> str:
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": f"{base}/token",
        "exp": now + 120,
        "jti": f"{now}-{time.monotonic_ns()}",
    }
    kid = key.as_dict()["kid"]
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": jwt.encode({"alg": "ES384", "kid": kid}, claims, key, ["ES384"]),
        "scope": scope,
    }
    async with client.post(f"{base}/token", data=form) as answer:
        assert answer.status == 200, await answer.text()
        given: str = (await answer.json())["access_token"]
        return given


class Pushing:
    """What hears pushes, over a real socket of this machine, beside the rest of the house."""

    def __init__(self, house: House, base: str, client: aiohttp.ClientSession, serve: database.Database) -> None:
        self.house = house
        self.base = base
        self.client = client
        self._store = Store(serve)
        self._numbers = itertools.count()

    async def bearer(self, scope: str = "system/*.cruds", *, client_id: str = "gp-mile-end") -> str:
        given = f"{client_id} {scope} {next(self._numbers)}"
        staff = msgspec.structs.replace(PROGRAM, user_id=client_id)
        await self._store.insert_token(given, staff=staff, scope=scope, at=clock.now(), expires_at=soon())
        return f"Bearer {given}"

    async def send(
        self, method: str, path: str, content: bytes | Resource, *, bearer: str | None = None, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """(status, answer, headers)"""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        told = {**JSON, "authorization": bearer or await self.bearer_once(), **headers}
        async with self.client.request(method, f"{self.base}{path}", data=body, headers=told) as answer:
            return answer.status, json.loads(await answer.read()), answer.headers

    async def bearer_once(self) -> str:
        if not hasattr(self, "_bearer"):
            self._bearer = await self.bearer()
        return self._bearer

    async def kept(self) -> list[dict[str, Any]]:
        """Every original, with its bytes as they came."""
        rows = await self.house.owner.fetch("select * from intake.original order by seq")
        return [{**dict(row), "content": dictionary.decompress(row["content"])} for row in rows]


def soon() -> datetime:
    return clock.now() + timedelta(minutes=5)


@asynccontextmanager
async def pushing(settings: Settings, *, bytes_max: int = 0) -> AsyncIterator[Pushing]:
    chosen = msgspec.structs.replace(settings, listen_message_bytes_max=bytes_max or settings.listen_message_bytes_max)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        async with AsyncExitStack() as stack:
            house = await stack.enter_async_context(open_house(chosen, region=PUSHING_REGION))
            listen = await stack.enter_async_context(database.connect(chosen, "listen"))
            parts = api.PushParts(
                intake=house.intake,
                clients=signin.Clients(listen, PUSHING_REGION, chosen),
                region=PUSHING_REGION,
                settings=chosen,
                clock=clock.now,
                bodies=api.Bodies(chosen, turns=64),
                turns=asyncio.Semaphore(64),
            )
            app = assembly.push_application(parts)
            server = assembly.PushServer(uvicorn.Config(app, log_config=None, lifespan="off"))
            running = asyncio.create_task(server.serve(sockets=[listening]))
            client = await stack.enter_async_context(aiohttp.ClientSession())
            try:
                yield Pushing(house, f"http://127.0.0.1:{listening.getsockname()[1]}", client, house.db)
            finally:
                server.should_exit = True
                await running
