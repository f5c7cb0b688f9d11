"""A safety problem is reported from any page, and looked at: in Chromium, over the real doors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from carerecord import clock
from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.settings import Settings
from carerecord.signin import patient_cookie
from carerecord.web.pages.safety import came_from
from tests import browser
from tests.real_desks import RealDesks, look_over, real_desks

pytestmark = pytest.mark.browser
ROLE = "safety-officer"
WORDS = "The dose on the line is twice that of the letter behind it"


@pytest.fixture(scope="module")
def desks(test_server: Settings) -> Iterator[RealDesks]:
    with real_desks(test_server) as started:
        started.run(heard(started))
        yield started


async def heard(desks: RealDesks) -> None:
    await desks.house.joan()


def in_chart(desks: RealDesks, **how: Any) -> tuple[Page, str]:
    """Joan Hartley's record, open before a consultant who has an appointment with her."""
    joan = desks.run(desks.house.owner.fetchval("select patient_key from patient_index.identity"))
    made = desks.parts.sessions.create_patient(
        desks.staff("clinician", name="Dr Obi", organisation="RTH"),
        patient_key=joan,
        evidence=Evidence(kind=EvidenceClass.APPOINTMENT, id="A-1"),
        purpose=Purpose.TREAT,
        route="launch",
        at=clock.now(),
    )
    new = desks.run(made)
    assert desks.chrome is not None
    shown = browser.page(desks.chrome, **how)
    base = f"/patient/{new.id}"
    shown.context.add_cookies(
        [{"name": patient_cookie(new.id), "value": new.token, "domain": "127.0.0.1", "path": base}]
    )
    desks.said = []
    shown.goto(f"{desks.address}{base}/summary")
    return shown, base


def report(shown: Page, *, harm: str = "No") -> str:
    """Fills the form and sends it; the number that the reporter is told."""
    shown.get_by_label("What happened?").fill(WORDS)
    shown.get_by_role("group", name="Was somebody harmed?").get_by_label(harm, exact=True).check(force=True)
    shown.get_by_role("group", name="Could it happen again?").get_by_label("Yes").check(force=True)
    shown.get_by_role("button", name="Send to the safety officer").click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Your report is with the safety officer")
    return shown.locator("main b").first.inner_text()


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_the_report_is_right_at_every_width(desks: RealDesks, width: int) -> None:
    shown, _ = in_chart(desks, width=width)
    shown.get_by_role("link", name="Report a safety problem").click()
    look_over(desks, shown, "safety-report")
    shown.get_by_role("button", name="Send to the safety officer").click()
    assert shown.locator(".nhsuk-error-summary li").count() == 3
    look_over(desks, shown, "safety-report-wrong")


@pytest.mark.parametrize("script", [True, False])
def test_what_is_reported_on_a_record_reaches_the_safety_officer(desks: RealDesks, script: bool) -> None:
    shown, base = in_chart(desks, script=script)
    shown.get_by_role("link", name="Report a safety problem").click()
    assert shown.url == f"{desks.address}{base}/safety", "no address says what was open"
    number = report(shown, harm="Yes")
    assert re.fullmatch("([0-9A-F]{4}-){3}[0-9A-F]{4}", number)
    (told,) = desks.run(
        desks.house.owner.fetch(
            "select * from stewardship.notice where about = $1", f"safety {int(number.replace('-', ''), 16)}"
        )
    )
    assert told["organisation"] == "R1H"
    for said in (told["sentence"], told["detail"]):
        assert "Hartley" not in said
        assert "9990123454" not in said
    officer = desks.at("/desk/safety", ROLE, script=script)
    row = officer.locator("tr", has_text=number)
    expect(row).to_contain_text("somebody was harmed: Clinician, Oxford University Hospitals")
    row.get_by_role("link").click()
    expect(officer.locator("main")).to_contain_text(WORDS)
    expect(officer.locator("main")).to_contain_text("summary")
    assert "HARTLEY" not in officer.content()
    officer.get_by_role("button", name="Show who it is").click()
    expect(officer.locator(".nhsuk-error-summary")).to_contain_text("it is kept")
    officer.get_by_label("Why do you need to know?").fill("To ask the ward about the dose")
    officer.get_by_role("button", name="Show who it is").click()
    expect(officer.locator(".cr-person")).to_contain_text("HARTLEY")
    officer.get_by_label("A hazard", exact=True).check(force=True)
    officer.get_by_label("Hazards of the log, if any").fill("H6")
    officer.get_by_role("button", name="Close this report").click()
    expect(officer.locator(".nhsuk-error-summary")).to_contain_text("such as H03 H11")
    officer.get_by_label("A hazard", exact=True).check(force=True)
    officer.get_by_label("Hazards of the log, if any").fill("H06")
    officer.get_by_label("Why, in a few words").fill("Two strengths on one line.")
    officer.get_by_role("button", name="Close this report").click()
    expect(officer.locator("main")).to_contain_text("Closed as hazard (H06): Two strengths on one line.")
    events = desks.run(desks.house.events())
    kept = [each for each in events if each["detail"].get("what") == "safety"]
    assert {(each["kind"], each["detail"]["page"]) for each in kept} == {("notified", "summary")}
    assert all(each["patient_key"] for each in kept)


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_the_safety_desk_is_right_at_every_width(desks: RealDesks, width: int) -> None:
    shown, _ = in_chart(desks)
    shown.get_by_role("link", name="Report a safety problem").click()
    report(shown)
    officer = desks.at("/desk/safety", ROLE, width=width)
    look_over(desks, officer, "safety-desk")
    officer.get_by_role("link", name="A safety problem was reported").first.click()
    look_over(desks, officer, "safety-case")


def test_a_desk_reports_too_and_about_nobody(desks: RealDesks) -> None:
    shown = desks.at("/desk/guardian/matrix", "caldicott-guardian", script=False)
    shown.get_by_role("link", name="Report a safety problem").click()
    number = int(report(shown).replace("-", ""), 16)
    case = desks.run(desks.house.owner.fetchrow("select * from stewardship.privacy_case where id = $1", number))
    assert (case["patient_key"], case["desk"], case["kind"]) == (0, "safety", "safety")


def test_what_was_open_is_read_from_an_address_of_ours_alone() -> None:
    assert came_from("http://x/patient/s1/entry/medicines-7") == ("entry", "medicines-7")
    assert came_from("http://x/patient/s1/summary") == ("summary", "")
    assert came_from("http://x/desk/privacy/cases/7") == ("desk", "")
    assert came_from("http://x/patient/s1/elsewhere/<b>")[0] == ""
    assert came_from("") == ("", "")
