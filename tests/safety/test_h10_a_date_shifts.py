"""H10: a date or time shifts."""

from __future__ import annotations

import json
import time
from datetime import datetime

import pytest
from msgspec.structs import replace

from carerecord import database
from carerecord.settings import Settings
from tests.house import program_looking
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    REGION,
    Someone,
    banner,
    but,
    entries,
    found,
    letter,
    open_ward,
    order,
    section,
    visit,
    wrote,
)

AT_LABORATORY = but(JOAN, number="L1")
TAKEN = {
    "winter, by the clock on the wall": ("202601150030", "15-Jan-2026 00:30"),
    "summer, by the clock on the wall": ("202607150030", "15-Jul-2026 00:30"),
    "summer, told in universal time": ("202607142330+0000", "15-Jul-2026 00:30"),
    "summer, told in summer time": ("202607150030+0100", "15-Jul-2026 00:30"),
    "winter, told in universal time": ("202601150030+0000", "15-Jan-2026 00:30"),
    "the last night before the clocks go back": ("202610242330", "24-Oct-2026 23:30"),
    "just after they went back": ("202610250230", "25-Oct-2026 02:30"),
    "the night they went forward": ("202603290330", "29-Mar-2026 03:30"),
    "a day, and no time": ("20260715", "15-Jul-2026"),
    "the last minute of a year": ("202512312359", "31-Dec-2025 23:59"),
    "29 February": ("202402290005", "29-Feb-2024 00:05"),
}


@pytest.mark.parametrize(("sent", "shown"), TAKEN.values(), ids=list(TAKEN))
async def test_a_specimen_is_shown_as_taken_when_the_clock_on_that_wall_said_so(
    settings: Settings, sent: str, shown: str
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ORU^R01", order("L1", taken=sent), found(POTASSIUM, "4.1"), by=PATHOLOGY, about=AT_LABORATORY)
        )
        times = section(await ward.summary(), "results").words_of("thead", "th")
        assert times == ["Test", "Trend", shown]


async def test_a_source_in_another_zone_is_read_by_its_own_clock(settings: Settings) -> None:
    abroad = replace(REGION, sources=tuple(replace(source, timezone="Europe/Madrid") for source in REGION.sources))
    async with open_ward(settings, region=abroad) as ward:
        await ward.hear(wrote("ORU^R01", order("L1", taken="202607150030"), found(POTASSIUM, "4.1")))
        assert "14-Jul-2026 23:30" in section(await ward.summary(), "results").words_of("thead", "th")


BORN = {
    "as a date": ("19480704", "04-Jul-1948"),
    "as midnight": ("19480704000000", "04-Jul-1948"),
    "as midnight of summer time, told in universal time": ("194807032300+0000", "04-Jul-1948"),
    "as midnight with its offset": ("194807040000+0100", "04-Jul-1948"),
    "before summer time was": ("19120704", "04-Jul-1912"),
    "in the years of double summer time": ("19430704000000", "04-Jul-1943"),
    "in the years of standard time": ("19690101000000", "01-Jan-1969"),
    "late in the evening": ("202607042359", "04-Jul-2026"),
    "on 29 February": ("20240229", "29-Feb-2024"),
}


@pytest.mark.parametrize(("sent", "shown"), BORN.values(), ids=list(BORN))
async def test_a_birthday_is_the_day_that_was_written_to_people_and_programs(
    settings: Settings, sent: str, shown: str
) -> None:
    day = datetime.strptime(shown, "%d-%b-%Y").date()
    person = but(JOAN, born=sent)
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit(), about=person))
        chart = await ward.open(but(JOAN, born=f"{day:%Y%m%d}"))  # Found by that day, and by that day alone.
        assert f"Born {shown}" in banner(await chart.page())
        patient = await ward.door.patient(program_looking(await ward.key_of(JOAN)))
        assert isinstance(patient, bytes)
        assert json.loads(patient)["birthDate"] == day.isoformat()


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Auckland"])
async def test_the_clock_of_the_machine_changes_no_date(
    settings: Settings, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        async with database.connect(settings, "owner") as owner:
            name = await owner.fetchval("select current_database()")
            await owner.execute(f"alter database {name} set timezone to '{zone}'")
        async with open_ward(settings) as ward:
            assert await ward.db.fetchval("show timezone") == "UTC", "nor does that of the database"
            await ward.hear(
                wrote("ADT^A01", visit(since="202607150030"), about=but(JOAN, died_at="202607162330", is_dead="Y")),
                wrote("ORU^R01", order("L1", taken="202607150030"), found(POTASSIUM, "4.1")),
            )
            page = await ward.summary()
            assert "Born 12-Mar-1948" in banner(page)
            assert "Died 16-Jul-2026" in banner(page)
            assert "15-Jul-2026 00:30" in section(page, "results").words
            assert "15-Jul-2026" in section(page, "stays-and-visits").words
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_death_and_a_discharge_near_midnight_stay_on_their_day(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote(
                "ADT^A03",
                visit(since="202606302350", until="202607160010"),
                about=but(JOAN, died_at="202607160005", is_dead="Y"),
                at="20260716001500",
            )
        )
        page = await ward.summary()
        assert "Died 16-Jul-2026" in banner(page)
        assert "30-Jun-2026 to 16-Jul-2026" in section(page, "stays-and-visits").words


async def test_the_age_is_that_of_today_in_the_region(settings: Settings) -> None:
    """AT is 22-Nov-2026: a birthday tomorrow is not yet one."""
    people = {"20081123": "(17y)", "20081122": "(18y)", "20261025": "(4w)", "20261026": "(27d)", "20250523": "(17m)"}
    async with open_ward(settings) as ward:
        for number, (born, age) in enumerate(people.items()):
            person = Someone(
                nhs_number=NUMBERS[number], number=f"C{number}", given=f"Child{number}", title="", born=born
            )
            await ward.hear(wrote("ADT^A28", about=person))
            assert age in banner(await ward.summary(person)), born


NUMBERS = ("9990200114", "9990200122", "9990200130", "9990200149", "9990200157")


async def test_a_year_or_a_month_is_never_made_into_a_day(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote(
                "ADT^A01",
                visit(),
                "AL1|1|DA|^Penicillin|SV|Rash|2011",
                "AL1|2|DA|^Latex|SV|Rash|201105",
                "AL1|3|DA|^Iodine|SV|Rash|20110517",
                "DG1|1||^Asthma||1987",
            )
        )
        page = await ward.summary()
        rows = {row.one("a").words: row.words for row in page.all("tbody", "tr") if len(row.all("a")) == 1}
        assert "since 2011" in rows["Penicillin"]
        assert "since May-2011" in rows["Latex"]
        assert "17-May-2011" in rows["Iodine"]
        assert "since 1987" in rows["Asthma"]
        assert "01-Jan" not in page.one("#main").words
        assert "01-May" not in page.one("#main").words


async def test_a_letter_is_dated_by_the_day_it_tells_of(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", "Home.", at="20260701003000"))
        assert "01-Jul-2026 00:30" in section(await ward.summary(), "letters").words


async def test_the_receipt_keeps_the_time_and_the_offset_as_they_were_understood(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ORU^R01", order("L1", taken="202607150030"), found(POTASSIUM, "4.1")))
        chart = await ward.open()
        (line,) = entries(section(await chart.page(), "results"))
        said = (await chart.page(f"entry/{line}")).words
        assert "Collected 15-Jul-2026 00:30 BST" in said
