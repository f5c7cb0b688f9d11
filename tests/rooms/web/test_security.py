"""What every answer tells the browser, which forms are accepted, and what is served from the folder of assets."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from carerecord import web
from carerecord.settings import Settings
from carerecord.web import assets, drawing, security
from tests.stage import Stage

FORM = "application/x-www-form-urlencoded"
ADDRESSES = ("/", "/closed", "/signed-out", "/health", "/nowhere", "/find", "/patient/x/summary")


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_forbids_what_a_page_does_not_need(address: str) -> None:
    headers = Stage().client.get(address).headers
    assert headers["content-security-policy"] == f"{security.CONTENT_SECURITY_POLICY}; frame-ancestors 'none'"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


def test_over_https_the_browser_is_told_to_stay_there() -> None:
    made = security.middleware(Settings(public_url="https://record.example"))
    assert made[0].kwargs == {"is_https": True}


def test_no_page_has_a_script_or_style_of_its_own_in_it() -> None:
    for path in drawing.FOLDER.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:|<script(?![^>]*\ssrc=)|\|\s*safe", page), path.name


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8401"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:8400", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:8400", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:8400", "Content-Type": "text/plain"},
    ],
)
def test_a_form_from_anywhere_else_does_nothing(headers: dict[str, str]) -> None:
    stage = Stage()
    chart = stage.open_chart()
    stage.sign_in()
    for address in (f"{chart}/close", f"{chart}/reason", "/sign-out", "/find", "/sign-in/role"):
        answer = stage.client.post(address, content="reason=x", headers={"Content-Type": FORM, **headers})
        assert answer.status_code == 403
        assert "was not sent from a page of this record" in answer.text
    assert len(stage.sessions.open) == 2


@pytest.mark.parametrize(
    "content", [b"a=" + b"x" * 20_000, b"&".join(b"a%d=1" % n for n in range(99)), b"\xff\xfe", b"words=a%00b"]
)
def test_a_form_that_is_too_large_or_not_text_is_refused(content: bytes) -> None:
    stage = Stage()
    stage.sign_in()
    assert stage.client.post("/find", content=content, headers={"Content-Type": FORM}).status_code == 403


def test_an_asset_is_served_under_the_hash_of_its_content_for_ever_and_under_no_other_name() -> None:
    client = Stage().client
    address = assets.address("carerecord.css")
    assert re.fullmatch(r"/static/carerecord\.[0-9a-f]{12}\.css", address)
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == (assets.FOLDER / "carerecord.css").read_bytes()
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    for other in ("carerecord.css", "VENDORED.md", "..%2F__init__.py", "carerecord.000000000000.css"):
        assert client.get(f"/static/{other}").status_code == 404


def test_an_asset_that_is_not_there_stops_the_drawing() -> None:
    with pytest.raises(KeyError):
        assets.address("nowhere.css")


def test_no_style_or_script_asks_anything_of_another_host_or_brings_a_font() -> None:
    for path in assets.FOLDER.glob("*.*"):
        if path.suffix in (".css", ".js", ".svg"):
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(
                r"https?://|@font-face|url\((?!['\"]?data:)|@import|sourceMappingURL|Frutiger", text
            ), path.name


def test_the_vendored_file_is_the_one_that_was_noted() -> None:
    noted = (assets.FOLDER / "VENDORED.md").read_text(encoding="utf-8")
    vendored: Path = assets.FOLDER / "nhsuk-frontend-10.6.1.css"
    assert hashlib.sha256(vendored.read_bytes()).hexdigest() in noted
    assert "MIT" in noted


def test_every_route_says_who_may_call_it_and_every_chart_needs_its_session() -> None:
    for route in web.routes:
        assert route.access in ("public", "session", "staff", "desk", "person", "back-channel")
        assert route.summary.endswith((".", "?"))
        assert (route.access == "session") == route.path.startswith("/patient/{session}/")
