"""Whatever a desk does: not for a role that works elsewhere, and not while it cannot be written down (hazard H23)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.disclosure import Refusal
from carerecord.model import Staff
from carerecord.settings import Settings
from carerecord.stewardship import EmergencyCases, LedgerDesk, PrivacyDesk, proposals
from carerecord.stewardship.cases import list_cases, open_cases
from carerecord.stewardship.ledger_values import Hold, HoldKind
from carerecord.stewardship.listed import Listed, ListedPeople
from carerecord.stewardship.objections import Objections, Scope, Told
from carerecord.stewardship.privacy_values import Wanted
from carerecord.stewardship.proposals import Kind, Proposal, Proposals
from carerecord.stewardship.safety import Report, Safety
from carerecord.stewardship.subject_access import SubjectAccess
from carerecord.stewardship.subject_access.values import Choice, Ground, Request
from tests.house import BIRTH_DATE, NHS_NUMBER, OXFORD, REGION, House, open_house

LED = msgspec.structs.replace(REGION, privacy_organisation="R1H")
WHY = "As the Guardian advised"
SWITCH = {"action": "cut", "kind": "user", "name": "555-left"}
Doing = Callable[[], Awaitable[object]]


def staff_as(role: str, name: str = "Ada Lead") -> Staff:
    return msgspec.structs.replace(OXFORD, user_id=f"555-{name}", name=name, role=role, organisation="R1H")


class Desks:
    """Every desk over one house, with something to do at each."""

    def __init__(self, house: House, serving: audit.Writer, stewarding: audit.Writer, steward: Any) -> None:
        self.house = house
        self.privacy = PrivacyDesk(house.db, serving, LED)
        self.safety = Safety(house.db, serving, LED)
        self.ledger = LedgerDesk(house.db, serving, LED)
        self.objections = Objections(house.db, serving, LED)
        self.proposals = Proposals(house.db, serving, LED, acts=proposals.ACTS)
        self.listed = ListedPeople(steward, stewarding, LED)
        self.access = SubjectAccess(steward, stewarding, LED, random_key=clock.random_key)
        self.emergencies = EmergencyCases(house.db, serving, LED)
        self.serving = serving

    @property
    def how(self) -> dict[str, Any]:
        return {"session": "desk-1", "at": clock.now()}

    async def prepare(self) -> None:
        joan, at = await self.house.joan(), clock.now()
        declared = await self.serving.witness(
            audit.Event(
                kind="declared", patient_key=joan, staff=OXFORD, purpose="BTG", evidence=None, decision={},
                route="launch", session="s-1",
            )
        )  # fmt: skip
        await self.emergencies.open(
            staff=OXFORD, declared=declared, reason="vital-interests", until=at + timedelta(hours=4), session="s-1",
            at=at,
        )  # fmt: skip
        (self.case,) = await list_cases(self.house.db, desk="privacy")
        self.unshared = msgspec.structs.replace(self.case, id=77, kind="misuse", rule="same-surname", about=None)
        assert await open_cases(self.house.db, [self.unshared])
        told = Report(words="Two people stood in one record.", was_harm=False, again="no")
        assert isinstance(await self.safety.report(OXFORD, told, patient_key=joan, route="launch", **self.how), str)
        (self.problem,) = await list_cases(self.house.db, desk="safety")
        officer = staff_as("privacy-officer")
        hold = await self.ledger.set_hold(officer, kind=HoldKind.STAFF, value="555-held", because=WHY, **self.how)
        entry = await self.listed.add(
            officer, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, because=WHY, until=self.until, **self.how
        )
        records = staff_as("records-manager")
        objected = await self.objections.receive(records, patient_key=joan, scope=Scope.WHOLE, value="", **self.how)
        asked = await self.proposals.ask(officer, kind=Kind.SWITCH, content=SWITCH, because=WHY, **self.how)
        request = await self.access.open(
            records, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, requester="the person",
            identity_check="passport seen", **self.how,
        )  # fmt: skip
        assert isinstance(hold, Hold)
        assert isinstance(entry, Listed)
        assert isinstance(objected, Told)
        assert isinstance(asked, Proposal)
        assert isinstance(request, Request)
        self.joan, self.hold, self.entry, self.objection = joan, hold.id, entry.id, objected.objection.id
        self.proposal, self.request = asked.id, request.id

    @property
    def until(self) -> date:
        return clock.now().date() + timedelta(days=90)

    def doings(self, role: str | None = None) -> dict[str, Doing]:
        """By somebody who may; by somebody in `role` where it is given."""
        how = self.how
        officer, safety = staff_as(role or "privacy-officer"), staff_as(role or "safety-officer")
        records, another = staff_as(role or "records-manager"), staff_as(role or "privacy-officer", "Bea Other")
        case, problem, number, because = self.case.id, self.problem.id, self.entry, {"because": WHY}
        person = {"nhs_number": NHS_NUMBER, "birth_date": BIRTH_DATE}
        desk, ledger, access, objections = self.privacy, self.ledger, self.access, self.objections
        return {
            "cases": lambda: desk.list_cases(officer, Wanted(), **how),
            "case": lambda: desk.read_case(officer, case, **how),
            "reader": lambda: desk.read_case(officer, case, names_reader=True, because=WHY, **how),
            "whose case": lambda: desk.name_person(officer, case, because=WHY, **how),
            "note": lambda: desk.write_note(officer, case, words=WHY, **how),
            "share": lambda: desk.share(officer, self.unshared.id, organisation="RTH", **how),
            "close": lambda: desk.close(officer, case, disposition="appropriate", words=WHY, **how),
            "problems": lambda: self.safety.list_cases(safety, is_open=True, **how),
            "problem": lambda: self.safety.read_case(safety, problem, **how),
            "whose problem": lambda: self.safety.name_person(safety, problem, because=WHY, **how),
            "note of a problem": lambda: self.safety.write_note(safety, problem, words=WHY, **how),
            "close a problem": lambda: self.safety.close(
                safety, problem, found="no-hazard", hazards=(), words=WHY, **how
            ),
            "hold": lambda: ledger.set_hold(officer, kind=HoldKind.STAFF, value="555-more", **because, **how),
            "hold of a list": lambda: ledger.set_hold(
                officer, kind=HoldKind.LEDGER, case_id=case, **because, **how
            ),
            "lift a hold": lambda: ledger.lift_hold(officer, self.hold, **because, **how),
            "holds": lambda: ledger.list_holds(officer, **how),
            "questions": lambda: ledger.list_questions(officer, **how),
            "listed people": lambda: self.listed.list_people(officer, **how),
            "list anew": lambda: self.listed.add(officer, **person, **because, until=self.until, **how),
            "unlist": lambda: self.listed.remove(officer, number=number, **because, **how),
            "who is listed": lambda: self.listed.name_person(officer, number=number, **because, **how),
            "object": lambda: objections.receive(
                records, patient_key=self.joan, scope=Scope.HEADING, value="RESULTS", **how
            ),
            "uphold": lambda: objections.decide(
                records, objection_id=self.objection, is_upheld=True, reason=WHY, **how
            ),
            "withdraw": lambda: objections.withdraw(records, objection_id=self.objection, reason=WHY, **how),
            "objections": lambda: objections.list_objections(records, **how),
            "whose objections": lambda: objections.of_person(records, patient_key=self.joan, **how),
            "ask": lambda: self.proposals.ask(officer, kind=Kind.SWITCH, content=SWITCH, **because, **how),
            "agree": lambda: self.proposals.agree(another, proposal_id=self.proposal, **how),
            "take back": lambda: self.proposals.withdraw(officer, proposal_id=self.proposal, **how),
            "open a request": lambda: access.open(
                records, **person, requester="the person", identity_check="passport seen", **how
            ),
            "extend": lambda: access.extend(records, self.request, **because, **how),
            "request": lambda: access.read(records, self.request, **how),
            "worklist": lambda: access.worklist(records, self.request, **how),
            "decide": lambda: access.decide(
                records, self.request, item="i", choice=Choice.KEEP, ground=Ground.NONE, words="", **how
            ),
            "export": lambda: access.export(records, self.request, **how),
            "close a request": lambda: access.close(records, self.request, **how),
        }  # fmt: skip

    async def kept(self) -> dict[str, str]:
        """Everything that desks keep, and every event, as it stands."""
        owner = self.house.owner
        tables = await owner.fetch(
            "select schemaname || '.' || tablename from pg_tables where schemaname = 'stewardship' order by 1"
        )
        names = [str(row[0]) for row in tables] + ["audit.entry"]
        every = "select coalesce(md5(string_agg(each::text, '' order by each::text)), '') from {} each"
        return {name: await owner.fetchval(every.format(name)) for name in names}


@asynccontextmanager
async def open_desks(settings: Settings) -> AsyncIterator[Desks]:
    async with (
        open_house(settings, region=LED) as house,
        audit.Writer.open(house.db) as serving,
        database.connect(settings, "steward") as steward,
        audit.Writer.open(steward) as stewarding,
    ):
        desks = Desks(house, serving, stewarding, steward)
        await desks.prepare()
        yield desks


async def test_nothing_is_read_or_done_at_a_desk_while_it_cannot_be_written_down(settings: Settings) -> None:
    async with open_desks(settings) as desks:
        await desks.house.owner.execute(
            "create function audit.full_disk() returns trigger language plpgsql as"
            " $$ begin raise disk_full; end $$;"
            " create trigger full_disk before insert on audit.entry for each row execute function audit.full_disk()"
        )
        before = await desks.kept()
        for name, doing in desks.doings().items():
            told = await doing()
            assert isinstance(told, Refusal), (name, told)
            assert told.kind == "unavailable", (name, told)
        assert await desks.kept() == before
        await desks.house.owner.execute("drop trigger full_disk on audit.entry")
        told = {name: await doing() for name, doing in desks.doings().items() if name in ("case", "worklist", "holds")}
        assert not [name for name, said in told.items() if isinstance(said, Refusal)]


@pytest.mark.parametrize("role", ["clinician", "admin", "gp", "nobody"])
async def test_a_role_that_works_at_no_desk_does_nothing_at_any(settings: Settings, role: str) -> None:
    async with open_desks(settings) as desks:
        before = await desks.kept()
        for name, doing in desks.doings(role).items():
            told = await doing()
            assert isinstance(told, Refusal), (name, told)
            assert told.kind == "not-allowed", (name, told)
        assert await desks.kept() == before
