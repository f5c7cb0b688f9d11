"""The truth about the invented people against what the record tells a program of them: nobody joined wrongly, no fact
invented, none lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from carerecord import database
from carerecord.settings import Settings
from tests.journeys.conftest import Region

Fact = tuple[str, ...]
NUMBER = "https://fhir.nhs.uk/Id/nhs-number"


class Told:
    """What the record gives back of each person of the truth who has an NHS number and was ever heard of."""

    def __init__(self, region: Region) -> None:
        self.people: dict[int, list[dict[str, Any]]] = {}
        self.unknown: list[dict[str, Any]] = []
        asyncio.run(self._read(region))

    async def _read(self, region: Region) -> None:
        async with aiohttp.ClientSession(headers={"Accept": "application/fhir+json"}) as session:
            bearer = {"Authorization": f"Bearer {await token(session, region)}"}
            for person in region.truth["people"]:
                if not person["nhs_number"]:
                    continue
                form = {"identifier": f"{NUMBER}|{person['nhs_number']}", "birthdate": person["birth_date"]}
                async with session.post(f"{region.told['fhir']}/Patient/_search", data=form, headers=bearer) as answer:
                    found = [
                        e["resource"] for e in (await answer.json()).get("entry", []) if e["search"]["mode"] == "match"
                    ]
                if not found:
                    self.unknown.append(person)
                    continue
                address = f"{region.told['fhir']}/Patient/{found[0]['id']}/$everything"
                async with session.get(address, headers=bearer) as answer:
                    assert answer.status == 200, await answer.text()
                    self.people[person["person"]] = [entry["resource"] for entry in (await answer.json())["entry"]]


async def token(session: aiohttp.ClientSession, region: Region) -> str:
    client = region.told["client"]
    now = int(time.time())
    claims = {
        "iss": client["client_id"],
        "sub": client["client_id"],
        "aud": client["token_endpoint"],
        "exp": now + 120,
        "iat": now,
        "jti": f"truth-{now}",
    }
    key = ECKey.import_key(client["private_key"])
    header = {"alg": client["private_key"].get("alg", "ES384"), "kid": client["private_key"]["kid"]}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(header, claims, key, [header["alg"]]),
        "scope": client["scope"],
    }
    async with session.post(client["token_endpoint"], data=form) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["access_token"])


@pytest.fixture(scope="module")
def told(region: Region) -> Told:
    return Told(region)


def facts(person: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """Of one kind, but for what no program is shown."""
    kept = hidden(person)
    return (
        fact
        for fact in person["facts"]
        if fact["kind"] == kind and fact.get("is_theirs", True) and not {fact.get("own_id"), fact.get("number")} & kept
    )


def hidden(person: dict[str, Any]) -> set[str]:
    return {own_id for row in person["hidden"] for own_id in row.get("own_ids", ())}


def resources(told: Told, person: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    return (resource for resource in told.people[person["person"]] if resource["resourceType"] == kind)


def codes(resource: dict[str, Any]) -> set[str]:
    return {coding.get("code", "") for coding in resource.get("code", {}).get("coding", [])}


def instant(text: str) -> str:
    return datetime.fromisoformat(text).isoformat(timespec="minutes")


def of_everyone(region: Region, told: Told) -> Iterator[dict[str, Any]]:
    return (person for person in region.truth["people"] if person["person"] in told.people)


def test_no_two_people_are_joined_and_nobody_is_split(region: Region) -> None:
    settings = Settings(home=region.home / "carerecord")

    async def identities() -> list[tuple[str, str, int]]:
        async with database.connect(settings, "operate") as db:
            rows = await db.fetch("select source, value, person_key from patient_index.identity")
            return [(row["source"], row["value"], row["person_key"]) for row in rows]

    group_of = {
        (identity["source"], identity["value"]): (person["person"], identity["group"])
        for person in region.truth["people"]
        for identity in person["identities"]
    }
    groups: dict[int, set[tuple[int, int]]] = defaultdict(set)
    people: dict[tuple[int, int], set[int]] = defaultdict(set)
    for source, value, person_key in asyncio.run(identities()):
        group = group_of.get((source, value))
        if group is None:  # Another journey has told of people of its own, who are in no truth.
            continue
        groups[person_key].add(group)
        people[group].add(person_key)
    assert {key: joined for key, joined in groups.items() if len(joined) > 1} == {}, "different people were joined"
    assert {group: keys for group, keys in people.items() if len(keys) > 1} == {}, "one person was split"


def test_whoever_has_a_number_and_was_heard_of_is_found(region: Region, told: Told) -> None:
    assert len(told.people) >= 50
    assert [person["name"] for person in told.unknown if person["identities"]] == []


def test_every_allergy_is_there_and_none_is_invented(region: Region, told: Told) -> None:
    for person in of_everyone(region, told):
        true = {fact["code"] or fact["text"] for fact in facts(person, "allergy")}
        held = list(resources(told, person, "AllergyIntolerance"))
        missing = {code for code in true if not any(code in codes(r) or code == r["code"].get("text") for r in held)}
        invented = [r["code"] for r in held if not (codes(r) | {r["code"].get("text")}) & true]
        assert (missing, invented) == (set(), []), person["name"]


def test_every_problem_is_there_and_none_is_invented(region: Region, told: Told) -> None:
    for person in of_everyone(region, told):
        true = {code for fact in facts(person, "problem") for code in fact["codes"]}
        held = {code for resource in resources(told, person, "Condition") for code in codes(resource)}
        assert true <= held, person["name"]
        assert held - true == set(), person["name"]


def test_what_was_told_in_confidence_is_not_told_to_a_program(region: Region, told: Told) -> None:
    kept = 0
    for person in of_everyone(region, told):
        ids = hidden(person)
        held = {
            identifier.get("value")
            for resource in told.people[person["person"]]
            for identifier in (resource.get("identifier") or [])
            if isinstance(identifier, dict)
        }
        assert held & ids == set(), person["name"]
        words = {
            fact.get("title") or fact.get("text")
            for fact in person["facts"]
            if ids & {fact.get("own_id"), fact.get("number")} and fact["kind"] in ("problem", "letter", "assessment")
        }
        whole = json.dumps(told.people[person["person"]], ensure_ascii=False)
        assert not [said for said in words if said and said in whole], person["name"]
        kept += len(words)
    assert kept >= 5


def test_every_result_has_the_value_that_its_laboratory_said_last(region: Region, told: Told) -> None:
    compared = 0
    for person in of_everyone(region, told):
        held: dict[tuple[str, str], set[str]] = defaultdict(set)
        for resource in resources(told, person, "Observation"):
            for code in codes(resource):
                held[code, instant(resource["effectiveDateTime"])].add(value_of(resource))
        for fact in facts(person, "result"):
            last = fact["said"][-1]["value"]
            values = held.get((fact["code"], instant(fact["collected_at"])), set())
            assert any(said == last or last in said for said in values), (person["name"], fact["name"], last, values)
            compared += 1
    assert compared > 3000


def value_of(resource: dict[str, Any]) -> str:
    quantity = resource.get("valueQuantity")
    if quantity:
        return f"{quantity.get('comparator', '')}{quantity.get('value')}"
    return str(resource.get("valueString", ""))


def test_every_letter_is_there_and_none_is_invented(region: Region, told: Told) -> None:
    for person in of_everyone(region, told):
        true = sorted(fact["title"] for fact in facts(person, "letter"))
        held = sorted(
            resource.get("description") or resource["type"]["text"]
            for resource in resources(told, person, "DocumentReference")
        )
        if person["is_restricted"]:  # The title of a letter may name the clinic where to wait for them.
            assert len(held) == len(true), person["name"]
            continue
        assert held == true, person["name"]


def test_no_stay_is_invented_and_none_that_was_heard_of_is_lost(region: Region, told: Told) -> None:
    true_of_all = held_of_all = 0
    for person in of_everyone(region, told):
        if person["is_restricted"]:  # The number of a visit tells whose it is.
            continue
        true = {fact["number"] for fact in facts(person, "stay")}
        held = {
            identifier["value"]
            for resource in resources(told, person, "Encounter")
            for identifier in resource.get("identifier", [])
        }
        assert held - true == set(), person["name"]
        true_of_all, held_of_all = true_of_all + len(true), held_of_all + len(held)
    assert held_of_all == true_of_all
