"""H05: stale data are shown as current."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from carerecord import sources
from carerecord.settings import Settings
from tests.safety.reading import Part
from tests.safety.ward import (
    AT,
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    ROYAL,
    Ward,
    but,
    fields,
    found,
    letter,
    open_ward,
    order,
    section,
    visit,
    wrote,
)

DATE = re.compile(r"\b\d{2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4}\b")
OLD = "20090304101500"
EVERYTHING = (
    wrote(
        "ADT^A03",
        visit("V1", since="200903010900", until="200903041000"),
        "AL1|1|DA|^Penicillin|SV|Rash|19580612",
        "AL1|2|DA|^Latex|MO|Wheeze",
        "DG1|1||^Mitral stenosis||20090302",
        "DG1|2||^Asthma",
        at=OLD,
    ),
    letter("D1", "Seen and well.", at=OLD),
    wrote(
        "ORU^R01",
        order("L1", taken="200903020640"),
        found(POTASSIUM, "6.9", "mmol/L", "3.5-5.3", flag="HH"),
        by=PATHOLOGY,
        about=but(JOAN, number="L1"),
        at=OLD,
    ),
    wrote("ADT^A28", "AL1|1||^NKA", by=ROYAL, about=but(JOAN, number="R1"), at="20261119080000"),
)


def lines(page: Part) -> list[Part]:
    """Everything on the page that claims something: rows, letters, flagged results, steps of the pathway."""
    rows = [row for row in page.all(".cr-section", ".cr-table", "tbody", "tr") if not row.is_of(".cr-disputed")]
    results = page.all(".cr-table--results", "tbody", "tr")
    return [
        *(row for row in rows if row not in results),
        *page.all(".cr-letter"),
        *page.all(".cr-flagged", "li"),
        *page.all(".cr-path", "li"),
    ]


async def test_every_line_carries_its_date_and_its_source(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*EVERYTHING)
        page = await ward.summary()
        found_lines = lines(page)
        assert len(found_lines) >= 9
        for line in found_lines:
            assert DATE.search(line.words), line.words
        for row in page.all(".cr-from"):
            assert row.words in ("Barts Health", "Royal Free", "NEL Pathology", "Royal Free +1", "Barts Health +1")
        for table in page.all(".cr-table--results"):
            times = table.words_of("thead", "th")[2:]
            assert times
            assert all(DATE.match(time) for time in times)
        for origin in page.words_of(".cr-origin"):
            assert "NEL Pathology" in origin


async def test_what_is_seventeen_years_old_is_shown_as_of_then_though_it_came_today(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*EVERYTHING)
        page = await ward.summary()
        assert "02-Mar-2009 06:40" in section(page, "results").one(".cr-flagged").words
        assert "04-Mar-2009" in section(page, "letters").words
        assert "01–04-Mar-2009" in section(page, "stays-and-visits").words
        allergies = {
            row.one("a").words: row.words for row in section(page, "allergies").all("tbody", "tr") if row.all("a")
        }
        assert "12-Jun-1958" in allergies["Penicillin"]
        assert "said 04-Mar-2009" in allergies["Latex"], "said when, where it is not known since when"
        assert "22-Nov-2026" not in page.one("#main").words.replace("Opened from", ""), (
            "nothing is dated by its arrival"
        )


async def test_the_sources_list_says_when_each_last_said_anything_of_this_person(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*EVERYTHING)
        page = await ward.summary()
        assert page.one(".cr-sources", "summary").words == "From 3 sources"
        rows = fields(page.all(".cr-sources", "tbody", "tr"))
        assert [(row[0], row[1]) for row in rows] == [
            ("Barts Health", "04-Mar-2009 10:15"),
            ("NEL Pathology", "04-Mar-2009 10:15"),
            ("Royal Free", "19-Nov-2026 08:00"),
        ]


async def test_a_page_says_when_what_it_shows_was_all_that_was_known(settings: Settings) -> None:
    """It may stay open for a night: the blood gas that came at three is not on it."""
    async with open_ward(settings) as ward:
        await ward.hear(*EVERYTHING)
        page = await ward.summary()
        assert page.one(".cr-as-at").words.startswith("As known here on 22-Nov-2026 09:12")


async def test_a_diagnosis_listed_at_an_admission_is_not_said_to_have_begun_with_it(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), "DG1|1||I48.9^Atrial fibrillation^I10||20261110|A"))
        assert "recorded 10-Nov-2026" in section(await ward.summary(), "problems").words


async def test_what_a_closed_heading_says_of_results_has_its_date(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ORU^R01", order("L1", taken="200903020640"), found(POTASSIUM, "6.9", flag="HH")))
        gist = section(await ward.summary(), "results").one(".cr-gist").words
        assert gist == "Potassium 6.9 mmol/L ↑ critically high, 02-Mar-2009 06:40"


async def test_an_old_value_is_never_called_new(settings: Settings) -> None:
    """The last contact was last week: what was said today about 2009 has not happened since."""
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V9", since="202611150900"), at="20261115090000"),
            wrote("ORU^R01", order("L1", taken="200903020640"), found(POTASSIUM, "6.9"), at="20261121080000"),
            wrote("ORU^R01", order("L2", taken="202611160640"), found("NA^Sodium", "140"), at="20261121080000"),
        )
        rows = {
            row.one("a").words: row.words_of(".cr-mark")
            for row in section(await ward.summary(), "results").all("tr")
            if row.all("a")
        }
        assert rows == {"Potassium": [], "Sodium": ["New"]}


async def test_demographics_say_who_said_them_and_when(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A28", at=OLD))
        # A laboratory's copy, years later, on a request form: it neither renews nor empties what the hospital said.
        await ward.hear(
            wrote(
                "ORU^R01",
                order("L1"),
                found(POTASSIUM, "4.1"),
                by=PATHOLOGY,
                about=but(JOAN, number="L1", address="", gp="", title=""),
                at="20261110120000",
            )
        )
        about = (await ward.summary()).one("#about-this-person").words
        assert "4 Mill Row, Oxford, OX4 1AA" in about
        assert "Cowley Road Practice" in about
        assert "As Barts Health said on 04-Mar-2009 10:15." in about


async def test_demographics_told_as_such_count_though_a_copy_came_before_and_was_written_later(
    settings: Settings,
) -> None:
    copied = but(JOAN, address="9 Old Street^^Oxford^^OX1 1AA")
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ORU^R01", order("L1"), found(POTASSIUM, "4.1"), about=copied, at="20261110120000"),
            wrote("ADT^A28", at="20261109120000"),
        )
        about = (await ward.summary()).one("#about-this-person").words
        assert "4 Mill Row" in about
        assert "09-Nov-2026" in about


async def noted(ward: Ward, source: str, *, last: datetime) -> None:
    """Four weeks in which this source was never quiet for more than two minutes; then its last message."""
    hearing = sources.Hearing(ward.intake._keeper._db)
    for minutes in range(28 * 24 * 60, -1, -2):
        hearing.heard(source, at=last - timedelta(minutes=minutes))
    await hearing.note(at=last)


async def test_a_late_source_is_named_to_those_who_see_something_of_it(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*EVERYTHING)
        await noted(ward, "barts", last=AT - timedelta(minutes=9))
        late = re.compile(r"Barts Health: late, last heard \d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d")
        assert late.search((await ward.summary()).one(".cr-answers").words)


async def test_a_silent_source_is_named_to_everybody(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A28", by=ROYAL, about=but(JOAN, number="R1")))
        await noted(ward, "barts", last=AT - timedelta(hours=9))
        told = (await ward.summary()).one(".cr-answers").words
        assert "Barts Health: nothing heard since" in told
        assert "what is newer is not here" in told


async def test_a_source_that_is_heard_as_usual_is_not_mentioned(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*EVERYTHING)
        await noted(ward, "barts", last=AT - timedelta(minutes=2))
        told = (await ward.summary()).one(".cr-answers").words
        assert "late" not in told
        assert "nothing heard" not in told
