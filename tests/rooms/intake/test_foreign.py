"""Messages that other people wrote, all of them: kept byte for byte, answered, and never doubled."""

import asyncio
import itertools
import tarfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carerecord import database
from carerecord.intake import Intake
from carerecord.organisations import Organisation, Region
from carerecord.organisations.region import SourceEntry
from carerecord.record import dictionary
from carerecord.settings import Settings

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
REGION = Region(
    name="Nowhere",
    title="Nowhere Care Record",
    phone="01632 960000",
    organisations=(Organisation(ods_code="Y9001", name="Anyone"),),
    sources=(SourceEntry(id="anyone", organisation="Y9001", name="Anyone", sending=("*",)),),
)


def read_messages(folder: Path) -> list[bytes]:
    with tarfile.open(folder / "hl7v2.tar.xz") as archive:
        found = []
        for member in archive:
            if member.isfile() and member.name.endswith((".hl7", ".txt")):
                read = archive.extractfile(member)
                content = read.read() if read else b""
                if b"MSH" in content[:10]:
                    found.append(content)
        return found


@pytest.mark.foreign
async def test_every_foreign_message_is_kept_and_answered(settings: Settings, foreign_data: Path) -> None:
    said = read_messages(foreign_data)
    assert len(said) > 250
    keys = itertools.count(1 << 61)
    async with database.connect(settings, "operate") as db:
        intake = Intake(db, REGION, settings, clock=lambda: NOON, random_key=lambda: next(keys))
        receipts = await asyncio.gather(*(intake.receive(content, received_at=NOON) for content in said))
        again = [await intake.receive(content, received_at=NOON) for content in said]
        await intake.close()
        originals = await db.fetch("select seq, content, outcome from intake.original")
        two_numbers = await db.fetch(
            "select m.patient_key from patient_index.member m join patient_index.identity i"
            " on i.patient_key = m.home_key and i.identity_key = m.identity_key where i.nhs_number_verified"
            " group by 1 having count(distinct i.nhs_number) > 1"
        )
    kept = {row["seq"]: dictionary.decompress(row["content"]) for row in originals}
    assert all(kept[receipt.reference.seq] == content for receipt, content in zip(receipts, said, strict=True))
    assert len(kept) == len(set(said))
    assert all(receipt.is_repeat for receipt in again)
    assert [receipt.code for receipt in again] == [receipt.code for receipt in receipts]
    assert "parked" not in Counter(row["outcome"] for row in originals)
    assert two_numbers == []
