"""H13: what is sensitive comes in unmarked, is found, and is not told by a letter, a visit or a referral either."""

from __future__ import annotations

from carerecord.settings import Settings
from tests.safety.ward import JOAN, open_ward, wrote

CLINIC = "PV1|1|O|GUM Clinic^^" + "|" * 7 + "360" + "|" * 9 + "V77" + "|" * 25 + "20261109083000"


async def test_a_visit_to_a_clinic_a_coded_problem_and_a_letter_that_says_it_are_not_shown(settings: Settings) -> None:
    plain = "PV1|1|O|Chest Clinic^^" + "|" * 16 + "V78" + "|" * 25 + "20261109083000"
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", CLINIC, "DG1|1||^Rash", "AL1|1|DA|^Zidovudine", about=JOAN, number="S1"),
            wrote("ADT^A01", plain, "DG1|1||O04.9^Medical abortion^I10", "DG1|2||^Asthma", about=JOAN, number="S2"),
            wrote(
                "MDM^T02",
                "TXA|1|CN|TX|||||||||D9",
                "OBX|1|TX|L^Letter||She is HIV positive and well.||||||F",
                about=JOAN,
                number="S3",
            ),
        )
        page = (await (await ward.open(JOAN)).get()).text
        assert "Asthma" in page
        assert "Zidovudine" in page
        for word in ("GUM", "Rash", "bortion", "HIV"):
            assert word not in page, word
