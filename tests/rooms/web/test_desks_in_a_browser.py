"""Emergency access and the desks in Chromium: at three widths, without script, by keyboard, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page

from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.signin import NewSession, patient_cookie
from tests import browser, samples
from tests.made_privacy import CASES, CLOSED, MadePrivacy
from tests.rooms.web.test_in_a_browser import Theatre, look_over
from tests.stage import STAFF, Stage

pytestmark = pytest.mark.browser
LATE, DECLARED = (f"/desk/privacy/cases/{each.id}" for each in CASES[:2])
WORDS = "Brought in by ambulance, not responding, need medicines and allergies"


class Desks(Theatre):
    def at_desk(self, path: str, *, role: str = "privacy-officer", **how: object) -> Page:
        shown = browser.page(self.chrome, **how)  # type: ignore[arg-type]
        token = self.stage.sign_in(role)
        return self._go(shown, path, [("carerecord_staff", token, "/")])

    def in_chart(self, path: str, new: NewSession, **how: object) -> Page:
        shown = browser.page(self.chrome, **how)  # type: ignore[arg-type]
        return self._go(shown, f"/patient/{new.id}/{path}", [(patient_cookie(new.id), new.token, f"/patient/{new.id}")])

    def in_emergency(self, path: str = "summary", **how: object) -> Page:
        new = self.stage.sessions.create(
            STAFF,
            patient_key=7,
            evidence=Evidence(kind=EvidenceClass.EMERGENCY, id="vital-interests", reason=WORDS),
            purpose=Purpose.BTG,
            route="launch",
            at=samples.AT,
            emergency_until=samples.AT + timedelta(hours=3, minutes=12),
        )
        return self.in_chart(path, new, **how)

    def _go(self, shown: Page, path: str, cookies: list[tuple[str, str, str]]) -> Page:
        shown.context.add_cookies([{"name": n, "value": v, "domain": "127.0.0.1", "path": p} for n, v, p in cookies])
        self.said = []
        shown.on("console", lambda message: self.said.append(message.text))
        shown.on("pageerror", lambda error: self.said.append(str(error)))
        shown.goto(self.address + path)
        return shown


@pytest.fixture(scope="module")
def desks() -> Iterator[Desks]:
    stage = Stage()
    with browser.chromium() as chrome, browser.serving(stage.app) as address:
        stage.settings = type(stage.settings)(public_url=address)
        yield Desks(chrome, stage, address)


@pytest.fixture(autouse=True)
def fresh(desks: Desks) -> None:
    desks.stage.privacy = MadePrivacy()
    desks.stage.door.asked.clear()


DESK_PAGES = {
    "cases": "/desk/privacy",
    "cases-closed": "/desk/privacy?state=closed",
    "case": DECLARED,
    "case-late": LATE,
    "case-closed": f"/desk/privacy/cases/{CLOSED.id}",
    "rules": "/desk/privacy/rules",
    "notices": "/desk/privacy/notices",
}


@pytest.mark.parametrize("width", browser.WIDTHS)
@pytest.mark.parametrize("name", DESK_PAGES)
def test_a_page_of_the_privacy_desk_is_right_at_every_width(desks: Desks, name: str, width: int) -> None:
    look_over(desks, desks.at_desk(DESK_PAGES[name], width=width), f"desk-{name}", width)


def test_a_closed_case_is_opened_again_with_a_reason(desks: Desks) -> None:
    shown = desks.at_desk(DESK_PAGES["case-closed"])
    assert shown.get_by_role("button", name="Close this case").count() == 0
    shown.get_by_label("Why it is opened again").fill("The ward confirms it")
    shown.get_by_role("button", name="Open this case again").click()
    shown.wait_for_load_state()
    assert ("reopen", CLOSED.id, "The ward confirms it") in desks.stage.privacy.asked


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_an_empty_desk_says_how_cases_come(desks: Desks, width: int) -> None:
    desks.stage.privacy.cases = ()
    shown = desks.at_desk("/desk/privacy", width=width)
    assert "A case comes here by itself" in shown.locator(".cr-none").inner_text()
    look_over(desks, shown, "desk-empty", width)


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_a_role_of_two_desks_chooses_between_them(desks: Desks, width: int) -> None:
    shown = desks.at_desk("/desk", role="caldicott-guardian", width=width)
    look_over(desks, shown, "desk-home", width)
    if shown.get_by_role("link", name="Guardian").count() == 0:
        assert shown.url.endswith("/desk/privacy"), "one desk that is open needs no choice"


def test_a_clinician_at_a_desk_is_told_whose_it_is(desks: Desks) -> None:
    shown = desks.at_desk("/desk/privacy", role="clinician", width=400)
    look_over(desks, shown, "desk-not-yours", 400)
    assert "other roles than yours" in shown.locator(".cr-refusal").inner_text()


@pytest.mark.parametrize("script", [True, False])
def test_a_case_is_worked_from_the_list_to_its_end(desks: Desks, script: bool) -> None:
    shown = desks.at_desk("/desk/privacy", script=script)
    shown.get_by_role("link", name="Emergency access was declared").first.click()
    assert "HARTLEY" not in shown.content()
    assert "Amara Obi" not in shown.locator("main").inner_text()
    shown.get_by_role("button", name="Show who it is").click()
    assert shown.locator(".nhsuk-error-summary").is_visible()
    browser.keep_picture(shown, f"desk-case-no-reason-{script}")
    shown.get_by_label("Why do you need to know?").fill("To ask the ward")
    shown.get_by_role("button", name="Show who it is").click()
    assert shown.locator(".cr-person").inner_text().startswith("HARTLEY, Joan (Mrs)")
    browser.keep_picture(shown, f"desk-case-person-{script}")
    shown.get_by_label("Why do you need their name?").fill("To ask them")
    shown.get_by_role("button", name="Name the reader").click()
    assert "Dr Amara Obi" in shown.locator("main").inner_text()
    assert shown.locator(".cr-person").count() == 0, "who it was about is shown once, and then no more"
    shown.get_by_label("Write a note").fill("On call that night")
    shown.get_by_role("button", name="Keep this note").click()
    shown.get_by_role("button", name="Close this case").click()
    assert shown.locator(".nhsuk-error-summary li").count() == 2
    shown.get_by_label("Appropriate", exact=True).check(force=True)
    shown.get_by_label("Why, in a few words").fill("They were on call, and she was dying.")
    shown.get_by_role("button", name="Close this case").click()
    number = CASES[1].id
    assert [each for each in desks.stage.privacy.asked if each[0] in ("note", "close")] == [
        ("note", number, "On call that night"),
        ("close", number, "appropriate", "They were on call, and she was dying."),
    ]


def test_an_unusual_look_is_shared_with_the_other_desk_in_one_click(desks: Desks) -> None:
    shown = desks.at_desk(LATE)
    shown.get_by_role("button", name="Share with Barts Health").click()
    assert ("share", CASES[0].id, "R1H") in desks.stage.privacy.asked


def test_the_list_is_narrowed_by_a_plain_question_in_the_address(desks: Desks) -> None:
    shown = desks.at_desk("/desk/privacy", script=False)
    shown.get_by_label("Kind").select_option("misuse")
    shown.get_by_role("button", name="Show these").click()
    assert "kind=misuse" in shown.url
    assert shown.locator("tbody tr").count() == 1
    assert shown.get_by_label("Kind").input_value() == "misuse"


def test_pictures_are_never_alone_and_say_what_they_show(desks: Desks) -> None:
    shown = desks.at_desk("/desk/privacy/rules")
    names = [each.get_attribute("aria-label") for each in shown.locator("svg[role=img]").all()]
    assert names == ["Share of judged cases found inappropriate, by rule", "Cases raised in each of 11 weeks"]
    assert "50 %, 9 of 18" in shown.locator("table").first.inner_text()
    assert "none judged yet" in shown.locator("table").first.inner_text()


def test_a_desk_prints_as_it_stands_without_its_forms(desks: Desks) -> None:
    for name, path in (("rules", "/desk/privacy/rules"), ("case", DECLARED)):
        shown = desks.at_desk(path, script=False)
        shown.emulate_media(media="print")
        browser.keep_picture(shown, f"desk-{name}-print-1280")
        assert shown.locator("form:visible").count() == 0
        assert "Confidential" in shown.locator(".cr-desk__drawn").inner_text()


def test_a_case_is_worked_by_keyboard_alone(desks: Desks) -> None:
    shown = desks.at_desk(DECLARED)
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Skip to main content"
    reached = set()
    for _ in range(40):
        shown.keyboard.press("Tab")
        reached.add(shown.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    wanted = {
        "Cases",
        "because-reader",
        "Name the reader",
        "because-person",
        "Show who it is",
        "words",
        "Keep this note",
    }
    assert wanted | {"why", "Close this case"} <= reached


# --- Emergency access -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_the_declaration_is_right_at_every_width(desks: Desks, width: int) -> None:
    for name, path in (("emergency", "emergency"), ("emergency-rehearsal", "emergency?rehearse=yes")):
        look_over(desks, desks.in_chart(path, desks.stage.new_chart(EvidenceClass.NONE), width=width), name, width)


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_under_emergency_access_every_page_says_so_and_how_long(desks: Desks, width: int) -> None:
    for name, path in (("summary", "summary"), ("reason", "reason"), ("not-found", "entry/none")):
        shown = desks.in_emergency(path, width=width)
        look_over(desks, shown, f"emergency-on-{name}", width)
        browser.keep_picture(shown, f"emergency-on-{name}-{width}-window", full_page=False)
        line = shown.locator(".cr-emergency")
        assert "3 h 12 min left" in line.inner_text().replace("\n", " ")
        box, window = line.bounding_box(), shown.viewport_size
        assert box
        assert window
        assert box["y"] + box["height"] <= window["height"] + 1, "it never scrolls away"
        assert box["height"] < 90


@pytest.mark.parametrize("script", [True, False])
def test_emergency_access_is_declared_used_and_ended(desks: Desks, script: bool) -> None:
    shown = desks.in_chart("summary", desks.stage.new_chart(), script=script)
    shown.get_by_role("link", name="Emergency access").click()
    shown.get_by_role("button", name="Open with emergency access").click()
    assert shown.locator(".nhsuk-error-summary li").count() == 4
    browser.keep_picture(shown, f"emergency-wrong-{script}")
    assert browser.axe_violations(shown) == [] if script else True
    shown.get_by_label("Their life, or somebody else’s, is in danger").check(force=True)
    shown.get_by_label("What is happening?").fill(WORDS)
    shown.get_by_label("4 hours").check(force=True)
    shown.get_by_label("I need this record now").check(force=True)
    shown.get_by_role("button", name="Open with emergency access").click()
    assert shown.locator(".cr-banner__name").inner_text() == "HARTLEY, Joan (Mrs)"
    assert WORDS in (shown.locator(".cr-emergency").text_content() or "")
    assert shown.get_by_role("link", name="Emergency access").count() == 0
    (declared,) = [each for each in desks.stage.door.asked if each[0] == "declared" and len(each) == 5]
    assert (declared[2].id, declared[2].reason, declared[4]) == ("vital-interests", WORDS, False)
    assert declared[3] - samples.AT == timedelta(hours=4)
    shown.get_by_role("button", name="End emergency access").click()
    assert shown.locator(".cr-emergency").count() == 0
    assert desks.stage.door.asked[-2][0] == "declared"


def test_a_rehearsal_walks_the_whole_way_and_opens_nothing(desks: Desks) -> None:
    new = desks.stage.new_chart(EvidenceClass.NONE)
    shown = desks.in_chart("emergency", new)
    shown.get_by_role("link", name="Rehearse it").click()
    shown.get_by_label("Another emergency").check(force=True)
    shown.get_by_label("What is happening?").fill("Trying how this works")
    shown.get_by_label("1 hour").check(force=True)
    shown.get_by_label("I need this record now").check(force=True)
    shown.get_by_role("button", name="Finish the rehearsal").click()
    look_over(desks, shown, "emergency-rehearsed", 1280)
    assert "Nothing was opened" in shown.locator(".cr-rehearsal").inner_text()
    session = desks.stage.sessions.open[new.token]
    assert (session.purpose, session.emergency_until) == (Purpose.TREAT, None)
    assert [each[0] for each in desks.stage.door.asked] == ["declared"]
    assert desks.stage.door.asked[0][4] is True
