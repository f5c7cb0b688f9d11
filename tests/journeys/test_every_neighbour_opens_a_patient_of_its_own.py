"""From the existing system, in each area that the article names: every neighbour opens a patient of its own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.systems.neighbours import neighbours
from tests import browser as browsers
from tests.journeys.conftest import Region

pytestmark = pytest.mark.browser
IDS = [neighbour.id for neighbour in neighbours()]


def neighbour_of(region: Region, neighbour_id: str) -> dict[str, Any]:
    return next(each for each in region.told["neighbours"] if each["id"] == neighbour_id)


def open_first(page: Page, neighbour: dict[str, Any], staff: dict[str, Any]) -> None:
    """Signs in to the neighbour's system and presses the button beside its first patient."""
    page.goto(neighbour["address"])
    page.get_by_role("button", name=staff["name"]).click()
    row = page.locator("tr", has_text=neighbour["first"]["name"]).first
    expect(row).to_contain_text(neighbour["first"]["number"])
    row.get_by_role("button", name=re.compile("^London Care Record")).click()
    page.wait_for_url(re.compile("/patient/"))


@pytest.mark.parametrize("neighbour_id", IDS)
def test_a_clinician_of_a_neighbour_sees_london_without_signing_in_again(
    region: Region, chrome: Browser, neighbour_id: str
) -> None:
    page, neighbour = browsers.page(chrome), neighbour_of(region, neighbour_id)
    open_first(page, neighbour, neighbour["staff"][0])
    expect(page.get_by_text(neighbour["first"]["name"].split(",")[0]).first).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^Summary")).first).to_be_visible()
    assert page.locator("a[href*='entry/']").count() > 0, "something that London holds is shown"
    assert not re.search(r"\d{10}", page.url), "nothing identifying in an address"


@pytest.mark.parametrize("neighbour_id", IDS)
def test_who_is_no_clinician_at_a_neighbour_sees_no_clinical_heading(
    region: Region, chrome: Browser, neighbour_id: str
) -> None:
    page, neighbour = browsers.page(chrome), neighbour_of(region, neighbour_id)
    open_first(page, neighbour, neighbour["staff"][-1])
    expect(page.get_by_text(re.compile("Clinical headings, allergies included")).first).to_be_visible()
    beside_contacts = page.locator("section:not(#contacts-and-care-team) a[href*='entry/']")
    assert beside_contacts.count() == 0


@pytest.mark.parametrize("neighbour_id", IDS)
def test_the_pages_of_every_neighbour_are_whole_on_a_telephone_and_axe_finds_nothing(
    region: Region, chrome: Browser, neighbour_id: str
) -> None:
    page, neighbour = browsers.page(chrome, width=400, height=900), neighbour_of(region, neighbour_id)
    page.goto(neighbour["address"])
    assert browsers.axe_violations(page) == []
    page.get_by_role("button", name=neighbour["staff"][0]["name"]).click()
    page.wait_for_load_state()
    assert not browsers.is_wider_than_the_window(page)
    assert browsers.axe_violations(page) == []


def test_the_operators_page_takes_a_line_down_and_up_by_keyboard_and_is_whole_on_a_telephone(
    region: Region, chrome: Browser
) -> None:
    page = browsers.page(chrome, width=400, height=900)
    page.goto(region.told["operator_page"])
    assert not browsers.is_wider_than_the_window(page)
    assert browsers.axe_violations(page) == []
    page.get_by_role("button", name="Take the line of London Urgent Care Plans down").press("Enter")
    expect(page.get_by_text("line down")).to_have_count(1)
    page.get_by_role("button", name="Take the line of London Urgent Care Plans up").press("Enter")
    expect(page.get_by_text("line down")).to_have_count(0)


def test_everything_is_up_within_the_memory_that_is_promised(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    page.goto(region.told["operator_page"])
    told = re.search(r"29 systems, ready after \d+ seconds, ([\d,]+) MB", page.inner_text("main"))
    assert told
    assert int(told[1].replace(",", "")) <= 6 * 1024
    expect(page.get_by_text("not running")).to_have_count(0)
