"""Signing in, choosing a role, finding a person, and leaving."""

from __future__ import annotations

import re
from datetime import date

import pytest

from carerecord.disclosure import Refusal
from carerecord.signin import Login, StaffRole
from carerecord.web.pages.find import read_asked
from tests import samples
from tests.stage import REGION, Stage

JOAN = {"nhs_number": "999 012 3454", "day": "12", "month": "3", "year": "1948"}


def login(count: int) -> Login:
    roles = tuple(
        StaffRole(
            id=f"role-{number}",
            role_code="S8000:G8000:R8000",
            role_name="Consultant" if number % 2 else "Registrar",
            organisation="RTH",
            organisation_name=f"Hospital {number}",
            role="clinician",
        )
        for number in range(count)
    )
    useless = StaffRole(
        id="no", role_code="X", role_name="Porter", organisation="RTH", organisation_name="H", why_not="Porters do not."
    )
    return Login(user_id="1", name="Dr Amara Obi", roles=(*roles, useless))


def arrive(count: int) -> Stage:
    stage = Stage(login=login(count))
    stage.client.cookies.set("carerecord_sign_in", "secret", path="/sign-in")
    return stage


def test_the_first_page_offers_the_provider_by_name() -> None:
    page = Stage().client.get("/").text
    assert "Sign in with Care Identity" in page


def test_signing_in_sends_the_reader_away_with_a_secret_only_for_the_way_back() -> None:
    answer = Stage(login=login(1)).client.get("/sign-in")
    assert answer.headers["location"].startswith("https://sign-in.example/authorize")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("carerecord_sign_in=secret", "HttpOnly", "SameSite=lax", "Path=/sign-in"))


def test_where_no_provider_is_set_up_the_page_says_what_to_do_instead() -> None:
    assert Stage().client.get("/sign-in").status_code == 403


def test_one_role_is_taken_by_itself_and_witnessed() -> None:
    stage = arrive(1)
    answer = stage.client.get("/sign-in/callback?state=s&code=c")
    assert answer.headers["location"] == "/find"
    assert "carerecord_staff=" in answer.headers["set-cookie"]
    assert stage.door.asked[-1][0] == "signed_in"


def test_nobody_is_signed_in_unwitnessed() -> None:
    stage = arrive(1)
    stage.door.refuses = Refusal(kind="unavailable", sentences=("Not now.",), phone=REGION.phone)
    answer = stage.client.get("/sign-in/callback?state=s&code=c")
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers


def test_several_roles_are_listed_and_one_is_chosen() -> None:
    stage = arrive(3)
    assert stage.client.get("/sign-in/callback?state=s&code=c").headers["location"] == "/sign-in/role"
    page = stage.client.get("/sign-in/role").text
    assert len(re.findall(r'name="role" value="role-', page)) == 3
    assert 'type="search"' not in page
    assert "Porters do not." in page
    chosen = stage.client.post("/sign-in/role", data={"role": "role-2"})
    assert chosen.headers["location"] == "/find"
    assert stage.door.asked[-1][1].organisation_name == "Hospital 2"


def test_many_roles_are_searched_without_script() -> None:
    page = arrive(12).client.get("/sign-in/role?search=registrar+4").text
    assert re.findall(r'name="role" value="(role-\d+)"', page) == ["role-4"]
    assert "1 of your 12 roles" in page


def test_a_role_that_was_not_offered_is_refused() -> None:
    assert arrive(2).client.post("/sign-in/role", data={"role": "no"}).status_code == 403


def test_a_refusal_of_the_provider_is_a_page_with_a_way_back() -> None:
    stage = Stage(login=Refusal(kind="not-allowed", sentences=("You have no role.",), phone="1"))
    answer = stage.client.get("/sign-in/callback?state=s&code=c")
    assert answer.status_code == 403
    assert "You have no role." in answer.text
    assert "Sign in again" in answer.text


@pytest.mark.parametrize("path", ["/find", "/sign-in/role"])
def test_without_signing_in_nothing_is_asked_or_listed(path: str) -> None:
    assert Stage().client.get(path).status_code == 403
    assert Stage().client.post(path, data=JOAN).status_code == 403


def test_a_person_is_found_confirmed_and_opened_with_a_cookie_for_their_chart_alone() -> None:
    stage = Stage()
    stage.sign_in()
    page = stage.client.post("/find", data=JOAN).text
    assert "Is this the right person?" in page
    assert stage.door.asked[-1][2:] == ("9990123454", date(1948, 3, 12))
    opened = stage.client.post("/find", data={**JOAN, "open": "yes"})
    chart = opened.headers["location"].removesuffix("/summary")
    cookie = opened.headers["set-cookie"]
    assert f"Path={chart};" in cookie
    assert "HttpOnly" in cookie
    assert "Secure" not in cookie  # the stage is not https
    assert stage.client.get(opened.headers["location"]).headers["location"] == f"{chart}/reason"


def test_signing_out_ends_the_charts_opened_from_it() -> None:
    stage = Stage()
    stage.sign_in()
    opened = stage.client.post("/find", data={**JOAN, "open": "yes"}).headers["location"]
    assert stage.client.post("/sign-out").headers["location"] == "/signed-out"
    assert stage.client.get(opened).status_code == 403
    assert "You are signed out" in stage.client.get("/signed-out").text


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"nhs_number": ""}, "nhs-number", "Enter the NHS number"),
        ({"nhs_number": "999 012 3455"}, "nhs-number", "Check the NHS number"),
        ({"nhs_number": "٩٩٩٠١٢٣٤٥٤"}, "nhs-number", "Check the NHS number"),
        ({"day": ""}, "day", "Enter the date of birth"),
        ({"day": "31", "month": "2"}, "day", "there is no such day"),
        ({"day": "1²"}, "day", "there is no such day"),
        ({"year": "48"}, "day", "there is no such day"),
        ({"year": "2999"}, "day", "it is in the future"),
        ({"month": "-3"}, "day", "there is no such day"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_keeps_what_was_typed(
    changed: dict[str, str], field: str, said: str
) -> None:
    asked = {**JOAN, **changed}
    _, _, wrong = read_asked(asked, today=samples.AT.date())
    assert list(wrong) == [field]
    assert said in wrong[field]
    stage = Stage()
    stage.sign_in()
    answer = stage.client.post("/find", data=asked)
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.text
    assert f'id="{field}"' in answer.text
    assert not [asked for asked in stage.door.asked if asked[0] == "find"]


def test_nobody_found_is_one_sentence_with_a_way_on() -> None:
    stage = Stage()
    stage.sign_in()
    stage.door.refuses = Refusal(kind="not-found", sentences=("Nobody here has both.",))
    answer = stage.client.post("/find", data=JOAN)
    assert answer.status_code == 404
    assert "Search again" in answer.text
