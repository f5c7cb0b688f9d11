"""The Guardian's view in Chromium, over the real doors: what it shows, where it is from, and that it prints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from carerecord import audit, clock, database
from carerecord.model import Purpose
from carerecord.sensitivity import labelling as lists_of
from carerecord.settings import Settings
from carerecord.stewardship import EmergencyCases
from tests import browser
from tests.real_desks import RealDesks, look_over, real_desks

pytestmark = pytest.mark.browser
ROLE = "caldicott-guardian"
PAGES = {
    "overview": "/desk/guardian",
    "matrix": "/desk/guardian/matrix",
    "policies": "/desk/guardian/policies",
    "use": "/desk/guardian/use",
    "two-people": "/desk/guardian/proposals",
}


@pytest.fixture(scope="module")
def desks(test_server: Settings) -> Iterator[RealDesks]:
    with real_desks(test_server) as started:
        started.run(used(started))
        yield started


async def used(desks: RealDesks) -> None:
    """Three declarations from two hospitals, and an operator's look at an original."""
    async with database.connect(desks.settings, "serve") as db, audit.Writer.open(db) as writer:
        cases = EmergencyCases(db, writer, desks.region)
        at = clock.now()
        for number, organisation in enumerate(("RTH", "RTH", "R1H"), start=1):
            staff = desks.staff("clinician", name=f"Reader {number}", organisation=organisation)
            declared = await writer.witness(
                audit.Event(
                    kind="declared", patient_key=4700 + number, staff=staff, purpose=Purpose.BTG, evidence=None,
                    decision={}, detail={}, route="launch", session=f"s-{number}", at=at,
                )
            )  # fmt: skip
            await cases.open(
                staff=staff, declared=declared, reason="vital-interests", until=at + timedelta(hours=4),
                session=f"s-{number}", at=at,
            )  # fmt: skip
        operator = desks.staff("operator", name="Olga Marsh")
        await writer.witness(
            audit.Event(
                kind="examined", patient_key=0, staff=operator, purpose=Purpose.PATADMIN, evidence=None, decision={},
                detail={"what": "original", "original": "20261122-7", "because": "Parked since the morning."},
                route="command-line", session="command-1", at=at,
            )
        )  # fmt: skip


