"""Another version of the policy than was served before is written down before anybody is served under it."""

from __future__ import annotations

from carerecord import audit, database
from carerecord.settings import Settings
from tests.rooms.audit.test_witness import AT


async def test_a_change_of_policy_is_witnessed_once_and_the_first_is_none(settings: Settings) -> None:
    async with (
        database.connect(settings, "serve") as db,
        audit.Writer.open(db) as writer,
        database.connect(settings, "work") as work,
    ):
        told = [await audit.note_policy(db, writer, version=version, at=AT) for version in ("a", "a")]
        assert told == [False, False]
        assert await audit.read_events(work) == []
        assert await audit.note_policy(db, writer, version="b", at=AT.replace(hour=10))
        assert not await audit.note_policy(db, writer, version="b", at=AT.replace(hour=11))
        assert await audit.note_policy(db, writer, version="a", at=AT.replace(hour=12))
        events = await audit.read_events(work)
        assert [(each.kind, each.detail["from"], each.detail["to"]) for each in events] == [
            ("administered", "a", "b"),
            ("administered", "b", "a"),
        ]
