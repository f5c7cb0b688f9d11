"""H08: a superseded result is still shown as the result."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from carerecord.settings import Settings
from tests.house import program_looking, segment
from tests.safety.reading import Part
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    Ward,
    but,
    closed,
    current,
    entries,
    found,
    letter,
    open_ward,
    order,
    section,
    wrote,
)

AT_LABORATORY = but(JOAN, number="L1")


def reported(
    value: str, *, status: str, at: str, number: str = "S-1", taken: str = "202611090640", **more: str
) -> bytes:
    """One potassium as the laboratory reports it at `at`."""
    return wrote(
        "ORU^R01",
        order(number, taken=taken, status=status),
        found(POTASSIUM, value, "mmol/L", "3.5-5.3", status=status, **more),
        by=PATHOLOGY,
        about=AT_LABORATORY,
        at=at,
    )


WRONG = reported("7.9", status="F", at="20261109080000", flag="HH")
RIGHT = reported("4.2", status="C", at="20261109100000")


def potassium(page: Part) -> Part:
    (row,) = section(page, "results").all(".cr-table--results", "tbody", "tr")
    return row


async def assert_corrected(ward: Ward) -> None:
    page = await ward.summary()
    row = potassium(page)
    assert row.words_of("b") == ["4.2"]
    assert row.words_of("s") == ["7.9"]
    assert "since corrected" in row.words
    assert "Corrected" in row.words_of(".cr-mark")
    # Nowhere else does the old value stand as a value: not flagged, not in the gist, not drawn.
    assert not page.all(".cr-flagged")
    assert "7.9" not in section(page, "results").one(".cr-gist").words
    assert not row.all("svg"), "one value is no trend"


async def test_a_correction_is_the_result_and_the_old_value_is_struck_through_beside_it(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(WRONG)
        assert potassium(await ward.summary()).words_of("b") == ["7.9"]
        await ward.hear(RIGHT)
        await assert_corrected(ward)


async def test_a_correction_that_overtook_the_first_report_still_wins(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(RIGHT)
        await ward.hear(WRONG)
        await assert_corrected(ward)


async def test_a_report_from_a_clock_that_is_ahead_gives_way_to_its_correction(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(reported("7.9", status="F", at="20961109080000", flag="HH"))
        await ward.hear(reported("4.2", status="C", at=f"{datetime.now(UTC):%Y%m%d%H%M%S.%f}+0000"))
        await assert_corrected(ward)


async def test_a_correction_wins_in_one_batch_and_after_folding(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(WRONG)
        assert await ward.fold() == 1
        await ward.hear(RIGHT)
        await assert_corrected(ward)
        assert await ward.fold() == 1
        await assert_corrected(ward)


async def test_both_values_and_both_messages_stay_behind_the_line(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(WRONG, RIGHT)
        chart = await ward.open()
        (line,) = entries(section(await chart.page(), "results"))
        sayings = (await chart.page(f"entry/{line}")).all(".cr-saying")
        said = [
            (("It has since said something else" in each.words), each.words)
            for each in sayings
            if "Value" in each.words
        ]
        assert [(is_old, "7.9 mmol/L" in words, "4.2 mmol/L" in words) for is_old, words in said] == [
            (False, False, True),
            (True, True, False),
        ]


async def test_a_program_is_given_the_correction_alone(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(WRONG, RIGHT)
        bundle = await ward.door.everything(program_looking(await ward.key_of(JOAN)))
    assert isinstance(bundle, bytes)
    values = [
        (each["resource"]["valueQuantity"]["value"], each["resource"]["status"])
        for each in json.loads(bundle)["entry"]
        if each["resource"]["resourceType"] == "Observation"
    ]
    assert values == [(4.2, "corrected")]


async def test_a_corrected_report_on_images_replaces_the_first_whatever_time_it_gives(settings: Settings) -> None:
    def written(words: str, *, status: str, taken: str, at: str) -> bytes:
        fields = {3: "E1", 4: "XHIP^X-ray hip^NICIP", 7: taken, 18: "ACC1", 24: "RAD", 25: status}
        return wrote("ORU^R01", segment("OBR", fields), f"OBX|1|TX|XHIP||{words}||||||{status}", at=at)

    async with open_ward(settings) as ward:
        await ward.hear(
            written("No fracture.", status="F", taken="202611090640", at="20261109080000"),
            written("Fracture of the hip.", status="C", taken="202611090600", at="20261109100000"),
        )
        bundle = await ward.door.everything(program_looking(await ward.key_of(JOAN)))
    assert isinstance(bundle, bytes)
    reports = [
        (each["resource"]["conclusion"], each["resource"]["status"])
        for each in json.loads(bundle)["entry"]
        if each["resource"]["resourceType"] == "DiagnosticReport"
    ]
    assert reports == [("Fracture of the hip.", "corrected")]


async def test_a_preliminary_result_says_so_until_the_final_one_replaces_it(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(reported("3.1", status="P", at="20261109070000"))
        row = potassium(await ward.summary())
        assert "Preliminary" in row.words_of(".cr-mark")
        await ward.hear(reported("4.2", status="F", at="20261109090000"))
        row = potassium(await ward.summary())
        assert row.words_of("b") == ["4.2"]
        assert "3.1" not in row.words
        assert "Preliminary" not in row.words


async def test_a_result_taken_back_leaves_the_one_before_it_as_the_latest(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            reported("4.0", status="F", at="20261108080000", number="S-0", taken="202611080640"),
            reported("9.9", status="F", at="20261109080000", flag="HH"),
            reported("9.9", status="W", at="20261109100000", flag="HH"),
        )
        page = await ward.summary()
        row = potassium(page)
        assert row.words_of("b") == ["4.0"]
        assert row.words_of("s") == ["9.9"]
        assert "entered in error" in row.words
        assert not page.all(".cr-flagged")


async def test_a_letter_that_another_replaces_is_no_longer_current(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            letter("D-2", "Stop bisoprolol.", at="20261110120000", instead_of="D-1"),
            letter("D-1", "Continue bisoprolol.", at="20261109120000"),
        )
        letters = section(await ward.summary(), "letters")
        assert "Stop bisoprolol." in current(letters)
        assert "Continue bisoprolol." not in current(letters)
        assert "Continue bisoprolol." in closed(letters)
