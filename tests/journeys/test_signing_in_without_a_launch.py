"""Someone without a record system of their own signs in, and finds a person whom they care for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as browsers
from tests.journeys.conftest import Region

pytestmark = pytest.mark.browser
WORDS = "Found collapsed in the waiting room, not responding, need medicines and allergies"


def user_with(region: Region, roles: int) -> dict[str, Any]:
    return next(user for user in region.told["staff"] if len(user["roles"]) == roles)


def sign_in(page: Page, region: Region, user: dict[str, Any]) -> None:
    page.goto(region.told["record"])
    page.get_by_role("link", name=re.compile("sign in", re.IGNORECASE)).or_(
        page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE))
    ).first.click()
    page.get_by_text(user["name"]).first.click()


def fill_in(page: Page, person: dict[str, Any]) -> None:
    year, month, day = person["birth_date"].split("-")
    page.get_by_label(re.compile("NHS number", re.IGNORECASE)).fill(person["nhs_number"])
    page.get_by_label("Day").fill(day)
    page.get_by_label("Month").fill(month)
    page.get_by_label("Year").fill(year)
    page.get_by_role("button", name=re.compile("find", re.IGNORECASE)).click()


def open_record(page: Page, person: dict[str, Any]) -> None:
    """Finds a person, says that it is the right one, and declares an emergency where nothing shows a relationship."""
    fill_in(page, person)
    expect(page.get_by_role("heading", name="Is this the right person?")).to_be_visible()
    page.get_by_role("button", name="Yes, open this record").click()
    page.wait_for_url(re.compile("/patient/"))
    if page.get_by_role("heading", level=1).first.inner_text() == "Emergency access":
        declare(page)


def declare(page: Page, *, button: str = "Open with emergency access") -> None:
    page.get_by_label("This person cannot be asked").check(force=True)
    page.get_by_label("What is happening?").fill(WORDS)
    page.get_by_label("2 hours", exact=True).check(force=True)
    page.get_by_label("I need this record now").check(force=True)
    page.get_by_role("button", name=button).click()


def test_one_role_is_taken_and_whom_the_hospital_knows_is_opened_without_a_question(
    region: Region, chrome: Browser
) -> None:
    page = browsers.page(chrome)
    sign_in(page, region, user_with(region, 1))
    person = region.told["people"][0]
    open_record(page, person)
    expect(page.locator(".cr-banner__name")).to_contain_text(person["name"].split(",")[0])
    expect(page.locator("#this-look")).to_contain_text("your organisation")
    assert person["nhs_number"] not in page.url


def test_no_role_is_told_whom_to_ask(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in(page, region, user_with(region, 0))
    expect(page.locator("body")).to_contain_text(re.compile("role", re.IGNORECASE))
    browsers.keep_picture(page, "no-role-1280")
    assert browsers.axe_violations(page) == []


def test_many_roles_are_a_choice(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    user = max(region.told["staff"], key=lambda user: len(user["roles"]))
    sign_in(page, region, user)
    page.wait_for_url(re.compile("/sign-in/role"))
    browsers.keep_picture(page, "roles-1280")
    assert browsers.axe_violations(page) == []


def test_a_wrong_birth_date_and_an_unknown_number_get_the_same_answer(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in(page, region, user_with(region, 1))
    known = region.told["people"][0]
    answers = []
    for person in ({**known, "birth_date": "1951-02-03"}, {**known, "nhs_number": "9990000018"}):
        page.goto(f"{region.told['record']}/find")
        fill_in(page, person)
        answers.append(re.sub(r"\s+", " ", page.inner_text("main")))
    assert answers[0] == answers[1]
