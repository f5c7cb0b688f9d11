"""The Personal Demographics Service answers, refuses and slows down as NHS England's specification says."""

from __future__ import annotations

import json
import tarfile
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from demo.people import generate
from demo.systems.pds import ROOT, PersonalDemographics, Service, is_nhs_number
from demo.systems.pds_resources import Entry, outcome, patient, searchset
from demo.systems.pds_search import MATCHES_MAX, soundex

SEED = 7
STAFF = {"NHSD-Session-URID": "555101001"}
PEOPLE = list(generate(SEED, 60))
KNOWN = next(person for person in PEOPLE if person.nhs_number and not person.is_restricted)
RESTRICTED = next(person for person in PEOPLE if person.is_restricted)
DEAD = next(person for person in PEOPLE if person.now.died_at)
RENUMBERED = next(person for person in PEOPLE if person.superseded_number)


class Clock:
    """Stands still unless told to go on, but for the second that each request is given."""

    def __init__(self, *, per_request: float = 1.0) -> None:
        self.now, self.per_request = 0.0, per_request

    def __call__(self) -> float:
        self.now += self.per_request
        return self.now


@asynccontextmanager
async def _service(people=PEOPLE, clock=None, fault=None):
    service = Service(host="127.0.0.1", port=8404, seed=SEED, people=60, until=date(2026, 11, 20), fault=fault)
    pds = PersonalDemographics(service, people, clock=clock or Clock())
    async with TestClient(TestServer(pds.app())) as client:
        client.pds = pds
        yield client


async def _ask(client, path, *, headers=None, **query):
    headers = {"X-Request-ID": str(uuid.uuid4()), **(headers or {})}
    answer = await client.get(
        f"{ROOT}/{path}", params=[(k, v) for k, vs in query.items() for v in _list(vs)], headers=headers
    )
    return answer, msgspec.json.decode(await answer.read())


def _list(value):
    return value if isinstance(value, list) else [value]


def _code(told):
    return told["issue"][0]["details"]["coding"][0]["code"]


def _query(person, **more):
    return {"family": person.now.family, "birthdate": f"eq{person.now.birth_date}", **more}


async def test_a_person_is_given_by_their_number_with_an_etag_and_the_ids_that_were_sent():
    async with _service() as client:
        sent = {"X-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": "one of many"}
        answer, told = await _ask(client, f"Patient/{KNOWN.nhs_number}", headers=sent)
        assert answer.status == 200
        assert answer.content_type == "application/fhir+json"
        assert {name: answer.headers[name] for name in sent} == sent
        assert answer.headers["ETag"] == f'W/"{told["meta"]["versionId"]}"'
        assert told["id"] == KNOWN.nhs_number
        assert told["generalPractitioner"][0]["identifier"]["value"] == KNOWN.now.practice.code
        assert told["meta"]["security"][0]["code"] == "U"


async def test_a_restricted_person_is_known_by_name_and_nothing_says_where_they_are():
    async with _service() as client:
        _, told = await _ask(client, f"Patient/{RESTRICTED.nhs_number}")
        assert told["meta"]["security"][0]["code"] == "R"
        assert told["name"][0]["family"] == RESTRICTED.now.family
        assert not set(told) & {"address", "telecom", "contact", "generalPractitioner", "managingOrganization"}
        assert RESTRICTED.now.address.postcode not in json.dumps(told)
        _, found = await _ask(client, "Patient", **_query(RESTRICTED), headers=STAFF)
        assert found["total"] == 1
        for place in (
            {"address-postcode": RESTRICTED.now.address.postcode},
            {"general-practitioner": RESTRICTED.now.practice.code},
        ):
            _, found = await _ask(client, "Patient", **_query(RESTRICTED), **place, headers=STAFF)
            assert found["total"] == 0


async def test_a_superseded_number_is_answered_by_the_record_that_replaced_it():
    async with _service() as client:
        answer, told = await _ask(client, f"Patient/{RENUMBERED.superseded_number}")
        assert answer.status == 200
        assert told["id"] == RENUMBERED.nhs_number != RENUMBERED.superseded_number


async def test_a_death_is_told_with_how_it_became_known():
    async with _service() as client:
        _, told = await _ask(client, f"Patient/{DEAD.nhs_number}")
        assert told["deceasedDateTime"].startswith(str(DEAD.now.died_at.date()))
        extension = next(each for each in told["extension"] if each["url"].endswith("DeathNotificationStatus"))
        status = next(each for each in extension["extension"] if each["url"] == "deathNotificationStatus")
        assert status["valueCodeableConcept"]["coding"][0]["code"] in ("1", "2")


