"""Whatever is sent, together or one by one: every distinct message is kept once, and nothing is doubled."""

import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

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
    organisations=(Organisation(ods_code="Y9001", name="Eastmere Hospital"),),
    sources=tuple(
        SourceEntry(id=name, organisation="Y9001", name=name, sending=(f"EPR|{name.upper()}",))
        for name in ("eastmere", "northgate")
    ),
)
_keys = itertools.count(1 << 61)
_runs = itertools.count(1)
NUMBERS = ["", "9990000018", "9990000026", "1234567890"]


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Mostly what hospitals send; some of it broken. RUN is replaced, so that each run has patients of its own."""
    event = draw(st.sampled_from(["ADT^A01", "ADT^A08", "ADT^A40", "ORU^R01", "SIU^S12"]))
    sender = draw(st.sampled_from(["EPR|EASTMERE", "EPR|NORTHGATE", "WHO|WHERE"]))
    local = "~".join(f"RUN{mrn}^^^HOSP^MR" for mrn in draw(st.lists(st.sampled_from("ABC"), max_size=2, unique=True)))
    number = draw(st.sampled_from(NUMBERS))
    name = draw(st.sampled_from(["Marlowe^Isolde", "Marlowe^Perdita", "Cornwall^Isolde", ""]))
    born = draw(st.sampled_from(["19790517", "19790518", "19500109", "", "not a date"]))
    control_id = draw(st.sampled_from(["M1", "M2", "M3", ""]))
    segments = [
        f"MSH|^~\\&|{sender}|RECORD|REGION|2026030411{draw(st.integers(0, 59)):02}00||{event}|{control_id}|P|2.4",
        f"PID|1||{local}~{number}^^^NHS^NH||{name}||{born}|F",
    ]
    if event == "ADT^A40":
        segments.append(f"MRG|RUN{draw(st.sampled_from('ABCD'))}^^^HOSP^MR")
    if event == "ORU^R01":
        segments += ["OBR|1||L1|UE^Urea^L|||20260304100000", "OBX|1|NM|NA^Sodium^L||140|mmol/L|||||F"]
    content = ("\r".join(segments) + "\r").encode()
    return content if draw(st.booleans()) else content[: draw(st.integers(0, len(content)))]


@bounds(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(messages(), min_size=1, max_size=20), together=st.booleans())
async def test_nothing_is_lost_and_nothing_is_doubled(settings: Settings, said: list[bytes], together: bool) -> None:
    run = f"R{next(_runs)}".encode()
    said = [content.replace(b"RUN", run).replace(b"|REGION|", b"|REGION" + run + b"|") for content in said]
    said += said[:3]
    async with database.connect(settings, "operate") as db:
        intake = Intake(db, REGION, settings, clock=lambda: NOON, random_key=lambda: next(_keys))
        if together:
            receipts = await asyncio.gather(*(intake.receive(content, received_at=NOON) for content in said))
        else:
            receipts = [await intake.receive(content, received_at=NOON) for content in said]
        await intake.close()
        kept = {receipt.reference: receipt for receipt in receipts}
        originals = [await _read(db, reference.day, reference.seq) for reference in kept]
    assert [dictionary.decompress(row["content"]) for row in originals] == list(dict.fromkeys(said))
    for content, receipt in zip(said, receipts, strict=True):
        first = receipts[said.index(content)]
        assert (receipt.code, receipt.reference) == (first.code, first.reference), (
            "a repeat is answered as the first was"
        )
        assert f"MSA|{receipt.code}" in receipt.acknowledgement.decode() or not content.startswith(b"MSH|^~\\&|")
    for row, receipt in zip(originals, kept.values(), strict=True):
        assert row["outcome"] == receipt.outcome
        assert (row["patient_key"] is not None) is (receipt.code == "AA")
    async with database.connect(settings, "owner") as db:
        (doubled,) = await db.fetch(
            "select (select count(*) from intake.original) - (select count(*) from intake.message_key) as keys,"
            " (select count(*) - count(distinct (original_day, original_seq)) from record.log) as rows,"
            " (select count(*) from record.log l"
            "  join intake.original o on o.day = l.original_day and o.seq = l.original_seq"
            "  where o.identity_key is distinct from l.identity_key) as strays"
        )
    assert tuple(doubled) == (0, 0, 0)


async def _read(db: database.Database, day: Any, seq: int) -> Any:
    return await db.fetchrow("select * from intake.original where day = $1 and seq = $2", day, seq)
