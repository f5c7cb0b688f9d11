"""The person is told of emergency access: by default after some days, never while somebody would be in danger by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.disclosure import Refusal
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.organisations import Organisation, RegionDoesNotFit, read_region
from carerecord.settings import Settings
from carerecord.signin import person_staff
from carerecord.stewardship import EmergencyCases, Ledger, LedgerDesk, PrivacyDesk
from carerecord.stewardship.cases import Case, Disposition, close_case, list_cases, open_cases
from carerecord.stewardship.ledger import Own
from carerecord.stewardship.ledger_values import HoldKind, LedgerPage, Wanted
from carerecord.stewardship.privacy_values import CaseFile
from carerecord.stewardship.telling import tell_due
from carerecord.stewardship.telling_rules import Telling
from tests.house import OXFORD, REGION, House, open_house
from tests.rooms.stewardship.test_ledger import OFFICER

LED = msgspec.structs.replace(
    REGION,
    privacy_organisation="R1H",
    organisations=(*REGION.organisations, Organisation(ods_code="Y9REF", name="Harbour House", kind="refuge")),
)
DAY = timedelta(days=1)


class Ward:
    """A reader who declared emergency access to Joan, and days that can be let pass."""

    def __init__(self, house: House, writer: audit.Writer, work: database.Database, joan: int) -> None:
        self.house, self.writer, self.work, self.joan = house, writer, work, joan
        self.desk = PrivacyDesk(house.db, writer, LED)
        self.holding = LedgerDesk(house.db, writer, LED)
        self.began = clock.now()

    async def declare(self, staff: Staff = OXFORD, *, reason: str = "vital-interests", session: str = "e-1") -> Case:
        evidence = Evidence(kind=EvidenceClass.EMERGENCY, id=reason, reason="Not responding")
        how: dict[str, Any] = {
            "patient_key": self.joan, "staff": staff, "purpose": Purpose.BTG, "evidence": evidence, "route": "launch",
            "session": session,
        }  # fmt: skip
        declared = await self.writer.witness(audit.Event(kind="declared", decision={}, detail={}, **how))
        now = clock.now()
        await EmergencyCases(self.house.db, self.writer, LED).open(
            staff=staff, declared=declared, reason=reason, until=now + timedelta(hours=4), session=session, at=now
        )
        shown = {"kind": "permit", "headings": {"LETTERS": 0}}
        await self.writer.witness(audit.Event(kind="shown", decision=shown, detail={"what": "summary"}, **how))
        cases = await list_cases(self.house.db, desk="privacy", is_open=None)
        return next(case for case in cases if case.about == (declared.stream, declared.seq))

    async def days_later(self, days: float) -> int:
        return await tell_due(self.work, LED, at=clock.now() + days * DAY, random_key=clock.random_key)

    async def read(self, *, at: datetime | None = None) -> LedgerPage:
        own = Own(patient_key=self.joan, staff=person_staff("NHS login"), session="own-1", at=at or clock.now())
        shown = await Ledger(self.house.db, self.writer, LED).read(own, Wanted())
        assert isinstance(shown, LedgerPage), shown
        return shown

    async def telling(self, case: Case) -> Telling:
        file = await self.desk.read_case(OFFICER, case.id, session="desk-1", at=clock.now())
        assert isinstance(file, CaseFile), file
        assert file.telling is not None
        return file.telling

    async def hold(self, kind: HoldKind, value: str = "", *, case: Case | None) -> int:
        held = await self.holding.set_hold(
            OFFICER, kind=kind, value=value, case_id=case.id if case else None, because="The reader is followed",
            session="desk-1", at=clock.now(),
        )  # fmt: skip
        assert not isinstance(held, Refusal), held
        return held.id

    async def lift(self, hold: int) -> None:
        said = await self.holding.lift_hold(OFFICER, hold, because="He moved away", session="d", at=clock.now())
        assert said is None

    async def notified(self) -> list[dict[str, Any]]:
        return [
            each
            for each in await self.house.events()
            if each["kind"] == "notified" and each["detail"].get("what") == "person"
        ]


@asynccontextmanager
async def ward(settings: Settings) -> AsyncIterator[Ward]:
    async with (
        open_house(settings, region=LED) as house,
        audit.Writer.open(house.db) as writer,
        database.connect(settings, "work") as work,
    ):
        yield Ward(house, writer, work, await house.joan())


async def test_the_person_is_told_after_the_regions_days_and_not_before(settings: Settings) -> None:
    async with ward(settings) as at:
        case = await at.declare()
        assert (await at.telling(case)).due_at == case.opened_at + 7 * DAY
        assert await at.days_later(6.9) == 0
        assert (await at.read()).looks[0].told_at is None
        assert await at.days_later(7.1) == 1
        (look,) = (await at.read()).looks
        assert look.is_emergency
        assert look.told_at is not None
        (event,) = await at.notified()
        assert (event["patient_key"], event["detail"]["case"]) == (at.joan, str(case.id))


async def test_the_desk_sees_that_the_person_was_told_and_whether_they_have_read_it(settings: Settings) -> None:
    async with ward(settings) as at:
        case = await at.declare()
        await at.days_later(8)
        told = await at.telling(case)
        assert told.told_at is not None
        assert told.read_at is None
        assert (await at.read()).news == 1
        assert (await at.read()).news == 0
        assert (await at.telling(case)).read_at is not None


async def test_telling_is_once_however_often_it_is_asked(settings: Settings) -> None:
    async with ward(settings) as at:
        await at.declare()
        assert [await at.days_later(days) for days in (8, 8, 9)] == [1, 0, 0]
        assert len(await at.notified()) == 1


async def test_a_process_that_ends_between_the_audit_and_the_notice_is_made_good_and_witnesses_once(
    settings: Settings,
) -> None:
    async with ward(settings) as at:
        await at.declare()
        await at.house.owner.execute("revoke insert on stewardship.notice from carerecord_work")
        with pytest.raises(Exception, match=r"permission denied|refused"):
            await at.days_later(8)
        assert len(await at.notified()) == 1
        assert (await at.read()).looks[0].told_at is None
        await at.house.owner.execute("grant insert on stewardship.notice to carerecord_work")
        assert await at.days_later(8) == 1
        (event,) = await at.notified()
        number = await at.house.owner.fetchval("select id from stewardship.notice where kind = 'person'")
        assert event["detail"]["reference"].replace("-", "") == f"{number:016X}"


@pytest.mark.parametrize(
    ("kind", "value", "of_case"),
    [
        (HoldKind.LEDGER, "", True),
        (HoldKind.ORGANISATION, "RTH", True),
        (HoldKind.STAFF, OXFORD.user_id, True),
        (HoldKind.STAFF, OXFORD.user_id, False),
    ],
)
async def test_a_hold_keeps_it_back_and_once_it_falls_the_person_is_told(
    settings: Settings, kind: HoldKind, value: str, of_case: bool
) -> None:
    async with ward(settings) as at:
        case = await at.declare()
        hold = await at.hold(kind, value, case=case if of_case else None)
        assert await at.days_later(30) == 0
        (held,) = (await at.telling(case)).held
        assert (held.because, held.by) == ("The reader is followed", OFFICER.name)
        assert await at.notified() == []
        await at.lift(hold)
        assert await at.days_later(30) == 1


async def test_a_hold_on_another_reader_or_on_a_name_alone_holds_nothing_back(settings: Settings) -> None:
    async with ward(settings) as at:
        case = await at.declare()
        await at.hold(HoldKind.STAFF, "555-somebody-else", case=case)
        await at.hold(HoldKind.NAME, OXFORD.user_id, case=None)
        assert await at.days_later(8) == 1


@pytest.mark.parametrize("how", ["refuge", "reason", "role"])
async def test_what_no_ledger_shows_is_never_told(settings: Settings, how: str) -> None:
    async with ward(settings) as at:
        refuge = {"organisation": "Y9REF", "organisation_name": "Harbour House"} if how == "refuge" else {}
        role = {"role_name": "Safeguarding Nurse"} if how == "role" else {}
        staff = msgspec.structs.replace(OXFORD, **refuge, **role)
        case = await at.declare(staff, reason="safeguarding" if how == "reason" else "vital-interests")
        assert await at.days_later(3650) == 0
        assert "never stand in" in (await at.telling(case)).held[0].because
        assert await at.house.owner.fetchval("select count(*) from stewardship.notice where kind = 'person'") == 0


async def test_an_open_case_of_misuse_of_the_same_reader_keeps_it_back_until_it_is_closed(settings: Settings) -> None:
    async with ward(settings) as at:
        case = await at.declare()
        misuse = Case(
            patient_key=at.joan, id=77, desk="privacy", kind="misuse", rule="family", organisation="RTH",
            staff=OXFORD.user_id, sentence="A look is unusual.", opened_at=clock.now(),
        )  # fmt: skip
        await open_cases(at.house.db, [misuse])
        assert await at.days_later(30) == 0
        assert "looked into" in (await at.telling(case)).held[0].because
        await close_case(at.house.db, misuse, disposition=Disposition.APPROPRIATE, at=clock.now())
        assert await at.days_later(30) == 1


async def test_many_that_are_held_back_hold_up_nobody_else(settings: Settings) -> None:
    async with ward(settings) as at:
        for number in range(3):
            await at.declare(reason="safeguarding", session=f"s-{number}")
        await at.declare(session="plain")
        assert await at.days_later(8) == 1


async def test_a_region_says_after_how_many_days(settings: Settings, tmp_path: Any) -> None:
    file = tmp_path / "region.toml"
    text = 'name = "L"\ntitle = "L"\nphone = "1"\n'
    file.write_text(text + "tell_after_days = 14\n")
    assert read_region(file).tell_after_days == 14
    file.write_text(text)
    assert read_region(file).tell_after_days == 7
    file.write_text(text + "tell_after_days = -1\n")
    with pytest.raises(RegionDoesNotFit):
        read_region(file)
