"""H04: "no data" is read as "none"."""

from __future__ import annotations

import pytest

from carerecord.settings import Settings
from tests.safety.ward import (
    ADMIN,
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    ROYAL,
    banner,
    but,
    found,
    open_ward,
    order,
    section,
    visit,
    wrote,
)

HEADINGS = ("allergies", "problems", "results", "stays-and-visits", "letters")
NONE_OF_ONE = "None recorded by 1 source that sent anything about this person."
NOT_KNOWN = " This is not “no known allergies”: it is not known whether there are any. Ask."


async def test_every_empty_heading_is_a_sentence_that_says_who_sent_nothing(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        page = await ward.summary()
        for heading in HEADINGS:
            if heading != "stays-and-visits":
                more = NOT_KNOWN if heading == "allergies" else ""
                assert section(page, heading).one(".cr-none").words == NONE_OF_ONE + more
        await ward.hear(
            wrote("ORU^R01", order("L1"), found(POTASSIUM, "4.1"), by=PATHOLOGY, about=but(JOAN, number="L1"))
        )
        page = await ward.summary()
        said = section(page, "allergies").one(".cr-none").words
        assert said == NONE_OF_ONE.replace("1 source", "2 sources") + NOT_KNOWN
        assert section(page, "allergies").one(".cr-gist").words == "Not known: ask"
        assert section(page, "medicines").one(".cr-gist").words == "None sent here"
        assert not section(page, "results").all(".cr-none")


async def test_a_person_of_whom_nothing_was_sent_is_not_a_person_who_is_well(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A28"))
        page = await ward.summary()
        for heading in HEADINGS:
            said = section(page, heading).one(".cr-none").words
            more = NOT_KNOWN if heading == "allergies" else ""
            assert said == "None recorded: no source has sent anything about this person." + more
        assert "It does not mean that this person is well." in page.one(".cr-answers").words
        assert "Allergies not recorded" in banner(page)


async def test_an_allergy_that_was_taken_back_leaves_no_list_that_reads_as_none_known(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        penicillin = "IAM|1|DA|^Penicillin||||A-1"
        await ward.hear(
            wrote("ADT^A01", visit("V1"), penicillin),
            wrote("ADT^A08", visit("V1"), penicillin + "||||||||||E", at="20261111120000"),
        )
        said = section(await ward.summary(), "allergies").one(".cr-none").words
        assert said == "None current. 1 no longer current." + NOT_KNOWN


async def test_no_medicine_listed_is_not_shown_as_a_count_of_none(settings: Settings) -> None:
    """Hospitals name medicines in letters: a transplant patient whose list is empty still takes tacrolimus."""
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        page = await ward.summary()
        assert "This does not say that none is taken" in section(page, "medicines").one(".cr-none").words
        assert not section(page, "medicines").all(".cr-count")
        assert "Medicines – none recorded" in page.one(".cr-nav").words


TITLES = {
    "nothing was sent": ((), "Allergies not recorded"),
    "none known": (("AL1|1||716186003^No known allergy^SCT",), "No known allergies"),
    "no drug allergy known": (("AL1|1||^NKDA",), "No known allergies : NKDA"),
    # A clinician about to prescribe must not read this as "no known allergies".
    "no food allergy known": (
        ("AL1|1|FA|429625007^No known food allergy^SCT",),
        "Allergies not recorded : No known food allergy",
    ),
    "not asked": (("AL1|1||^Not asked",), "Allergies not recorded"),
    "unknown": (("AL1|1||^Unknown", "AL1|2||^Not recorded"), "Allergies not recorded"),
    "an empty segment": (("AL1|1||",), "Allergies not recorded"),
    "the HL7 null": (('AL1|1||""',), "Allergies not recorded"),
    "an allergy": (("AL1|1|DA|^Penicillin",), "Known allergies : Penicillin"),
}


@pytest.mark.parametrize(("segments", "title"), TITLES.values(), ids=list(TITLES))
async def test_the_banner_says_exactly_what_is_known_of_allergies(
    settings: Settings, segments: tuple[str, ...], title: str
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), *segments))
        page = await ward.summary()
        assert page.one(".cr-banner__dangers").words == title


async def test_none_known_that_its_source_took_back_is_no_longer_said(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), "IAM|1||716186003^No known allergy^SCT||||A-1"),
            wrote(
                "ADT^A08", visit("V1"), "IAM|1||716186003^No known allergy^SCT||||A-1||||||||||E", at="20261111120000"
            ),
        )
        page = await ward.summary()
        assert page.one(".cr-banner__dangers").words == "Allergies not recorded"


async def test_a_role_that_may_see_no_allergies_reads_nothing_about_them(settings: Settings) -> None:
    clerk = {"name": "Mr Colin Peters", "role_code": ADMIN, "role_name": "Receptionist"}
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin"))
        page = await ward.summary(staff=clerk)
        assert not page.all(".cr-banner__dangers"), "neither known, nor none, nor not recorded"
        assert "None recorded" not in page.words
        assert "Clinical headings, allergies included, need a clinical role" in page.words


async def test_a_result_without_a_value_says_so_and_is_never_blank_or_zero(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote(
                "ORU^R01",
                order("L1"),
                found("NA^Sodium", "", status="F"),
                found("K^Potassium", "", status="X"),
                found("CR^Creatinine", "", status="P"),
                found("CRP^C-reactive protein", "0", "mg/L"),
            )
        )
        page = await ward.summary()
        rows = {row.one("th").one("a").words: row.words for row in section(page, "results").all("tbody", "tr")}
        assert "no value was sent" in rows["Sodium"].casefold()
        assert "awaited" in rows["Creatinine"].casefold() or "no value yet" in rows["Creatinine"].casefold()
        assert rows["C-reactive protein"].endswith(" 0")
        assert "cancelled" in page.one(".cr-closed").words or "not performed" in page.one(".cr-closed").words


async def test_the_answer_line_names_what_is_outside_the_record(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        said = (await ward.summary()).one(".cr-answers").words
        assert "Missing: GP record: the practice is outside London and not part of this record" in said


async def test_an_answer_that_names_no_source_is_not_said_of_a_source_that_spoke(settings: Settings) -> None:
    """The other hospital sent only demographics: the empty headings count only those that sent something clinical."""
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1")), wrote("ADT^A28", by=ROYAL, about=but(JOAN, number="R1"), at="20261112120000")
        )
        page = await ward.summary()
        assert section(page, "letters").one(".cr-none").words == NONE_OF_ONE
