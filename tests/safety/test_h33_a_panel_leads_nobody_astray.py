"""H33: A page around the record leads a click astray, or a panel stays open beside another patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from joserfc import jwt

from carerecord.launch.closing import TYP
from carerecord.organisations import Region
from carerecord.settings import Settings
from tests.safety.reading import read
from tests.safety.ward import ARTHUR, AT, ISSUER, JOAN, KEY, REGION, Chart, Ward, open_ward, visit, wrote

EPR = "https://epr.ouh.example"
FRAMED = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}
OUT = {"evidence": None}  # nothing shows that the reader is involved


def registered() -> Region:
    neighbours = tuple(msgspec.structs.replace(each, frame_origins=(EPR,)) for each in REGION.neighbours)
    return msgspec.structs.replace(REGION, neighbours=neighbours)


async def panel(ward: Ward, person: Any = JOAN, **changed: Any) -> Chart:
    """What stands in a frame of the host's page."""
    browser = await ward.browser()
    browser.headers.update(FRAMED)
    return await ward.open(person, browser=browser, **changed)


async def says(ward: Ward, *, event: str, launch: str) -> int:
    """The host says that it closed, or turned to another patient. How many charts ended by it."""
    now = int(AT.timestamp())
    claims = {
        "iss": ISSUER, "aud": "http://127.0.0.1:8400/launch/context", "iat": now, "exp": now + 60,
        "organisation": "RTH", "event": event, "launch": launch,
    }  # fmt: skip
    compact = jwt.encode({"alg": "ES256", "kid": "oxford-1", "typ": TYP}, claims, KEY, ["ES256"])
    host = await ward.browser()
    answer = await host.post("/launch/context", content=compact, headers={"Content-Type": "application/jwt"})
    assert answer.status_code == 200, answer.text
    ended: int = answer.json()["ended"]
    return ended


async def two_people(ward: Ward) -> None:
    await ward.hear(
        wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin|SV|Anaphylaxis", about=JOAN),
        wrote("ADT^A01", visit("V2"), "AL1|1|DA|^Latex|MO|Rash", about=ARTHUR),
    )


@pytest.mark.parametrize("event", ["patient-changed", "closed"])
async def test_a_panel_that_stayed_open_shows_nobody_once_its_host_has_turned_away(
    settings: Settings, event: str
) -> None:
    async with open_ward(settings, region=registered()) as ward:
        await two_people(ward)
        hers, his = await panel(ward, JOAN, jti="hers"), await panel(ward, ARTHUR, jti="his")
        assert "Penicillin" in (await hers.page()).words
        assert await says(ward, event=event, launch="hers") == 1
        left_open = await hers.get()
        words = read(left_open.text).words
        assert "Open the record again from your own system" in words
        assert not any(word in words for word in ("HARTLEY", "Penicillin", "Latex"))
        # It says so in the panel, which would else stand there empty; the other patient's goes on.
        assert f"frame-ancestors {EPR}" in left_open.headers["content-security-policy"]
        assert "Latex" in (await his.page()).words


@pytest.mark.parametrize("field", ["reason", "words", "hours", "confirmed"])
async def test_clicks_alone_declare_no_emergency(settings: Settings, field: str) -> None:
    """A page around ours can lead clicks astray, and cannot type: nothing opens unless each of four is given."""
    whole = {"reason": "vital-interests", "words": "Unresponsive, need allergies.", "hours": "1", "confirmed": "yes"}
    async with open_ward(settings, region=registered()) as ward:
        await two_people(ward)
        chart = await panel(ward, JOAN, **OUT)
        send = sending(chart)
        refused = await send({name: said for name, said in whole.items() if name != field})
        assert refused.status_code == 422
        assert await ward.owner.fetchval("select count(*) from signin.emergency") == 0
        opened = await send(whole)
        assert opened.status_code == 303, opened.text


def sending(chart: Chart) -> Callable[[dict[str, str]], Any]:
    async def send(fields: dict[str, str]) -> Any:
        headers = {"Origin": str(chart.browser.base_url), "Sec-Fetch-Site": "same-origin"}
        return await chart.browser.post(f"{chart.address}/emergency", data=fields, headers=headers)

    return send


async def test_the_banner_in_a_panel_names_the_person_of_its_own_session(settings: Settings) -> None:
    async with open_ward(settings, region=registered()) as ward:
        await two_people(ward)
        browser = await ward.browser()
        browser.headers.update(FRAMED)
        hers = await ward.open(JOAN, browser=browser)
        his = await ward.open(ARTHUR, browser=browser)
        assert "HARTLEY, Joan (Mrs)" in (await hers.page()).one(".cr-banner").words
        assert "HARTLEY, Arthur (Mr)" in (await his.page()).one(".cr-banner").words
