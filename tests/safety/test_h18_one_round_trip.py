"""H18: a slow answer makes the clinician go on without."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from carerecord.settings import Settings
from tests.house import segment
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    ROYAL,
    Someone,
    Ward,
    but,
    found,
    open_ward,
    order,
    visit,
    wrote,
)

# The session, the person with what the decision needs of them, opened committed, the record, shown committed: what a
# view of one person costs.
STATEMENTS_OF_A_VIEW = 5


class Counting:
    """Every statement that goes to the database over any connection, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[str] = []
        connect: Callable[..., Awaitable[Any]] = asyncpg.connect

        async def connect_and_count(*positional: Any, **named: Any) -> Any:
            connection = await connect(*positional, **named)
            connection.add_query_logger(lambda record: self.said.append(record.query))
            return connection

        monkeypatch.setattr(asyncpg, "connect", connect_and_count)

    async def during(self, asked: Awaitable[Any]) -> list[str]:
        """How the feeds are is read every few seconds and not by each view: whoever asks has looked just before."""
        await asyncio.sleep(0.01)  # The logger is told a moment after the answer.
        self.said.clear()
        await asked
        return list(self.said)


def kinds(said: list[str]) -> list[str]:
    names = {
        "signin.find_session": "session",
        "audit.event": "witness",
        "patient_index": "person",
        "record.read_witnessed": "record",
    }
    return [next((kind for name, kind in names.items() if name in query), query) for query in said]


async def many(ward: Ward, count: int) -> None:
    for number in range(count):
        results = [found(f"T{each}^Test {each}", str(each + 1)) for each in range(20)]
        await ward.hear(
            wrote("ORU^R01", order(f"L{number}", taken=f"2026{number % 10 + 1:02}{number % 28 + 1:02}0640"), *results)
        )


async def test_a_view_reads_the_record_in_one_round_trip_however_long_it_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(monkeypatch)
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        chart = await ward.open()
        await chart.page()
        short = await counting.during(chart.page())
        await many(ward, 100)
        log = await counting.during(chart.page())
        await ward.fold()
        folded = await counting.during(chart.page())
        for said in (short, log, folded):
            assert kinds(said) == ["session", "person", "witness", "record", "witness"]
            assert len(said) == STATEMENTS_OF_A_VIEW


async def test_three_sources_of_one_person_are_still_one_round_trip(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(monkeypatch)
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1")),
            wrote("ADT^A01", visit("R1"), by=ROYAL, about=but(JOAN, number="R1")),
            wrote("ORU^R01", order("L1"), found(POTASSIUM, "4.1"), by=PATHOLOGY, about=but(JOAN, number="L1")),
        )
        chart = await ward.open()
        await chart.page()
        assert kinds(await counting.during(chart.page())).count("record") == 1


async def test_one_more_home_of_a_merged_person_costs_one_more_read_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(monkeypatch)
    twice = Someone(nhs_number="", number="40999")
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1")),
            wrote("ADT^A01", visit("V2"), about=twice),
            wrote("ADT^A40", segment("MRG", {1: "40999^^^BARTS^MR"}), at="20261111120000"),
        )
        chart = await ward.open()
        await chart.page()
        assert kinds(await counting.during(chart.page())) == [
            "session",
            "person",
            "witness",
            "record",
            "record",
            "witness",
        ]


async def test_a_receipt_costs_what_a_view_costs_and_an_original_one_more(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(monkeypatch)
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        chart = await ward.open()
        line = next(link.attributes["href"] for link in (await chart.page()).all("#stays-and-visits", "a"))
        receipt = await chart.page(line)
        place = next(each.attributes["href"] for each in receipt.all("a") if "/original/" in each.attributes["href"])
        original = place.removeprefix(f"{chart.address}/")
        await chart.page(original)
        assert len(await counting.during(chart.page(line))) == STATEMENTS_OF_A_VIEW
        assert len(await counting.during(chart.page(original))) == STATEMENTS_OF_A_VIEW + 1
