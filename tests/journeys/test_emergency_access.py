"""A locum on a first night opens a record that nothing leads them to: declared, banded in amber, and ended."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as browsers
from tests.journeys.conftest import Region
from tests.journeys.test_signing_in_without_a_launch import declare, fill_in, sign_in

pytestmark = pytest.mark.browser


def user_called(region: Region, about: str) -> dict[str, Any]:
    return next(user for user in region.told["staff"] if about in user["about"])


def adult(region: Region) -> dict[str, Any]:
    """Somebody whom the locum's hospital, a children's hospital, has nothing to do with."""
    return next(person for person in region.told["people"] if person["birth_date"] < "1980")


def find(page: Page, region: Region, person: dict[str, Any]) -> None:
    page.goto(f"{region.told['record']}/find")
    fill_in(page, person)
    page.get_by_role("button", name="Yes, open this record").click()
    page.wait_for_url(re.compile("/patient/"))


@pytest.mark.parametrize("script", [True, False])
def test_a_locum_declares_an_emergency_and_ends_it(region: Region, chrome: Browser, script: bool) -> None:
    person = adult(region)
    page = browsers.page(chrome, script=script)
    sign_in(page, region, user_called(region, "Locum in children's emergency care"))
    find(page, region, person)
    expect(page.get_by_role("heading", level=1)).to_have_text("Emergency access")
    assert person["name"].split(",")[0].upper() not in page.inner_text("body").upper(), "nothing of the record is open"
    if script:
        browsers.keep_picture(page, "journey-emergency-asked-1280")
        assert browsers.axe_violations(page) == []
    declare(page)
    expect(page.locator(".cr-emergency")).to_contain_text("Emergency access until")
    expect(page.locator(".cr-banner__name")).to_be_visible()
    assert person["nhs_number"] not in page.url
    expect(page.locator("#this-look")).to_contain_text("The emergency that you declared")
    if script:
        browsers.keep_picture(page, "journey-emergency-open-1280", full_page=False)
        assert browsers.axe_violations(page) == []
    page.locator("main a[href^='entry/']").first.click()
    expect(page.locator(".cr-emergency")).to_contain_text("left")
    page.get_by_role("button", name="End emergency access").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Emergency access")
    expect(page.locator(".cr-emergency")).to_have_count(0)


def test_it_is_to_this_one_person_and_comes_back_with_the_reader_within_its_time(
    region: Region, chrome: Browser
) -> None:
    person, other = adult(region), [each for each in region.told["people"] if each["birth_date"] < "1980"][1]
    user = user_called(region, "Locum in children's emergency care")
    page = browsers.page(chrome)
    sign_in(page, region, user)
    find(page, region, person)
    declare(page)
    expect(page.locator(".cr-banner__name")).to_be_visible()
    find(page, region, other)
    expect(page.get_by_role("heading", level=1)).to_have_text("Emergency access")
    again = browsers.page(chrome)
    sign_in(again, region, user)
    find(again, region, person)
    expect(again.locator(".cr-emergency")).to_contain_text("Emergency access until")
    again.get_by_role("button", name="End emergency access").click()
    page.goto(f"{region.told['record']}/find")
    find(page, region, person)
    expect(page.get_by_role("heading", level=1)).to_have_text("Emergency access")


def test_a_rehearsal_opens_nothing(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in(page, region, user_called(region, "Locum in children's emergency care"))
    find(page, region, adult(region))
    page.get_by_role("link", name="Rehearse it").click()
    declare(page, button="Finish the rehearsal")
    expect(page.locator(".cr-rehearsal")).to_contain_text("Nothing was opened")
    page.get_by_role("button", name="End the rehearsal").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Emergency access")


def test_who_may_not_declare_is_told_whom_to_ask(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in(page, region, user_called(region, "Social worker, Mile End"))
    page.goto(f"{region.told['record']}/find")
    fill_in(page, adult(region))
    page.get_by_role("button", name="Yes, open this record").click()
    page.wait_for_url(re.compile("/patient/"))
    page.goto(page.url.rsplit("/", 1)[0] + "/emergency")
    expect(page.get_by_role("heading", level=1)).to_have_text("You cannot declare emergency access")
    expect(page.locator(".cr-refusal")).to_contain_text("ask the doctor, nurse or paramedic")
    browsers.keep_picture(page, "journey-emergency-may-not-1280")
    assert browsers.axe_violations(page) == []
