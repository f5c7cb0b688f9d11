"""A launch that arrives in a frame: for the system that signed it and is registered to frame, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
EPR = "https://epr.oxford.example"
OTHER = "https://gp.example:8443"
ACROSS = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}
Opening = Callable[[], AbstractAsyncContextManager[Any]]


def register(house: Any, *, https: bool = True) -> None:
    """Oxford frames from its own address; a surgery, whose launches these are not, from another."""
    region = house.parts.region
    oxford = msgspec.structs.replace(region.neighbours[0], frame_origins=(EPR,))
    surgery = msgspec.structs.replace(region.neighbours[0], issuer="https://gp.example", frame_origins=(OTHER,))
    house.parts.region = msgspec.structs.replace(region, neighbours=(oxford, surgery))
    if https:
        house.parts.settings = msgspec.structs.replace(house.parts.settings, public_url="https://record.example")


def ancestors(answer: Any) -> str:
    return str(answer.headers["content-security-policy"]).partition("frame-ancestors ")[2]


async def arrive(house: Any, oxford: Any, headers: dict[str, str], **changed: Any) -> Any:
    audience = f"{house.parts.settings.public_url}/launch"
    announced = await house.announce(oxford.launch(aud=audience, **changed))
    assert announced.status_code == 201, announced.text
    code = announced.json()["url"].rpartition("/")[2]
    return await house.browser.get(f"/launch/{code}", headers=headers)


async def test_in_a_frame_of_another_site_the_charts_cookie_is_partitioned_by_that_site(
    open_house: Opening, oxford: Any
) -> None:
    async with open_house() as house:
        register(house)
        arrived = await arrive(house, oxford, ACROSS)
        assert arrived.status_code == 303
        assert ancestors(arrived) == EPR
        assert "x-frame-options" not in arrived.headers
        said = arrived.headers["set-cookie"].split("; ")
        assert said[-3:] == ["SameSite=None", "Secure", "Partitioned"]
        assert "HttpOnly" in said
        assert arrived.headers["location"].removesuffix("/summary") in [part.removeprefix("Path=") for part in said]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_in_a_window_of_its_own_or_on_one_site_the_charts_cookie_stays_lax(
    open_house: Opening, oxford: Any, headers: dict[str, str]
) -> None:
    async with open_house() as house:
        register(house)
        arrived = await arrive(house, oxford, headers)
        assert arrived.headers["set-cookie"].endswith("; SameSite=lax; Secure")


async def test_without_https_no_cookie_goes_across_sites(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        register(house, https=False)
        assert (await arrive(house, oxford, ACROSS)).headers["set-cookie"].endswith("; SameSite=lax")


async def test_a_system_that_is_not_registered_to_frame_opens_nothing_in_a_frame(
    open_house: Opening, oxford: Any
) -> None:
    """No session begins whose page no browser would show; its host is named in the audit."""
    async with open_house() as house:
        arrived = await arrive(house, oxford, ACROSS)
        assert (arrived.status_code, ancestors(arrived)) == (403, "'none'")
        assert "not registered to show it inside its own page" in arrived.text
        assert "set-cookie" not in arrived.headers
        event = house.parts.door.witnessed[-1]
        assert (event["kind"], event["detail"], event["staff"].organisation) == ("refused", {"rule": "frame"}, "RTH")
        assert await house.owner.fetchval("select count(*) from signin.session") == 0
        window = await arrive(house, oxford, {"Sec-Fetch-Dest": "document"}, jti="launch-2")
        assert (window.status_code, ancestors(window)) == (303, "'none'")


async def test_a_refused_launch_says_its_sentence_in_the_frame_of_the_system_that_sent_it(
    open_house: Opening, oxford: Any
) -> None:
    async with open_house() as house:
        register(house)
        nobody = await arrive(house, oxford, ACROSS, patient__nhs_number="9990000034")
        assert (nobody.status_code, ancestors(nobody)) == (404, EPR)
        unwitnessed = house.parts.door
        unwitnessed.is_witness_lost = True
        lost = await arrive(house, oxford, ACROSS, jti="launch-2")
        assert (lost.status_code, ancestors(lost)) == (503, EPR)
        assert "set-cookie" not in lost.headers


async def test_a_code_that_is_over_says_so_to_its_own_system_and_a_guessed_one_to_any_registered(
    open_house: Opening, oxford: Any
) -> None:
    async with open_house() as house:
        register(house)
        audience = f"{house.parts.settings.public_url}/launch"
        code = (await house.announce(oxford.launch(aud=audience))).json()["url"].rpartition("/")[2]
        house.parts.now = AT + timedelta(seconds=61)
        late = await house.browser.get(f"/launch/{code}", headers=ACROSS)
        assert "longer than a minute" in late.text
        assert ancestors(late) == EPR
        guessed = await house.browser.get("/launch/guessed", headers=ACROSS)
        assert "not known here" in guessed.text
        assert ancestors(guessed) == f"{EPR} {OTHER}"
        for each in (code, "guessed"):
            in_a_window = await house.browser.get(f"/launch/{each}", headers={"Sec-Fetch-Dest": "document"})
            assert ancestors(in_a_window) == "'none'"


async def test_what_the_host_is_told_is_framed_by_nobody(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        register(house)
        audience = f"{house.parts.settings.public_url}/launch"
        for compact in (oxford.launch(aud=audience), "nonsense"):
            assert ancestors(await house.announce(compact)) == "'none'"
