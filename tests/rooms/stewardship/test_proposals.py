"""What cuts or opens access takes two people, within a day, and each step is witnessed before it is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from carerecord import audit, database
from carerecord.disclosure import Refusal
from carerecord.model import Staff
from carerecord.organisations import Neighbour
from carerecord.settings import Settings
from carerecord.signin import SwitchKind
from carerecord.signin.switches import list_switches
from carerecord.stewardship.proposals import LASTS, Kind, Proposal, Proposals, Stage
from tests.house import AT, REGION, as_role

OXFORD = Neighbour(issuer="https://ehr.oxford.example", organisation="RTH", name="Oxford's record system", jwks={})
WITH_NEIGHBOUR = msgspec.structs.replace(REGION, neighbours=(OXFORD,))
THE_ADMINISTRATOR = msgspec.structs.replace(as_role("local-administrator"), user_id="1", name="Ada Obi")
THE_SECOND = msgspec.structs.replace(as_role("local-administrator"), user_id="2", name="Bea Patel")
THE_GUARDIAN = msgspec.structs.replace(as_role("caldicott-guardian"), user_id="3", name="Cai Jones")
CUT_OXFORD = {"action": "cut", "kind": "organisation", "name": "RTH"}
SESSION: dict[str, Any] = {"session": "s-7", "at": AT}


@asynccontextmanager
async def two_people(settings: Settings) -> AsyncIterator[tuple[Proposals, database.Database]]:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        yield Proposals(db, writer, WITH_NEIGHBOUR), db


async def asked(proposals: Proposals, kind: Kind = Kind.SWITCH, content: Any = CUT_OXFORD) -> Proposal:
    proposal = await proposals.ask(
        THE_ADMINISTRATOR, kind=kind, content=content, because="Its signing key leaked.", **SESSION
    )
    assert isinstance(proposal, Proposal), proposal
    return proposal


async def steps(settings: Settings) -> list[tuple[str, str]]:
    async with database.connect(settings, "owner") as owner:
        rows = await owner.fetch(
            "select staff, detail from audit.event where kind = 'administered' order by stream, seq"
        )
    return [(json.loads(row["staff"])["name"], json.loads(row["detail"])["step"]) for row in rows]


async def test_a_switch_is_cut_when_a_second_person_agrees_and_restored_by_two_again(settings: Settings) -> None:
    async with two_people(settings) as (proposals, db):
        proposal = await asked(proposals)
        assert await list_switches(db) == []  # One person cuts nothing.
        done = await proposals.agree(THE_SECOND, proposal_id=proposal.id, **SESSION)
        assert isinstance(done, Proposal)
        assert (done.stage(at=AT), done.outcome) == (Stage.DONE, "The organisation RTH is cut.")
        [switch] = await list_switches(db)
        assert (switch.kind, switch.name, switch.cut_by) == (SwitchKind.ORGANISATION, "RTH", "Ada Obi and Bea Patel")
        back = await asked(proposals, content={**CUT_OXFORD, "action": "restore"})
        assert len(await list_switches(db)) == 1
        await proposals.agree(THE_GUARDIAN, proposal_id=back.id, **SESSION)
        assert await list_switches(db) == []
    assert await steps(settings) == [
        ("Ada Obi", "asked"), ("Bea Patel", "agreed"), ("Bea Patel", "done"),
        ("Ada Obi", "asked"), ("Cai Jones", "agreed"), ("Cai Jones", "done"),
    ]  # fmt: skip


async def test_nobody_agrees_with_themselves_in_another_role(settings: Settings) -> None:
    async with two_people(settings) as (proposals, db):
        proposal = await asked(proposals)
        for role in ("local-administrator", "caldicott-guardian"):
            herself = msgspec.structs.replace(THE_ADMINISTRATOR, role=role, name="Ada O.")
            refused = await proposals.agree(herself, proposal_id=proposal.id, **SESSION)
            assert isinstance(refused, Refusal)
            assert "second person" in refused.sentences[0]
        assert await list_switches(db) == []


async def test_two_who_agree_in_the_same_moment_do_it_once(settings: Settings) -> None:
    async with two_people(settings) as (proposals, _):
        proposal = await asked(proposals)
        answers = await asyncio.gather(
            *(proposals.agree(staff, proposal_id=proposal.id, **SESSION) for staff in (THE_SECOND, THE_GUARDIAN))
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["Proposal", "Refusal"]


async def test_what_nobody_agrees_to_within_a_day_expires(settings: Settings) -> None:
    async with two_people(settings) as (proposals, db):
        proposal = await asked(proposals)
        late: dict[str, Any] = {"session": "s-7", "at": AT + LASTS}
        refused = await proposals.agree(THE_SECOND, proposal_id=proposal.id, **late)
        assert isinstance(refused, Refusal)
        assert "expired" in refused.sentences[0]
        assert await proposals.list_proposals(THE_SECOND, **late) == ()
        listed = await proposals.list_proposals(THE_SECOND, only_open=False, **late)
        assert isinstance(listed, tuple)
        assert [each.stage(at=AT + LASTS) for each in listed] == [Stage.EXPIRED]
        just = AT + LASTS - timedelta(seconds=1)
        assert isinstance(await proposals.agree(THE_SECOND, proposal_id=proposal.id, session="s-7", at=just), Proposal)
        assert len(await list_switches(db)) == 1


async def test_what_is_withdrawn_is_agreed_to_by_nobody(settings: Settings) -> None:
    async with two_people(settings) as (proposals, db):
        proposal = await asked(proposals)
        await proposals.withdraw(THE_SECOND, proposal_id=proposal.id, **SESSION)
        refused = await proposals.agree(THE_GUARDIAN, proposal_id=proposal.id, **SESSION)
        assert isinstance(refused, Refusal)
        assert "withdrawn" in refused.sentences[0]
        assert await list_switches(db) == []


async def until_they_wait(db: database.Database, count: int) -> None:
    waiting = (
        "select count(distinct pid) from pg_locks join pg_stat_activity using (pid)"
        " where not granted and datname = current_database()"
    )
    async with asyncio.timeout(30):
        while await db.fetchval(waiting) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("first", ["agree", "withdraw"])
async def test_what_is_agreed_and_withdrawn_in_one_moment_is_said_to_be_one_of_them(
    settings: Settings, first: str
) -> None:
    async with two_people(settings) as (proposals, db), database.connect(settings, "owner") as owner:
        proposal = await asked(proposals)
        asks = {"agree": (proposals.agree, THE_SECOND), "withdraw": (proposals.withdraw, THE_GUARDIAN)}
        tasks = []
        async with owner.transaction() as connection:  # Both find it waiting before either can write.
            await connection.execute("select from stewardship.proposal for update")
            for name in sorted(asks, key=lambda each: each != first):
                ask, staff = asks[name]
                tasks.append(asyncio.create_task(ask(staff, proposal_id=proposal.id, **SESSION)))
                await until_they_wait(owner, len(tasks))
        won, lost = await asyncio.gather(*tasks)
        assert isinstance(won, Proposal)
        assert isinstance(lost, Refusal), lost
        assert bool(await list_switches(db)) == (first == "agree")


@pytest.mark.parametrize(
    "content",
    [
        {"action": "cut", "kind": "organisation", "name": "ZZZ"},
        {"action": "cut", "kind": "route", "name": "everything"},
        {"action": "cut", "kind": "issuer", "name": "https://nobody.example"},
        {"action": "cut", "kind": "user", "name": " "},
        {"action": "open", "kind": "user", "name": "1"},
        {"action": "cut", "kind": "patient", "name": "1"},
        {"action": "cut", "kind": "user"},
        {"action": "cut", "kind": "user", "name": "1", "more": "x"},
    ],
)
async def test_a_switch_that_would_do_nothing_cannot_be_asked_for(settings: Settings, content: dict[str, str]) -> None:
    async with two_people(settings) as (proposals, _):
        refused = await proposals.ask(
            THE_ADMINISTRATOR, kind=Kind.SWITCH, content=content, because="Its signing key leaked.", **SESSION
        )
        assert isinstance(refused, Refusal)
    assert await steps(settings) == []


@pytest.mark.parametrize("staff", [as_role("clinician"), as_role("safety-officer"), as_role("admin")])
@pytest.mark.parametrize("kind", list(Kind))
async def test_other_roles_neither_ask_nor_agree_nor_see(settings: Settings, staff: Staff, kind: Kind) -> None:
    async with two_people(settings) as (proposals, db):
        proposal = await asked(proposals)
        answers = [
            await proposals.ask(staff, kind=kind, content={}, because="Because I can.", **SESSION),
            await proposals.agree(staff, proposal_id=proposal.id, **SESSION),
            await proposals.withdraw(staff, proposal_id=proposal.id, **SESSION),
            await proposals.carry_out(staff, proposal_id=proposal.id, outcome="Done.", **SESSION),
            await proposals.list_proposals(staff, **SESSION),
        ]
        assert all(isinstance(answer, Refusal) for answer in answers)
        assert await list_switches(db) == []


async def test_the_records_desk_asks_for_removals_and_sees_nothing_else(settings: Settings) -> None:
    staff = as_role("records-manager")
    async with two_people(settings) as (proposals, _):
        switch = await asked(proposals)
        assert isinstance(await proposals.agree(staff, proposal_id=switch.id, **SESSION), Refusal)
        assert await proposals.list_proposals(staff, **SESSION) == ()
        refused = await proposals.ask(staff, kind=Kind.SWITCH, content=CUT_OXFORD, because="Because I can.", **SESSION)
        assert isinstance(refused, Refusal)
        removal = {"named": "20261122-7", "authority": "misfiled"}
        mine = await proposals.ask(staff, kind=Kind.REMOVAL, content=removal, because="Filed wrongly.", **SESSION)
        assert isinstance(mine, Proposal)
        assert await proposals.list_proposals(staff, **SESSION) == (mine,)


async def test_what_is_done_in_files_waits_as_agreed_until_somebody_says_that_it_is_done(settings: Settings) -> None:
    async with two_people(settings) as (proposals, _):
        change = {"role_code": "S8000:G8000:R8001", "role": "clinician"}
        proposal = await asked(proposals, Kind.ROLE, change)
        early = await proposals.carry_out(THE_ADMINISTRATOR, proposal_id=proposal.id, outcome="Done.", **SESSION)
        assert isinstance(early, Refusal)
        agreed = await proposals.agree(THE_GUARDIAN, proposal_id=proposal.id, **SESSION)
        assert isinstance(agreed, Proposal)
        much_later: dict[str, Any] = {"session": "s-7", "at": AT + timedelta(days=3)}
        assert agreed.stage(at=much_later["at"]) is Stage.AGREED
        assert await proposals.list_proposals(THE_GUARDIAN, **much_later) == (agreed,)
        done = await proposals.carry_out(
            THE_ADMINISTRATOR, proposal_id=proposal.id, outcome="In region.toml since today.", **SESSION
        )
        assert isinstance(done, Proposal)
        assert done.stage(at=AT) is Stage.DONE
        assert await proposals.list_proposals(THE_GUARDIAN, **SESSION) == ()
