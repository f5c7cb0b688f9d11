"""Which origins a record system may be registered to frame from: what does not fit stops the start with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from carerecord.organisations import RegionDoesNotFit, read_region
from carerecord.organisations.region_file import FRAME_ORIGINS_LETTERS_MAX

REGION = """
name = "London"
title = "London Care Record"
phone = "020 7946 0999"

[[organisation]]
ods_code = "RTH"
name = "Oxford University Hospitals"

[[neighbour]]
issuer = "https://epr.ouh.example"
organisation = "RTH"
name = "Oxford's record system"
jwks = {{ keys = [] }}
frame_origins = {origins}
"""


def read(folder: Path, *origins: str) -> tuple[str, ...]:
    path = folder / "region.toml"
    path.write_text(REGION.format(origins=list(origins)))
    return read_region(path).frame_origins_of("https://epr.ouh.example")


@pytest.mark.parametrize(
    "origin",
    [
        "https://epr.ouh.example",
        "https://epr.ouh.example:8443",
        "https://x",
        "http://127.0.0.1:8403",
        "http://localhost:8403",
    ],
)
def test_an_origin_is_taken_as_it_is_written(tmp_path: Path, origin: str) -> None:
    assert read(tmp_path, origin) == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "https://epr.ouh.example/",
        "https://epr.ouh.example/panel",
        "https://*.ouh.example",
        "https://EPR.ouh.example",
        "https://someone@epr.ouh.example",
        "https://epr.ouh.example; script-src *",
        "https://epr.ouh.example https://elsewhere.example",
        "https://epr.ouh.example\\n",
        "http://epr.ouh.example",
        "http://127.0.0.1.elsewhere.example",
        "https:",
        "https://",
        "*",
        "'self'",
        "epr.ouh.example",
        "",
    ],
)
def test_what_is_no_origin_stops_the_start_and_says_what_to_write(tmp_path: Path, origin: str) -> None:
    with pytest.raises(RegionDoesNotFit, match=r"https://epr.ouh.example frames from .*write https://"):
        read(tmp_path, origin)


def test_more_origins_than_one_header_holds_stop_the_start(tmp_path: Path) -> None:
    one = "https://epr-{:03}.example"
    fits = FRAME_ORIGINS_LETTERS_MAX // (len(one.format(0)) + 1)
    assert len(read(tmp_path, *(one.format(number) for number in range(fits)))) == fits
    with pytest.raises(RegionDoesNotFit, match="one header has to hold them"):
        read(tmp_path, *(one.format(number) for number in range(fits + 1)))


def test_a_system_that_names_none_is_framed_nowhere(tmp_path: Path) -> None:
    assert read(tmp_path) == ()
    assert read_region(tmp_path / "region.toml").frame_origins == ()
