"""Subject access at the records desk in Chromium, over the real doors: asked, worked by keyboard, downloaded."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from carerecord import clock, database
from carerecord.model import Heading
from carerecord.settings import Settings
from carerecord.stewardship.subject_access.making import make_next
from tests import browser
from tests.house import BIRTH_DATE, NHS_NUMBER
from tests.real_desks import RealDesks, look_over, real_desks
from tests.rooms.stewardship.test_subject_access import SECRET, letter, statement

pytestmark = pytest.mark.browser
ROLE = "records-manager"
HOME = "/desk/records/subject-access"
LETTERS = 12


@pytest.fixture(scope="module")
def desks(test_server: Settings) -> Iterator[RealDesks]:
    with real_desks(test_server) as started:
        started.run(filled(started))
        yield started


async def filled(desks: RealDesks) -> None:
    """Joan Hartley, of whom a daughter told a dozen clinics something, and a PDF that no program reads."""
    joan = await desks.house.joan()
    letters = [
        statement(letter(f"Clinic {number}. {SECRET} Review in March."), number=int(f"1{number:b}"), patient_key=joan)
        for number in range(LETTERS)
    ]
    scan = statement(letter("%PDF-1.4\n%%EOF\n", "application/pdf"), number=100_000_000, patient_key=joan)
    plain = {"resourceType": "Observation", "status": "final", "code": {"text": "Potassium"}, "valueString": "4.1"}
    result = statement(plain, heading=Heading.RESULTS, number=110_000_000, patient_key=joan)
    await desks.house.remember(joan, [*letters, scan, result])


def opened(desks: RealDesks, *, name: str, proof: str = "Passport seen", **how: Any) -> Page:
    shown = desks.at(HOME, ROLE, name=name, **how)
    shown.get_by_label("NHS number").fill(NHS_NUMBER)
    for label, number in (("Day", BIRTH_DATE.day), ("Month", BIRTH_DATE.month), ("Year", BIRTH_DATE.year)):
        shown.get_by_label(label, exact=True).fill(str(number))
    shown.get_by_label("Who asks, and in which standing").fill("The person")
    shown.get_by_label("What you have seen that shows who they are").fill(proof)
    shown.get_by_role("button", name="Open the request").click()
    expect(shown.locator("h1")).to_contain_text("Request ")
    return shown


def make(desks: RealDesks) -> None:
    async def made() -> bool:
        async with database.connect(desks.settings, "work") as work:
            return await make_next(work, desks.region, at=clock.now(), random_key=clock.random_key)

    assert desks.run(made())


def press(shown: Page, *keys: str) -> None:
    for key in keys:
        shown.keyboard.press(key)


def to_field(shown: Page, field: str) -> None:
    """On by the Tab key alone, as somebody without a mouse gets there."""
    for _ in range(200):
        press(shown, "Tab")
        if shown.evaluate("document.activeElement.id || document.activeElement.name || ''") == field:
            return
    raise AssertionError(f"the keyboard does not get to {field}")


def to_words(shown: Page, words: str) -> None:
    for _ in range(200):
        press(shown, "Tab")
        if words in str(shown.evaluate("document.activeElement.textContent")):
            return
    raise AssertionError(f"the keyboard does not get to {words}")


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_each_page_is_right_at_every_width(desks: RealDesks, width: int) -> None:
    shown = opened(desks, name=f"Wide {width}", width=width)
    address = shown.url
    look_over(desks, shown, "subject-access-request")
    shown.get_by_role("link", name="Somebody else can be known by it").click()
    look_over(desks, shown, "subject-access-items")
    shown.get_by_role("link", name="Decide this by itself").first.click()
    look_over(desks, shown, "subject-access-item")
    shown.goto(f"{address}/left-out")
    look_over(desks, shown, "subject-access-left-out")
    shown.goto(desks.address + HOME)
    look_over(desks, shown, "subject-access")
    assert "HARTLEY" not in shown.content()


def test_a_wrong_form_says_what_to_mend_and_finds_nobody(desks: RealDesks) -> None:
    shown = desks.at(HOME, ROLE, name="Wrong")
    shown.get_by_role("button", name="Open the request").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("date of birth")
    shown.get_by_label("NHS number").fill("9990000018")
    for label, number in (("Day", "12"), ("Month", "3"), ("Year", "1948")):
        shown.get_by_label(label, exact=True).fill(number)
    shown.get_by_label("Who asks, and in which standing").fill("The person")
    shown.get_by_role("button", name="Open the request").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("No person is found")
    look_over(desks, shown, "subject-access-wrong")


def test_while_proof_is_awaited_the_clock_stands_and_nothing_is_shown(desks: RealDesks) -> None:
    shown = opened(desks, name="Waiting", proof="")
    expect(shown.locator("main")).to_contain_text("Clock stands")
    assert shown.get_by_text("To be decided by somebody").count() == 0
    look_over(desks, shown, "subject-access-awaited")
    shown.get_by_role("button", name="It is they").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("what was seen")
    shown.get_by_label("What you have seen").fill("Driving licence, photo and address")
    shown.get_by_role("button", name="It is they").click()
    expect(shown.locator("main")).to_contain_text("0 of 13 decided")
    shown.get_by_text("Take two further months").click()
    shown.get_by_label("Why it takes longer").fill("Nineteen volumes of letters")
    shown.get_by_role("button", name="Extend").click()
    expect(shown.locator("main")).to_contain_text("Nineteen volumes of letters")


def test_a_request_is_worked_and_answered_by_keyboard_alone(desks: RealDesks) -> None:
    shown = opened(desks, name="Key Board")
    address = shown.url
    expect(shown.locator("main")).to_contain_text("0 of 13 decided")
    # In a group: everything on the first page but the last.
    to_words(shown, "Somebody else can be known by it")
    press(shown, "Enter")
    expect(shown.locator("h1")).to_have_text("Somebody else can be known by it")
    for place in range(9):
        to_field(shown, f"item-{place}")
        press(shown, "Space")
    to_field(shown, "choice-keep")
    press(shown, "ArrowDown", "Space")
    to_field(shown, "ground")
    shown.keyboard.type("Somebody else")
    to_field(shown, "words")
    shown.keyboard.type("Said by the daughter, who did not agree")
    to_words(shown, "Decide those that are ticked")
    press(shown, "Enter")
    expect(shown.locator("main")).to_contain_text("9 of 13 decided")
    # One by one: harm, which takes a health professional; then the rest.
    shown.goto(address)
    to_words(shown, "Go on, one by one")
    press(shown, "Enter")
    expect(shown.locator("main")).to_contain_text("Its words")
    to_field(shown, "choice-keep")
    press(shown, "ArrowDown", "ArrowDown")
    to_field(shown, "ground")
    shown.keyboard.type("It would do serious")
    to_field(shown, "words")
    shown.keyboard.type("He would harm himself")
    to_words(shown, "Keep this decision, and on")
    press(shown, "Enter")
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("health professional who advised")
    browser.keep_picture(shown, "subject-access-harm-1280")
    to_field(shown, "advised-by")
    shown.keyboard.type("Dr A. Osei, GMC 1234567")
    to_words(shown, "Keep this decision, and on")
    press(shown, "Enter")
    expect(shown.locator("main")).to_contain_text("10 of 13 decided")
    for done in (11, 12, 13):
        to_field(shown, "choice-keep")
        press(shown, "Space")
        to_words(shown, "Keep this decision, and on")
        press(shown, "Enter")
        expect(shown.locator("main")).to_contain_text(f"{done} of 13 decided")
    # The preview, the file, and the download.
    to_words(shown, "What is left out, and why")
    press(shown, "Enter")
    expect(shown.locator("main")).to_contain_text("Dr A. Osei, GMC 1234567")
    expect(shown.locator("main")).to_contain_text("Schedule 3, paragraph 5")
    look_over(desks, shown, "subject-access-left-out-filled")
    shown.goto(address)
    to_words(shown, "Make the file")
    press(shown, "Enter")
    expect(shown.locator("main")).to_contain_text("Waits to be made")
    look_over(desks, shown, "subject-access-making")
    make(desks)
    to_words(shown, "Is it ready?")
    press(shown, "Enter")
    expect(shown.locator("main")).to_contain_text("Ready")
    look_over(desks, shown, "subject-access-ready")
    to_words(shown, "Download the file")
    with shown.expect_download() as downloading:
        press(shown, "Enter")
    content = downloading.value.path().read_bytes()
    assert downloading.value.suggested_filename.startswith("subject-access-")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        everything = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".json"))
    kept_back = manifest["kept_back"]
    assert (kept_back["third-party"], kept_back["serious-harm"]) == (9, 1)
    # Letters that were handed over have lost the same words: two, or three where what was kept back was the scan.
    assert kept_back["the same words elsewhere"] in (2, 3)
    assert b"Quillfeather" not in everything
    # Another browser of the same person cannot open it.
    other = desks.at(downloading.value.url.removeprefix(desks.address), ROLE, name="Key Board")
    expect(other.locator("main")).to_contain_text("from another browser")
    shown.goto(address)
    to_words(shown, "Close this request")
    press(shown, "Enter")
    expect(shown.locator("main")).to_contain_text("Closed")


def test_a_file_within_an_item_is_opened_and_read_before_it_is_decided(desks: RealDesks) -> None:
    shown = opened(desks, name="Reader", script=False)
    shown.get_by_role("link", name="No program can read it").click()
    shown.get_by_role("link", name="Decide this by itself").click()
    file = shown.get_by_role("link", name="Open its file").get_attribute("href")
    answer = shown.request.get(f"{desks.address}{file}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.body().startswith(b"%PDF")
    shown.get_by_label("Hand it over without the marked words").check()
    shown.get_by_role("button", name="Keep this decision").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("Give the words to take out")


@pytest.mark.parametrize("role", ["privacy-officer", "clinician"])
def test_another_desk_has_no_way_in(desks: RealDesks, role: str) -> None:
    shown = desks.at(HOME, role, name=f"Other {role}")
    assert shown.get_by_role("button", name="Open the request").count() == 0