async def test_numbers_that_are_invalidated_unknown_or_wrong_are_three_different_refusals():
    async with _service() as client:
        unknown = next(
            number
            for number in (f"999000{count:04d}" for count in range(10_000))
            if is_nhs_number(number) and number not in {person.nhs_number for person in PEOPLE}
        )
        for number, status, code in (
            (min(client.pds.invalidated), 404, "INVALIDATED_RESOURCE"),
            (unknown, 404, "RESOURCE_NOT_FOUND"),
            ("9990000000", 400, "INVALID_RESOURCE_ID"),
            ("Hartley", 400, "INVALID_RESOURCE_ID"),
        ):
            answer, told = await _ask(client, f"Patient/{number}")
            assert (answer.status, _code(told)) == (status, code)


async def test_a_request_needs_an_id_that_is_a_uuid():
    async with _service() as client:
        missing = await client.get(f"{ROOT}/Patient/{KNOWN.nhs_number}")
        assert (missing.status, _code(msgspec.json.decode(await missing.read()))) == (400, "MISSING_VALUE")
        answer, told = await _ask(client, f"Patient/{KNOWN.nhs_number}", headers={"X-Request-ID": "1234"})
        assert (answer.status, _code(told)) == (400, "INVALID_VALUE")


async def test_the_sixth_request_of_a_second_is_told_to_wait_and_the_next_second_is_free():
    clock = Clock(per_request=0.0)
    async with _service(clock=clock) as client:
        answers = [(await _ask(client, f"Patient/{KNOWN.nhs_number}"))[0] for _ in range(6)]
        assert [answer.status for answer in answers] == [200] * 5 + [429]
        assert answers[-1].headers["Retry-After"] == "1"
        clock.now += 1.0
        assert (await _ask(client, f"Patient/{KNOWN.nhs_number}"))[0].status == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "UNSUPPORTED_SERVICE"),
        ({"family": "Hartley", "birthdate": "eq1948-03-09", "shoe-size": "42"}, "ADDITIONAL_PROPERTIES"),
        ({"family": "Hartley"}, "MISSING_VALUE"),
        ({"birthdate": "eq1948-03-09"}, "INVALID_SEARCH_DATA"),
        ({"family": "Hartley", "birthdate": "eq1948-03-09", "_fuzzy-match": "true"}, "INVALID_SEARCH_DATA"),
        ({"family": "Hartley", "birthdate": "19480309"}, "INVALID_VALUE"),
        ({"family": "Hartley", "birthdate": "eq1948-03-09", "_max-results": "51"}, "INVALID_VALUE"),
    ],
)
async def test_a_search_that_says_too_little_or_something_else_is_refused(query, code):
    async with _service() as client:
        answer, told = await _ask(client, "Patient", **query)
        assert (answer.status, _code(told)) == (400, code)


async def test_a_search_finds_by_name_range_wild_card_sound_and_former_name():
    family, born = KNOWN.now.family, KNOWN.now.birth_date
    renamed = next(person for person in PEOPLE if person.former_name and not person.is_restricted)
    async with _service() as client:
        for query, score in (
            (_query(KNOWN, given=KNOWN.now.given[0]), 1),
            ({"family": family.upper(), "birthdate": [f"ge{born.year - 1}-01-01", f"le{born.year + 1}-12-31"]}, 1),
            ({"family": f"{family[:3]}*", "birthdate": f"eq{born}", "given": KNOWN.now.given[0]}, 0.8343),
        ):
            _, found = await _ask(client, "Patient", **query, headers=STAFF)
            assert (found["entry"][0]["search"]["score"], found["entry"][0]["resource"]["id"]) == (
                score,
                KNOWN.nhs_number,
            )
        former = renamed.former_name.partition(",")[0]
        query = {"family": former, "birthdate": f"eq{renamed.now.birth_date}"}
        _, without = await _ask(client, "Patient", **query, headers=STAFF)
        _, with_history = await _ask(client, "Patient", **query, _history="true", headers=STAFF)
        assert (without["total"], with_history["total"]) == (0, 1)
    assert soundex("Smith") == soundex("Smyth") == "S530"
    assert soundex("Ashcraft") == "A261"


