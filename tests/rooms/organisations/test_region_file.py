"""A region's file that cannot be read stops the start with a sentence: which file, why, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from carerecord.organisations import RegionDoesNotFit, read_region

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
jwks_file = "oxford.jwks.json"
"""


def test_a_missing_region_or_a_folder_in_its_place_names_the_setting(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.toml", tmp_path):
        with pytest.raises(RegionDoesNotFit, match=rf"{path} cannot be read \(.*\): set CARERECORD_REGION"):
            read_region(path)


def test_a_missing_key_names_its_file_and_the_regions(tmp_path: Path) -> None:
    region = tmp_path / "region.toml"
    region.write_text(REGION)
    with pytest.raises(RegionDoesNotFit, match=rf"oxford.jwks.json cannot be read .* mend its entry in {region}"):
        read_region(region)


def test_a_key_that_was_cut_short_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "region.toml").write_text(REGION)
    (tmp_path / "oxford.jwks.json").write_text('{"keys": [')
    with pytest.raises(RegionDoesNotFit, match=r"oxford\.jwks\.json is not JSON"):
        read_region(tmp_path / "region.toml")
