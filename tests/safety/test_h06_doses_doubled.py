"""H06: doses are doubled, because one medicine stands on the list twice; or two are taken for one."""

from __future__ import annotations

from carerecord.settings import Settings
from tests.safety.reading import Part
from tests.safety.ward import JOAN, open_ward, section, visit, wrote
from tests.said import day, medicine

BISOPROLOL = "Bisoprolol 2.5mg tablets"


def current(page: Part) -> list[str]:
    """The lines of Medicines that are current, without the disputes under them."""
    (table, *_) = section(page, "medicines").all(".cr-table")
    return [link.words for link in table.all("tbody", "a")]


async def test_one_medicine_of_two_sources_is_one_line_and_the_page_chooses_no_dose(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        key = await ward.key_of(JOAN)
        await ward.remember(
            key,
            [
                medicine(BISOPROLOL, "2.5mg each morning", code="318590006", route="oral", at=day(20)),
                medicine("BISOPROLOL TABS 2.5 MG", "1.25mg each morning", source="royal-free", at=day(2)),
            ],
        )
        chart = await ward.open()
        page = await chart.page()
        assert current(page) == ["Bisoprolol 2.5 mg tablets"]
        shown = section(page, "medicines").words
        assert "Sources differ" in shown
        assert "Barts Health says 2.5 mg each morning, 20-Nov-2026" in shown
        assert "Royal Free says 1.25 mg each morning, 02-Nov-2026: check with the patient" in shown
        assert "3.75" not in shown, "a dose is never worked out"
        (line,) = [link.attributes["href"] for link in section(page, "medicines").all("tbody", "a")]
        told = (await chart.page(line)).words
        assert "BISOPROLOL TABS 2.5 MG" in told, "the receipt is word for word"
        assert "1.25mg each morning" in told


async def test_what_is_not_the_same_medicine_is_never_joined(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        others = ("Bisoprolol 5mg tablets", "Bisoprolol 2.5mg capsules", "Bisoprolol")
        said = [medicine(BISOPROLOL), *(medicine(name, source="royal-free") for name in others)]
        await ward.remember(await ward.key_of(JOAN), said)
        assert len(current(await ward.summary())) == 4


async def test_what_one_stopped_and_another_still_lists_stands_once_with_both_said(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        stopped = medicine("Apixaban 5mg tablets", "ONE twice a day", status="stopped", at=day(20))
        listed = medicine("Apixaban 5mg tablets", "ONE twice a day", source="royal-free", at=day(2))
        warfarin = medicine("Warfarin 1mg tablets", "as yellow book", at=day(20))
        await ward.remember(await ward.key_of(JOAN), [stopped, listed, warfarin])
        page = await ward.summary()
        assert current(page) == ["Apixaban 5 mg tablets", "Warfarin 1 mg tablets"]
        shown = section(page, "medicines").words
        assert "Barts Health says stopped, 20-Nov-2026; Royal Free lists it as taken, 02-Nov-2026" in shown
        assert shown.count("Anticoagulant") == 2
        assert "This list may be incomplete" in shown
