"""A launch whose way is switched off: its host is told so and whom to phone, its reader too, and it is witnessed."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest

from carerecord.signin import AccessCut, Switch, SwitchKind
from carerecord.signin.switches import cut

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
Opening = Callable[[], AbstractAsyncContextManager[Any]]


def switch(kind: SwitchKind, name: str) -> Switch:
    return Switch(kind=kind, name=name, because="A leaked key.", cut_by="A. Obi and B. Patel", cut_at=AT)


@pytest.mark.parametrize(
    ("kind", "name", "status"),
    [(SwitchKind.ISSUER, "https://ehr.oxford.example", 403), (SwitchKind.ROUTE, "launch", 503)],
)
async def test_a_host_whose_way_is_cut_is_told_so_and_whom_to_phone(
    open_house: Opening, oxford: Any, kind: SwitchKind, name: str, status: int
) -> None:
    async with open_house() as house:
        await cut(house.db, switch(kind, name))
        answer = await house.announce(oxford.launch())
        assert answer.status_code == status
        assert answer.json()["error"] == "switch"
        assert "switched off" in answer.json()["sentence"]
        assert "020 7946 0000" in answer.json()["sentence"]
        assert "leaked" not in answer.text
        event = house.parts.door.witnessed[-1]
        assert (event["kind"], event["detail"]) == ("refused", {"rule": f"switch {kind} {name}"})
        assert event["staff"].user_id == "555000000001"


async def test_a_launch_that_was_announced_before_the_cut_opens_nothing_after_it(
    open_house: Opening, oxford: Any
) -> None:
    async with open_house() as house:
        url = (await house.announce(oxford.launch())).json()["url"]
        await cut(house.db, switch(SwitchKind.ORGANISATION, "RTH"))
        with pytest.raises(AccessCut):  # Drawn as a page by the application that these routes are part of.
            await house.browser.get(url)
        assert "arrived" not in [event["kind"] for event in house.parts.door.witnessed]
