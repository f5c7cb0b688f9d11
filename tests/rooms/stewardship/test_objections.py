"""Objections: restricted from their receipt, told to whoever was shown the record, ended with reasons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.disclosure import Refusal
from carerecord.model import Staff
from carerecord.organisations import Neighbour
from carerecord.settings import Settings
from carerecord.stewardship import notices
from carerecord.stewardship.objections import Objection, ObjectionNotice, Objections, Scope, State, Told
from tests.house import AT, BIRTH_DATE, NHS_NUMBER, OXFORD, REGION, House, as_role, looking, open_house

LUTON = Neighbour(issuer="https://ehr.luton.example", organisation="X26", name="Luton's record system", jwks={})
WITH_NEIGHBOUR = msgspec.structs.replace(REGION, neighbours=(LUTON,))
RECORDS = msgspec.structs.replace(as_role("records-manager"), organisation="R1H", organisation_name="Barts Health")
GUARDIAN = as_role("caldicott-guardian")
SESSION: dict[str, Any] = {"session": "s-7", "at": AT}


@asynccontextmanager
async def desk_of(settings: Settings) -> AsyncIterator[tuple[House, Objections, int]]:
    """The desk, and Joan Hartley, whom a clinician in Oxford has looked at."""
    async with open_house(settings, region=WITH_NEIGHBOUR) as house, database.connect(settings, "serve") as db:
        joan = await house.joan()
        shown = await house.door.summary(looking(joan))
        assert not isinstance(shown, Refusal), shown
        async with audit.Writer.open(db) as writer:
            yield house, Objections(db, writer, WITH_NEIGHBOUR, random_key=clock.random_key), joan


async def received(desk: Objections, joan: int, scope: Scope = Scope.WHOLE, value: str = "") -> Objection:
    told = await desk.receive(RECORDS, patient_key=joan, scope=scope, value=value, **SESSION)
    assert isinstance(told, Told), told
    return told.objection


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(event["kind"], event["detail"].get("step")) for event in events if event["session"] == "s-7"]


async def test_whoever_was_shown_the_record_and_every_neighbour_is_told_by_reference_and_never_by_name(
    settings: Settings,
) -> None:
    async with desk_of(settings) as (house, desk, joan):
        told = await desk.receive(RECORDS, patient_key=joan, scope=Scope.HEADING, value="RESULTS", **SESSION)
        assert isinstance(told, Told)
        assert told.organisations == ("RTH", "X26")  # Oxford looked; Luton is a neighbour and decides for itself.
        outbox = await notices.list_notices(house.db)
        assert {notice.organisation for notice in outbox} == {"RTH", "X26"}
        for notice in outbox:
            assert notices.parse_reference(notice.reference.lower()) == notice.id
            said = f"{notice.sentence} {notice.detail} {notice.about}"
            assert not any(word in said.casefold() for word in ("hartley", "joan", NHS_NUMBER, "1948"))
        events = await house.events()
        assert kinds(events) == [("administered", "received"), ("notified", None)]
        assert {event["patient_key"] for event in events if event["session"] == "s-7"} == {joan}


WAITING = (
    "select count(distinct pid) from pg_locks join pg_stat_activity using (pid)"
    " where not granted and datname = current_database()"
)


async def test_what_the_person_takes_back_is_not_brought_back_by_who_decides_in_the_same_moment(
    settings: Settings,
) -> None:
    async with desk_of(settings) as (house, desk, joan), database.connect(settings, "owner") as owner:
        objection = await received(desk, joan)
        asks = (
            desk.withdraw(RECORDS, objection_id=objection.id, reason="They asked for it.", **SESSION),
            desk.decide(RECORDS, objection_id=objection.id, is_upheld=True, reason="Grounds of their own.", **SESSION),
        )
        tasks: list[asyncio.Task[Told | Refusal]] = []
        async with owner.transaction() as connection:  # Both find it weighed before either can write.
            await connection.execute("select from stewardship.objection for update")
            for ask in asks:
                tasks.append(asyncio.create_task(ask))
                async with asyncio.timeout(30):
                    while await owner.fetchval(WAITING) < len(tasks):
                        await asyncio.sleep(0.01)
        withdrawn, decided = await asyncio.gather(*tasks)
        assert isinstance(withdrawn, Told)
        assert isinstance(decided, Refusal), decided
        assert await house.db.fetchval("select state from stewardship.objection") == "withdrawn"
        told = [notice.detail["state"] for notice in await notices.list_notices(house.db, organisation="X26")]
        assert sorted(told) == ["weighed", "withdrawn"]


async def test_a_neighbour_reads_its_notice_by_reference_witnessed_and_no_other_organisation_does(
    settings: Settings,
) -> None:
    async with desk_of(settings) as (house, desk, joan):
        await received(desk, joan, Scope.ORGANISATION, "RTH")
        [notice] = await notices.list_notices(house.db, organisation="X26")
        luton = msgspec.structs.replace(as_role("privacy-officer"), organisation="X26")
        read = await desk.read_notice(luton, reference=notice.reference, **SESSION)
        assert isinstance(read, ObjectionNotice)
        assert (read.scope, read.value, read.state) == (Scope.ORGANISATION, "RTH", State.WEIGHED)
        assert (read.name, read.nhs_number, read.birth_date) == ("HARTLEY, Joan (Mrs)", NHS_NUMBER, BIRTH_DATE)
        assert kinds(await house.events())[-1] == ("examined", None)
        assert await notices.list_notices(house.db, organisation="X26") == []
        oxford = as_role("privacy-officer")
        for staff, reference in ((oxford, notice.reference), (luton, "0000-0000-0000-0001"), (luton, "none")):
            refused = await desk.read_notice(staff, reference=reference, **SESSION)
            assert isinstance(refused, Refusal)
            assert refused.kind == "not-found"


@pytest.mark.parametrize("is_upheld", [True, False])
async def test_a_decision_needs_a_reason_and_is_reversible_with_reasons(settings: Settings, is_upheld: bool) -> None:
    async with desk_of(settings) as (house, desk, joan):
        objection = await received(desk, joan)
        decide = {"objection_id": objection.id, **SESSION}
        without = await desk.decide(GUARDIAN, is_upheld=is_upheld, reason="  ok ", **decide)
        assert isinstance(without, Refusal)
        assert "Say why" in without.sentences[0]
        decided = await desk.decide(GUARDIAN, is_upheld=is_upheld, reason="Weighed with her GP.", **decide)
        assert isinstance(decided, Told)
        assert decided.objection.state is (State.UPHELD if is_upheld else State.OVERRULED)
        assert decided.objection.state.restricts is is_upheld
        again = await desk.decide(GUARDIAN, is_upheld=is_upheld, reason="Weighed with her GP.", **decide)
        assert isinstance(again, Refusal)
        turned = await desk.decide(GUARDIAN, is_upheld=not is_upheld, reason="She asked for a review.", **decide)
        assert isinstance(turned, Told)
        assert turned.organisations == ("RTH", "X26")  # Told of each turn.
        [stored] = await desk.of_person(RECORDS, patient_key=joan, **SESSION)
        assert stored == turned.objection
        steps = [step for kind, step in kinds(await house.events()) if kind == "administered"]
        first, second = ("upheld", "overruled") if is_upheld else ("overruled", "upheld")
        assert steps == ["received", first, second]


async def test_what_is_withdrawn_stays_withdrawn_and_a_new_objection_is_a_new_one(settings: Settings) -> None:
    async with desk_of(settings) as (_, desk, joan):
        objection = await received(desk, joan)
        assert await received(desk, joan) == objection  # The same twice is one.
        withdrawn = await desk.withdraw(RECORDS, objection_id=objection.id, reason="She telephoned us.", **SESSION)
        assert isinstance(withdrawn, Told)
        assert not withdrawn.objection.state.restricts
        late = await desk.decide(
            GUARDIAN, objection_id=objection.id, is_upheld=True, reason="Too late for this.", **SESSION
        )
        assert isinstance(late, Refusal)
        assert (await received(desk, joan)).id != objection.id


@pytest.mark.parametrize(
    ("scope", "value"),
    [(Scope.ORGANISATION, "ZZZ"), (Scope.ORGANISATION, ""), (Scope.HEADING, "results"), (Scope.WHOLE, "RTH")],
)
async def test_a_scope_that_would_restrict_nothing_is_sent_back(settings: Settings, scope: Scope, value: str) -> None:
    async with desk_of(settings) as (_, desk, joan):
        refused = await desk.receive(RECORDS, patient_key=joan, scope=scope, value=value, **SESSION)
        assert isinstance(refused, Refusal)
        assert await desk.of_person(RECORDS, patient_key=joan, **SESSION) == ()


@pytest.mark.parametrize(
    "staff", [OXFORD, as_role("admin"), as_role("privacy-officer"), as_role("local-administrator")]
)
async def test_only_the_records_desk_and_the_guardian_touch_objections(settings: Settings, staff: Staff) -> None:
    async with desk_of(settings) as (house, desk, joan):
        objection = await received(desk, joan)
        before = len(await house.events())
        asked = [
            await desk.receive(staff, patient_key=joan, scope=Scope.WHOLE, **SESSION),
            await desk.decide(staff, objection_id=objection.id, is_upheld=False, reason="Because I can.", **SESSION),
            await desk.withdraw(staff, objection_id=objection.id, reason="Because I can.", **SESSION),
            await desk.list_objections(staff, **SESSION),
            await desk.of_person(staff, patient_key=joan, **SESSION),
            await desk.find_person(staff, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, **SESSION),
        ]
        assert all(isinstance(answer, Refusal) for answer in asked)
        assert len(await house.events()) == before


async def test_the_desk_lists_what_waits_oldest_first_and_names_nobody(settings: Settings) -> None:
    async with desk_of(settings) as (_, desk, joan):
        first = await received(desk, joan)
        later: dict[str, Any] = {"session": "s-7", "at": AT + timedelta(minutes=1)}
        await desk.receive(RECORDS, patient_key=joan, scope=Scope.HEADING, value="LETTERS", **later)
        listed = await desk.list_objections(RECORDS, **SESSION)
        assert isinstance(listed, tuple)
        assert [each.scope for each in listed] == [Scope.WHOLE, Scope.HEADING]
        await desk.decide(GUARDIAN, objection_id=first.id, is_upheld=True, reason="She is at risk.", **SESSION)
        weighed = await desk.list_objections(RECORDS, **SESSION)
        assert isinstance(weighed, tuple)
        assert [each.scope for each in weighed] == [Scope.HEADING]
        everything = await desk.list_objections(RECORDS, only_weighed=False, **SESSION)
        assert isinstance(everything, tuple)
        assert len(everything) == 2


async def test_the_person_who_objects_is_found_by_number_and_birth_date_together(settings: Settings) -> None:
    async with desk_of(settings) as (_, desk, joan):
        assert await desk.find_person(RECORDS, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, **SESSION) == joan
        other = BIRTH_DATE.replace(year=1949)
        assert isinstance(await desk.find_person(RECORDS, nhs_number=NHS_NUMBER, birth_date=other, **SESSION), Refusal)
