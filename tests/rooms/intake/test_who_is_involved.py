"""What a message says of who is involved is kept with it, in one commit; an older word never undoes a newer."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec

from carerecord import clock, database, intake
from carerecord.model import OriginalReference
from carerecord.settings import Settings
from tests.house import ADMITTED, REGION, House, message, open_house, segment

DISCHARGED = segment("PV1", {2: "I", 3: "WARD4", 19: "V1", 44: "202611030900", 45: "202611101500"})
BOOKED = "SCH|P1|F1|||||||||^^^202612010900^202612010930"
REFERRED = "RF1|P|R|CAR||P|UBRN1^BARTS|20261101"


def said(kind: str, number: str, at: str, *segments: str) -> bytes:
    return message(kind, number, *segments).replace(b"20261110120000", at.encode())


async def involved(house: House) -> list[tuple[str, str, str, datetime | None, int]]:
    rows = await house.owner.fetch("select * from patient_index.relationship order by kind, organisation, local_id")
    return [(row["kind"], row["organisation"], row["source"], row["until"], row["standing"]) for row in rows]


async def test_a_stay_an_appointment_and_a_referral_each_become_one_row(settings: Settings) -> None:
    async with open_house(settings) as house:
        await house.hear(
            said("ADT^A01", "1", "20261103090000", ADMITTED),
            said("SIU^S12", "2", "20261103100000", BOOKED),
            said("REF^I12", "3", "20261103110000", REFERRED),
            said("ORU^R01", "4", "20261103120000", "OBR|1|P|F|K^Potassium", "OBX|1|NM|K^Potassium||4.1|mmol/L|||||F"),
        )
        found = await involved(house)
        assert [row[:3] for row in found] == [
            ("appointment", "R1H", "barts"),
            ("encounter", "R1H", "barts"),
            ("referral", "R1H", "barts"),
        ]
        keys = await house.owner.fetch(
            "select r.patient_key, r.identity_key from patient_index.relationship r join patient_index.identity i"
            " on i.patient_key = r.patient_key and i.identity_key = r.identity_key"
        )
        assert len(keys) == 3


async def test_a_discharge_ends_the_row_and_an_older_word_that_arrives_late_does_not_reopen_it(
    settings: Settings,
) -> None:
    async with open_house(settings) as house:
        await house.hear(said("ADT^A01", "1", "20261103090000", ADMITTED))
        assert (await involved(house))[0][3] is None
        await house.hear(said("ADT^A03", "2", "20261110150000", DISCHARGED))
        ended = await involved(house)
        assert ended[0][3] is not None
        await house.hear(said("ADT^A08", "3", "20261105090000", ADMITTED))
        assert await involved(house) == ended


async def test_a_cancelled_admission_is_taken_back(settings: Settings) -> None:
    async with open_house(settings) as house:
        await house.hear(said("ADT^A01", "1", "20261103090000", ADMITTED))
        await house.hear(said("ADT^A11", "2", "20261103093000", ADMITTED))
        assert [row[4] for row in await involved(house)] == [6]


async def test_two_words_on_one_stay_in_one_commit_keep_the_newer(settings: Settings) -> None:
    async with open_house(settings) as house:
        await asyncio.gather(
            *(
                house.hear(content)
                for content in (
                    said("ADT^A03", "2", "20261110150000", DISCHARGED),
                    said("ADT^A01", "1", "20261103090000", ADMITTED),
                    said("ADT^A08", "3", "20261104090000", ADMITTED),
                )
            )
        )
        ((_, _, _, until, _),) = await involved(house)
        assert until is not None


async def test_a_message_translated_again_says_who_is_involved_and_undoes_nothing_newer(settings: Settings) -> None:
    """Its sender was not registered when it came; meanwhile the same stay ended."""
    unknown = msgspec.structs.replace(REGION, sources=())
    async with open_house(settings) as house, database.connect(settings, "operate") as operate:
        early = intake.Intake(operate, unknown, settings, clock=clock.now, random_key=clock.random_key)
        receipts = [
            await early.receive(content, received_at=clock.now() - timedelta(days=1))
            for content in (
                said("ADT^A01", "1", "20261103090000", ADMITTED),
                said("ADT^A01", "9", "20261103090000", ADMITTED.replace("|V1|", "|V2|")),
            )
        ]
        await early.close()
        await house.hear(said("ADT^A03", "2", "20261110150000", DISCHARGED))
        ended = await involved(house)
        references: list[OriginalReference] = [receipt.reference for receipt in receipts]
        await intake.replay(operate, REGION, settings, references, at=clock.now(), random_key=clock.random_key)
        after = await involved(house)
        assert [row for row in after if row[3] is not None] == ended
        assert len(after) == 2


async def test_what_cannot_be_kept_leaves_no_row_behind(settings: Settings) -> None:
    async with open_house(settings) as house:
        await house.intake.receive(message("ADT^A01", "x", ADMITTED, pid="PID|1"), received_at=clock.now())
        assert await involved(house) == []
