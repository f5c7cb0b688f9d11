"""H16: mapping a code changes its meaning."""

from __future__ import annotations

import pytest

from carerecord.settings import Settings
from tests.safety.ward import JOAN, PATHOLOGY, ROYAL, but, entries, found, open_ward, order, section, visit, wrote

AT_ROYAL = but(JOAN, number="R1")


async def test_the_same_local_code_of_two_sources_is_two_things(settings: Settings) -> None:
    """PEN is Penicillin here and Penicillamine there."""
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "AL1|1|DA|PEN^Penicillin^L|SV|Anaphylaxis"),
            wrote("ADT^A01", visit("R1"), "AL1|1|DA|PEN^Penicillamine^L|MI|Rash", by=ROYAL, about=AT_ROYAL),
            wrote("ORU^R01", order("L1"), found("GLU^Glucose", "5.1"), by=PATHOLOGY, about=but(JOAN, number="L1")),
            wrote("ORU^R01", order("L2"), found("GLU^Glutamate", "88"), by=ROYAL, about=AT_ROYAL),
        )
        page = await ward.summary()
        assert len(entries(section(page, "allergies"))) == 2
        assert "Penicillin (Anaphylaxis) · Penicillamine (Rash)" in page.one(".cr-banner__dangers").words or (
            "Penicillamine (Rash) · Penicillin (Anaphylaxis)" in page.one(".cr-banner__dangers").words
        )
        rows = {row.one("a").words: row.words_of("b") for row in section(page, "results").all("tr") if row.all("a")}
        assert rows == {"Glucose": ["5.1"], "Glutamate": ["88"]}


async def test_two_sources_that_share_a_code_and_not_the_words_both_keep_their_words(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "AL1|1|DA|91936005^Penicillin^SCT|SV|Anaphylaxis"),
            wrote(
                "ADT^A01", visit("R1"), "AL1|1|DA|91936005^Amoxicillin capsules^SCT|MI|Rash", by=ROYAL, about=AT_ROYAL
            ),
        )
        chart = await ward.open()
        allergies = section(await chart.page(), "allergies")
        (line,) = entries(allergies)
        assert "Penicillin" in allergies.words
        assert "Amoxicillin capsules" in allergies.words, "also written"
        receipt = (await chart.page(f"entry/{line}")).words
        assert "Substance Penicillin" in receipt
        assert "Substance Amoxicillin capsules" in receipt
        assert "Joined because the substance has the same code." in receipt


CODED = {
    "a code and words": ("44054006^Sugar, on tablets^SCT", "Sugar, on tablets", "SNOMED CT 44054006"),
    "words that its national code does not mean": ("22298006^Indigestion^SCT", "Indigestion", "SNOMED CT 22298006"),
    "a code alone": ("I05.0^^I10", "I05.0", "ICD-10 I05.0"),
    "a local code": ("ZZ7^Valve thing^BARTSDX", "Valve thing", "ZZ7 (Valve thing)"),
    "original text beside the code's own": (
        "194733006^Mitral stenosis^SCT^^^^^^MS ?severe - see echo",
        "MS ?severe - see echo",
        "SNOMED CT 194733006 (Mitral stenosis)",
    ),
    "two codes": ("MS1^Mitral^L^194733006^Mitral stenosis^SCT", "Mitral", "SNOMED CT 194733006 (Mitral stenosis)"),
}


@pytest.mark.parametrize(("sent", "shown", "code"), CODED.values(), ids=list(CODED))
async def test_a_diagnosis_is_shown_in_its_sources_words_with_its_sources_code_behind_it(
    settings: Settings, sent: str, shown: str, code: str
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit(), f"DG1|1||{sent}||20261103"))
        chart = await ward.open()
        problems = section(await chart.page(), "problems")
        (line,) = entries(problems)
        assert problems.one("tbody", "a").words == shown
        receipt = (await chart.page(f"entry/{line}")).words
        assert f"Problem {shown}" in receipt
        assert code in receipt


async def test_none_known_in_a_sources_own_code_keeps_the_sources_words(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit(), "AL1|1||NKA^No known allergies (asked)^BARTSALG"))
        chart = await ward.open()
        page = await chart.page()
        assert page.one(".cr-banner__dangers").words == "No known allergies : No known allergies (asked)"
        (line,) = entries(section(page, "allergies"))
        receipt = (await chart.page(f"entry/{line}")).words
        assert "Substance No known allergies (asked)" in receipt
        assert "NKA" in receipt


async def test_a_flag_and_a_severity_that_no_table_holds_are_shown_as_sent(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit(), "AL1|1|DA|^Penicillin|Nearly died|Collapse"),
            wrote("ORU^R01", order("L1"), found("K^Potassium", "6.1", flag="PANIC")),
        )
        page = await ward.summary()
        assert "Nearly died" in section(page, "allergies").words
        assert "PANIC" in section(page, "results").one(".cr-flagged").words
