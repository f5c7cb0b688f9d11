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


SOURCES = """
[[source]]
id = "uclh"
organisation = "RTH"
name = "UCLH"
sending = ["EPIC|UCLH"]
"""


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("sending =", "sendng =", r"\[\[source\]\] number 1: .*`sendng`"),
        ("[[source]]", "[[sources]]", "sources is nothing that a region has"),
        ('"EPIC|UCLH"', '"EPIC"', "source uclh sends as EPIC, which no message does"),
        ('id = "uclh"', 'id = "../uclh"', "small letters, digits and hyphens"),
        ('id = "uclh"', 'id = "unknown"', "not unknown"),
        ('name = "UCLH"', 'name = "UCLH"\ntimezone = "Europe/Londn"', "Europe/Londn, which is no time zone"),
        ('name = "UCLH"', 'name = "UCLH"\nconfidentality = "R"', "`confidentality`"),
        ('phone = "020 7946 0999"', "", "phone: it is missing"),
    ],
)
def test_what_would_silently_not_be_heard_is_told_by_its_entry(
    tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    region = tmp_path / "region.toml"
    whole = REGION.partition("[[neighbour]]")[0] + SOURCES
    region.write_text(whole)
    assert [source.id for source in read_region(region).sources] == ["uclh"]
    region.write_text(whole.replace(right, wrong))
    with pytest.raises(RegionDoesNotFit, match=told):
        read_region(region)


@pytest.mark.parametrize("table", ["organisation", "source"])
def test_an_id_that_stands_there_twice_is_told(tmp_path: Path, table: str) -> None:
    region = tmp_path / "region.toml"
    whole = REGION.partition("[[neighbour]]")[0] + SOURCES.replace('sending = ["EPIC|UCLH"]', "")
    _, mark, entry = whole.partition(f"[[{table}]]")
    region.write_text(whole + mark + entry.partition("[[")[0])
    with pytest.raises(RegionDoesNotFit, match=f"{table} .* stands there twice"):
        read_region(region)
