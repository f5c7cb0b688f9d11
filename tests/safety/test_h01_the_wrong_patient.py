"""H01: the wrong patient is shown."""

from __future__ import annotations

import asyncio
import re

import pytest

from carerecord.settings import Settings
from carerecord.web.assets import FOLDER
from tests import browser as browsers
from tests.safety.reading import read
from tests.safety.ward import (
    ARTHUR,
    AT,
    JOAN,
    Chart,
    Someone,
    Ward,
    banner,
    but,
    entries,
    open_ward,
    signed,
    visit,
    wrote,
)

HIS, HERS = "HARTLEY, Arthur (Mr)", "HARTLEY, Joan (Mrs)"


async def a_couple(ward: Ward) -> None:
    """Husband and wife of one house, each with an allergy that would kill the other's doctor's plan."""
    await ward.hear(
        wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin|SV|Anaphylaxis", about=JOAN),
        wrote("ADT^A01", visit("V2"), "AL1|1|DA|^Latex|MO|Rash", about=ARTHUR),
    )


def is_hers(text: str) -> bool:
    page = read(text)
    assert (HERS in banner(page)) != (HIS in banner(page)), "one person in one banner"
    assert ("Penicillin" in page.words) != ("Latex" in page.words), "one person's allergies"
    assert (HERS in banner(page)) == ("Penicillin" in page.words)
    return HERS in banner(page)


