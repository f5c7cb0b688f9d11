"""What a source pushes and what programs read: made, sent over a real socket, and compared resource by resource."""

from __future__ import annotations

import json
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from joserfc import jwt
from joserfc.jwk import ECKey

from carerecord.fhir.compartments import patient_element
from carerecord.fhir.references import local_id, logical_id, parse_logical_id

JSON = {"content-type": "application/fhir+json"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OURS = ("versionId", "lastUpdated", "source")  # of meta: said by the server that a resource is read from

Resource = dict[str, Any]


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
