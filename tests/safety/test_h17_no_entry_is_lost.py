"""H17: entries are lost by truncation or paging."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta

from carerecord.disclosure import Summary
from carerecord.reconciliation import every_entry
from carerecord.settings import Settings
from tests.house import looking, program_looking
from tests.safety.reading import Part
from tests.safety.ward import JOAN, Ward, entries, found, letter, open_ward, order, section, visit, wrote

ANALYTES, TIMES, STAYS, LETTERS, PROBLEMS, ALLERGIES = 25, 96, 180, 160, 120, 60
COUNT = ANALYTES * TIMES + TIMES + STAYS + LETTERS + PROBLEMS + ALLERGIES  # a report for each set of results


def day(number: int) -> str:
    return f"{date(2015, 1, 1) + timedelta(days=number * 31):%Y%m%d}"


def value(analyte: int, time: int) -> str:
    """A number that stands nowhere else on the page."""
    return f"{analyte + 100}.{time + 1000}"


def a_long_life() -> list[bytes]:
    return [
        wrote(
            "ADT^A28",
            *(f"AL1|{number}|DA|^Substance {number:03}|MO|Rash" for number in range(ALLERGIES)),
            *(f"DG1|{number}||^Problem {number:03}||{day(number)}" for number in range(PROBLEMS)),
        ),
        *(
            wrote(
                "ORU^R01",
                order(f"L{time}", taken=f"{day(time)}0640"),
                *(found(f"T{analyte}^Test {analyte:02}", value(analyte, time)) for analyte in range(ANALYTES)),
                at=f"{day(time)}080000",
            )
            for time in range(TIMES)
        ),
        *(
            wrote(
                "ADT^A03",
                visit(f"V{number}", since=f"{day(number)}0900", until=f"{day(number)}1800", ward=f"WARD{number:03}"),
                at=f"{day(number)}190000",
            )
            for number in range(STAYS)
        ),
        *(
            letter(f"D{number}", f"Words of letter {number:03}, the first and last.", at=f"{day(number)}120000")
            for number in range(LETTERS)
        ),
    ]


async def kept(ward: Ward) -> int:
    count = await ward.owner.fetchval(
        "select (select coalesce(sum(statement_count), 0) from record.log)"
        " + (select coalesce(sum(statement_count), 0) from record.chunk)"
    )
    return int(count)


def assert_whole(page: Part) -> None:
    results = section(page, "results")
    shown = [text for cell in results.all(".cr-table--results", "tbody", "td") for text in cell.words_of("b")]
    assert sorted(shown) == sorted(value(analyte, time) for analyte in range(ANALYTES) for time in range(TIMES))
    for name, count, words in (
        ("allergies", ALLERGIES, "Substance {:03}"),
        ("problems", PROBLEMS, "Problem {:03}"),
        ("stays-and-visits", STAYS, "WARD{:03}"),
        ("letters", LETTERS, "Words of letter {:03}, the first and last."),
    ):
        part = section(page, name)
        assert len(entries(part)) == count
        assert part.one("h2", ".cr-count").words == str(count)
        for number in range(count):
            assert words.format(number) in part.words


async def test_three_thousand_statements_stand_in_one_page_and_every_one_can_be_reached(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await asyncio.gather(*map(ward.hear, a_long_life()))
        assert await kept(ward) == COUNT > 3000
        chart = await ward.open()
        assert_whole(await chart.page())
        while await ward.fold():
            pass
        assert await kept(ward) == COUNT
        page = await chart.page()
        assert_whole(page)

        # Every statement belongs to exactly one line of the page, and every such line opens.
        key = await ward.key_of(JOAN)
        summary = await ward.door.summary(looking(key))
        assert isinstance(summary, Summary)
        record = summary.record
        assert record is not None
        listed = list(every_entry(record))
        statements = [statement for entry in listed for statement in entry.statement_ids]
        assert len(statements) == len(set(statements)) == COUNT
        assert {entry.id for entry in listed} == set(entries(page.one("#main")))
        bundle = await ward.door.everything(program_looking(key))
        assert isinstance(bundle, bytes)
        told = {each["resource"].get("id") for each in json.loads(bundle)["entry"]}
        assert set(statements) <= told, "a program is given them all too"

        for entry in (*record.results[:5], listed[0], record.letters[-1], record.problems[0]):
            sayings = (await chart.page(f"entry/{entry.id}")).all(".cr-saying")
            assert len(sayings) == len(entry.statement_ids)


async def test_a_page_has_no_next_and_hides_no_line_from_who_has_no_script(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*a_long_life()[:40])
        page = await ward.summary()
        links = [link.attributes.get("href", "") for link in page.all("a")]
        assert {link for link in links if "page" in link or "offset" in link or "?" in link} == {"?in=print"}
        assert not [part for part in page.one("#main") if "hidden" in part.attributes]


async def test_a_long_letter_a_long_report_and_many_lines_of_a_note_are_whole(settings: Settings) -> None:
    long = " ".join(f"word{number}" for number in range(8_000))
    notes = [f"NTE|{number}||Note line {number} of the laboratory" for number in range(1, 60)]
    async with open_ward(settings) as ward:
        await ward.hear(
            letter("D1", long),
            wrote("ORU^R01", order("H1", "HIST^Histology"), f"OBX|1|TX|HIST^Histology||{long}||||||F"),
            wrote("ORU^R01", order("L1"), found("K^Potassium", "4.1"), *notes),
        )
        chart = await ward.open()
        page = await chart.page()
        assert long in section(page, "letters").words
        assert long in section(page, "results").words
        (line,) = [
            row.one("a").attributes["href"] for row in section(page, "results").all(".cr-table--results", "tbody", "tr")
        ]
        receipt = (await chart.page(line)).words
        assert all(f"Note line {number} of the laboratory" in receipt for number in range(1, 60))
