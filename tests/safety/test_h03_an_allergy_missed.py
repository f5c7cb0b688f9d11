"""H03: an allergy is missed."""

from __future__ import annotations

import pytest

from carerecord.settings import Settings
from tests.safety.ward import (
    BARTS,
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    ROYAL,
    Ward,
    banner,
    but,
    closed,
    current,
    entries,
    found,
    open_ward,
    order,
    section,
    visit,
    wrote,
)

AT_ROYAL = but(JOAN, number="R77")


async def allergies_of(ward: Ward) -> tuple[str, str]:
    """(what the banner says of dangers, what the heading says)."""
    page = await ward.summary()
    return page.one(".cr-banner__dangers").words, section(page, "allergies").words


async def test_an_allergy_that_only_the_other_hospital_knows_is_shown(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "AL1|1|FA|^Peanut|MO|Wheeze", by=BARTS),
            wrote("ADT^A01", visit("R1"), "AL1|1|DA|^Penicillin|SV|Anaphylaxis", by=ROYAL, about=AT_ROYAL),
        )
        dangers, listed = await allergies_of(ward)
        assert dangers == "Known allergies : Penicillin (Anaphylaxis) · Peanut (Wheeze)"
        assert "Penicillin" in listed
        assert "Royal Free" in listed


SENT = {
    "words without a code": ("AL1|1|DA|^Co-amoxiclav|SV|Anaphylaxis", "Co-amoxiclav (Anaphylaxis)"),
    "a local code without words": ("AL1|1|DA|PEN^^BARTSALG|SV", "PEN (severe)"),
    "a code of nobody's system": ("AL1|1||99999^Iodine contrast", "Iodine contrast"),
    "free text with the whole story": (
        "AL1|1||^Collapsed after Trimethoprim in 2011, do not give",
        "Collapsed after Trimethoprim in 2011, do not give",
    ),
    "letters beyond ASCII": ("AL1|1||^Crème de bétaméthasone", "Crème de bétaméthasone"),
    "an escaped character": ("AL1|1||^Sulfa \\T\\ Trimethoprim", "Sulfa & Trimethoprim"),
    "IAM instead of AL1": ("IAM|1|DA|^Morphine|SV|Apnoea|A|A-1", "Morphine (Apnoea)"),
    "an unnamed substance that did harm": ("AL1|1|DA|^Unknown|SV|Anaphylaxis in theatre", "Anaphylaxis in theatre"),
    "no substance at all, and what it did": (
        "AL1|1|DA||SV|Anaphylaxis to an antibiotic",
        "An allergy that could not be read: open the original message (Anaphylaxis to an antibiotic)",
    ),
    "an exception to none": ("AL1|1|DA|^No known allergies except penicillin", "No known allergies except penicillin"),
    "an exception in other words": ("AL1|1|DA|^NKDA but allergic to latex", "NKDA but allergic to latex"),
}


@pytest.mark.parametrize(("segment", "words"), SENT.values(), ids=list(SENT))
async def test_an_allergy_is_in_the_banner_however_it_was_written(settings: Settings, segment: str, words: str) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit(), segment),
            # The other hospital is sure that there is none: it must not win.
            wrote("ADT^A01", visit("R1"), "AL1|1||^NKA", by=ROYAL, about=AT_ROYAL, at="20261120120000"),
        )
        dangers, listed = await allergies_of(ward)
        assert dangers.startswith("Known allergies : ")
        assert words in dangers
        assert words.split(" (")[0] in listed


@pytest.mark.parametrize("is_none_newer", [True, False])
async def test_none_known_of_one_source_and_an_allergy_of_another_are_both_shown(
    settings: Settings, is_none_newer: bool
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin|SV|Anaphylaxis", by=BARTS),
            wrote(
                "ADT^A01",
                visit("R1"),
                "AL1|1||716186003^No known allergy^SCT",
                by=ROYAL,
                about=AT_ROYAL,
                at="20261112120000" if is_none_newer else "20261101120000",
            ),
        )
        dangers, listed = await allergies_of(ward)
        assert dangers == "Known allergies : Penicillin (Anaphylaxis)"
        day = "12-Nov-2026" if is_none_newer else "01-Nov-2026"
        assert f"Royal Free says no known allergy, {day}: check with the patient" in listed
        assert "Barts Health lists Penicillin, 10-Nov-2026: check with the patient" in listed
        assert listed.count("Sources differ") == 2


async def test_an_exception_to_none_known_is_not_drowned_by_a_plain_none_known(settings: Settings) -> None:
    """One source's code says none; its words name one. The other says none plainly. The words must be read."""
    coded = "AL1|1||716186003^No known allergies except strawberries^SCT"
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), coded, by=BARTS),
            wrote("ADT^A01", visit("R1"), "AL1|1||^NKA", by=ROYAL, about=AT_ROYAL),
        )
        dangers, listed = await allergies_of(ward)
        assert "No known allergies except strawberries" in dangers
        assert "No known allergies except strawberries" in listed


async def test_every_reaction_is_shown_when_each_came_in_a_segment_of_its_own(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit(), "AL1|1|DA|PEN^Penicillin^L|MI|Rash", "AL1|2|DA|PEN^Penicillin^L|SV|Anaphylaxis")
        )
        dangers, _ = await allergies_of(ward)
        assert "Rash" in dangers
        assert "Anaphylaxis" in dangers


async def test_a_message_that_is_silent_about_allergies_takes_none_away(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit(), "AL1|1|DA|^Penicillin|SV|Anaphylaxis"),
            wrote("ADT^A08", visit(), at="20261111120000"),
            wrote("ADT^A03", visit(until="202611121000"), at="20261112120000"),
            wrote("ORU^R01", order("L1"), found(POTASSIUM, "4.1"), by=PATHOLOGY, at="20261113120000"),
        )
        dangers, _ = await allergies_of(ward)
        assert dangers == "Known allergies : Penicillin (Anaphylaxis)"


async def test_a_wide_group_is_not_folded_into_a_narrow_one_nor_one_substance_into_its_group(
    settings: Settings,
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin|SV|Anaphylaxis", "AL1|2|DA|^Amoxicillin|MI|Rash"),
            wrote("ADT^A01", visit("R1"), "AL1|1|DA|^Penicillins", by=ROYAL, about=AT_ROYAL),
        )
        page = await ward.summary()
        assert len(entries(section(page, "allergies"))) == 3
        for substance in ("Penicillin (Anaphylaxis)", "Amoxicillin (Rash)", "Penicillins"):
            assert substance in banner(page)


async def test_an_allergy_over_at_one_source_is_still_current_where_the_other_says_so(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "IAM|1|DA|^Penicillin|SV|Anaphylaxis|D|A-1", by=BARTS),
            wrote("ADT^A01", visit("R1"), "AL1|1|DA|^Penicillin|SV|Rash", by=ROYAL, about=AT_ROYAL),
        )
        page = await ward.summary()
        assert "Known allergies : Penicillin (Rash)" in banner(page)
        assert "Barts Health lists it as resolved" in current(section(page, "allergies"))
        assert "Penicillin" in closed(section(page, "allergies"))


async def test_a_hundred_allergies_are_a_hundred_lines_and_all_in_the_banner(settings: Settings) -> None:
    sent = [f"AL1|{number}|DA|^Substance {number:03}|MO|Rash" for number in range(1, 101)]
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit(), *sent))
        page = await ward.summary()
        assert len(entries(section(page, "allergies"))) == 100
        assert all(f"Substance {number:03} (Rash)" in banner(page) for number in range(1, 101))