async def test_too_many_matches_are_told_without_saying_who():
    twins = [msgspec.structs.replace(KNOWN, nhs_number=number) for number in _numbers(MATCHES_MAX + 1)]
    for people, headers, expected in (
        (twins[:2], {}, "TOO_MANY_MATCHES"),
        (twins[:2], STAFF, 2),
        (twins[:MATCHES_MAX], STAFF, MATCHES_MAX),
        (twins, STAFF, "TOO_MANY_MATCHES"),
    ):
        async with _service(people) as client:
            answer, told = await _ask(client, "Patient", **_query(KNOWN), headers=headers)
            assert answer.status == 200
            assert (told["total"] if isinstance(expected, int) else _code(told)) == expected
            assert isinstance(expected, int) or "entry" not in told


def _numbers(count):
    found = (f"998{body:07d}" for body in range(10_000))
    return [number for number in found if is_nhs_number(number)][:count]


async def test_its_operator_can_make_it_slow_or_break(tmp_path):
    fault = tmp_path / "pds.fault"
    async with _service(fault=fault) as client:
        for what, status in (("unavailable", 503), ("error-page", 200)):
            fault.write_text(what)
            answer = await client.get(f"{ROOT}/Patient/{KNOWN.nhs_number}", headers={"X-Request-ID": str(uuid.uuid4())})
            assert (answer.status, answer.content_type == "application/fhir+json") == (status, False)
        fault.write_text("rate-limited")
        assert (await _ask(client, f"Patient/{KNOWN.nhs_number}"))[0].status == 429
        fault.unlink()
        assert (await _ask(client, f"Patient/{KNOWN.nhs_number}"))[0].status == 200


# --- Held against what the service's own sandbox answers --------------------------------------------------------------


def _published(foreign_data, name):
    with tarfile.open(foreign_data / "pds.tar.xz") as archive:
        return json.load(archive.extractfile(f"pds/{name}"))


def _shape(told, path="$"):
    """Every path with the JSON type that stands there; places in a list do not count."""
    if isinstance(told, dict):
        return {part for name, inner in told.items() for part in _shape(inner, f"{path}.{name}")}
    if isinstance(told, list):
        return {part for inner in told for part in _shape(inner, f"{path}[]")}
    return {(path, type(told).__name__)}


def _extensions(told, found=None):
    found = set() if found is None else found
    if isinstance(told, dict):
        if isinstance(told.get("url"), str):
            found.add(told["url"])
        for inner in told.values():
            _extensions(inner, found)
    elif isinstance(told, list):
        for inner in told:
            _extensions(inner, found)
    return found


@pytest.mark.foreign
def test_every_patient_has_the_shape_of_the_sandbox_and_says_nothing_that_it_never_says(foreign_data):
    published = _published(foreign_data, "sandbox/Patient.json")
    allowed, urls = _shape(published), _extensions(published)
    for person in PEOPLE:
        if entry := Entry.of(person):
            told = patient(entry)
            assert _shape(told) <= allowed, _shape(told) - allowed
            assert _extensions(told) <= urls


@pytest.mark.foreign
def test_a_restricted_patient_leaves_out_what_the_sandbox_leaves_out(foreign_data):
    published = _published(foreign_data, "sandbox/Sensitive_Patient.json")
    assert set(patient(Entry.of(RESTRICTED))) <= set(published)
    assert published["meta"]["security"] == patient(Entry.of(RESTRICTED))["meta"]["security"]


@pytest.mark.foreign
def test_a_searchset_has_the_shape_of_the_sandbox(foreign_data):
    published = _published(foreign_data, "sandbox/PatientSearch.json")
    told = searchset([(0.75, Entry.of(KNOWN))], at=datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert set(told) == set(published)
    assert set(told["entry"][0]) == set(published["entry"][0])
    assert told["entry"][0]["fullUrl"].rpartition("/")[0] == published["entry"][0]["fullUrl"].rpartition("/")[0]
    assert isinstance(told["timestamp"], str)
    assert told["timestamp"].endswith("+00:00")


def test_an_outcome_names_its_spine_code():
    status, told = outcome("RESOURCE_NOT_FOUND")
    assert status == 404
    assert told["issue"][0]["details"]["coding"][0]["system"].endswith("/Spine-ErrorOrWarningCode")
