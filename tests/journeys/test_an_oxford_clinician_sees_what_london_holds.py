"""The promise of the record: an Oxford clinician, inside their own system, sees what London holds of their patient."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as browsers
from tests.journeys.conftest import Region

pytestmark = pytest.mark.browser
DOCTOR, ADMINISTRATOR = "Dr Miriam Halloway", "Mr Colin Peters"
PATIENT = "HARTLEY, Joan Margaret"


def sign_in_to_oxford(page: Page, region: Region, who: str) -> None:
    page.goto(region.oxford)
    page.get_by_role("button", name=who).click()
    expect(page.get_by_role("table").first).to_be_visible()


def press_london_care_record(page: Page, patient: str) -> None:
    page.locator("tr", has_text=patient).first.get_by_role("button", name=re.compile("^London Care Record")).click()
    page.wait_for_url(re.compile("/patient/"))


def events(region: Region) -> int:
    report = region.operate("witness", "verify", "--json")
    assert report.returncode == 0, report.stdout + report.stderr
    return int(json.loads(report.stdout)["events"])


def test_allergies_a_trend_a_letter_and_what_is_missing(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in_to_oxford(page, region, DOCTOR)
    before = events(region)
    press_london_care_record(page, PATIENT)

    expect(page.get_by_text("Known allergies").first).to_be_visible()
    expect(page.get_by_text(re.compile("penicillin", re.IGNORECASE)).first).to_be_visible()
    expect(page.get_by_text("GP record: the practice is outside London").first).to_be_visible()
    potassium = page.locator("tr", has_text="Potassium").first
    expect(potassium.locator("svg").first).to_be_visible()
    expect(potassium).to_contain_text("mmol/L")
    page.get_by_role("link", name="Discharge summary").first.wait_for()
    page.locator("details", has_text="Read it here").first.locator("summary").click()
    expect(page.get_by_text(re.compile("discharge", re.IGNORECASE)).first).to_be_visible()
    assert not re.search(r"\d{10}|hartley", page.url, re.IGNORECASE), "nothing identifying in an address"
    assert events(region) >= before + 4, "searched, arrived, opened, shown"


def test_every_line_opens_its_sources_and_what_made_it_of_their_message(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome, script=False)
    sign_in_to_oxford(page, region, DOCTOR)
    press_london_care_record(page, PATIENT)
    page.locator("#allergies a[href*='entry/']").first.click()
    expect(page.get_by_text("Barts Health").first).to_be_visible()
    page.locator("a[href*='original/']").first.click()
    expect(page.locator("body")).to_contain_text("AL1|")
    expect(page.locator("body")).not_to_contain_text("PID|")


def test_an_administrator_sees_who_the_person_is_and_why_no_more(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in_to_oxford(page, region, ADMINISTRATOR)
    press_london_care_record(page, PATIENT)
    expect(page.get_by_text("HARTLEY").first).to_be_visible()
    expect(page.get_by_text(re.compile("Clinical headings, allergies included")).first).to_be_visible()
    words = page.inner_text("body").lower()
    assert not any(word in words for word in ("penicillin", "potassium", "discharge summary", "known allergies:"))
    browsers.keep_picture(page, "administrator-1280")


def test_a_launch_that_names_no_evidence_must_give_a_reason(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in_to_oxford(page, region, DOCTOR)
    press_london_care_record(page, "No clinic, ward or referral on file")
    expect(page.get_by_role("heading", name=re.compile("reason|why", re.IGNORECASE)).first).to_be_visible()
    assert "penicillin" not in page.inner_text("body").lower()
    browsers.keep_picture(page, "reason-1280")
    page.get_by_role("button", name=re.compile("clinic", re.IGNORECASE)).first.click()
    expect(page.get_by_text(re.compile("You gave the reason yourself")).first).to_be_visible()


@pytest.mark.parametrize("width", browsers.WIDTHS)
def test_the_page_is_whole_at_every_width_and_axe_finds_nothing(region: Region, chrome: Browser, width: int) -> None:
    page = browsers.page(chrome, width=width, height=900)
    sign_in_to_oxford(page, region, DOCTOR)
    press_london_care_record(page, PATIENT)
    browsers.keep_picture(page, f"summary-{width}", full_page=False)
    browsers.keep_picture(page, f"summary-{width}-whole")
    assert not browsers.is_wider_than_the_window(page)
    assert browsers.axe_violations(page) == []


def test_oxfords_pages_and_the_operators_page_have_no_axe_violation(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in_to_oxford(page, region, DOCTOR)
    browsers.keep_picture(page, "oxford-1280")
    assert browsers.axe_violations(page) == []
    page.goto(region.told["operator_page"])
    browsers.keep_picture(page, "operator-1280")
    assert browsers.axe_violations(page) == []


def test_the_page_is_reached_and_opened_by_keyboard_alone(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    sign_in_to_oxford(page, region, DOCTOR)
    press_london_care_record(page, PATIENT)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_contain_text("Skip to")
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if "entry/" in (page.locator(":focus").get_attribute("href") or ""):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("original message", re.IGNORECASE)).first).to_be_visible()
