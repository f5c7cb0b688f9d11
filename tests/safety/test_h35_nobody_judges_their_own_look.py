"""H35: Somebody whose look is in question judges it, closes its case or hides it from the person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from carerecord import audit, clock
from carerecord.disclosure import Refusal
from carerecord.model import Purpose, Staff
from carerecord.settings import Settings
from carerecord.signin import person_staff
from carerecord.stewardship import Ledger, LedgerDesk, PrivacyDesk
from carerecord.stewardship.cases import Case, find_case, list_cases, open_cases
from carerecord.stewardship.ledger import Own
from carerecord.stewardship.ledger_values import HoldKind, LedgerPage, Wanted
from tests.house import APPOINTMENT, OXFORD, REGION, House, open_house

LED = msgspec.structs.replace(REGION, privacy_organisation="R1H")
OFFICER = Staff(
    user_id="555-officer",
    name="Ada Lead",
    role_code="S8000:G8000:R9911",
    role="privacy-officer",
    role_name="Privacy Officer",
    organisation="R1H",
    organisation_name="Barts Health",
)
THEMSELVES = msgspec.structs.replace(OFFICER, user_id=OXFORD.user_id)  # the reader, in the officer's role


class Looked:
    """A reader's look at a person, the case about it, and the doors of those who judge and of the person."""

    def __init__(self, house: House, writer: audit.Writer, joan: int) -> None:
        self.house, self.writer, self.joan = house, writer, joan
        self.privacy = PrivacyDesk(house.db, writer, LED)
        self.ledgers = LedgerDesk(house.db, writer, LED)
        self.ledger = Ledger(house.db, writer, LED)
        self.how: dict[str, Any] = {"session": "desk-1", "at": clock.now()}

    @property
    def own(self) -> Own:
        return Own(patient_key=self.joan, staff=person_staff("NHS login"), session="own-1", at=clock.now())

    async def look(self) -> Case:
        shown = audit.Event(
            kind="shown", staff=OXFORD, patient_key=self.joan, purpose=Purpose.TREAT, evidence=APPOINTMENT,
            decision={"kind": "permit", "headings": {"LETTERS": 0}}, detail={"what": "summary"}, route="launch",
            session="a",
        )  # fmt: skip
        await self.writer.witness(shown)
        case = Case(
            patient_key=self.joan, id=7, desk="privacy", kind="misuse", rule="same-surname", organisation="RTH",
            staff=OXFORD.user_id, sentence="A reader opened the record of somebody with their own surname.",
            detail={"rule": "same-surname", "why": ["They share a surname."]}, opened_at=clock.now(),
        )  # fmt: skip
        assert await open_cases(self.house.db, [case]) == [case]
        return case

    async def ask(self) -> int:
        page = await self.ledger.read(self.own, Wanted())
        assert isinstance(page, LedgerPage)
        await self.ledger.ask(self.own, page.looks[0].ref, words="Why?")
        (asked,) = [case for case in await list_cases(self.house.db, desk="privacy") if case.id != 7]
        return asked.id


@asynccontextmanager
async def looked(settings: Settings) -> AsyncIterator[Looked]:
    async with open_house(settings, region=LED) as house, audit.Writer.open(house.db) as writer:
        yield Looked(house, writer, await house.joan())


async def test_nobody_reads_judges_or_shares_the_case_of_their_own_look_in_whichever_role(settings: Settings) -> None:
    async with looked(settings) as it:
        case = await it.look()
        for refused in (
            await it.privacy.read_case(THEMSELVES, case.id, **it.how),
            await it.privacy.name_person(THEMSELVES, case.id, because="To phone them", **it.how),
            await it.privacy.write_note(THEMSELVES, case.id, words="All was well.", **it.how),
            await it.privacy.share(THEMSELVES, case.id, organisation="RTH", **it.how),
            await it.privacy.close(THEMSELVES, case.id, disposition="appropriate", words="It was me.", **it.how),
        ):
            assert isinstance(refused, Refusal)
            assert "about a look of yours" in refused.sentences[0]
        still = await find_case(it.house.db, case.id)
        assert still
        assert still.closed_at is None
        assert not isinstance(await it.privacy.read_case(OFFICER, case.id, **it.how), Refusal)


async def test_nobody_holds_their_own_looks_from_those_they_looked_at_or_answers_for_them(settings: Settings) -> None:
    async with looked(settings) as it:
        await it.look()
        for kind in (HoldKind.STAFF, HoldKind.NAME):
            refused = await it.ledgers.set_hold(
                THEMSELVES, kind=kind, value=OXFORD.user_id, because="It is nobody's business", **it.how
            )
            assert isinstance(refused, Refusal)
            assert "another officer" in refused.sentences[0]
        asked = await it.ask()
        answer = await it.ledgers.answer(THEMSELVES, asked, words="It was for your care.", **it.how)
        assert isinstance(answer, Refusal)
        assert "a look of yours" in answer.sentences[0]
        assert await it.ledgers.answer(OFFICER, asked, words="It was for your care.", **it.how) is None
