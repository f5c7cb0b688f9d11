"""Listed people at the privacy desk in Chromium, over the real doors: listed, named for a reason, and taken off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from carerecord import clock
from carerecord.settings import Settings
from tests import browser
from tests.house import BIRTH_DATE, NHS_NUMBER
from tests.real_desks import RealDesks, look_over, real_desks

pytestmark = pytest.mark.browser
ROLE = "privacy-officer"
HOME = "/desk/privacy/listed"
WHY = "On the news every evening"


@pytest.fixture(scope="module")
def desks(test_server: Settings) -> Iterator[RealDesks]:
    with real_desks(test_server) as started:
        started.run(started.house.joan())
        yield started


def list_joan(shown: Page, *, days: int = 90) -> None:
    until = clock.now().date() + timedelta(days=days)
    shown.get_by_label("NHS number").fill(NHS_NUMBER)
    for label, number in (
        ("Day", BIRTH_DATE.day), ("Month", BIRTH_DATE.month), ("Year", BIRTH_DATE.year),
        ("Last day", until.day), ("Last month", until.month), ("Last year", until.year),
    ):  # fmt: skip
        shown.get_by_label(label, exact=True).fill(str(number))
    shown.locator("#why").fill(WHY)
    shown.get_by_role("button", name="Put them on the list").click()


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_the_page_is_right_at_every_width(desks: RealDesks, width: int) -> None:
    shown = desks.at(HOME, ROLE, name=f"Wide {width}", width=width)
    list_joan(shown)
    expect(shown.locator("section[aria-labelledby=listed-title]")).to_contain_text(WHY)
    look_over(desks, shown, "privacy-listed")
    assert "HARTLEY" not in shown.content()


def test_who_it_is_stands_on_one_answer_and_for_a_reason(desks: RealDesks) -> None:
    shown = desks.at(HOME, ROLE, name="Asks Why")
    list_joan(shown)
    listed = shown.locator("section[aria-labelledby=listed-title]")
    listed.get_by_role("button", name="Show who it is").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("it is kept")
    listed.get_by_label("Why").fill("They rang and asked")
    listed.get_by_role("button", name="Show who it is").click()
    expect(listed).to_contain_text("HARTLEY")
    look_over(desks, shown, "privacy-listed-named")
    shown.goto(desks.address + HOME)
    assert "HARTLEY" not in shown.content()
    listed.get_by_label("Why").fill("No longer in the news")
    listed.get_by_role("button", name="Take off the list").click()
    expect(listed).to_contain_text("Nobody is on your list.")


def test_an_end_that_is_over_or_too_far_is_refused(desks: RealDesks) -> None:
    shown = desks.at(HOME, ROLE, name="Too Far", script=False)
    for days in (-1, 500):
        list_joan(shown, days=days)
        expect(shown.locator(".nhsuk-error-summary")).to_contain_text("within a year")
    shown.goto(desks.address + HOME)
    shown.get_by_role("button", name="Put them on the list").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("date of birth")


@pytest.mark.parametrize("how", [{"role": "records-manager"}, {"role": ROLE, "organisation": "RAL"}])
def test_nobody_else_learns_that_anybody_is_listed(desks: RealDesks, how: dict[str, Any]) -> None:
    list_joan(desks.at(HOME, ROLE, name="Lister"))
    role = how.pop("role")
    shown = desks.at(HOME, role, name=f"Other {role}", **how)
    assert WHY not in shown.content()
