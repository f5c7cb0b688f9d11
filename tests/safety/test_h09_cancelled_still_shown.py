"""H09: a cancelled or mistaken entry is still shown as current."""

from __future__ import annotations

import pytest

from carerecord import clock
from carerecord.settings import Settings
from tests.house import segment
from tests.safety.ward import (
    POTASSIUM,
    banner,
    closed,
    current,
    found,
    letter,
    open_ward,
    order,
    section,
    visit,
    wrote,
)


def diagnosis(what: str, number: str, *, action: str = "A") -> str:
    return segment("DG1", {1: "1", 3: f"^{what}", 5: "20261103", 20: number, 21: action})


def allergy(what: str, number: str, *, action: str = "A", certainty: str = "") -> str:
    return segment(
        "IAM", {1: "1", 2: "DA", 3: f"^{what}", 4: "SV", 5: "Anaphylaxis", 6: action, 7: number, 17: certainty}
    )


FIRST = wrote(
    "ADT^A01",
    visit("V1"),
    allergy("Penicillin", "A-1"),
    allergy("Latex", "A-2"),
    diagnosis("Mitral stenosis", "P-1"),
    diagnosis("Leukaemia", "P-2"),
    at="20261103090000",
)
TAKEN_BACK = wrote(
    "ADT^A08",
    visit("V1"),
    allergy("Penicillin", "A-1", certainty="E"),
    diagnosis("Leukaemia", "P-2", action="D"),
    at="20261104090000",
)


async def test_an_allergy_and_a_diagnosis_taken_back_leave_the_current_list_and_the_banner(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(FIRST)
        assert "Penicillin" in banner(await ward.summary())
        await ward.hear(TAKEN_BACK)
        page = await ward.summary()
        assert "Known allergies : Latex (Anaphylaxis)" in banner(page)
        allergies, problems = section(page, "allergies"), section(page, "problems")
        assert "Penicillin" not in current(allergies)
        assert "Penicillin Entered in error" in closed(allergies)
        assert "Leukaemia" not in current(problems)
        assert "Leukaemia Entered in error" in closed(problems)
        assert [part.one(".cr-count").words for part in (allergies, problems)] == ["1", "1"]


async def test_what_was_taken_back_before_it_was_heard_is_not_current_either(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(TAKEN_BACK)
        await ward.hear(FIRST)
        page = await ward.summary()
        assert "Penicillin" not in banner(page)
        assert "Leukaemia" not in current(section(page, "problems"))


async def test_the_only_allergy_taken_back_is_not_the_same_as_none_known(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit(), allergy("Penicillin", "A-1"), at="20261103090000"),
            wrote("ADT^A08", visit(), allergy("Penicillin", "A-1", certainty="E"), at="20261104090000"),
        )
        page = await ward.summary()
        assert page.one(".cr-banner__dangers").words == "Allergies not recorded"
        assert section(page, "allergies").one(".cr-gist").words == "Not known: ask"
        assert section(page, "allergies").one(".cr-none").words == (
            "None current. 1 no longer current. This is not “no known allergies”: it is not known whether there "
            "are any. Ask."
        )


async def test_a_cancelled_letter_is_read_only_among_the_closed(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            letter("D1", "For palliative care.", at="20261103090000"),
            letter("D2", "For rehabilitation.", at="20261103100000"),
            letter("D1", "For palliative care.", at="20261104090000", availability="CA"),
        )
        page = await ward.summary()
        letters = section(page, "letters")
        assert "palliative" not in current(letters)
        assert "For palliative care." in closed(letters)
        assert "Cancelled" in closed(letters)
        assert "For rehabilitation." in current(letters)
        assert len(page.all(".cr-path", "li")) == 1, "nor does the pathway tell of it"


async def test_results_taken_back_are_struck_through_unflagged_and_said_to_be_in_error(settings: Settings) -> None:
    results = order("L1"), found(POTASSIUM, "7.9", flag="HH"), found("TROP^Troponin", "950", "ng/L", flag="HH")
    void = (
        order("L1", status="C"),
        found(POTASSIUM, "7.9", flag="HH", status="W"),
        found("TROP^Troponin", "950", "ng/L", flag="HH", status="X"),
    )
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ORU^R01", *results, at="20261109080000"), wrote("ORU^R01", *void, at="20261109090000"))
        page = await ward.summary()
        part = section(page, "results")
        assert not part.all(".cr-flagged")
        assert part.one(".cr-count").words == "0"
        assert "7.9" not in current(part)
        assert "950" not in current(part)
        assert "Potassium Entered in error" in closed(part)
        assert "Troponin Cancelled" in closed(part)


async def test_a_cancelled_admission_is_read_only_among_the_closed(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), at="20261103090000"))
        assert "In hospital, WARD4" in current(section(await ward.summary(), "stays-and-visits"))
        receipt = await ward.intake.receive(wrote("ADT^A11", visit("V1"), at="20261103091200"), received_at=clock.now())
        assert receipt.code == "AA"
        stays = section(await ward.summary(), "stays-and-visits")
        assert "WARD4" not in current(stays)
        assert "Cancelled" in closed(stays)