@pytest.mark.parametrize("width", browser.WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_guardian_is_right_at_every_width(desks: RealDesks, name: str, width: int) -> None:
    look_over(desks, desks.at(PAGES[name], ROLE, width=width), f"guardian-{name}")


def test_the_overview_says_what_is_due_and_where_it_is_from(desks: RealDesks) -> None:
    shown = desks.at(PAGES["overview"], ROLE, script=False)
    agreements = shown.get_by_role("region", name="Agreements").or_(
        shown.locator("section", has_text="Agreements").first
    )
    expect(agreements.first).to_contain_text("lapses within 30 days")
    expect(agreements.first).to_contain_text("ended: nothing new is opened")
    operators = shown.locator("section[aria-labelledby=operators-title]")
    expect(operators).to_contain_text("Olga Marsh")
    expect(operators).to_contain_text("Parked since the morning.")
    shown.get_by_role("button", name="Count what is due now").click()
    expect(shown.locator("main")).to_contain_text("Nothing is due now.")
    for place in shown.locator("section.cr-panel").all():
        assert "From:" in place.inner_text() or "Due for review" in place.inner_text()


def test_a_guardian_of_another_organisation_sees_the_figures_of_its_own_readers(desks: RealDesks) -> None:
    shown = desks.at(PAGES["use"], ROLE, organisation="RTH")
    rows = shown.locator("section[aria-labelledby=emergency-title] tbody tr")
    assert [row.inner_text().split("\t")[0] for row in rows.all()] == ["Oxford University Hospitals"]
    shown = desks.at(PAGES["overview"], ROLE, organisation="RTH")
    assert "Olga Marsh" not in shown.content()
    lead = desks.at(PAGES["use"], ROLE)
    assert lead.locator("section[aria-labelledby=emergency-title] tbody tr").count() == 2
    assert lead.locator("section[aria-labelledby=emergency-title] svg[role=img]").count() == 1


def test_the_matrix_says_what_each_role_is_shown_in_words_too(desks: RealDesks) -> None:
    shown = desks.at(PAGES["matrix"], ROLE)
    heads = [each.inner_text() for each in shown.locator(".cr-matrix thead th").all()]
    assert heads[0] == "Heading"
    administrator = heads.index("administrator")
    medicines = shown.locator(".cr-matrix tbody tr", has_text="Medicines").first
    assert "not shown" in medicines.locator("td").nth(administrator - 1).inner_text()
    assert "●" in medicines.locator("td").first.inner_text()


def test_what_a_change_would_do_is_shown_and_what_is_no_answer_is_said(desks: RealDesks) -> None:
    shown = desks.at(PAGES["policies"], ROLE, script=False)
    shown.locator("#said").fill("{}")
    shown.get_by_role("button", name="Show who would gain or lose").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("paste all of it")
    shown.locator("#said").fill(
        '{"before":"v1","after":"v2","looks":40,"kinds":3,"looks_changed":7,"looks_gaining":0,"looks_losing":7,'
        '"unlike_the_audit":0,"by_readers":[{"role":"paramedic","organisation":"RYA","evidence":"incident",'
        '"purpose":"TREAT","route":"launch","before":"permit","after":"permit","looks":7,'
        '"headings_lost":["LETTERS"]}],"on_paper":[]}'
    )
    shown.get_by_role("button", name="Show who would gain or lose").click()
    expect(shown.locator("main")).to_contain_text("paramedic of RYA")
    expect(shown.locator("main")).to_contain_text("loses LETTERS")


@pytest.mark.parametrize("script", [True, False])
def test_a_route_through_a_legal_bar_is_opened_by_two_who_saw_what_it_would_do_and_shut_by_one(
    desks: RealDesks, script: bool
) -> None:
    shown = desks.at(PAGES["two-people"], ROLE, name="Cai Jones", script=script)
    assert "Adoption" not in shown.locator("#bar-bar").inner_text()  # No route leads through it.
    shown.locator("#bar-bar").select_option("gender-history")
    form = shown.locator("form", has=shown.locator("#legal-bar-because"))
    form.get_by_label("general practitioner").check()
    form.locator("#bar-relies").fill("2005 Order, article 5(1)")
    form.locator("#bar-advice").fill("Counsel, 12 November")
    form.locator("#bar-until").fill(f"{clock.now() + timedelta(days=100):%Y-%m-%d}")
    form.locator("#legal-bar-because").fill("Practices need it for screening.")
    form.get_by_role("button", name="Ask a second person").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("roles and purposes both")
    look_over(desks, shown, "guardian-asked-wrongly") if script else None
    form.get_by_label("care", exact=True).check()
    form.get_by_role("button", name="Ask a second person").click()
    expect(shown.locator("section[aria-labelledby=waiting-title]")).to_contain_text("another person has to agree")
    assert shown.get_by_role("button", name="Agree").count() == 0
    other = desks.at(PAGES["two-people"], ROLE, name="Dee Khan", script=script)
    assert other.get_by_role("button", name="Agree").count() == 0  # Not without having seen what it would do.
    other.get_by_role("link", name="See what it would do, and decide").first.click()
    would = other.locator("section[aria-labelledby=would-title]")
    expect(would).to_contain_text("gp, on paper", timeout=60_000)
    assert "clinician" not in would.inner_text()
    expect(other.locator("section[aria-labelledby=law-title]")).to_contain_text("Gender Recognition Act 2004")
    for width in browser.WIDTHS if script else ():
        other.set_viewport_size({"width": width, "height": 900})
        look_over(desks, other, "guardian-would")
    other.get_by_role("button", name="Agree").click()
    expect(other.locator("section[aria-labelledby=past-title]")).to_contain_text("is open to gp for TREAT")
    other.goto(desks.address + PAGES["policies"])
    bar = other.locator("article", has_text="Gender history")
    expect(bar).to_contain_text("agreed by Cai Jones and Dee Khan")
    expect(bar).to_contain_text("Counsel, 12 November")
    for width in browser.WIDTHS if script else ():
        other.set_viewport_size({"width": width, "height": 900})
        look_over(desks, other, "guardian-open-route")
    other.get_by_role("button", name="Shut the route through Gender history").click()
    expect(other.locator(".nhsuk-error-summary")).to_contain_text("Say why")
    other.get_by_label("Why it is shut").fill("The advice was withdrawn.")
    other.get_by_role("button", name="Shut the route through Gender history").click()
    expect(other.locator("article", has_text="Gender history")).to_contain_text("Closed: nobody is let through.")
    expect(other.locator("section[aria-labelledby=agreed-title]")).to_contain_text("Dee Khan, alone")


def test_what_is_hidden_here_is_agreed_to_and_lifted_again_by_two(desks: RealDesks) -> None:
    shown = desks.at(PAGES["two-people"], ROLE, name="Cai Jones", script=False)
    shown.get_by_text("Take something away from what roles see").click()
    form = shown.locator("form", has=shown.locator("#policy-because"))
    form.locator("#policy-sentence").fill("Family history is not shown to pharmacists here.")
    form.locator("#policy-basis").fill("Asked for by the region’s pharmacists")
    form.get_by_label("pharmacist").check()
    form.get_by_label("Family history").check()
    form.locator("#policy-because").fill("They do not use it.")
    form.get_by_role("button", name="Ask a second person").click()
    other = desks.at(PAGES["two-people"], ROLE, name="Dee Khan", script=False)
    other.get_by_role("link", name="See what it would do, and decide").first.click()
    expect(other.locator("section[aria-labelledby=would-title]")).to_contain_text(
        "loses FAMILY_HISTORY", timeout=60_000
    )
    other.get_by_role("button", name="Agree").click()
    other.goto(desks.address + PAGES["policies"])
    expect(other.locator("section[aria-labelledby=narrowing-title]")).to_contain_text("agreed here")
    other.goto(desks.address + PAGES["two-people"])
    other.get_by_text("Take something away from what roles see").click()
    lifting = other.locator("#policy-lift")
    lifting.select_option(index=1)
    form = other.locator("form", has=other.locator("#policy-because"))
    form.locator("#policy-because").fill("They do after all.")
    form.get_by_role("button", name="Ask a second person").click()
    back = desks.at(PAGES["two-people"], ROLE, name="Cai Jones", script=False)
    back.get_by_role("link", name="See what it would do, and decide").first.click()
    expect(back.locator("section[aria-labelledby=would-title]")).to_contain_text("gains FAMILY_HISTORY", timeout=60_000)
    back.get_by_role("button", name="Agree").click()
    expect(back.locator("section[aria-labelledby=past-title]")).to_contain_text("is lifted")


def test_every_page_prints_without_its_forms_and_says_when_and_for_whom(desks: RealDesks) -> None:
    for name, path in PAGES.items():
        shown = desks.at(path, ROLE, script=False)
        shown.emulate_media(media="print")
        assert shown.locator("form:visible").count() == 0
        assert "Confidential" in shown.locator(".cr-desk__drawn").inner_text()
        shown.pdf(path=browser.SCREENSHOTS / f"guardian-{name}.pdf", format="A4", landscape=name == "matrix")


def test_every_look_of_a_guardian_is_witnessed_before_it_is_shown(desks: RealDesks) -> None:
    desks.at(PAGES["matrix"], ROLE, name="Eve Moss")
    events = desks.run(desks.house.events())
    mine = [event for event in events if "Eve Moss" in event["staff"] and event["kind"] == "examined"]
    assert [event["detail"]["what"] for event in mine] == ["guardian matrix"]


def test_lowering_labels_is_asked_for_under_the_lists_of_the_day(desks: RealDesks) -> None:
    shown = desks.at("/desk/guardian/proposals", ROLE, name="Cai Jones")
    shown.get_by_text("Lower labels after the lists").click()
    asking = shown.locator("form", has=shown.locator("input[value=labels]"))
    asking.get_by_label("The lists, as the dry run names them").fill("those of last year")
    asking.get_by_label("Why").fill("A code was listed by mistake")
    asking.get_by_role("button", name="Ask a second person").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("The lists are others now")
    asking = shown.locator("form", has=shown.locator("input[value=labels]"))
    asking.get_by_label("The lists, as the dry run names them").fill(lists_of(desks.region.sensitive_codes))
    asking.get_by_role("button", name="Ask a second person").click()
    waiting = shown.locator("section[aria-labelledby=waiting-title]")
    expect(waiting).to_contain_text("more is shown then")
    other = desks.at("/desk/guardian/proposals", ROLE, name="Dee Moss")
    other.locator("section[aria-labelledby=waiting-title]").get_by_role("button", name="Agree").first.click()
    expect(other.locator("section[aria-labelledby=waiting-title]")).to_contain_text("relabel --lower --agreed")
    assert other.get_by_role("button", name="It is carried out").count() == 0, "the pass over the labels says so"
    look_over(desks, other, "guardian-labels-agreed")
