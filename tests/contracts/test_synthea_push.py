"""150 synthetic records that others generated, pushed as they are: each resource comes out once, as it went in.

A dozen go over HTTP into a running system and are read back with $everything; all of them go through the same
translation, storage and Bundle without a socket. CARERECORD_PUSH_ALL=1 sends every one over HTTP.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import aiohttp
import pytest

from carerecord.disclosure.programs import everything_bundle
from carerecord.formats import fhir
from carerecord.model import Original, OriginalReference, Person, Source
from carerecord.record.chunk import Said, pack, pack_folded, unpack, unpack_folded
from carerecord.sensitivity import labelled
from tests.pushed import JSON, bundles_of, expected_of, patient_key_of, read_json, token, without_ours
from tests.system import System, free_port

pytestmark = pytest.mark.foreign

SOURCE = Source(id="synthea", organisation="R1H", name="Synthea")
AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
KEY, IDENTITY = 4611686018427387904, 7
SENT = 12
REGION_MORE = """
[[source]]
id = "synthea"
organisation = "R1H"
name = "Synthea"

[[client]]
client_id = "synthea"
organisation = "R1H"
name = "Synthea"
jwks_file = "client.jwks.json"
scope = "system/*.cruds"
source = "synthea"
"""


@pytest.fixture(scope="module")
def bundles(foreign_data: Path) -> dict[str, bytes]:
    return dict(bundles_of(foreign_data / "synthea-r4-2019.tar.xz"))


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    port = free_port()
    made = System(environment={"CARERECORD_LISTEN_FHIR_PORT": str(port)}, region_more=REGION_MORE)
    with made:
        yield made


def is_directory(name: str) -> bool:
    return name.startswith(("hospitalInformation", "practitionerInformation"))


def chosen(bundles: dict[str, bytes]) -> list[str]:
    """The two directories; the largest; those whose names are not plain ASCII; and some more."""
    people = sorted(name for name in bundles if not is_directory(name))
    if os.environ.get("CARERECORD_PUSH_ALL"):
        return sorted(bundles)
    largest = sorted(people, key=lambda name: len(bundles[name]))[-2:]
    foreign = [name for name in people if not name.isascii()][:4]
    first = dict.fromkeys([*filter(is_directory, bundles), *largest, *foreign, *people])
    return list(first)[:SENT]


async def test_what_is_pushed_is_read_back_once_and_as_it_was(bundles: dict[str, bytes], system: System) -> None:
    port = system.environment["CARERECORD_LISTEN_FHIR_PORT"]
    async with aiohttp.ClientSession() as client:
        for name in chosen(bundles):
            bearer = await token(client, system.url, key=system.client, client_id="synthea", scope="system/*.cruds")
            headers = {**JSON, "authorization": f"Bearer {bearer}"}
            answers = []
            for _ in range(2):
                async with client.post(f"http://127.0.0.1:{port}/fhir", data=bundles[name], headers=headers) as said:
                    assert said.status == 200, await said.text()
                    answers.append(await said.read())
            assert answers[0] == answers[1], "the same push gets the same answer again"
            if is_directory(name):
                assert read_json(answers[0])["resourceType"] == "OperationOutcome"
                continue
            pushed, answer = read_json(bundles[name]), read_json(answers[0])
            assert len(answer["entry"]) == len(pushed["entry"])
            locations = [entry["response"]["location"] for entry in answer["entry"]]
            key = patient_key_of(locations[0])
            wanted = expected_of(pushed, source="synthea", key=key)
            assert {where.rpartition("/")[2] for where in locations} == set(wanted)
            part = locations[0].rpartition("/")[2].partition("-")[0]
            async with client.get(f"{system.url}/fhir/Patient/{part}/$everything", headers=headers) as said:
                assert said.status == 200, await said.text()
                compare(await said.read(), wanted, part=part, withheld=sensitive(bundles[name], part=part))
    assert "MESSAGE_PARKED" not in system.log()


def sensitive(content: bytes, *, part: str) -> frozenset[str]:
    """What bears a label by its code, such as antenatal tests for infections: no program is given it, nor its id."""
    original = Original(source=SOURCE.id, content=content, received_at=AT, control_id="POST", format="fhir")
    reading = labelled(fhir.translate(original, source=SOURCE), source=SOURCE)
    return frozenset(f"{part}-{statement.local_id}" for statement in reading.statements if statement.sensitivity)


def compare(everything: bytes, wanted: dict[str, object], *, part: str, withheld: frozenset[str] = frozenset()) -> None:
    first, *entries = [
        entry["resource"] for entry in read_json(everything)["entry"] if entry["search"]["mode"] == "match"
    ]
    assert first["id"] == part
    assert [link["other"]["reference"].partition("-")[0] for link in first["link"]] == [f"Patient/{part}"]
    found = {resource["id"]: without_ours(resource) for resource in entries}
    assert len(found) == len(entries), "each once"
    assert found.keys() == wanted.keys() - withheld
    assert len(withheld) < len(wanted) / 20
    for own_id, resource in found.items():
        assert not any(gone in str(resource) for gone in withheld)
        if not any(gone in str(wanted[own_id]) for gone in withheld):
            assert resource == wanted[own_id]


def test_every_bundle_comes_out_as_it_went_in(bundles: dict[str, bytes]) -> None:
    """Translated, packed as for the log, folded, and made a Bundle."""
    about_nobody = 0
    for name, content in bundles.items():
        reading = fhir.translate(
            Original(source=SOURCE.id, content=content, received_at=AT, control_id="POST", format="fhir"), source=SOURCE
        )
        assert reading.problems == (), name
        if reading.about_nobody:
            about_nobody += 1
            continue
        subject = reading.subject
        assert subject is not None
        said = Said(IDENTITY, SOURCE.id, OriginalReference(date(2026, 11, 22), 1), AT)
        stored = unpack(*pack(reading.statements), patient_key=KEY, said=said)
        folded = unpack_folded(*pack_folded(stored), patient_key=KEY)
        person = Person(patient_key=KEY, identities={IDENTITY: KEY}, subject=subject, said_by=SOURCE.id, said_at=AT)
        out = everything_bundle(person, folded, answers=(), base="", at=AT)
        wanted = expected_of(read_json(content), source=SOURCE.id, key=KEY)
        compare(out, wanted, part=next(iter(wanted)).partition("-")[0])
    assert about_nobody == 2
    assert len(bundles) == 152
