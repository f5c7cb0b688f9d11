"""Oxford shows the London record in a panel beside its own patient, and the panel follows its patient."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests import browser as browsers
from tests.journeys.conftest import Region
from tests.journeys.test_an_oxford_clinician_sees_what_london_holds import DOCTOR, PATIENT, sign_in_to_oxford

pytestmark = pytest.mark.browser


def open_with_panel(page: Page, patient: str) -> FrameLocator:
    page.locator("tr", has_text=patient).first.get_by_role("button", name=f"Open {patient}").click()
    page.wait_for_url("**/patient")
    return page.frame_locator("iframe")


def test_the_panel_shows_the_record_of_the_patient_who_is_open_and_its_lines_open(
    region: Region, chrome: Browser
) -> None:
    page = browsers.page(chrome, width=1280, height=900)
    sign_in_to_oxford(page, region, DOCTOR)
    panel = open_with_panel(page, PATIENT)
    expect(panel.locator(".cr-banner__name")).to_contain_text("HARTLEY, Joan")
    expect(panel.get_by_text("Known allergies").first).to_be_visible()
    panel.locator("label[for='allergies-show']").click()
    line = panel.locator("#allergies a[href^='entry/']").first
    line.click()
    expect(line).to_have_attribute("aria-expanded", "true")
    record = next(frame for frame in page.frames if "/patient/" in frame.url)
    assert record.evaluate("window.innerWidth") <= 400
    assert not record.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert browsers.axe_violations(record) == []
    assert browsers.axe_violations(page) == []
    browsers.keep_picture(page, "panel-1280", full_page=False)


def test_the_panel_turns_with_oxfords_patient_and_what_stood_in_it_is_over_everywhere(
    region: Region, chrome: Browser
) -> None:
    page = browsers.page(chrome)
    sign_in_to_oxford(page, region, DOCTOR)
    panel = open_with_panel(page, PATIENT)
    expect(panel.locator(".cr-banner__name")).to_contain_text("HARTLEY, Joan")
    chart = next(frame.url for frame in page.frames if "/patient/" in frame.url)
    left_open = page.context.new_page()  # the same chart, as a page that stayed open beside
    left_open.goto(chart)
    expect(left_open.locator(".cr-banner__name")).to_contain_text("HARTLEY, Joan")

    page.bring_to_front()
    own, panel = page.get_by_role("heading", level=1), page.frame_locator("iframe")
    page.get_by_role("button", name="Next patient").click()  # Nothing shows that this one is Oxford's patient today.
    expect(own).not_to_contain_text(PATIENT)
    expect(panel.get_by_role("heading", name="Why are you opening this record?")).to_be_visible()
    second = own.inner_text()
    page.get_by_role("button", name="Next patient").click()
    expect(own).not_to_have_text(second)
    expect(panel.locator(".cr-banner__name")).to_contain_text(own.inner_text().split(" (")[0])
    expect(panel.locator("body")).not_to_contain_text("HARTLEY, Joan")

    left_open.bring_to_front()  # A page that is looked at asks by itself, and empties itself.
    expect(left_open.get_by_role("heading", name="This session has ended")).to_be_visible()
    expect(left_open.locator("body")).not_to_contain_text("HARTLEY")

    page.bring_to_front()
    page.get_by_role("button", name="Close patient").click()
    expect(page.get_by_role("heading", name="My patients")).to_be_visible()


def test_another_systems_page_cannot_frame_what_oxford_opened(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in_to_oxford(page, region, DOCTOR)
    open_with_panel(page, PATIENT)
    expect(page.frame_locator("iframe").locator(".cr-banner__name")).to_be_visible()
    chart = next(frame.url for frame in page.frames if "/patient/" in frame.url)
    bedfordshire = next(each for each in region.told["neighbours"] if each["id"] == "bedfordshire")["address"]
    page.goto(bedfordshire)
    page.evaluate("of => { document.body.innerHTML = `<iframe src='${of}'></iframe>`; }", chart)
    expect(page.locator("iframe")).to_be_attached()
    page.wait_for_function("() => window.length === 1")
    framed = page.frames[1]
    framed.wait_for_load_state()
    assert framed.url.startswith("chrome-error://")
