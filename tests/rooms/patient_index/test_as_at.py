"""What was known of a person at an instant: kept only where something else became known, and read back."""

from __future__ import annotations

from datetime import datetime, timedelta

from carerecord import clock, patient_index
from carerecord.settings import Settings
from tests.house import ADMITTED, PID, House, message, open_house

MOVED = PID.replace("4 Mill Row", "9 New Street")
EARLIER = "select count(*) from patient_index.earlier"


async def hear(house: House, kind: str, number: str, *, pid: str = PID, at: str = "20261110120000") -> datetime:
    before = clock.now()
    content = message(kind, number, ADMITTED, pid=pid).replace(b"20261110120000", at.encode())
    receipt = await house.intake.receive(content, received_at=before)
    assert receipt.outcome == "recorded"
    return before


async def test_what_is_said_again_is_not_kept_twice_and_what_is_replaced_is_kept(settings: Settings) -> None:
    async with open_house(settings) as house:
        key = await house.joan()
        await hear(house, "ADT^A08", "again", at="20261111120000")
        assert await house.owner.fetchval(EARLIER) == 0
        moved_at = await hear(house, "ADT^A08", "moved", pid=MOVED, at="20261112120000")
        assert await house.owner.fetchval(EARLIER) == 1
        await hear(house, "ADT^A08", "moved-again", pid=MOVED, at="20261113120000")
        assert await house.owner.fetchval(EARLIER) == 1
        await hear(house, "ADT^A08", "old-news", pid=PID, at="20261101120000")  # older than what is known: not heard
        history = await patient_index.read_history(house.owner, key)
        before, after = history.person(moved_at - timedelta(microseconds=1)), history.person(clock.now())
        assert before is not None
        assert after is not None
        assert before.subject.address[0] == "4 Mill Row"
        assert after.subject.address[0] == "9 New Street"
        now = await patient_index.read_person(house.owner, key)
        assert patient_index.fingerprint(after) == patient_index.fingerprint(now) != patient_index.fingerprint(before)
        assert moved_at in history.changes(moved_at, clock.now())


async def test_there_was_nobody_before_the_first_message(settings: Settings) -> None:
    async with open_house(settings) as house:
        before = clock.now()
        key = await house.joan()
        history = await patient_index.read_history(house.owner, key)
        assert history.person(before - timedelta(seconds=1)) is None


async def test_an_nhs_number_that_came_later_is_not_there_before(settings: Settings) -> None:
    """The careful way of keeping a batch keeps what was known too."""
    async with open_house(settings) as house:
        bare = PID.replace("~9990123454^^^NHS^NH", "")
        await hear(house, "ADT^A01", "first", pid=bare)
        key = await house.owner.fetchval("select patient_key from patient_index.member")
        numbered_at = await hear(house, "ADT^A08", "numbered", at="20261112120000")
        history = await patient_index.read_history(house.owner, key)
        before, after = history.person(numbered_at - timedelta(microseconds=1)), history.person(clock.now())
        assert before is not None
        assert after is not None
        assert (before.subject.nhs_number, before.nhs_number_verified) == (None, False)
        assert (after.subject.nhs_number, after.nhs_number_verified) == ("9990123454", True)
