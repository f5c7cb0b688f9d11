"""What was announced to the public, promise by promise, each tried by a reader of the record.

A single secure view; each kind of information that is named; from the system that staff already use; each area that is
named; only staff who are involved. (Each neighbour by itself: test_every_neighbour_opens_a_patient_of_its_own.py.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests import browser as browsers
from tests.journeys.conftest import Region
from tests.journeys.test_every_neighbour_opens_a_patient_of_its_own import open_first
from tests.journeys.test_signing_in_without_a_launch import open_record, sign_in, user_with

pytestmark = pytest.mark.browser

# The words of the announcement -> the heading of the truth, the section of the page.
KINDS = {
    "conditions": ("problems", "problems"),
    "test results": ("results", "results"),
    "medicines": ("medicines", "medicines"),
    "allergies": ("allergies", "allergies"),
    "care plans": ("plans", "plans-and-decisions"),
    "discharge summaries": ("letters", "letters"),
    "and more: imaging": ("imaging", "imaging"),
    "and more: procedures": ("procedures", "procedures"),
    "and more: immunisations": ("immunisations", "immunisations"),
    "and more: appointments": ("appointments", "appointments"),
    "and more: observations": ("observations", "observations"),
    "and more: alerts": ("alerts", "alerts"),
    "and more: needs": ("needs", "needs"),
    "and more: social care": ("social care", "social-care"),
    "and more: contacts and care team": ("contacts", "contacts-and-care-team"),
}
AREAS = {
    "Oxford University Hospitals": ("oxford",),
    "Bedfordshire, Luton and Milton Keynes": ("bedfordshire", "milton-keynes", "beds-gp", "luton-community"),
    "Suffolk and North East Essex": ("east-suffolk", "west-suffolk", "suffolk-gp", "essex-ambulance"),
    "Hertfordshire and West Essex": ("west-herts", "east-herts", "herts-council"),
}


def facts_of(region: Region, heading: str) -> Iterator[tuple[dict[str, Any], str]]:
    """(person, what) for everything of this heading that stands on the page of somebody who can be found."""
    for person in region.truth["people"]:
        if not person["nhs_number"] or person["is_restricted"]:
            continue
        if heading == "results":
            for fact in person["facts"]:
                if fact["kind"] == "result" and fact["is_theirs"] and fact["group"] == 0:
                    yield person, fact["name"]
        for entry in person["entries"]:
            is_it = entry["heading"] == heading and entry["group"] == 0 and entry["status"] == "current"
            if is_it and (heading != "letters" or entry["what"] == "Discharge summary"):
                yield person, entry["what"]


def test_a_single_secure_view(region: Region, chrome: Browser) -> None:
    """Several organisations on one page, each line with its source; encrypted cookies and a strict policy around it."""
    by_sources: dict[int, set[str]] = {
        person["person"]: {fact["source"] for fact in person["facts"] if fact["group"] == 0}
        for person in region.truth["people"]
        if person["nhs_number"] and not person["is_restricted"]
    }
    person_number = max(by_sources, key=lambda number: len(by_sources[number]))
    person = next(each for each in region.truth["people"] if each["person"] == person_number)
    page = browsers.page(chrome)
    answers: list[dict[str, str]] = []
    page.on("response", lambda answer: answers.append(answer.headers) if "/patient/" in answer.url else None)
    sign_in(page, region, user_with(region, 1))
    open_record(page, person)
    page.locator(".cr-sources summary").click()
    named = page.locator(".cr-sources tbody th").all_inner_texts()
    assert len(named) >= min(5, len(by_sources[person_number])), named
    assert any("default-src 'none'" in headers.get("content-security-policy", "") for headers in answers)
    assert all(headers.get("cache-control", "").startswith("no-store") for headers in answers if headers)
    browsers.keep_picture(page, "single-view-1280")


@pytest.mark.parametrize("kind", KINDS)
def test_it_shows_each_kind_of_information_that_was_named(region: Region, chrome: Browser, kind: str) -> None:
    heading, section = KINDS[kind]
    person, what = next(facts_of(region, heading))
    page = browsers.page(chrome)
    sign_in(page, region, user_with(region, 1))
    open_record(page, person)
    shown = page.locator(f"#{section}")
    expect(shown).to_be_visible()
    # The page writes "10 mg" where a source writes "10mg".
    words = re.sub(r"(?<=\d)(?=[a-z])", r"\\s?", re.escape(what.removeprefix("Allergy to ")))
    expect(shown).to_contain_text(re.compile(words, re.IGNORECASE))


def test_it_is_opened_from_inside_the_system_that_staff_already_use(region: Region, chrome: Browser) -> None:
    page = browsers.page(chrome)
    neighbour = region.told["neighbours"][0]
    open_first(page, neighbour, neighbour["staff"][0])
    expect(page.get_by_text(f"Opened from {neighbour['name']}").first).to_be_visible()
    assert page.locator("input[type=password]").count() == 0, "nobody is asked to sign in again"


@pytest.mark.parametrize("area", AREAS)
def test_staff_of_each_area_that_was_named_open_it(region: Region, chrome: Browser, area: str) -> None:
    for neighbour_id in AREAS[area]:
        neighbour = next(each for each in region.told["neighbours"] if each["id"] == neighbour_id)
        page = browsers.page(chrome)
        open_first(page, neighbour, neighbour["staff"][0])
        expect(page.get_by_role("region", name="Patient")).to_contain_text(neighbour["first"]["name"].split(",")[0])
        page.context.close()


def test_only_staff_involved_in_a_persons_care_are_let_in(region: Region, chrome: Browser) -> None:
    """Without evidence a reason is asked for before anything is shown; an address alone opens nothing."""
    page = browsers.page(chrome)
    neighbour = region.told["neighbours"][0]
    page.goto(neighbour["address"])
    page.get_by_role("button", name=neighbour["staff"][0]["name"]).click()
    stranger = page.locator("tr", has_text="No clinic, ward or referral on file").first
    stranger.get_by_role("button", name=re.compile("^London Care Record")).click()
    page.wait_for_url(re.compile("/patient/"))
    expect(page.get_by_role("heading", name=re.compile("reason|why", re.IGNORECASE)).first).to_be_visible()
    assert page.locator("a[href*='entry/']").count() == 0

    unknown = browsers.page(chrome)
    answered = unknown.goto(page.url)
    assert answered is not None
    assert answered.status in (401, 403, 404), "the address alone opens nothing"
