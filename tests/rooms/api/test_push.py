"""Pushing over HTTP: kept before it is answered, answered so that it can be found, and the same again for the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from carerecord import clock, database
from carerecord.api.capability import statement_of_pushes
from carerecord.database import DatabaseLost
from carerecord.disclosure import Found
from carerecord.fhir.references import local_id
from carerecord.fhir.validate import validate
from carerecord.intake import inbox
from carerecord.settings import Settings
from tests.house import AT, BIRTH_DATE, NHS_NUMBER, OXFORD, program_looking
from tests.pushed import PUSHING_REGION, Pushing, pushing

NHS = "https://fhir.nhs.uk/Id/nhs-number"
SOURCE = "gp-mile-end"
JOAN: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p-17",
    "identifier": [{"system": NHS, "value": NHS_NUMBER}, {"system": "urn:mile-end", "value": "17"}],
    "name": [{"use": "official", "family": "HARTLEY", "given": ["Joan"]}],
    "birthDate": "1948-03-12",
}


def weight(own_id: str = "w-1", *, patient: str | None = "p-17", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": own_id,
        "status": "final",
        "code": {"text": "Weight"},
        **({"subject": {"reference": f"Patient/{patient}"}} if patient else {}),
        "valueQuantity": {"value": 70.5, "unit": "kg"},
        **more,
    }


def bundle(kind: str, *resources: dict[str, Any]) -> dict[str, Any]:
    entries = [
        {
            "resource": resource,
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        for resource in resources
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


async def everything(it: Pushing) -> list[dict[str, Any]]:
    found = await it.house.door.find(
        OXFORD, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, route="launch", session="s", at=AT
    )
    assert isinstance(found, Found), found
    said = await it.house.door.everything(program_looking(found.patient_key))
    assert isinstance(said, bytes), said
    return [each["resource"] for each in json.loads(said)["entry"] if each["search"]["mode"] == "match"]


async def test_a_transaction_is_kept_whole_and_told_where_each_resource_is(settings: Settings) -> None:
    async with pushing(settings) as it:
        sent = json.dumps(bundle("transaction", JOAN, weight()), indent=2).encode()
        status, answer, _ = await it.send("POST", "/fhir", sent)
        assert status == 200
        assert validate(answer) == []
        assert (answer["type"], len(answer["entry"])) == ("transaction-response", 2)
        told = answer["entry"][1]["response"]
        assert told["status"] == "200 OK"
        assert told["location"].endswith(f"-{local_id(SOURCE, 'Observation', 'w-1')}")
        assert told["etag"].startswith('W/"')
        (kept,) = await it.kept()
        assert (kept["content"], kept["format"], kept["source"], kept["outcome"]) == (sent, 2, SOURCE, "recorded")
        found = await everything(it)
        assert [each["resourceType"] for each in found] == ["Patient", "Patient", "Observation"]
        assert f"Observation/{found[2]['id']}" in told["location"]
        assert found[2]["subject"] == {"reference": f"Patient/{found[0]['id']}"}
        assert found[0]["link"] == [{"other": {"reference": f"Patient/{found[1]['id']}"}, "type": "seealso"}]


async def test_the_same_push_again_is_answered_as_it_was_and_kept_once(settings: Settings) -> None:
    async with pushing(settings) as it:
        sent = bundle("transaction", JOAN, weight())
        answers = await asyncio.gather(*(it.send("POST", "/fhir", sent) for _ in range(4)))
        answers.append(await it.send("POST", "/fhir", sent))
        assert [answer for _, answer, _ in answers] == [answers[0][1]] * 5
        assert len(await it.kept()) == 1
        assert len(await everything(it)) == 3


async def test_the_same_id_is_a_newer_version_of_the_same_resource(settings: Settings) -> None:
    async with pushing(settings) as it:
        await it.send("POST", "/fhir", bundle("transaction", JOAN, weight()))
        changed = weight(valueQuantity={"value": 71, "unit": "kg"})
        status, answer, headers = await it.send("PUT", "/fhir/Observation/w-1", changed)
        assert (status, answer["issue"][0]["severity"]) == (200, "information")
        assert headers["location"].startswith(settings.public_url)
        weights = [each for each in await everything(it) if each["resourceType"] == "Observation"]
        assert [each["valueQuantity"]["value"] for each in weights] == [71]
        assert f'W/"{weights[0]["meta"]["versionId"]}"' == headers["etag"]


async def test_a_reference_finds_only_a_patient_whom_this_source_has_told_of(settings: Settings) -> None:
    async with pushing(settings) as it:
        status, answer, _ = await it.send("POST", "/fhir/Observation", weight())
        assert (status, answer["issue"][0]["severity"]) == (202, "information")
        assert "send the Patient" in answer["issue"][1]["diagnostics"]
        assert answer["issue"][1]["expression"] == ["Patient.identifier"]
        assert (await it.send("PUT", "/fhir/Patient/p-17", JOAN))[0] == 200
        status, _, headers = await it.send("POST", "/fhir/Observation", weight("w-2"))
        assert (status, "location" in headers) == (201, True)
        elsewhere = await it.bearer(client_id="gp-kilburn")
        assert (await it.send("POST", "/fhir/Observation", weight("w-3"), bearer=elsewhere))[0] == 202
        by_number = weight("w-4", patient=None, subject={"identifier": {"system": NHS, "value": NHS_NUMBER}})
        assert (await it.send("POST", "/fhir/Observation", by_number))[0] == 202, "an NHS number alone proves nothing"
        by_own = weight(
            "w-5", patient=None, subject={"identifier": {"system": "urn:mile-end", "value": "17"}, "type": "Patient"}
        )
        assert (await it.send("POST", "/fhir/Observation", by_own))[0] == 201
        assert [each["outcome"] for each in await it.kept()].count("waiting") == 3


async def test_every_answer_names_what_is_kept_as_the_operator_knows_it(settings: Settings) -> None:
    async with pushing(settings) as it:
        for resource in (JOAN, weight(), weight("w-9", patient="nobody"), weight("w-8", status="PLANTED")):
            _, answer, _ = await it.send("PUT", f"/fhir/{resource['resourceType']}/{resource['id']}", resource)
            kept = (await it.kept())[-1]
            assert answer["id"] == f"{kept['day']:%Y%m%d}-{kept['seq']}"
        waits, refused = await inbox.list_unsettled(it.house.owner)
        assert [waits.problems[0].field, refused.problems[0].field] == ["Patient.identifier", "Observation.status"]
        assert "send the Patient" in waits.problems[0].sentence


@pytest.mark.parametrize("name", ["If-None-Exist", "If-Match", "If-None-Match"])
async def test_a_condition_is_refused_and_not_passed_over(settings: Settings, name: str) -> None:
    async with pushing(settings) as it:
        status, answer, _ = await it.send("POST", "/fhir/Patient", JOAN, **{name: "identifier=17"})
        assert (status, answer["issue"][0]["code"]) == (422, "not-supported")
        assert name in answer["issue"][0]["diagnostics"]
        assert await it.kept() == []


async def test_a_number_that_nobody_can_hold_is_refused_by_its_field(settings: Settings) -> None:
    async with pushing(settings) as it:
        assert (await it.send("PUT", "/fhir/Patient/p-17", JOAN))[0] == 200
        content = json.dumps(weight()).replace('"value": 70.5', '"value": 1e999')
        assert "1e999" in content
        status, answer, _ = await it.send("PUT", "/fhir/Observation/w-1", content.encode())
        assert (status, answer["issue"][0]["code"]) == (400, "value")
        assert answer["issue"][0]["expression"] == ["Observation.value.ofType(Quantity).value"]


async def test_a_reference_whose_names_are_two_patients_waits(settings: Settings) -> None:
    async with pushing(settings) as it:
        other = {"resourceType": "Patient", "id": "p-18", "identifier": [{"system": "urn:mile-end", "value": "18"}]}
        for patient in (JOAN, {**other, "birthDate": "1950-01-02"}):
            assert (await it.send("PUT", f"/fhir/Patient/{patient['id']}", patient))[0] == 200
        subject = {"reference": "Patient/p-17", "identifier": {"system": "urn:mile-end", "value": "18"}}
        status, answer, _ = await it.send("POST", "/fhir/Observation", weight(patient=None, subject=subject))
        assert (status, "more than one patient" in answer["issue"][1]["diagnostics"]) == (202, True)
        number = {"reference": "Patient/p-17", "identifier": {"system": NHS, "value": "9990123462"}}
        status, answer, _ = await it.send("POST", "/fhir/Observation", weight(patient=None, subject=number))
        assert (status, "another NHS number" in answer["issue"][1]["diagnostics"]) == (202, True)


async def test_what_waited_is_in_the_record_when_it_is_replayed_after_its_patient_came(settings: Settings) -> None:
    async with pushing(settings) as it:
        assert (await it.send("PUT", "/fhir/Observation/w-1", weight()))[0] == 202
        (waiting,) = await inbox.list_unsettled(it.house.owner)
        assert (waiting.source, waiting.message_type) == (SOURCE, "PUT Observation")
        await it.send("PUT", "/fhir/Patient/p-17", JOAN)
        async with database.connect(settings, "listen") as listen:
            (done,) = await inbox.replay(
                listen, PUSHING_REGION, settings, [waiting.reference], at=clock.now(), random_key=clock.random_key
            )
        assert isinstance(done, inbox.Replayed)
        assert done.outcome == "recorded"
        assert len(await everything(it)) == 3
        status, answer, headers = await it.send("PUT", "/fhir/Observation/w-1", weight())
        assert (status, answer["issue"][0]["diagnostics"], "location" in headers) == (200, "Recorded.", True)


async def test_two_sources_who_agree_on_the_number_tell_of_one_person(settings: Settings) -> None:
    async with pushing(settings) as it:
        await it.house.joan()
        await it.send("POST", "/fhir", bundle("transaction", JOAN, weight()))
        other = await it.bearer(client_id="gp-kilburn")
        await it.send(
            "POST", "/fhir", bundle("transaction", {**JOAN, "id": "k-1"}, weight(patient="k-1")), bearer=other
        )
        found = await everything(it)
        assert sorted(each["resourceType"] for each in found) == ["Encounter", *["Observation"] * 2, *["Patient"] * 3]
        assert {each["meta"]["source"] for each in found[1:]} == {
            "urn:carerecord:source:barts",
            "urn:carerecord:source:gp-mile-end",
            "urn:carerecord:source:gp-kilburn",
        }


async def test_what_is_wrong_is_kept_and_every_error_is_told_with_its_path(settings: Settings) -> None:
    async with pushing(settings) as it:
        wrong = weight(status="invented", code=None)
        status, answer, _ = await it.send("POST", "/fhir", bundle("transaction", JOAN, wrong))
        assert status == 400
        assert validate(answer) == []
        told = {issue["expression"][0]: issue for issue in answer["issue"]}
        assert "Bundle.entry[1].resource.status" in told
        assert "Bundle.entry[1].resource.code" in told
        assert {issue["severity"] for issue in answer["issue"]} == {"error"}
        (kept,) = await it.kept()
        assert (kept["outcome"], b"invented" in kept["content"]) == ("refused", True)
        again = await it.send("POST", "/fhir", bundle("transaction", JOAN, wrong))
        assert again[:2] == (status, answer)


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/fhir", b"{", 400),
        ("POST", "/fhir", b"", 400),
        ("POST", "/fhir", b"\xff\xfe", 400),
        ("POST", "/fhir", {"resourceType": "Bundle", "type": "collection"}, 422),
        ("POST", "/fhir", bundle("transaction", JOAN, {**JOAN, "id": "p-18"}), 422),
        ("POST", "/fhir/Condition", weight(), 422),
        ("PUT", "/fhir/Observation/another", weight(), 422),
        ("POST", "/fhir/Observation", weight(patient=None), 400),
        ("POST", "/fhir/Bundle", bundle("transaction", JOAN), 422),
    ],
)
async def test_what_cannot_be_taken_is_refused_and_kept(
    settings: Settings, method: str, path: str, content: bytes | dict[str, Any], status: int
) -> None:
    async with pushing(settings) as it:
        found, answer, _ = await it.send(method, path, content)
        assert (found, answer["resourceType"]) == (status, "OperationOutcome")
        assert validate(answer) == []
        assert [each["outcome"] for each in await it.kept()] == ["refused"]


async def test_a_directory_is_kept_and_is_in_nobodys_record(settings: Settings) -> None:
    async with pushing(settings) as it:
        surgery = {"resourceType": "Organization", "id": "o-1", "name": "Mile End Green Surgery"}
        status, answer, _ = await it.send("POST", "/fhir", bundle("transaction", surgery))
        assert (status, answer["resourceType"]) == (200, "OperationOutcome")
        assert [each["outcome"] for each in await it.kept()] == ["kept"]
        assert await it.house.owner.fetchval("select count(*) from record.log") == 0


async def test_each_entry_of_a_batch_is_a_push_of_its_own(settings: Settings) -> None:
    async with pushing(settings) as it:
        michael = {"resourceType": "Patient", "id": "p-18", "birthDate": "1950-01-02", "name": [{"family": "OSEI"}]}
        sent = bundle(
            "batch", JOAN, weight(), michael, weight("w-2", patient="p-18"), weight("w-3", status="no"), weight("w-4")
        )
        status, answer, _ = await it.send("POST", "/fhir", sent)
        assert (status, answer["type"]) == (200, "batch-response")
        assert validate(answer) == []
        told = [entry["response"]["status"][:3] for entry in answer["entry"]]
        assert told == ["200", "200", "200", "200", "400", "200"]
        kept = await it.kept()
        assert [json.loads(each["content"]) for each in kept] == sent["entry"]
        assert [each["outcome"] for each in kept].count("recorded") == 5
        parts = {entry["response"]["location"].rpartition("/")[2].partition("-")[0] for entry in answer["entry"][:4]}
        assert len(parts) == 2
        assert (await it.send("POST", "/fhir", sent))[1] == answer
        assert len(await it.kept()) == len(kept)


async def test_a_big_push_goes_to_the_process_aside_and_comes_back(settings: Settings) -> None:
    async with pushing(settings) as it:
        many = [weight(f"w-{number}", note=[{"text": "x" * 400}]) for number in range(1200)]
        status, answer, _ = await it.send("POST", "/fhir", bundle("transaction", JOAN, *many))
        assert (status, len(answer["entry"])) == (200, 1201)
        assert len(await everything(it)) == 1202


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("system/Observation.c", "POST", "/fhir/Observation", 202),
        ("system/Observation.c", "PUT", "/fhir/Observation/w-1", 403),
        ("system/Condition.cud", "POST", "/fhir/Observation", 403),
        ("system/*.rs", "POST", "/fhir/Observation", 403),
        ("system/Observation.c", "POST", "/fhir", 403),
    ],
)
async def test_a_token_covers_what_its_scope_says(
    settings: Settings, scope: str, method: str, path: str, status: int
) -> None:
    async with pushing(settings) as it:
        content = bundle("transaction", weight()) if path == "/fhir" else weight()
        assert (await it.send(method, path, content, bearer=await it.bearer(scope)))[0] == status
        assert len(await it.kept()) == (status != 403)


async def test_who_speaks_for_no_source_pushes_nothing(settings: Settings) -> None:
    async with pushing(settings) as it:
        stranger = await it.bearer(client_id="renal-registry")
        status, answer, _ = await it.send("POST", "/fhir/Observation", weight(), bearer=stranger)
        assert (status, "no source" in answer["issue"][0]["diagnostics"]) == (403, True)
        assert (await it.send("POST", "/fhir/Observation", weight(), bearer="Bearer made-up"))[0] == 401
        assert (await it.send("POST", "/fhir/Observation", weight(), bearer="Basic x"))[0] == 401
        assert await it.kept() == []


async def test_only_json_of_a_fair_size_is_taken(settings: Settings) -> None:
    async with pushing(settings, bytes_max=2000) as it:
        xml = {"content-type": "application/fhir+xml"}
        assert (await it.send("POST", "/fhir", b"<Bundle/>", **xml))[0] == 415
        assert (await it.send("POST", "/fhir", weight(note=[{"text": "x" * 3000}])))[0] == 413
        assert await it.kept() == []


@pytest.mark.parametrize(("kind", "count"), [("batch", 5_001), ("transaction", 5_001), ("batch", 400_001)])
async def test_more_entries_than_are_taken_at_once_are_refused_and_none_is_kept(
    settings: Settings, kind: str, count: int
) -> None:
    async with pushing(settings) as it:
        sent = b'{"resourceType":"Bundle","type":"%b","entry":[%b]}' % (kind.encode(), b",".join([b"{}"] * count))
        status, answer, _ = await it.send("POST", "/fhir", sent)
        assert (status, answer["issue"][0]["code"]) == (413, "too-costly")
        assert "at most 5,000 entries" in answer["issue"][0]["diagnostics"]
        assert await it.kept() == []


async def test_nothing_is_read_or_deleted_here(settings: Settings) -> None:
    async with pushing(settings) as it:
        status, answer, _ = await it.send("DELETE", "/fhir/Observation/w-1", b"")
        assert (status, "entered-in-error" in answer["issue"][0]["diagnostics"]) == (405, True)
        assert (await it.send("GET", "/fhir/Patient/p-17", b""))[0] == 404
        assert (await it.send("PATCH", "/fhir/Patient/p-17", b""))[0] == 405
        status, metadata, _ = await it.send("GET", "/fhir/metadata", b"")
        assert (status, validate(metadata)) == (200, [])


async def test_what_could_not_be_kept_is_not_acknowledged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pushing(settings) as it:

        async def lost(*_: object) -> None:
            raise DatabaseLost

        with monkeypatch.context() as patch:
            patch.setattr(it.house.intake._keeper, "keep", lost)
            status, _, headers = await it.send("POST", "/fhir", bundle("transaction", JOAN))
            assert (status, "retry-after" in headers) == (503, True)
            _, answer, _ = await it.send("POST", "/fhir", bundle("batch", JOAN, weight()))
            assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["503", "503"]
        assert await it.kept() == []
        assert (await it.send("POST", "/fhir", bundle("transaction", JOAN)))[0] == 200


async def test_neither_answers_nor_logs_name_a_patient(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    async with pushing(settings) as it:
        told = []
        for content in (
            bundle("transaction", JOAN, weight(), {**JOAN, "id": "p-18"}),
            bundle("transaction", {**JOAN, "birthDate": "12/03/1948"}),
            bundle("batch", JOAN, weight(patient="HARTLEY-9990123454"), weight(status="HARTLEY")),
            b'{"HARTLEY": 9990123454',
        ):
            _, answer, _ = await it.send("POST", "/fhir", content)
            told.append(json.dumps(answer))
    said = "".join(told) + capsys.readouterr().err
    assert "HARTLEY" not in said
    assert NHS_NUMBER not in said
    assert "12/03/1948" not in said


def test_the_metadata_of_pushes_lists_what_is_taken(settings: Settings) -> None:
    stated = statement_of_pushes(settings=settings, title="London Care Record")
    assert validate(msgspec.json.encode(stated)) == []
    (rest,) = stated["rest"]
    assert [each["code"] for each in rest["interaction"]] == ["transaction", "batch"]
    assert {each["type"] for each in rest["resource"]} >= {"Patient", "Observation", "DocumentReference", "Consent"}
