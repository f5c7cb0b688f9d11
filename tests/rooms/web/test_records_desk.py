"""The records desk in Chromium, over the real doors: objections, a recall, a look made again, a removal asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from carerecord import clock
from carerecord.disclosure import Summary
from carerecord.settings import Settings
from carerecord.stewardship.objections import Scope
from carerecord.web import present
from tests import browser
from tests.house import BIRTH_DATE, NHS_NUMBER, looking
from tests.real_desks import RealDesks, look_over, real_desks

pytestmark = pytest.mark.browser
ROLE = "records-manager"
PAGES = {
    "objections": "/desk/records",
    "recall": "/desk/records/recall",
    "replay": "/desk/records/replay",
    "unsettled": "/desk/records/unsettled",
    "two-people": "/desk/records/proposals",
}
WHY = "The ward rang: it is another person's"


@pytest.fixture(scope="module")
def desks(test_server: Settings) -> Iterator[RealDesks]:
    with real_desks(test_server) as started:
        started.run(looked(started))
        yield started


async def looked(desks: RealDesks) -> None:
    """Joan Hartley, heard of once and looked at once."""
    joan = await desks.house.joan()
    page = await desks.house.door.summary(looking(joan, at=clock.now()))
    assert isinstance(page, Summary)
    assert present.summary(page, at=clock.now())


def shown_event(desks: RealDesks) -> str:
    (event,) = [each for each in desks.run(desks.house.events()) if each["kind"] == "shown"]
    return f"{event['stream']}-{event['seq']}"


def original(desks: RealDesks) -> str:
    row = desks.run(desks.house.owner.fetchrow("select day, seq from intake.original"))
    return f"{row['day']:%Y%m%d}-{row['seq']}"


def receive(shown: Page, *, nhs_number: str = NHS_NUMBER) -> None:
    shown.get_by_label("NHS number").fill(nhs_number)
    for label, number in (("Day", BIRTH_DATE.day), ("Month", BIRTH_DATE.month), ("Year", BIRTH_DATE.year)):
        shown.get_by_label(label, exact=True).fill(str(number))
    shown.get_by_role("button", name="Receive it, and restrict now").click()


@pytest.mark.parametrize("width", browser.WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_records_desk_is_right_at_every_width(desks: RealDesks, name: str, width: int) -> None:
    look_over(desks, desks.at(PAGES[name], ROLE, width=width), f"records-{name}")


def test_who_saw_it_is_listed_first_and_told_only_when_somebody_says_so(desks: RealDesks) -> None:
    shown = desks.at(PAGES["recall"], ROLE, script=False)
    shown.get_by_role("button", name="List who saw it").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("why you need to look")
    shown.get_by_label("Statement or message").fill(original(desks))
    shown.get_by_label("Why", exact=True).fill(WHY)
    shown.get_by_role("button", name="List who saw it").click()
    told = shown.locator("section[aria-labelledby=told-title]")
    expect(told).to_contain_text("Oxford University Hospitals")
    expect(told).to_contain_text("not told yet")
    assert desks.run(desks.house.owner.fetchval("select count(*) from stewardship.notice where kind = 'recall'")) == 0
    shown.get_by_role("button", name="Tell these organisations").click()
    expect(told).to_contain_text(re.compile("[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}"))
    assert desks.run(desks.house.owner.fetchval("select count(*) from stewardship.notice where kind = 'recall'")) == 1
    assert "HARTLEY" not in shown.content()


@pytest.mark.parametrize("script", [True, False])
def test_a_look_is_shown_as_it_was_framed_and_with_its_verdict(desks: RealDesks, script: bool) -> None:
    shown = desks.at(PAGES["replay"], ROLE, name=f"Rae {script}", script=script)
    shown.get_by_label("Number of the look").fill(shown_event(desks))
    shown.get_by_role("button", name="Show it as it was").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("it is kept")
    assert shown.locator("iframe").count() == 0
    shown.get_by_label("Why do you need to see it?").fill("Asked by the coroner")
    shown.get_by_role("button", name="Show it as it was").click()
    expect(shown.locator("main")).to_contain_text("The same page, byte for byte.")
    expect(shown.locator(".cr-seen h2")).to_contain_text("It is not what is known now")
    seen = shown.frame_locator(".cr-seen iframe")
    expect(seen.locator(".cr-banner__name")).to_contain_text("HARTLEY")
    browser.keep_picture(shown, f"records-as-seen-{script}")
    events = desks.run(desks.house.events())
    mine = [each for each in events if f"Rae {script}" in each["staff"] and each["detail"].get("what") == "replay"]
    assert [(each["kind"], each["detail"]["because"]) for each in mine] == [("examined", "Asked by the coroner")]


def test_an_objection_restricts_on_receipt_and_is_decided_with_reasons(desks: RealDesks) -> None:
    shown = desks.at(PAGES["objections"], ROLE, script=False)
    receive(shown, nhs_number="9990000018")
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("No person is found")
    receive(shown)
    weighed = shown.locator("section[aria-labelledby=weighed-title]")
    expect(weighed).to_contain_text("The whole record")
    assert "HARTLEY" not in shown.content()
    assert desks.run(desks.house.owner.fetchval("select state from stewardship.objection")) == "weighed"
    weighed.get_by_role("button", name="Uphold").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("Say why")
    weighed.get_by_label("Reasons").fill("Their wish, and no overriding ground.")
    weighed.get_by_role("button", name="Uphold").click()
    others = shown.locator("section[aria-labelledby=others-title]")
    expect(others).to_contain_text("Upheld")
    look_over(desks, desks.at(PAGES["objections"], ROLE), "records-objection")
    others.get_by_text("Decide anew").click()
    others.get_by_label("Reasons").fill("They wrote that they agree now.")
    others.get_by_role("button", name="Withdrawn by the person").click()
    expect(others).to_contain_text("Withdrawn")


def test_who_was_told_of_an_objection_learns_whom_it_concerns_and_nobody_else_is_named(desks: RealDesks) -> None:
    """A notice that says "open it by its reference to learn whom it concerns" can be opened."""
    joan = desks.run(desks.house.owner.fetchval("select patient_key from patient_index.identity limit 1"))
    manager, at = desks.staff(ROLE), clock.now()
    desks.run(
        desks.parts.objections.receive(manager, patient_key=joan, scope=Scope.WHOLE, value="", session="s", at=at)
    )
    officer = desks.at("/desk/privacy/notices", "privacy-officer", organisation="RTH")
    assert "HARTLEY" not in officer.content()
    officer.get_by_role("button", name="Open it: whom it concerns").first.click()
    told = officer.locator("section[aria-labelledby=concerned-title]")
    expect(told).to_contain_text("HARTLEY, Joan")
    expect(told).to_contain_text("Their whole record")
    look_over(desks, officer, "privacy-notice-objection")
    kinds = [(each["kind"], each["detail"].get("what")) for each in desks.run(desks.house.events())]
    assert ("examined", "notice") in kinds
    officer.goto(desks.address + "/desk/privacy/notices")
    assert "HARTLEY" not in officer.content()
    expect(officer.get_by_role("button", name="Open it: whom it concerns").first).to_be_visible()
    records = desks.at("/desk/records", ROLE)
    expect(records.locator("section[aria-labelledby=weighed-title]")).to_contain_text("answer by")
