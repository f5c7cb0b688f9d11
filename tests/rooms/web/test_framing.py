"""Which answers a registered record system may frame: what it launched, and a sentence where nothing is open."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest

from carerecord import web
from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.organisations import Neighbour, RegionDoesNotFit
from carerecord.settings import Settings
from carerecord.signin import AccessCut, patient_cookie
from carerecord.web import security
from tests import samples
from tests.stage import REGION, STAFF, Stage

OXFORD, EPR = "https://epr.ouh.example", ("https://epr.ouh.example", "https://epr2.ouh.example:8443")
SURGERY, GP = "https://gp.example", ("https://gp.example",)
PLAIN = "https://plain.example"  # is registered to launch, and frames nothing
FRAMED = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def registered() -> Any:
    named = ((OXFORD, EPR), (SURGERY, GP), (PLAIN, ()))
    return msgspec.structs.replace(
        REGION,
        neighbours=tuple(
            Neighbour(issuer=issuer, organisation="RTH", name=issuer, jwks={"keys": []}, frame_origins=origins)
            for issuer, origins in named
        ),
    )


def staged(*, issuer: str = OXFORD, public_url: str = "") -> tuple[Stage, str]:
    """Pages, and the address of a chart that this record system launched."""
    stage = Stage()
    stage.region = registered()
    if public_url:
        stage.settings = msgspec.structs.replace(stage.settings, public_url=public_url)
        stage.client.headers["Origin"] = public_url
    new = stage.sessions.create(
        STAFF, patient_key=7, evidence=Evidence(kind=EvidenceClass.APPOINTMENT), purpose=Purpose.TREAT,
        route="launch", at=samples.AT, issuer=issuer,
    )  # fmt: skip
    stage.client.cookies.set(patient_cookie(new.id), new.token)
    return stage, f"/patient/{new.id}"


def ancestors(answer: Any) -> str:
    said = answer.headers["content-security-policy"].split("; ")
    assert [part for part in said if part.startswith("frame-ancestors ")] == said[-1:]
    assert ("x-frame-options" in answer.headers) == (said[-1] == "frame-ancestors 'none'")
    return str(said[-1]).removeprefix("frame-ancestors ")


@pytest.mark.parametrize(
    "page", ["summary", "reason", "emergency", "safety", "entry/nothing", "original/2026-11-10-1", "document/s-1"]
)
def test_every_answer_about_a_chart_may_be_framed_by_the_system_that_launched_it_alone(page: str) -> None:
    stage, chart = staged()
    answer = stage.client.get(f"{chart}/{page}")
    assert ancestors(answer) == " ".join(EPR)


def test_a_letters_own_file_keeps_its_own_policy_beside_who_may_frame_it() -> None:
    stage, chart = staged()
    said = stage.client.get(f"{chart}/document/s-1").headers["content-security-policy"]
    assert said == f"{security.DOCUMENT_POLICY}; frame-ancestors {' '.join(EPR)}"


@pytest.mark.parametrize("issuer", [PLAIN, "", "https://nobody.example"])
def test_a_chart_of_a_system_that_frames_nothing_or_of_somebody_who_signed_in_is_framed_by_nobody(issuer: str) -> None:
    stage, chart = staged(issuer=issuer)
    assert ancestors(stage.client.get(f"{chart}/summary", headers=FRAMED)) == "'none'"


def test_a_chart_is_not_framed_by_another_registered_system() -> None:
    stage, chart = staged(issuer=SURGERY)
    assert ancestors(stage.client.get(f"{chart}/summary", headers=FRAMED)) == GP[0]


@pytest.mark.parametrize("role", ["clinician", "privacy-officer", "caldicott-guardian", "records-manager"])
def test_nothing_of_somebody_who_signed_in_is_framed_by_anybody(role: str) -> None:
    stage, _ = staged()
    stage.sign_in(role)
    for route in web.routes:
        if route.method == "GET" and route.access in ("staff", "desk"):
            path = route.path.replace("{session}", "x").replace("{", "").replace("}", "")
            assert ancestors(stage.client.get(path, headers=FRAMED)) == "'none'", path


def test_nothing_of_a_person_at_their_own_record_is_framed_by_anybody() -> None:
    stage, _ = staged()
    stage.sign_in_person()
    for route in web.routes:
        if route.path.startswith("/my-record") and route.method == "GET":
            assert ancestors(stage.client.get(route.path.replace("{", ""), headers=FRAMED)) == "'none'", route.path


def test_a_panel_whose_session_is_over_says_so_and_signing_in_opens_a_tab_of_its_own() -> None:
    stage, chart = staged()
    stage.sessions.open.clear()
    answer = stage.client.get(f"{chart}/summary", headers=FRAMED)
    assert ancestors(answer) == " ".join((*EPR, *GP))
    assert "Open the record again from your own system" in answer.text
    assert 'href="/" target="_blank" rel="noopener"' in answer.text
    assert "<form" not in answer.text
    assert ancestors(stage.client.get(f"{chart}/summary")) == "'none'"


@pytest.mark.parametrize("address", ["/", "/sign-in"])
def test_signing_in_is_never_framed_a_sentence_stands_in_its_place(address: str) -> None:
    stage, _ = staged()
    answer = stage.client.get(address, headers=FRAMED)
    assert answer.status_code == 403
    assert "cannot sign in inside another system" in answer.text
    assert 'target="_blank"' in answer.text
    assert ancestors(answer) == " ".join((*EPR, *GP))
    assert ancestors(stage.client.get(address)) == "'none'"


def test_where_no_system_is_registered_to_frame_nothing_is_framed_whatever_a_browser_says() -> None:
    stage, chart = staged()
    stage.region = REGION
    for address in ("/", "/sign-in", "/closed", f"{chart}/summary", "/patient/x/summary", "/patient/x/nowhere"):
        assert ancestors(stage.client.get(address, headers=FRAMED)) == "'none'"


def test_closing_in_a_frame_says_that_it_is_closed_there_and_forgets_both_cookies() -> None:
    stage, chart = staged(public_url="https://record.example")
    in_frame = {**FRAMED, **FORM, "Sec-Fetch-Site": "same-origin"}
    answer = stage.client.post(f"{chart}/close", content="", headers=in_frame)
    assert answer.headers["location"] == "/closed"
    assert ancestors(answer) == " ".join(EPR)
    lax, across = answer.headers.get_list("set-cookie")
    assert lax.endswith("; Max-Age=0; Path=" + chart + "; SameSite=lax; Secure")
    assert across.endswith("; Max-Age=0; Path=" + chart + "; SameSite=None; Secure; Partitioned")
    closed = stage.client.get("/closed", headers={**FRAMED, "Sec-Fetch-Site": "same-origin"})
    assert ancestors(closed) == " ".join((*EPR, *GP))
    assert stage.sessions.open == {}


def test_a_form_from_the_page_around_a_chart_does_nothing() -> None:
    """A cookie that goes across sites makes no form of that site ours: its origin still tells."""
    stage, chart = staged()
    for origin, site in ((EPR[0], "cross-site"), ("http://127.0.0.1:8400", "cross-site"), (EPR[0], "same-origin")):
        answer = stage.client.post(
            f"{chart}/close", content="", headers={**FRAMED, **FORM, "Origin": origin, "Sec-Fetch-Site": site}
        )
        assert answer.status_code == 403
    assert len(stage.sessions.open) == 1


def test_emergency_access_in_a_panel_still_takes_a_kind_words_a_time_and_a_tick() -> None:
    """Clicks alone, which a page around it could lead astray, open nothing (hazard H33)."""
    stage, chart = staged()
    clicked = {"reason": "vital-interests", "hours": "1", "confirmed": "yes"}
    in_frame = {**FRAMED, "Sec-Fetch-Site": "same-origin"}
    answer = stage.client.post(f"{chart}/emergency", data=clicked, headers=in_frame)
    assert answer.status_code == 422
    assert not [asked for asked in stage.door.asked if asked[0] == "declared"]


def test_a_cut_says_so_in_the_panel_of_the_system_that_launched_the_chart() -> None:
    stage, chart = staged()

    async def cut(*_: Any, **__: Any) -> None:
        raise AccessCut("Switched off.", rule="switch issuer", staff=STAFF, route="launch", issuer=OXFORD)

    stage.sessions.find = cut  # type: ignore[method-assign]
    answer = stage.client.get(f"{chart}/summary", headers=FRAMED)
    assert (answer.status_code, ancestors(answer)) == (403, " ".join(EPR))


def test_a_page_that_failed_has_every_header_and_says_whom_to_phone_in_the_panel_too() -> None:
    stage, chart = staged()

    async def broken(*_: Any) -> None:
        raise RuntimeError

    stage.door.summary = broken  # type: ignore[method-assign, assignment]
    answer = stage.client.get(f"{chart}/summary", headers=FRAMED)
    assert (answer.status_code, ancestors(answer)) == (500, " ".join(EPR))
    assert stage.region.phone in answer.text
    for name, value in security.HEADERS.items():
        assert answer.headers[name] == value


@pytest.mark.parametrize(
    ("origin", "public_url", "fits"),
    [
        ("http://127.0.0.1:8403", "http://127.0.0.1:8400", True),
        ("https://epr.example", "https://record.example", True),
        ("https://epr.example", "http://127.0.0.1:8400", True),
        ("http://127.0.0.1:8403", "https://record.example", False),
    ],
)
def test_a_page_without_tls_does_not_frame_a_record_with_it(origin: str, public_url: str, fits: bool) -> None:
    neighbour = Neighbour(issuer=OXFORD, organisation="RTH", name="x", jwks={"keys": []}, frame_origins=(origin,))
    region = msgspec.structs.replace(REGION, neighbours=(neighbour,))
    with contextlib.nullcontext() if fits else pytest.raises(RegionDoesNotFit, match="name an https:// origin"):
        web.check_framing(region, Settings(public_url=public_url))
