"""Listed people: put on the watch's list by the privacy desk, with a reason and an end; nobody else learns who."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.disclosure import Refusal
from carerecord.settings import Settings
from carerecord.stewardship.cases import list_cases
from carerecord.stewardship.listed import Listed, ListedDesk, ListedPeople
from carerecord.stewardship.privacy_values import NamedPerson
from carerecord.stewardship.watch.following import Following
from tests.house import BIRTH_DATE, NHS_NUMBER, OXFORD, House, looking, open_house
from tests.rooms.stewardship.test_ledger import LED, OFFICER

NEIGHBOUR = msgspec.structs.replace(OFFICER, user_id="555-ox", name="Ox Officer", organisation="RTH")
WHY = "On the news every evening"


class Desk:
    def __init__(self, house: House, people: ListedPeople, joan: int) -> None:
        self.house, self.people, self.joan = house, people, joan

    @property
    def how(self) -> dict[str, Any]:
        return {"session": "desk-1", "at": clock.now()}

    @property
    def until(self) -> date:
        return clock.now().date() + timedelta(days=90)

    async def add(self, staff: Any = OFFICER, **of: Any) -> Listed | Refusal:
        told: dict[str, Any] = {
            "nhs_number": NHS_NUMBER, "birth_date": BIRTH_DATE, "because": WHY, "until": self.until, **self.how,
        }  # fmt: skip
        return await self.people.add(staff, **{**told, **of})

    async def added(self, staff: Any = OFFICER) -> Listed:
        entry = await self.add(staff)
        assert isinstance(entry, Listed), entry
        return entry

    async def listed(self, staff: Any = OFFICER) -> tuple[Listed, ...]:
        found = await self.people.list_people(staff, **self.how)
        assert not isinstance(found, Refusal), found
        return found


@asynccontextmanager
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with (
        open_house(settings, region=LED) as house,
        database.connect(settings, "steward") as db,
        audit.Writer.open(db) as writer,
    ):
        yield Desk(house, ListedPeople(db, writer, LED, random_key=clock.random_key), await house.joan())


async def test_a_look_at_a_listed_person_is_raised_and_at_an_unlisted_one_is_not(settings: Settings) -> None:
    async with desk(settings) as at, database.connect(settings, "work") as work:
        following = Following(work, LED, random_key=clock.random_key)
        entry = await at.added()
        await at.house.door.summary(looking(at.joan, at=clock.now(), session="w-1"))
        await following.follow(at=clock.now())
        (case,) = await list_cases(at.house.db, desk="privacy")
        assert case.rule == "listed"
        assert await at.people.remove(OFFICER, number=entry.id, because="No longer in the news", **at.how) is None
        assert await at.listed() == ()
        other = msgspec.structs.replace(OXFORD, user_id="555-other", name="Dr Other One")
        await at.house.door.summary(looking(at.joan, at=clock.now(), session="w-2", staff=other))
        await following.follow(at=clock.now())
        assert len(await list_cases(at.house.db, desk="privacy")) == 1


async def test_an_entry_takes_a_reason_and_an_end_within_a_year(settings: Settings) -> None:
    async with desk(settings) as at:
        today = clock.now().date()
        for wrong in ({"because": " "}, {"until": today}, {"until": today + timedelta(days=400)}):
            assert isinstance(await at.add(**wrong), Refusal)
        assert isinstance(await at.add(nhs_number="9990000018"), Refusal)
        assert await at.listed() == ()


async def test_each_desk_sees_its_own_entries_and_is_told_nothing_of_anothers(settings: Settings) -> None:
    async with desk(settings) as at:
        first = await at.added(OFFICER)
        assert await at.listed(NEIGHBOUR) == ()
        second = await at.added(NEIGHBOUR)
        assert second.id != first.id
        assert [each.id for each in await at.listed(NEIGHBOUR)] == [second.id]
        assert {each.id for each in await at.listed(OFFICER)} == {first.id, second.id}
        how = {"because": "Not wanted any more", **at.how}
        nowhere = await at.people.remove(NEIGHBOUR, number=4711, **how)
        assert await at.people.remove(NEIGHBOUR, number=first.id, **how) == nowhere
        assert await at.people.name_person(NEIGHBOUR, number=first.id, **how) == nowhere
        assert await at.people.remove(NEIGHBOUR, number=second.id, **how) is None
        assert [each.id for each in await at.listed()] == [first.id]


async def test_who_it_is_is_said_for_a_reason_that_is_witnessed_first(settings: Settings) -> None:
    async with desk(settings) as at:
        entry = await at.added()
        written = msgspec.json.encode(await at.listed()).decode()
        assert not any(part in written for part in ("HARTLEY", NHS_NUMBER, str(at.joan)))
        assert isinstance(await at.people.name_person(OFFICER, number=entry.id, because="", **at.how), Refusal)
        named = await at.people.name_person(OFFICER, number=entry.id, because="They rang", **at.how)
        assert isinstance(named, NamedPerson)
        assert "HARTLEY" in named.name
        events = [each for each in await at.house.events() if each["patient_key"] == at.joan]
        said = [(each["kind"], each["detail"].get("step") or each["detail"].get("what")) for each in events]
        assert said[-2:] == [("administered", "listed"), ("examined", "listed person")]


@pytest.mark.parametrize("role", ["clinician", "records-manager", "guardian", "safety-officer"])
async def test_no_other_role_learns_anything(settings: Settings, role: str) -> None:
    async with desk(settings) as at:
        await at.added()
        other = msgspec.structs.replace(OFFICER, role=role)
        assert isinstance(await at.people.list_people(other, **at.how), Refusal)
        assert isinstance(await at.add(other), Refusal)
        assert isinstance(await ListedDesk(LED, settings).do(other, lambda each: each.list_people(other)), Refusal)


async def test_whoever_serves_cannot_read_the_list(settings: Settings) -> None:
    async with desk(settings) as at:
        await at.added()
        with pytest.raises((asyncpg.InsufficientPrivilegeError, database.DatabaseRefused)):
            await at.house.db.fetch("select * from stewardship.listed_person")
