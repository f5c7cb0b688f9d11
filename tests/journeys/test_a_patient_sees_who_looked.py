"""A patient signs in, sees who looked within a minute of it, asks about it, and takes a proof home."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browser as browsers
from tests.journeys.conftest import Region

pytestmark = pytest.mark.browser


def looked_at(region: Region, chrome: Browser) -> dict[str, Any]:
    """The first person of the region, whose record a doctor of Oxford has just opened."""
    person: dict[str, Any] = region.told["people"][0]
    staff = region.told["neighbours"][0]["staff"][0]["name"]
    page = browsers.page(chrome)
    page.goto(f"{region.oxford}/")
    page.get_by_role("button", name=re.compile(re.escape(staff))).first.click()
    page.get_by_role("row", name=re.compile(re.escape(person["name"]))).get_by_role(
        "button", name=re.compile("Care Record of")
    ).first.click()
    expect(page.locator(".cr-banner__name")).to_be_visible()
    return person


def sign_in(region: Region, chrome: Browser, name: str, *, width: int = 1280, script: bool = True) -> Page:
    page = browsers.page(chrome, width=width, script=script)
    page.goto(region.told["my_record"])
    page.get_by_role("link", name=re.compile("Continue with")).click()
    page.get_by_role("button", name=name).first.click()
    return page


@pytest.mark.parametrize("width", browsers.WIDTHS)
def test_a_look_is_there_at_once_by_role_and_organisation_and_without_a_name(
    region: Region, chrome: Browser, width: int
) -> None:
    person = looked_at(region, chrome)
    page = sign_in(region, chrome, person["name"], width=width)
    expect(page.get_by_role("heading", level=1)).to_have_text("Who has looked at your record")
    expect(page.locator(".cr-own__looks").first).to_contain_text("The summary of your record")
    expect(page.locator("main")).to_contain_text("Oxford University Hospitals")
    text = page.content()
    for hidden in (region.told["neighbours"][0]["staff"][0]["name"], person["nhs_number"]):
        assert hidden not in text
    browsers.keep_picture(page, f"journey-own-{width}")
    assert browsers.axe_violations(page) == []
    assert not browsers.is_wider_than_the_window(page)


def test_a_question_and_a_proof_without_script(region: Region, chrome: Browser) -> None:
    person = looked_at(region, chrome)
    page = sign_in(region, chrome, person["name"], script=False)
    page.get_by_role("link", name=re.compile("ask why")).first.click()
    page.get_by_label("What would you like to know?").fill("Who was this?")
    look = page.url
    page.get_by_role("button", name="Ask about this look").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your question is sent")
    page.goto(look)
    expect(page.locator("main")).to_contain_text("has your question")
    proof = page.get_by_role("link", name=re.compile("^Proof")).first.get_attribute("href")
    until = time.monotonic() + 90
    answer = page.request.get(f"{region.told['record']}{proof}")
    while answer.status == 404 and time.monotonic() < until:
        time.sleep(3)
        answer = page.request.get(f"{region.told['record']}{proof}")
    assert answer.ok
    assert json.loads(answer.text())["format"] == "carerecord-audit-entry/1"
    kept, keys = region.home / "proof.json", region.home / "keys.json"
    kept.write_text(answer.text())
    keys.write_text(region.operate("witness", "key", "show").stdout)
    checked = region.operate("witness", "check", str(kept), "--keys", str(keys))
    assert (checked.returncode, "stands in the audit" in checked.stdout) == (0, True), checked


def test_who_is_not_proven_is_told_what_to_do(region: Region, chrome: Browser) -> None:
    page = sign_in(region, chrome, f"{region.told['people'][0]['name']}, identity not proven")
    expect(page.locator("main")).to_contain_text("photo ID")
