"""An emergency is looked at: by the desk of the reader's hospital and by the one that leads, and by nobody else."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as browsers
from tests.journeys.conftest import Region
from tests.journeys.test_emergency_access import adult, find, user_called
from tests.journeys.test_signing_in_without_a_launch import WORDS, declare, sign_in

pytestmark = pytest.mark.browser
SENTENCE = re.compile("Emergency access was declared: .*Great Ormond Street")


@pytest.fixture(scope="module", autouse=True)
def two_emergencies(region: Region, chrome: Browser) -> None:
    """Somebody at Great Ormond Street declares them one after the other, sees the record, and ends each."""
    for _ in range(2):
        page = browsers.page(chrome)
        sign_in(page, region, user_called(region, "Locum in children's emergency care"))
        find(page, region, adult(region))
        declare(page)
        expect(page.locator(".cr-banner__name")).to_be_visible()
        page.get_by_role("button", name="End emergency access").click()
        expect(page.locator(".cr-emergency")).to_have_count(0)


def at_desk(region: Region, chrome: Browser, about: str, *, width: int = 1280, script: bool = True) -> Page:
    page = browsers.page(chrome, width=width, script=script)
    sign_in(page, region, user_called(region, about))
    page.wait_for_url(re.compile("/desk"))
    return page


@pytest.mark.parametrize("width", browsers.WIDTHS)
def test_the_desk_is_where_its_officer_lands_and_nobody_is_named(region: Region, chrome: Browser, width: int) -> None:
    page = at_desk(region, chrome, "Privacy officer, Barts Health", width=width)
    expect(page.get_by_role("link", name=SENTENCE).first).to_be_visible()
    person = adult(region)
    for text in (person["nhs_number"], person["name"].split(",")[0], "Quenby", WORDS):
        assert text not in page.content()
    browsers.keep_picture(page, f"journey-desk-{width}")
    assert browsers.axe_violations(page) == []
    assert not browsers.is_wider_than_the_window(page)


@pytest.mark.parametrize("script", [True, False])
def test_an_officer_judges_a_case_without_and_then_with_the_names(
    region: Region, chrome: Browser, script: bool
) -> None:
    page = at_desk(region, chrome, "Privacy officer, Barts Health", script=script)
    person = adult(region)
    family = person["name"].split(",")[0].split()[-1]
    page.get_by_role("link", name=SENTENCE).first.click()
    expect(page.locator("main")).to_contain_text(WORDS)
    expect(page.locator(".cr-timeline__here")).to_contain_text("Declared emergency access to this person")
    expect(page.locator(".cr-timeline")).to_contain_text("Was shown the summary of this person")
    text = page.inner_text("main")
    assert person["nhs_number"][-4:] not in text
    assert "Quenby" not in text
    page.get_by_label("Why do you need to know?").fill("To ask the ward who was on call")
    page.get_by_role("button", name="Show who it is").click()
    expect(page.locator(".cr-person")).to_contain_text(re.compile(re.escape(family), re.IGNORECASE))
    if script:
        browsers.keep_picture(page, "journey-desk-case-1280")
        browsers.keep_picture(page, "privacy-desk-1280", full_page=False)
        assert browsers.axe_violations(page) == []
    page.get_by_label("Why do you need their name?").fill("To ask them")
    page.get_by_role("button", name="Name the reader").click()
    expect(page.locator("main")).to_contain_text("Quenby")
    page.get_by_label("Appropriate", exact=True).check(force=True)
    page.get_by_label("Why, in a few words").fill("On call that night.")
    page.get_by_role("button", name="Close this case").click()
    expect(page.locator("main")).to_contain_text("Closed as appropriate: On call that night.")
    page.get_by_role("link", name="How the rules do").click()
    expect(page.locator("main")).to_contain_text("Emergency access declared")
    browsers.keep_picture(page, "journey-desk-rules-1280")


def test_the_desk_of_another_hospital_sees_nothing_of_it(region: Region, chrome: Browser) -> None:
    page = at_desk(region, chrome, "Privacy officer, Barts Health")
    page.goto(f"{region.told['record']}/desk/privacy/notices")
    page.get_by_role("button", name=re.compile("Open the case")).first.click()
    case = page.url
    assert "/desk/privacy/cases/" in case
    oxford = at_desk(region, chrome, "Privacy officer, Oxford")
    expect(oxford.get_by_role("link", name=SENTENCE)).to_have_count(0)
    oxford.goto(case)
    expect(oxford.get_by_role("heading", level=1)).to_have_text("Nothing was found")


@pytest.mark.parametrize("about", ["Consultant, Barts Health. One role", "Records manager, Barts Health"])
def test_no_other_role_gets_to_the_desk(region: Region, chrome: Browser, about: str) -> None:
    page = browsers.page(chrome)
    sign_in(page, region, user_called(region, about))
    page.wait_for_url(re.compile("/find|/desk"))
    page.goto(f"{region.told['record']}/desk/privacy")
    expect(page.get_by_role("heading", level=1)).to_have_text("This desk is not yours")
