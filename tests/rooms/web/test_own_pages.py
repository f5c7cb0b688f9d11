"""A person's own pages: behind their own sign-in alone, in plain words, looked at in a browser at every width."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Browser, Page, expect

from carerecord import web
from carerecord.disclosure import Refusal
from carerecord.model import EvidenceClass
from carerecord.routing import Route
from carerecord.signin import KnownPerson
from tests import browser as browsers
from tests.made_ledger import LOOKS, SENT
from tests.stage import MadeNHSLogin, Stage

OWN = [route for route in web.routes if route.access == "person"]
KNOWN = KnownPerson(patient_key=7, birth_date=date(1948, 3, 12))


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.sign_in_person()
    return made


@pytest.mark.parametrize("route", OWN, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("as_whom", ["nobody", "privacy-officer", "a chart"])
def test_nobody_but_the_person_gets_any_of_it(route: Route, as_whom: str) -> None:
    made = Stage()
    if as_whom == "a chart":
        new = made.new_chart(EvidenceClass.APPOINTMENT)
        made.client.cookies.set("carerecord_own", new.token)
    elif as_whom != "nobody":
        made.client.cookies.set("carerecord_own", made.sign_in(as_whom))
    answer = made.client.request(route.method, re.sub(r"\{\w+\}", LOOKS[0].ref, route.path))
    assert answer.status_code == 403
    assert "You are signed out" in answer.text
    assert made.ledger.asked == []


@pytest.mark.parametrize("route", [each for each in OWN if each.method == "POST"], ids=lambda route: str(route.path))
def test_a_form_is_taken_from_its_own_page_only(stage: Stage, route: Route) -> None:
    stage.client.headers["Origin"] = "https://elsewhere.example"
    answer = stage.client.post(re.sub(r"\{\w+\}", LOOKS[0].ref, route.path), data={"scope": "whole"})
    assert "This form was not accepted" in answer.text
    assert stage.own_objections.kept == []


def test_a_persons_session_opens_no_chart_no_desk_and_finds_nobody(stage: Stage) -> None:
    token = stage.client.cookies["carerecord_own"]
    for cookie in ("carerecord_staff", "carerecord_session-1"):
        stage.client.cookies.set(cookie, token)
    for path in ("/find", "/desk", "/desk/privacy"):
        assert "This session has ended" in stage.client.get(path).text


def test_signing_in_is_witnessed_before_anything_is_shown_and_binds_to_one_person() -> None:
    made = Stage()
    made.nhs_login = MadeNHSLogin(KNOWN)
    assert made.client.get("/my-record/sign-in").headers["location"].startswith("https://login.example/")
    back = made.client.get("/my-record/callback?state=s&code=c")
    assert back.headers["location"] == "/my-record/looks"
    assert [kind for kind, *_ in made.door.asked] == ["signed_in"]
    (kind, own, born) = made.ledger.asked[0]
    assert (kind, own.patient_key, born) == ("open", 7, KNOWN.birth_date)
    cookie = next(line for line in back.headers.get_list("set-cookie") if line.startswith("carerecord_own="))
    assert "HttpOnly" in cookie
    assert "Path=/my-record" in cookie
    assert made.client.get("/my-record/looks").status_code == 200


def test_who_may_not_open_it_by_themselves_gets_no_cookie_and_a_kind_sentence() -> None:
    made = Stage()
    made.nhs_login = MadeNHSLogin(KNOWN)
    made.ledger.refuses = Refusal(kind="not-allowed", sentences=("Somebody will gladly talk it through with you.",))
    answer = made.client.get("/my-record/callback?state=s&code=c")
    assert "gladly talk it through" in answer.text
    assert "carerecord_own=" not in answer.headers.get("set-cookie", "")
    assert made.sessions.open == {}


def test_a_refused_sign_in_says_the_providers_sentence() -> None:
    made = Stage()
    made.nhs_login = MadeNHSLogin(Refusal(kind="not-allowed", sentences=("We could not find a record.",)))
    answer = made.client.get("/my-record/callback?state=s&code=c")
    assert answer.status_code == 403
    assert "We could not find a record." in answer.text


def test_signing_out_ends_the_session(stage: Stage) -> None:
    assert stage.client.post("/my-record/sign-out").headers["location"] == "/my-record?left=1"
    assert stage.sessions.open == {}


def test_seen_and_sent_are_two_lists(stage: Stage) -> None:
    seen, sent = stage.client.get("/my-record/looks").text, stage.client.get("/my-record/looks?kind=sent").text
    assert "Renal Registry" not in seen.split('<nav class="cr-own__kinds"')[1]
    assert "That does not mean that anybody there has read it." in sent
    assert SENT[0].ref in sent


def test_no_address_holds_anything_of_the_person_and_filters_stay_when_pages_turn(stage: Stage) -> None:
    text = stage.client.get("/my-record/looks?organisation=RTH&months=3&page=1").text
    assert '/my-record/looks?organisation=RTH&amp;months=3&amp;page=2"' in text
    (_, _, wanted) = stage.ledger.asked[-1]
    assert (wanted.organisation, wanted.months, wanted.page) == ("RTH", 3, 1)


def test_emergency_access_that_the_person_is_told_of_stands_first_and_says_when(stage: Stage) -> None:
    page = stage.client.get("/my-record/looks").text
    assert page.index("We have to tell you") < page.index("By month")
    assert "with emergency access 1 time since" in page
    assert "You were told of this on" in page
    assert "We have to tell you" not in stage.client.get("/my-record/looks?kind=sent").text


@pytest.mark.parametrize("page", ["0", "-1", "²", "99999999999", "x"])
def test_a_page_that_is_no_number_is_the_first(stage: Stage, page: str) -> None:
    assert stage.client.get("/my-record/looks", params={"page": page}).status_code == 200


def test_the_same_comes_as_json(stage: Stage) -> None:
    answer = stage.client.get("/my-record/looks.json")
    assert answer.headers["content-type"] == "application/json"
    assert [each["organisation"] for each in answer.json()["looks"]] == ["RTH", "R1H", "RTH", "RTH"]


def test_a_proof_is_a_file_or_a_sentence_when_it_is_too_early(stage: Stage) -> None:
    proof = stage.client.get(f"/my-record/looks/{LOOKS[0].ref}/proof")
    assert "attachment" in proof.headers["content-disposition"]
    assert "Ask again in a minute." in stage.client.get(f"/my-record/looks/{LOOKS[1].ref}/proof").text


def test_an_objection_says_what_it_means_before_it_holds(stage: Stage) -> None:
    client = stage.client
    unsaid = client.post("/my-record/sharing/confirm", data={"scope": "organisation", "organisation": ""})
    assert (unsaid.status_code, "Choose an organisation" in unsaid.text) == (400, True)
    confirm = client.post("/my-record/sharing/confirm", data={"scope": "organisation", "organisation": "RTH"})
    assert "What this means for your care" in confirm.text
    assert stage.own_objections.kept == []
    done = client.post("/my-record/sharing/object", data={"scope": "organisation", "value": "RTH"})
    assert done.headers["location"] == "/my-record/sharing?done=received"
    assert "while it is weighed" in client.get("/my-record/sharing").text
    client.post("/my-record/sharing/1/withdraw")
    assert "You took it back" in client.get("/my-record/sharing").text


def test_the_privacy_desk_answers_holds_and_lifts() -> None:
    made = Stage()
    made.sign_in("privacy-officer")
    page = made.client.get("/desk/privacy/ledger").text
    assert "I was never in Oxford." in page
    assert "The looks of one member of staff: 555000111" in page
    silent = made.client.post("/desk/privacy/ledger/questions/12", data={"words": ""})
    assert (silent.status_code, "Say in a few words why" in silent.text) == (400, True)
    unsaid = made.client.post("/desk/privacy/ledger/holds", data={"kind": "", "because": "In danger", "case": "12"})
    assert 'value="In danger"' in unsaid.text, "what was typed stays"
    assert 'value="12"' in unsaid.text
    for path, fields in (
        ("questions/12", {"words": "A mistake."}),
        ("holds", {"kind": "ledger", "case": "12", "because": "In danger"}),
        ("holds/31/lift", {"because": "It is over"}),
    ):
        assert made.client.post(f"/desk/privacy/ledger/{path}", data=fields).status_code == 303
    assert made.ledger_desk.done[1:] == [
        ("answer", 12, "A mistake."), ("hold", "ledger", "", 12), ("lift", 31, "It is over"),
    ]  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("width", browsers.WIDTHS)
def test_the_desks_page_reads_well(chrome: Browser, served: tuple[Stage, str], width: int) -> None:
    made, address = served
    shown = browsers.page(chrome, width=width)
    shown.context.add_cookies([{"name": "carerecord_staff", "value": made.sign_in("privacy-officer"), "url": address}])
    shown.goto(f"{address}/desk/privacy/ledger")
    expect(shown.get_by_role("heading", level=1)).to_have_text("Patients’ own lists of looks")
    browsers.keep_picture(shown, f"desk-ledger-{width}")
    assert browsers.axe_violations(shown) == []
    assert not browsers.is_wider_than_the_window(shown)


# --- In a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browsers.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Stage, str]]:
    made = Stage()
    made.nhs_login = MadeNHSLogin(KNOWN)
    with browsers.serving(made.app) as address:
        made.settings = type(made.settings)(public_url=address)
        yield made, address


def opened(chrome: Browser, served: tuple[Stage, str], path: str, *, width: int, script: bool = True) -> Page:
    _, address = served
    shown = browsers.page(chrome, width=width, script=script)
    shown.goto(f"{address}/my-record/callback?state=s&code=c")
    shown.goto(address + path)
    return shown


@pytest.mark.browser
@pytest.mark.parametrize("width", browsers.WIDTHS)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("front", "/my-record"),
        ("looks", "/my-record/looks"),
        ("sent", "/my-record/looks?kind=sent"),
        ("look", f"/my-record/looks/{LOOKS[0].ref}"),
        ("answered", f"/my-record/looks/{LOOKS[3].ref}"),
        ("sharing", "/my-record/sharing"),
    ],
)
def test_each_page_reads_well_and_axe_finds_nothing(
    chrome: Browser, served: tuple[Stage, str], name: str, path: str, width: int
) -> None:
    shown = opened(chrome, served, path, width=width)
    browsers.keep_picture(shown, f"own-{name}-{width}")
    assert browsers.axe_violations(shown) == []
    assert not browsers.is_wider_than_the_window(shown)


@pytest.mark.browser
def test_a_question_is_asked_and_an_objection_made_without_script(chrome: Browser, served: tuple[Stage, str]) -> None:
    made, _ = served
    shown = opened(chrome, served, "/my-record/looks", width=400, script=False)
    shown.get_by_role("link", name=re.compile("ask why.*Clinical Practitioner")).first.click()
    shown.get_by_label("What would you like to know?").fill("I was at home that day.")
    shown.get_by_role("button", name="Ask about this look").click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Your question is sent")
    assert made.ledger.asked[-1] == ("ask", LOOKS[0].ref, "I was at home that day.")
    shown.get_by_role("link", name="Sharing").click()
    shown.get_by_label("My whole record").check(force=True)
    shown.get_by_role("button", name="Continue").click()
    expect(shown.locator("main")).to_contain_text("What this means for your care")
    browsers.keep_picture(shown, "own-confirm-400")
    shown.get_by_role("button", name="I do not want this to be shared").click()
    expect(shown.get_by_role("status")).to_contain_text("holds from now on")
