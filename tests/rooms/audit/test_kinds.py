"""The table of kinds says what events hold: of a morning's events, each has what its kind always has."""

from __future__ import annotations

from carerecord.audit import Kind
from carerecord.audit.kinds import KINDS, page
from carerecord.settings import Settings
from tests.safety.test_h23_the_audit_holds import a_morning
from tests.safety.ward import open_ward


def test_every_kind_is_in_the_table() -> None:
    assert set(KINDS) == set(Kind)
    assert all(any(f"`{kind.value}`" in line for line in page()) for kind in Kind)


async def test_each_event_of_a_morning_has_what_its_kind_always_has(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_morning(ward)
        events = await ward.events()
    assert {event["kind"] for event in events} >= {"opened", "shown", "searched", "arrived", "refused"}
    for event in events:
        says = KINDS[Kind(event["kind"])]
        assert {"at", *says.always} <= set(event["detail"]), event["kind"]
        assert not says.decided or {"kind", "policies", "policy_version"} <= set(event["decision"])
        assert says.follows == (event["about_seq"] is not None)
        assert says.snapshot == (event["snapshot"] is not None)
        assert set(event["detail"]) <= {"at", "about_stream", *says.always, *says.often}, event["kind"]
