"""Who asks too often reads how long to wait, on a page and as a program, and it is witnessed once."""

from __future__ import annotations

import pytest

from carerecord.settings import Settings
from carerecord.signin import TooOften
from carerecord.signin.allowance import SECONDS_OF_BURST, Allowance
from tests import samples
from tests.rooms.web.test_framing import EPR, FRAMED, ancestors, staged
from tests.stage import STAFF


def refused() -> TooOften:
    """As the first of a flood is."""
    allowance = Allowance(Settings(user_requests_per_second_max=1))
    for _ in range(SECONDS_OF_BURST):
        allowance.spend(STAFF, at=samples.AT)
    with pytest.raises(TooOften) as said:
        allowance.spend(STAFF, at=samples.AT)
    return said.value


@pytest.mark.parametrize("is_told", [False, True])
def test_a_reader_is_told_to_wait_by_a_page_that_says_whom_to_phone(is_told: bool) -> None:
    stage, chart = staged()
    said = refused()
    said.is_told, said.issuer = is_told, "https://epr.ouh.example"

    async def too_often(*_: object, **__: object) -> None:
        raise said

    stage.sessions.find = too_often  # type: ignore[method-assign, assignment]
    answer = stage.client.get(f"{chart}/summary", headers=FRAMED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert "Too much was asked under your name" in answer.text
    assert "Nobody is locked out." in answer.text
    assert stage.region.phone in answer.text
    assert ancestors(answer) == " ".join(EPR)
    witnessed = [asked for asked in stage.door.asked if asked[0] == "refused"]
    assert len(witnessed) == (0 if is_told else 1)
    assert not [asked for asked in stage.door.asked if asked[0] == "summary"]