async def test_two_charts_open_in_one_browser_stay_two_patients(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_couple(ward)
        browser = await ward.browser()
        hers = await ward.open(JOAN, browser=browser)
        his = await ward.open(ARTHUR, browser=browser)
        assert hers.address != his.address
        # As tabs reload: all at once, again and again, from one cookie jar.
        for _ in range(3):
            shown = await asyncio.gather(*(chart.get() for chart in (hers, his, hers, his)))
            assert [is_hers(response.text) for response in shown] == [True, False, True, False]
        line = entries(await hers.page())[0]
        assert HERS in banner(await hers.page(f"entry/{line}"))
        stolen = await his.get(f"entry/{line}")
        assert stolen.status_code == 404
        assert "Penicillin" not in stolen.text


async def test_closing_one_chart_leaves_the_other_and_shows_nothing_of_the_closed(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_couple(ward)
        browser = await ward.browser()
        hers, his = await ward.open(JOAN, browser=browser), await ward.open(ARTHUR, browser=browser)
        await hers.close()
        after = await hers.get()
        assert "This session has ended" in after.text
        assert not any(word in after.text for word in ("HARTLEY", "Penicillin", JOAN.nhs_number))
        assert not is_hers((await his.get()).text)


async def test_the_secret_of_one_chart_opens_no_other(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_couple(ward)
        hers, his = await ward.open(JOAN), await ward.open(ARTHUR)
        assert f"Path={hers.address};" in hers.cookie
        name, secret = hers.cookie.split(";")[0].split("=", 1)
        his_name = his.cookie.split("=", 1)[0]
        stranger = await ward.browser()
        for cookie in (f"{name}={secret}", f"{his_name}={secret}", f"carerecord_staff={secret}", ""):
            for place in ("summary", "reason", f"entry/{entries(await his.page())[0]}"):
                answer = await stranger.get(f"{his.address}/{place}", headers={"Cookie": cookie})
                assert "This session has ended" in answer.text
                assert "HARTLEY" not in answer.text


async def test_a_browser_cannot_keep_a_page_to_show_it_for_someone_else(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_couple(ward)
        chart = await ward.open(JOAN)
        line = entries(await chart.page())[0]
        for place in ("summary", f"entry/{line}", f"entry/{line}?in=place"):
            assert (await chart.get(place)).headers["cache-control"] == "no-store"


WRONG = {
    "a birth date one day off": but(JOAN, born="19480313"),
    "day and month exchanged": but(JOAN, born="19481203"),
    "the husband's birth date": but(JOAN, born=ARTHUR.born),
    "a number with two digits exchanged": but(JOAN, nhs_number="9990124354"),
    "the husband's number": but(JOAN, nhs_number=ARTHUR.nhs_number),
}


@pytest.mark.parametrize("asked", WRONG.values(), ids=list(WRONG))
async def test_a_launch_with_one_thing_wrong_opens_nobody(settings: Settings, asked: Someone) -> None:
    async with open_ward(settings) as ward:
        await a_couple(ward)
        browser = await ward.browser()
        answer = await ward.press(browser, asked)
        assert answer.status_code in (400, 403, 404)
        assert not any(word in answer.text.casefold() for word in ("joan", "arthur", "hartley", "penicillin", "latex"))
        assert "set-cookie" not in answer.headers
        assert await ward.owner.fetchval("select count(*) from signin.session") == 0
        kinds = [event["kind"] for event in await ward.events()]
        assert "opened" not in kinds
        assert kinds, "every attempt is written down"


async def test_another_family_name_opens_with_a_warning_to_check(settings: Settings) -> None:
    """People marry: number and birth date agree, so care is not held up; but nobody is told that all is well."""
    async with open_ward(settings) as ward:
        await a_couple(ward)
        unlike = (await (await ward.open(but(JOAN, family="Okonkwo"))).get()).text
        assert "Check that this is the same person" in unlike
        assert "OKONKWO" in unlike
        alike = (await (await ward.open(but(JOAN, family="Hartly"))).get()).text
        assert "Check that this is the same person" not in alike


async def test_a_launch_link_that_is_opened_again_or_elsewhere_opens_nothing(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_couple(ward)
        mine, theirs = await ward.browser(), await ward.browser()
        announced = await mine.post("/launch", content=signed(JOAN), headers={"Content-Type": "application/jwt"})
        link = announced.json()["url"]
        Chart(mine, await mine.get(link))
        for browser in (theirs, mine):
            again = await browser.get(link)
            assert again.status_code == 403
            assert "HARTLEY" not in again.text


async def test_the_banner_names_the_patient_on_every_page_of_a_chart(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_couple(ward)
        chart = await ward.open(JOAN)
        line = entries(await chart.page())[0]
        receipt = await chart.page(f"entry/{line}")
        (original,) = {
            link.attributes["href"] for link in receipt.all("a") if "/original/" in link.attributes.get("href", "")
        }
        for place in ("summary", f"entry/{line}", original.removeprefix(f"{chart.address}/")):
            said = banner(await chart.page(place))
            for fact in (HERS, "12-Mar-1948", "999 012 3454", "Female", "Known allergies : Penicillin (Anaphylaxis)"):
                assert fact in said
        assert AT.year - 1948 == 78
        assert "(78y)" in banner(await chart.page())


@pytest.mark.browser
async def test_the_banner_is_still_there_at_the_end_of_a_long_page(settings: Settings) -> None:
    problems = [f"DG1|{number}||^Problem number {number}" for number in range(1, 121)]
    async with open_ward(settings) as ward:
        await a_couple(ward)
        await ward.hear(wrote("ADT^A08", *problems))
        html = (await (await ward.open(JOAN)).get()).text
    style = "".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.css"), reverse=True))
    styled = re.sub(r"<link rel=.stylesheet.[^>]*>", lambda _: f"<style>{style}</style>", html, count=1)
    await asyncio.to_thread(look_at_the_end, styled)


def look_at_the_end(html: str) -> None:
    with browsers.chromium() as chrome:
        for width in (1280, 400):
            shown = browsers.page(chrome, width=width, height=700)
            shown.set_content(html)
            shown.evaluate("for (const box of document.querySelectorAll('.cr-show')) box.checked = true")
            shown.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            assert shown.evaluate("window.scrollY") > 1000
            for words in (HERS, "12-Mar-1948", "999 012 3454", "Penicillin (Anaphylaxis)"):
                place = shown.locator(".cr-banner", has_text=words).bounding_box()
                assert place
                assert place["y"] >= 0
                assert place["y"] + place["height"] <= 700, (width, words)
