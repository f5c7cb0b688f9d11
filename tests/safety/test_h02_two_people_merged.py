"""H02: two people are merged, or one is split."""

from __future__ import annotations

from carerecord import clock, database, patient_index
from carerecord.settings import Settings
from tests.house import segment
from tests.safety.reading import Part
from tests.safety.ward import (
    BARTS,
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    ROYAL,
    Someone,
    Ward,
    banner,
    but,
    found,
    open_ward,
    order,
    section,
    visit,
    wrote,
)

# Twins share everything but a number, a given name and, after today's slip, not even the number.
MAISIE = Someone(
    nhs_number="9990200122", number="50001", family="Fairbrother", given="Maisie", title="", born="20220630", gender="F"
)
ISLA = but(MAISIE, nhs_number="9990200130", number="50002", given="Isla")
JOAN_AT_ROYAL = but(JOAN, number="R77")
HERS, HIS = "AL1|1|DA|^Penicillin|SV|Anaphylaxis", "AL1|1|DA|^Latex|MO|Rash"


def clinical(page: Part) -> list[str]:
    return [
        page.one(".cr-banner__dangers").words,
        *page.words_of(".cr-section--pathway", "li"),
        *page.words_of(".cr-body"),
    ]


async def waiting(ward: Ward) -> int:
    count = await ward.owner.fetchval("select count(*) from intake.original where outcome = 'waiting'")
    assert isinstance(count, int)
    return count


async def test_a_result_sent_under_the_twins_number_joins_neither(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), about=MAISIE), wrote("ADT^A01", visit("V2"), about=ISLA))
        slip = but(ISLA, nhs_number=MAISIE.nhs_number, number="LAB1")
        assert await ward.told(wrote("ORU^R01", order("L1"), found(POTASSIUM, "9.9"), by=PATHOLOGY, about=slip)) == [
            "waiting"
        ]
        for twin in (MAISIE, ISLA):
            page = await ward.summary(twin)
            assert twin.given in banner(page)
            assert "9.9" not in page.words
        assert await waiting(ward) == 1


async def test_a_stranger_sent_under_someones_number_waits_and_the_sender_is_told_why(settings: Settings) -> None:
    stranger = Someone(number="R9", family="Beckford", given="Shanice", title="Miss", born="19940211")
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), HERS))
        receipt = await ward.intake.receive(
            wrote("ADT^A01", visit("R1"), HIS, by=ROYAL, about=stranger), received_at=clock.now()
        )
        assert (receipt.outcome, receipt.code) == ("waiting", "AE")
        said = receipt.acknowledgement.decode()
        assert "is held with other demographics" in said
        assert not any(word in said for word in ("Hartley", "Joan", "1948", "Mill Row"))
        page = await ward.summary()
        assert "Latex" not in page.words
        assert "Beckford" not in page.words.title()


async def test_a_hospital_number_used_again_for_another_person_does_not_open_the_first_ones_record(
    settings: Settings,
) -> None:
    second = Someone(nhs_number="", family="Beckford", given="Shanice", title="Miss", born="19940211")
    assert second.number == JOAN.number
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), HERS))
        assert await ward.told(wrote("ADT^A08", HIS, about=second, at="20261111120000")) == ["waiting"]
        page = await ward.summary()
        assert "HARTLEY, Joan" in banner(page)
        assert "Latex" not in page.words


async def test_two_nhs_numbers_in_one_message_are_both_left_alone(settings: Settings) -> None:
    both = but(JOAN, number=f"77~{MAISIE.nhs_number}^^^NHS^NH~{JOAN.nhs_number}^^^NHS^NH~R77", nhs_number="")
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), HERS), wrote("ADT^A01", visit("V2"), about=MAISIE))
        await ward.told(wrote("ADT^A01", visit("R1"), HIS, by=ROYAL, about=both))
        for person in (JOAN, MAISIE):
            assert "Latex" not in (await ward.summary(person)).words


async def test_one_person_known_by_two_hospitals_and_a_laboratory_is_one_record(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), HERS),
            wrote("ADT^A01", visit("R1"), HIS, by=ROYAL, about=but(JOAN_AT_ROYAL, given="Joanna Mary")),
            wrote("ORU^R01", order("L1"), found(POTASSIUM, "4.7"), by=PATHOLOGY, about=but(JOAN, number="L1")),
        )
        page = await ward.summary()
        assert "Penicillin (Anaphylaxis)" in banner(page)
        assert "Latex (Rash)" in banner(page)
        assert "4.7" in section(page, "results").words


async def test_a_merge_that_would_bring_two_verified_numbers_together_waits(settings: Settings) -> None:
    merge = wrote("ADT^A40", segment("MRG", {1: f"{ISLA.number}^^^BARTS^MR"}), about=MAISIE, at="20261111120000")
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), HERS, about=MAISIE), wrote("ADT^A01", visit("V2"), HIS, about=ISLA)
        )
        assert await ward.told(merge) == ["waiting"]
        one, other = banner(await ward.summary(MAISIE)), banner(await ward.summary(ISLA))
        assert ("Penicillin" in one, "Latex" in one) == (True, False)
        assert ("Penicillin" in other, "Latex" in other) == (False, True)


async def test_a_wrong_merge_is_undone_and_each_record_is_as_it_was(settings: Settings) -> None:
    unknown = Someone(nhs_number="", number="40999", family="Hartley", given="June", title="Mrs", born="19500101")
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), HERS), wrote("ADT^A01", visit("V2"), HIS, about=unknown))
        before = clinical(await ward.summary())
        await ward.hear(
            wrote("ADT^A40", segment("MRG", {1: "40999^^^BARTS^MR"}), by=BARTS, at="20261111120000"),
        )
        assert "Latex" in (await ward.summary()).words
        joan = await ward.key_of(JOAN)
        identity = await ward.owner.fetchval("select identity_key from patient_index.identity where value = '40999'")
        async with database.connect(settings, "operate") as operator, operator.transaction() as connection:
            await patient_index.unlink(
                connection,
                joan,
                identity,
                by="operator",
                reason="Two people: June is Joan's sister-in-law.",
                at=clock.now(),
                random_key=clock.random_key,
            )
        assert clinical(await ward.summary()) == before
        # The sender says it again, as senders do: what an operator has separated stays apart.
        again = wrote("ADT^A40", segment("MRG", {1: "40999^^^BARTS^MR"}), by=BARTS, at="20261112120000")
        assert await ward.told(again) == ["waiting"]
        assert "Latex" not in (await ward.summary()).words


async def test_no_row_of_the_record_moves_when_people_are_joined(settings: Settings) -> None:
    unknown = Someone(nhs_number="", number="40999", family="Hartley", given="June", title="Mrs", born="19500101")
    rows = "select patient_key, identity_key, source, original_seq, body from record.log order by original_seq"
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), HERS), wrote("ADT^A01", visit("V2"), HIS, about=unknown))
        before = await ward.owner.fetch(rows)
        await ward.hear(wrote("ADT^A40", segment("MRG", {1: "40999^^^BARTS^MR"}), at="20261111120000"))
        assert (await ward.owner.fetch(rows))[: len(before)] == before
