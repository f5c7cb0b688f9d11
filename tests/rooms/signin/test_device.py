"""Of a device the audit keeps a class, a mark that many share, and whether the page stood in a frame of another."""

from __future__ import annotations

import pytest

from carerecord.signin.device import device

WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/604.1"
)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (WINDOWS, "Chrome 141 on Windows"),
        (f"{WINDOWS} Edg/141.0.0.0", "Edge 141 on Windows"),
        (IPAD, "Safari 18 on iOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox 145 on Linux"),
        ("", "other ? on other"),
        ("\ud800", "other ? on other"),
    ],
)
def test_a_device_is_told_by_its_class(said: str, kind: str) -> None:
    assert device({"user-agent": said})["class"] == kind


def test_a_page_in_a_frame_is_told_and_another_browser_has_another_mark() -> None:
    framed, whole = device({"user-agent": WINDOWS, "sec-fetch-dest": "iframe"}), device({"user-agent": WINDOWS})
    assert (framed["framed"], whole["framed"]) == (True, False)
    assert framed["mark"] == whole["mark"] != device({"user-agent": IPAD})["mark"]
    assert WINDOWS not in str(whole)
