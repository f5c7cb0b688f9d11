"""The administration desk in Chromium, over the real doors: two people cut access, and the desk says what is cut."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from joserfc.jwk import ECKey
from playwright.sync_api import expect

from carerecord.organisations import role_of
from carerecord.organisations.agreed import thumbprint_of
from carerecord.settings import Settings
from tests import browser
from tests.real_desks import RealDesks, look_over, real_desks

pytestmark = pytest.mark.browser
ROLE = "local-administrator"
PAGES = {"home": "/desk/administration", "two-people": "/desk/administration/proposals"}


@pytest.fixture(scope="module")
def desks(test_server: Settings) -> Iterator[RealDesks]:
    with real_desks(test_server) as started:
        yield started


@pytest.mark.parametrize("width", browser.WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_administration_desk_is_right_at_every_width(desks: RealDesks, name: str, width: int) -> None:
    look_over(desks, desks.at(PAGES[name], ROLE, width=width), f"administration-{name}")


def test_keys_are_shown_with_their_custody_and_never_a_private_part(desks: RealDesks) -> None:
    shown = desks.at(PAGES["home"], ROLE, script=False)
    keys = shown.locator("section[aria-labelledby=keys-title]")
    expect(keys).to_contain_text("renal-registry: asks by FHIR")
    expect(keys).to_contain_text("the private part is kept by its owner")
    roles = shown.locator("section[aria-labelledby=roles-title]")
    expect(roles).to_contain_text("general practitioner")


@pytest.mark.parametrize("script", [True, False])
def test_an_organisation_is_cut_and_restored_by_two_who_are_not_one(desks: RealDesks, script: bool) -> None:
    for action, said in (("cut", "is cut."), ("restore", "is restored.")):
        shown = desks.at(PAGES["two-people"], ROLE, name=f"Ada Obi {script}", script=script)
        shown.locator("#switch-action").select_option(action)
        shown.locator("#switch-kind").select_option("organisation")
        shown.locator("#switch-organisation").select_option("RTH")
        form = shown.locator("form", has=shown.locator("#switch-because"))
        form.get_by_role("button", name="Ask a second person").click()
        expect(shown.locator(".nhsuk-error-summary")).to_contain_text("Say why")
        form.locator("#switch-because").fill("Its signing key leaked.")
        form.get_by_role("button", name="Ask a second person").click()
        expect(shown.locator("main")).to_contain_text("another person has to agree")
        assert shown.get_by_role("button", name="Agree").count() == 0
        other = desks.at(PAGES["two-people"], ROLE, name=f"Bea Patel {script}", script=script)
        other.get_by_role("button", name="Agree").click()
        expect(other.locator("section[aria-labelledby=past-title]")).to_contain_text(said)
        cut = desks.at(PAGES["home"], ROLE).locator("section[aria-labelledby=cut-title]")
        expect(cut).to_contain_text("Oxford University Hospitals" if action == "cut" else "Nothing is cut.")


def test_leavers_are_cut_one_by_one_when_another_person_agrees(desks: RealDesks) -> None:
    shown = desks.at(PAGES["home"], ROLE, name="Ada Obi")
    shown.get_by_role("button", name="Ask to cut these users").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("one a line")
    shown.get_by_label("User ids, one a line").fill("555-gone-one,Left on Friday\n555-gone-two\n")
    shown.get_by_label("Why", exact=True).fill("Left on Friday.")
    shown.get_by_role("button", name="Ask to cut these users").click()
    expect(shown.locator("section[aria-labelledby=waiting-title] .cr-proposal")).to_have_count(2)
    look_over(desks, shown, "administration-leavers")
    gone = desks.at("/find", "clinician", name="Gone One")
    expect(gone.get_by_role("heading", level=1)).to_have_text("Find a person")
    other = desks.at(PAGES["two-people"], ROLE, name="Bea Patel")
    other.get_by_role("button", name="Agree to: Cut the user 555-gone-one.").click()
    gone.reload()
    expect(gone.get_by_role("heading", level=1)).to_have_text("Access to this record is switched off")


def test_a_role_that_two_people_agreed_is_in_force_and_listed_with_who_they_were(desks: RealDesks) -> None:
    shown = desks.at(PAGES["two-people"], ROLE, name="Ada Obi", script=False)
    shown.get_by_text("Change which national role").click()
    shown.locator("#role-code").fill("S8000:G8000:R9999")
    shown.locator("#role-role").select_option("paramedic")
    form = shown.locator("form", has=shown.locator("#role-because"))
    form.locator("#role-because").fill("New grade of the ambulance service.")
    form.get_by_role("button", name="Ask a second person").click()
    assert role_of(desks.region, "S8000:G8000:R9999") is None
    other = desks.at(PAGES["two-people"], ROLE, name="Bea Patel", script=False)
    other.locator(".cr-proposal", has_text="R9999").get_by_role("button", name="Agree").click()
    expect(other.locator("section[aria-labelledby=past-title]")).to_contain_text("is paramedic here")
    assert role_of(desks.region, "S8000:G8000:R9999") == "paramedic"
    other.goto(desks.address + PAGES["home"])
    row = other.locator("section[aria-labelledby=roles-title] tr", has_text="R9999")
    expect(row).to_contain_text("agreed here by Ada Obi and Bea Patel")


def test_a_neighbours_new_key_is_in_force_when_its_thumbprint_was_read_and_agreed_to(desks: RealDesks) -> None:
    old, new = thumbprint_of(desks.region.neighbours[0].jwks["keys"][0]), ECKey.generate_key("P-256", {"kid": "new-1"})
    shown = desks.at(PAGES["two-people"], ROLE, name="Ada Obi")
    shown.get_by_text("Add, replace or retire a key").click()
    form = shown.locator("form", has=shown.locator("#key-because"))
    shown.locator("#key-whose").select_option("https://epr.oxford.example")
    shown.locator("#key-replaces").fill(old)
    shown.locator("#key-because").fill("Their year is over.")
    shown.locator("#key-thumbprint").fill(new.thumbprint())
    shown.locator("#key-jwks").fill(json.dumps({"keys": [new.as_dict(private=True)]}))
    form.get_by_role("button", name="Ask a second person").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("holds a private key")
    assert new.as_dict(private=True)["d"] not in shown.content()
    shown.locator("#key-jwks").fill(json.dumps({"keys": [new.as_dict(private=False)]}))
    shown.locator("#key-thumbprint").fill("A" * 43)
    form.get_by_role("button", name="Ask a second person").click()
    expect(shown.locator(".nhsuk-error-summary")).to_contain_text("read it to you again")
    look_over(desks, shown, "administration-key")
    shown.locator("#key-thumbprint").fill(new.thumbprint())
    shown.locator("#key-jwks").fill(json.dumps({"keys": [new.as_dict(private=False)]}))
    form.get_by_role("button", name="Ask a second person").click()
    other = desks.at(PAGES["two-people"], ROLE, name="Bea Patel")
    asked = other.locator(".cr-proposal", has_text="epr.oxford.example")
    expect(asked).to_contain_text(new.thumbprint())  # To be read back on the phone.
    asked.get_by_role("button", name="Agree").click()
    expect(other.locator("section[aria-labelledby=past-title]")).to_contain_text("is in force")
    other.goto(desks.address + PAGES["home"])
    keys = other.locator("section[aria-labelledby=keys-title]")
    expect(keys.locator("tr", has_text=new.thumbprint())).to_contain_text("agreed here")
    expect(keys.locator("tr", has_text="another takes its place")).to_have_count(1)
    for width in browser.WIDTHS:
        other.set_viewport_size({"width": width, "height": 900})
        look_over(desks, other, "administration-keys")
