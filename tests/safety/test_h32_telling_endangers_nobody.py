"""H32: Telling a person of emergency access endangers nobody: who reads over a shoulder learns nothing that is held."""

from __future__ import annotations

from carerecord.settings import Settings
from carerecord.stewardship.ledger_values import HoldKind
from tests.house import OXFORD
from tests.rooms.stewardship.test_telling import ward


async def test_whoever_controls_the_person_learns_nothing_while_a_hold_stands(settings: Settings) -> None:
    async with ward(settings) as at:
        case = await at.declare()
        hold = await at.hold(HoldKind.STAFF, OXFORD.user_id, case=case)
        await at.days_later(30)
        shown = await at.read()
        assert (shown.looks, shown.news, shown.seen) == ((), 0, 0)
        await at.lift(hold)
        await at.days_later(30)
        assert (await at.read()).news == 1


async def test_a_hold_that_comes_after_the_telling_takes_it_from_the_page_again(settings: Settings) -> None:
    async with ward(settings) as at:
        case = await at.declare()
        await at.days_later(8)
        await at.hold(HoldKind.ORGANISATION, "RTH", case=case)
        shown = await at.read()
        assert (shown.looks, shown.news) == ((), 0)


async def test_safeguarding_is_never_told_however_long_ago_it_was(settings: Settings) -> None:
    async with ward(settings) as at:
        await at.declare(reason="safeguarding")
        assert await at.days_later(3650) == 0
        assert (await at.read()).looks == ()
        assert await at.notified() == []


async def test_the_notice_and_its_event_name_nobody(settings: Settings) -> None:
    async with ward(settings) as at:
        await at.declare()
        await at.days_later(8)
        notice = await at.house.owner.fetchrow("select * from stewardship.notice where kind = 'person'")
        (event,) = await at.notified()
        for text in (notice["sentence"], notice["detail"], str(event["detail"]), event["staff"]):
            assert not any(name in text for name in ("HARTLEY", "Joan", OXFORD.name, OXFORD.user_id, "9990123454"))
