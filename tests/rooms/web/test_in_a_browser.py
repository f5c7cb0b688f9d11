"""Pages in Chromium: at three widths, without script, by keyboard alone, in forced colours and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import BytesIO

import pytest
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from carerecord.disclosure import Record, Refusal
from carerecord.model import EvidenceClass, Heading
from carerecord.signin import patient_cookie
from tests import browser, rich, samples
from tests.rooms.web.test_staff_pages import login
from tests.stage import Stage

pytestmark = pytest.mark.browser


class Theatre:
    """A stage that is served, and a browser to look at it with."""

    def __init__(self, chrome: Browser, stage: Stage, address: str) -> None:
        self.chrome, self.stage, self.address = chrome, stage, address

    def look(self, path: str, **how: object) -> Page:
        """A fresh page at `path`; "/chart/..." stands for a chart of its own."""
        shown = browser.page(self.chrome, **how)  # type: ignore[arg-type]
        cookies = [("carerecord_sign_in", "secret", "/sign-in")]
        if path.startswith("/chart/"):
            weak = path.endswith("/reason")
            new = self.stage.new_chart(EvidenceClass.NONE if weak else EvidenceClass.APPOINTMENT)
            cookies.append((patient_cookie(new.id), new.token, f"/patient/{new.id}"))
            path = path.replace("/chart/", f"/patient/{new.id}/")
        if path.startswith("/find"):
            cookies.append(("carerecord_staff", self.stage.sign_in(), "/"))
        domain = "127.0.0.1"
        shown.context.add_cookies([{"name": n, "value": v, "domain": domain, "path": p} for n, v, p in cookies])
        self.said: list[str] = []
        shown.on("console", lambda message: self.said.append(message.text))
        shown.on("pageerror", lambda error: self.said.append(str(error)))
        shown.goto(self.address + path)
        return shown


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    stage = Stage(login=login(8))
    with browser.chromium() as chrome, browser.serving(stage.app) as address:
        stage.settings = type(stage.settings)(public_url=address)
        yield Theatre(chrome, stage, address)


@pytest.fixture(autouse=True)
def as_it_was(theatre: Theatre) -> Iterator[None]:
    shown = theatre.stage.door.shown
    yield
    theatre.stage.door.shown, theatre.stage.door.refuses = shown, None


ALLERGY = samples.record().allergies[0].id
PAGES = {
    "summary": "/chart/summary",
    "entry": f"/chart/entry/{ALLERGY}",
    "original": "/chart/original/20261120-1204?of=x",
    "reason": "/chart/reason",
    "session-ended": "/patient/nobody/summary",
    "sign-in": "/",
    "roles": "/sign-in/role",
    "find": "/find",
    "closed": "/closed",
    "signed-out": "/signed-out",
    "no-such-page": "/nowhere",
}
STATES = {
    "nothing-held": samples.summary(record=Record(), sources=(), answers=()),
    "died": samples.summary(banner=samples.banner(is_deceased=True, deceased_on=date(2026, 2, 3), age="77y")),
    "admin": samples.summary(
        record=None,
        headings=(Heading.DEMOGRAPHICS,),
        banner=samples.banner(allergy_title=None, allergies=()),
        limits=("Your role, administrator, sees who this person is and how to reach them, and nothing clinical.",),
    ),
    "no-number": samples.summary(
        banner=samples.banner(
            nhs_number=None, birth_date=None, age="", allergy_title="Allergies not recorded", allergies=()
        )
    ),
    "every-heading": rich.summary(),
    "every-heading-paramedic": rich.summary(role="paramedic"),
    "a-child": rich.summary(
        rich.child(), person=rich.who(given=("Sam",), prefix=None, birth_date=date(2020, 8, 20), gender="male")
    ),
    "restricted": rich.summary(person=rich.who(restricted=True)),
    "only-contacts": rich.summary(role="admin"),
}


def look_over(theatre: Theatre, shown: Page, name: str, width: int) -> None:
    browser.keep_picture(shown, f"web-{name}-{width}")
    assert browser.axe_violations(shown) == []
    assert not browser.is_wider_than_the_window(shown)
    assert [line for line in theatre.said if "status of" not in line] == []  # A refusal's own status is no fault.
    assert shown.locator("h1").count() == 1


@pytest.mark.parametrize("width", browser.WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_right_at_every_width(theatre: Theatre, name: str, width: int) -> None:
    look_over(theatre, theatre.look(PAGES[name], width=width), name, width)


@pytest.mark.parametrize("width", browser.WIDTHS)
@pytest.mark.parametrize("name", STATES)
def test_a_state_is_right_at_every_width(theatre: Theatre, name: str, width: int) -> None:
    theatre.stage.door.shown = STATES[name]
    shown = theatre.look("/chart/summary", width=width)
    look_over(theatre, shown, name, width)
    shown.evaluate("document.querySelectorAll('.cr-show').forEach((box) => { box.checked = true; })")
    shown.evaluate("document.querySelectorAll('details').forEach((closed) => { closed.open = true; })")
    look_over(theatre, shown, f"{name}-opened", width)


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_the_record_opened_at_every_heading_is_right_too(theatre: Theatre, width: int) -> None:
    shown = theatre.look("/chart/summary", width=width)
    for box in shown.locator(".cr-show:visible").all():
        box.check(force=True)
    shown.evaluate("document.querySelectorAll('details').forEach((closed) => { closed.open = true; })")
    shown.locator(f"#allergies a[href='entry/{ALLERGY}']").click()
    shown.locator(".cr-receipt").wait_for()
    look_over(theatre, shown, "opened", width)


def test_a_refusal_and_an_error_are_right_too(theatre: Theatre) -> None:
    theatre.stage.door.refuses = Refusal(
        kind="not-allowed", sentences=("Your role opens no record.",), phone="020 7946 0000"
    )
    look_over(theatre, theatre.look("/chart/summary", width=400), "refused", 400)
    theatre.stage.door.refuses = None
    shown = theatre.look("/find", width=400)
    shown.get_by_label("NHS number").fill("999 012 3455")
    shown.get_by_role("button", name="Find").click()
    look_over(theatre, shown, "find-wrong", 400)
    assert shown.evaluate("document.activeElement.className") == "nhsuk-error-summary"
    shown.get_by_label("NHS number").fill("999 012 3454")
    for label, text in (("Day", "12"), ("Month", "3"), ("Year", "1948")):
        shown.get_by_label(label).fill(text)
    shown.get_by_role("button", name="Find").click()
    look_over(theatre, shown, "found", 400)
    shown.get_by_role("button", name="Yes, open this record").click()
    assert shown.get_by_role("heading", level=1).inner_text() == "Why are you opening this record?"
    shown.get_by_role("button", name="Urgent care").click()
    assert shown.locator(".cr-banner__name").inner_text() == "HARTLEY, Joan (Mrs)"


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_without_script_everything_is_there_and_opens(theatre: Theatre, width: int) -> None:
    shown = theatre.look("/chart/summary", width=width, script=False)
    assert shown.locator(".cr-banner__name").inner_text() == "HARTLEY, Joan (Mrs)"
    if width == 400:
        assert not shown.locator("#results .cr-body").is_visible()
        assert "Potassium 6.1 mmol/L ↑ critically high" in shown.locator("#results .cr-gist").inner_text()
        shown.locator("#results label").click()
    assert shown.locator("#results .cr-body").is_visible()
    if width == 400:
        shown.locator("#allergies label").click()
    shown.locator(f"#allergies a[href='entry/{ALLERGY}']").click()
    assert shown.get_by_role("heading", level=1).inner_text() == "Penicillin"
    shown.get_by_role("link", name="Original message").first.click()
    assert "AL1||DA|91936005^Penicillin" in shown.locator(".cr-original").inner_text()


def test_a_line_opens_in_place_and_goes_away_again_by_keyboard(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary")
    line = shown.locator(f"#allergies a[href='entry/{ALLERGY}']")
    line.focus()
    shown.keyboard.press("Enter")
    receipt = shown.locator(".cr-receipt")
    receipt.wait_for()
    assert line.get_attribute("aria-expanded") == "true"
    assert "SNOMED CT 91936005" in receipt.inner_text()
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Original message"
    shown.keyboard.press("Escape")
    assert receipt.count() == 0
    assert shown.evaluate("document.activeElement.textContent") == "Penicillin"


def test_a_session_that_ended_meanwhile_shows_its_end_and_nothing_in_place(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary")
    theatre.stage.sessions.open.clear()
    shown.locator(f"#allergies a[href='entry/{ALLERGY}']").click()
    shown.get_by_role("heading", name="This session has ended").wait_for()
    shown.go_back()
    shown.get_by_role("heading", name="This session has ended").wait_for()


def test_a_form_is_accepted_from_our_own_page_in_a_real_browser(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary")
    shown.get_by_role("button", name="Close this record").click()
    assert shown.get_by_role("heading", level=1).inner_text() == "The record is closed"


@pytest.mark.parametrize("width", [1280, 400])
def test_by_keyboard_alone_everything_is_reached_in_order_and_never_behind_the_banner(
    theatre: Theatre, width: int
) -> None:
    shown = theatre.look("/chart/summary", width=width, height=640)
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Skip to main content"
    reached = 0
    for _ in range(60):
        shown.keyboard.press("Tab")
        hidden, name = shown.evaluate(
            """() => { const at = document.activeElement, box = at.getBoundingClientRect();
                const banner = document.querySelector('.cr-banner').getBoundingClientRect();
                const here = at.matches('.cr-show') ? at.nextElementSibling.getBoundingClientRect() : box;
                return [!at.closest('.cr-banner, .cr-top') && here.top < banner.bottom - 1 && here.bottom > banner.top,
                        at.tagName + at.id + at.className]; }"""
        )
        if name.startswith("BODY"):
            break  # Past the last one: the keyboard is never trapped.
        assert not hidden, name
        reached += name.startswith(("A", "SUMMARY", "BUTTON", "INPUT"))
    assert reached > (50 if width == 1280 else 10)


def test_the_banner_stays_while_the_page_scrolls(theatre: Theatre) -> None:
    for width in browser.WIDTHS:
        shown = theatre.look("/chart/summary#letters", width=width)
        shown.mouse.wheel(0, 4000)
        shown.wait_for_timeout(100)
        assert shown.locator(".cr-banner").bounding_box()["y"] == 0  # type: ignore[index]


def test_a_page_that_stays_open_says_for_how_long_and_offers_what_is_known_now(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary")
    shown.clock.install()
    shown.reload()
    assert "open for" not in shown.locator(".cr-as-at").inner_text()
    shown.clock.fast_forward("01:07:00")
    assert "this page has been open for 1 h 7 min, show what is known now" in shown.locator(".cr-as-at").inner_text()
    assert browser.axe_violations(shown) == []
    shown.get_by_role("link", name="show what is known now").click()
    assert "open for" not in shown.locator(".cr-as-at").inner_text()


def test_at_four_hundred_percent_inside_a_small_window_it_still_reads(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary", width=320, height=256)
    browser.keep_picture(shown, "web-zoomed-320", full_page=False)
    assert not browser.is_wider_than_the_window(shown)
    assert shown.locator(".cr-banner").bounding_box()["height"] < 150  # type: ignore[index]


def test_in_forced_colours_flags_and_allergies_are_still_said(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary", forced_colors="active")
    browser.keep_picture(shown, "web-forced-colours-1280", full_page=False)
    assert shown.locator("#results .cr-flag", has_text="↑ critically high").first.is_visible()
    assert browser.axe_violations(shown) == []


def test_on_paper_nothing_stays_closed_and_buttons_are_gone(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary?in=print", script=False)
    assert shown.get_by_text("Printed ").inner_text().endswith("then shred it.")
    # A page without script asks again by itself: for the record, not for paper again.
    again = shown.locator("meta[http-equiv=refresh]").get_attribute("content")
    assert again is not None
    assert again.endswith("/summary")
    shown.emulate_media(media="print")
    browser.keep_picture(shown, "web-print-1280")
    assert not shown.get_by_role("button", name="Close this record").is_visible()
    after = shown.evaluate("getComputedStyle(document.querySelector('#allergies a'), '::after').content")
    assert after == "none"
    for closed in ("#allergies .cr-closed .cr-table", "#letters .cr-words"):
        assert shown.locator(closed).first.bounding_box()["height"] > 10  # type: ignore[index]
    shown.pdf(path=str(browser.SCREENSHOTS / "web-print.pdf"), format="A4")


def test_every_sheet_of_paper_says_whose_it_is(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary?in=print", script=False)
    sheets = [sheet.extract_text() for sheet in PdfReader(BytesIO(shown.pdf(format="A4"))).pages]
    assert len(sheets) > 2
    for sheet in sheets:
        words = " ".join(sheet.split())
        assert "HARTLEY, Joan (Mrs) · Born 12-Mar-1948 (78y) · NHS No. 999 012 3454" in words


def test_what_was_not_asked_for_as_paper_is_not_put_on_paper(theatre: Theatre) -> None:
    """Nobody would know of it: the audit holds what was asked for, and a browser prints without asking."""
    for path in ("/chart/summary", PAGES["entry"]):
        shown = theatre.look(path)
        before = shown.inner_text("body")
        shown.emulate_media(media="print")
        assert shown.inner_text("body").startswith("Nothing of this record is printed from here")
        assert len(shown.inner_text("body")) < len(before)
        assert "HARTLEY" not in shown.inner_text("body")


def test_print_leads_to_paper_by_the_link_and_by_the_keys_of_the_browser(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary")
    shown.keyboard.press("Control+p")
    shown.wait_for_url("**/summary?in=print")
    shown.get_by_role("link", name="Back to the record").click()
    shown.wait_for_url("**/summary")
    shown.get_by_role("link", name="Print").click()
    shown.wait_for_url("**/summary?in=print")
    assert browser.axe_violations(shown) == []


def test_a_pdf_letter_is_answered_as_a_pdf(theatre: Theatre) -> None:
    shown = theatre.look("/chart/summary")
    link = shown.locator("#letters a[href^='document/']").first
    assert link.inner_text() == "Open this letter (PDF)"
    answer = shown.request.get(shown.url.replace("summary", link.get_attribute("href") or ""))
    assert answer.headers["content-type"] == "application/pdf"
