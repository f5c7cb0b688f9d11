"""Removals at the records desk in Chromium, over the real doors: what would go, two people, its steps and its proof."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from carerecord.settings import Settings
from carerecord.stewardship import removal
from carerecord.stewardship.notices import reference_of
from tests import browser
from tests.house import BIRTH_DATE, NHS_NUMBER
from tests.real_desks import RealDesks, look_over, real_desks
from tests.rooms.stewardship.removals import complete, held

pytestmark = pytest.mark.browser
ROLE = "records-manager"
HOME = "/desk/records/removals"
WHY = "Dictated under the wrong name"


@pytest.fixture(scope="module")
def desks(test_server: Settings) -> Iterator[RealDesks]:
    with real_desks(test_server) as started:
        started.run(started.house.joan())
        yield started


def named(desks: RealDesks) -> str:
    async def find() -> str:
        row = await desks.house.owner.fetchrow("select patient_key from patient_index.identity limit 1")
        assert row is not None
        statement = (await held(desks.house, row["patient_key"]))[0]
        return str(statement.original)

    return desks.run(find())


def ask(shown: Page, what: str) -> None:
    shown.get_by_label("Statement or message").fill(what)
    shown.get_by_label("On whose authority").select_option("rectification")
    shown.get_by_role("button", name="See what would go").first.click()


@pytest.mark.parametrize("width", browser.WIDTHS)
@pytest.mark.parametrize("place", ["", "/due"])
def test_its_pages_are_right_at_every_width(desks: RealDesks, place: str, width: int) -> None:
    look_over(desks, desks.at(HOME + place, ROLE, width=width), f"removals{place.replace('/', '-')}")


def test_what_is_no_name_of_anything_is_told_so(desks: RealDesks) -> None:
    shown = desks.at(HOME, ROLE, script=False)
    ask(shown, "nothing of the kind")
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("such as 20261122-7")


def test_whom_it_is_about_is_found_by_number_and_birthday_and_nobody_is_named(desks: RealDesks) -> None:
    shown = desks.at(HOME, ROLE)
    shown.get_by_text("All that a source said of a person").click()
    shown.get_by_label("NHS number").fill(NHS_NUMBER)
    for label, number in (("Day", BIRTH_DATE.day), ("Month", BIRTH_DATE.month), ("Year", BIRTH_DATE.year)):
        shown.get_by_label(label, exact=True).fill(str(number))
    shown.get_by_role("button", name="Find the sources").click()
    shown.get_by_label("On whose authority").select_option("erasure")
    look_over(desks, shown, "removals-sources")
    shown.get_by_role("button", name="See what would go").click()
    expect(shown.locator("main")).to_contain_text("Identities that go, with names and numbers")
    assert "HARTLEY" not in shown.content()
    assert NHS_NUMBER not in shown.content()
    kinds = [(event["kind"], event["detail"].get("what")) for event in desks.run(desks.house.events())]
    assert ("examined", "sources of a person") in kinds
    assert ("examined", "removal") in kinds


def test_the_guardian_sees_what_would_go_and_nobody_says_that_it_is_done_before_it_is(desks: RealDesks) -> None:
    shown = desks.at(HOME, ROLE, name="Ann Hill")
    ask(shown, named(desks))
    shown.get_by_label("Why").fill(WHY)
    shown.get_by_role("button", name="Ask a second person").click()
    guardian = desks.at("/desk/guardian/proposals", "caldicott-guardian", name="Cai Jones")
    waiting = guardian.locator("section[aria-labelledby=waiting-title]")
    assert waiting.get_by_role("button", name="Agree").count() == 0, "an id alone is nothing to agree to"
    waiting.get_by_role("link", name="See what it would do, and decide").click()
    expect(guardian.locator("main")).to_contain_text("Messages that go whole")
    expect(guardian.locator("main")).to_contain_text("That cannot be undone")
    expect(guardian.get_by_role("button", name="Agree, and withdraw it now")).to_be_visible()
    assert "HARTLEY" not in guardian.content()
    look_over(desks, guardian, "removals-guardian")
    [proposal] = desks.run(desks.house.owner.fetch("select id from stewardship.proposal where done_at is null"))
    desks.run(
        desks.house.owner.execute(
            "update stewardship.proposal set agreed_by = '3', agreed_by_name = 'Cai Jones', agreed_at = now()"
        )
    )
    for path, role in (("/desk/records/proposals", ROLE), ("/desk/guardian/proposals", "caldicott-guardian")):
        page = desks.at(path, role, name="Bo Lane")
        expect(page.locator("section[aria-labelledby=waiting-title]")).to_contain_text("removal carry-out")
        assert page.get_by_role("button", name="It is carried out").count() == 0
        said = page.evaluate(
            "([path, reference]) => fetch(path, {method: 'POST', body: new URLSearchParams({reference})}).then("
            "answer => answer.text())",
            [f"{path}/done", reference_of(proposal["id"])],
        )
        assert "says so itself" in said
    assert desks.run(desks.house.owner.fetchval("select done_at from stewardship.proposal")) is None
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator("section[aria-labelledby=waiting-title]")).to_contain_text("Nothing waits")


def test_two_people_agree_and_it_is_gone_taken_out_off_the_disk_and_proven(desks: RealDesks) -> None:
    original = named(desks)
    shown = desks.at(HOME, ROLE, name="Ann Hill")
    ask(shown, original)
    expect(shown.locator("h1")).to_have_text("What would go")
    expect(shown.locator("main")).to_contain_text("Messages that go whole")
    look_over(desks, shown, "removals-look")
    shown.get_by_role("button", name="Ask a second person").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("Say why")
    shown.get_by_label("Why").fill(WHY)
    shown.get_by_role("button", name="Ask a second person").click()
    expect(shown.locator("main")).to_contain_text("another person has to agree")
    assert shown.get_by_role("button", name="Agree").count() == 0
    assert desks.run(desks.house.owner.fetchval("select count(*) from stewardship.removal")) == 0

    other = desks.at(HOME, ROLE, name="Bo Lane")
    look_over(desks, other, "removals-waiting")
    assert other.get_by_role("button", name="Agree").count() == 0, "nobody agrees without having seen what would go"
    other.get_by_role("button", name="See what would go, and decide").click()
    expect(other.locator("main")).to_contain_text("Messages that go whole")
    expect(other.locator("main")).to_contain_text(WHY)
    assert other.get_by_role("button", name="Ask a second person").count() == 0
    look_over(desks, other, "removals-decide")
    # By keyboard alone.
    other.get_by_role("button", name="Agree, and withdraw it now").focus()
    other.keyboard.press("Enter")
    expect(other.locator("section[aria-labelledby=ledger-title]")).to_contain_text("withdrawn")
    (entry,) = desks.run(removal.list_removals(desks.house.owner))
    assert entry.asked_by == "Ann Hill (555-ann-hill)"
    assert entry.agreed_by == "Bo Lane (555-bo-lane)"
    assert entry.what.keys[0].reference == original

    other.get_by_role("link", name="Original of").first.click()
    expect(other.locator("main")).to_contain_text("It can be proven once it is taken out")
    desks.run(complete(desks.settings))
    other.reload()
    other.get_by_role("button", name="Prove it now").click()
    expect(other.locator("section[aria-labelledby=proof-title]")).to_contain_text("holds")
    look_over(desks, other, "removals-proof")
    with other.expect_download() as fetched:
        other.get_by_role("link", name="Download as JSON").click()
    said = json.loads(fetched.value.path().read_text())
    assert said["proofs"][0]["holds"] is True
    assert said["proofs"][0]["proof"]["found"] == 0
    assert said["entries"][0]["asked_by"] == "Ann Hill (555-ann-hill)"
    assert "HARTLEY" not in json.dumps(said)
    assert reference_of(entry.id) in fetched.value.suggested_filename


def test_what_is_late_is_shown_to_be(desks: RealDesks) -> None:
    async def age() -> None:
        await desks.house.owner.execute(
            "update stewardship.removal set withdrawn_at = withdrawn_at - interval '25 hours', scrubbed_at = null"
        )

    desks.run(age())
    shown = desks.at(HOME, ROLE)
    expect(shown.locator(".cr-figures__late")).to_contain_text("1")
    expect(shown.locator("section[aria-labelledby=ledger-title]")).to_contain_text("late since")
    look_over(desks, shown, "removals-late")