async def test_a_cancelled_admission_heard_before_the_admission_is_cancelled_all_the_same(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A11", visit("V1"), at="20261103091200"), wrote("ADT^A01", visit("V1"), at="20261103090000")
        )
        stays = section(await ward.summary(), "stays-and-visits")
        assert "WARD4" not in current(stays)
        assert "Cancelled" in closed(stays)


@pytest.mark.parametrize(
    ("planned", "undone"), [("ADT^A05", "ADT^A38"), ("ADT^A05", "ADT^A11"), ("ADT^A04", "ADT^A11")]
)
async def test_a_visit_that_was_expected_or_registered_can_be_cancelled_too(
    settings: Settings, planned: str, undone: str
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote(planned, visit("V1"), at="20261103090000"), wrote(undone, visit("V1"), at="20261103091200")
        )
        stays = section(await ward.summary(), "stays-and-visits")
        assert "WARD4" not in current(stays)
        assert "Cancelled" in closed(stays)


async def test_after_a_cancelled_transfer_the_patient_is_where_they_were(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), at="20261103090000"),
            wrote("ADT^A02", visit("V1", ward="WARD9"), at="20261104090000"),
        )
        assert "In hospital, WARD9" in current(section(await ward.summary(), "stays-and-visits"))
        await ward.hear(wrote("ADT^A12", visit("V1"), at="20261104093000"))
        stays = section(await ward.summary(), "stays-and-visits")
        assert "In hospital, WARD4" in current(stays)
        assert "WARD9" not in stays.words


async def test_after_a_cancelled_discharge_the_stay_is_current_and_has_no_end(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1"), at="20261103090000"),
            wrote("ADT^A03", visit("V1", until="202611061400"), at="20261106140000"),
        )
        assert "03–06-Nov-2026" in section(await ward.summary(), "stays-and-visits").words
        await ward.hear(wrote("ADT^A13", visit("V1", until="202611061400"), at="20261106150000"))
        stays = section(await ward.summary(), "stays-and-visits")
        assert "In hospital, WARD4" in current(stays)
        assert "06-Nov-2026" not in stays.words
        assert not closed(stays)


def appointment(event: str, *, at: str) -> bytes:
    sch = segment("SCH", {2: "A-1", 11: "^^M20^20261215143000"})
    return wrote(f"SIU^{event}", sch, "AIS|1||FRAC^Fracture clinic", "AIL|1||CLINIC 3", at=at)


def referral(event: str, status: str, *, at: str) -> bytes:
    return wrote(f"REF^{event}", segment("RF1", {1: status, 3: "^Heart failure service", 6: "R-1", 7: at}), at=at)


@pytest.mark.parametrize("undone", ["S15", "S17"])
async def test_an_appointment_that_was_cancelled_or_deleted_is_no_longer_coming(
    settings: Settings, undone: str
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(appointment("S12", at="20261103090000"))
        assert "Fracture clinic" in current(section(await ward.summary(), "appointments"))
        await ward.hear(appointment(undone, at="20261104090000"))
        appointments = section(await ward.summary(), "appointments")
        assert "Fracture clinic" not in current(appointments)
        assert "Fracture clinic" in closed(appointments)


async def test_a_referral_that_was_cancelled_is_closed(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(referral("I12", "P", at="20261103090000"))
        assert "Heart failure service" in current(section(await ward.summary(), "referrals"))
        await ward.hear(referral("I14", "A", at="20261104090000"))
        referrals = section(await ward.summary(), "referrals")
        assert "Heart failure service" not in current(referrals)
        assert "Heart failure service" in closed(referrals)
