"""H21: warnings become wallpaper."""

from __future__ import annotations

import pytest

from carerecord.disclosure.answers import feed_answers
from carerecord.settings import Settings
from carerecord.sources import Feed
from tests.house import AT
from tests.safety.reading import Part
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    PRACTICE,
    REGION,
    ROYAL,
    Someone,
    but,
    found,
    open_ward,
    order,
    section,
    visit,
    wrote,
)
from tests.said import said

AT_MARSH_LANE = but(JOAN, gp="F84002^Marsh Lane")


def warnings(page: Part) -> list[str]:
    """Everything on the page that asks for attention without having been looked for."""
    loud = (".cr-answers__missing", ".cr-answer", ".cr-caution", ".cr-conflict", ".cr-mark--warn", ".cr-mark--over")
    roles = [part.words for part in page if part.attributes.get("role") in ("alert", "alertdialog", "dialog", "status")]
    return [words for name in loud for words in page.words_of(name)] + roles


async def test_where_nothing_is_missing_nothing_is_said(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin", "DG1|1||^Asthma||20110517", about=AT_MARSH_LANE),
            wrote("ADT^A28", "AL1|1|DA|^Penicillin", by=PRACTICE, about=but(AT_MARSH_LANE, number="G1")),
            wrote("ORU^R01", order("L1"), found(POTASSIUM, "4.1"), by=PATHOLOGY, about=but(AT_MARSH_LANE, number="L1")),
        )
        page = await ward.summary()
        assert warnings(page) == []
        assert "Missing" not in page.words
        assert page.one(".cr-answers", ".cr-sources").words.startswith("From 3 sources")


MISSING = {
    "a practice outside": (
        "K84001^Cowley Road",
        "GP record: the practice is outside London and not part of this record",
    ),
    "a practice not connected": ("F84001^Mile End", "GP record: Mile End Practice is not connected to this record"),
    "no practice known": ("", "GP record: no practice is known for this person"),
    "a practice nobody registered": (
        "W99999^Elsewhere",
        "GP record: the practice is outside London and not part of this record",
    ),
}


@pytest.mark.parametrize(("gp", "sentence"), MISSING.values(), ids=list(MISSING))
async def test_what_is_missing_is_one_sentence_and_said_once(settings: Settings, gp: str, sentence: str) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), about=but(JOAN, gp=gp)))
        page = await ward.summary()
        assert page.one(".cr-answers").words_of("li") == [sentence]
        assert page.words.count("GP record:") == 1


async def test_a_laboratory_that_knows_no_practice_does_not_raise_a_warning(settings: Settings) -> None:
    """Its result came last; the hospital told the practice, and the practice is connected."""
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), about=AT_MARSH_LANE),
            wrote(
                "ORU^R01",
                order("L1"),
                found(POTASSIUM, "4.1"),
                by=PATHOLOGY,
                about=but(JOAN, number="L1", gp=""),
                at="20261120120000",
            ),
        )
        assert warnings(await ward.summary()) == []


async def test_sources_that_agree_raise_no_dispute(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin|SV|Rash", about=AT_MARSH_LANE),
            wrote(
                "ADT^A01", visit("R1"), "AL1|1|DA|^PENICILLIN|SV|Rash", by=ROYAL, about=but(AT_MARSH_LANE, number="R1")
            ),
        )
        page = await ward.summary()
        assert warnings(page) == []
        assert len(section(page, "allergies").all("tbody", "tr")) == 1, "one line, two sources"


async def test_normal_results_are_not_flagged_and_a_flag_is_said_once_at_the_head(settings: Settings) -> None:
    results = [found(f"T{number}^Test {number}", "5", flag="N") for number in range(20)]
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ORU^R01", order("L1"), *results, about=AT_MARSH_LANE))
        part = section(await ward.summary(), "results")
        assert not part.all(".cr-flagged")
        assert not part.all(".cr-flag")
        await ward.hear(wrote("ORU^R01", order("L2"), found(POTASSIUM, "6.9", flag="HH"), about=AT_MARSH_LANE))
        part = section(await ward.summary(), "results")
        assert len(part.all(".cr-flagged", "li")) == 1


async def test_nothing_new_is_marked_where_nothing_is_new(settings: Settings) -> None:
    person = Someone(gp="F84002^Marsh Lane")
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote(
                "ADT^A03", visit("V1", since="202511010900", until="202511020900"), about=person, at="20251102090000"
            ),
            wrote("ADT^A01", visit("V2", since="202611210900"), about=person, at="20261121090000"),
            wrote(
                "ORU^R01", order("L1", taken="202511010640"), found(POTASSIUM, "4.1"), about=person, at="20251101090000"
            ),
        )
        assert section(await ward.summary(), "results").words_of(".cr-mark") == []


def test_many_late_sources_are_one_sentence() -> None:
    """A line for each would push what matters off a small screen."""
    sources = REGION.sources[:3]
    feeds = [Feed(source=source.id, kind="late", last_heard_at=AT) for source in sources]
    shown = [said("Encounter", source.id, {}, source=source.id) for source in sources]
    (answer,) = feed_answers(feeds, shown, REGION, is_restricted=False)
    assert answer.sentence.startswith("3 sources are late, with when each was last heard: ")
    assert all(f"{source.name} (" in answer.sentence for source in sources)
    assert len(feed_answers(feeds[:2], shown, REGION, is_restricted=False)) == 2
