"""What many events say stands once: whose it is, for how long, and that whoever reads finds it as it was said."""

from __future__ import annotations

from datetime import UTC, datetime

from carerecord import audit, database
from carerecord.audit import Kind, events
from carerecord.database import Database
from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.settings import Settings
from tests.rooms.audit.test_witness import AT, STAFF, event, verified

LONG = Evidence(kind=EvidenceClass.ENCOUNTER, id="V-1001", place="Ward 7, the heart hospital", start="2026-11-22")


async def texts(owner: Database) -> list[tuple[int, int]]:
    """Whose each is, and how many texts it holds."""
    rows = await owner.fetch("select patient_key, cardinality(said) as n from audit.text order by 1, 2 desc")
    return [(row["patient_key"], row["n"]) for row in rows]


async def test_a_reader_is_said_once_for_all_and_evidence_once_for_its_patient(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, database.connect(settings, "owner") as owner:
        async with audit.Writer.open(db, clock=lambda: AT) as writer:
            for number in (1, 2):
                for kind in ("opened", "shown", "opened"):
                    await writer.witness(event(number, kind=kind, evidence=LONG))
        assert await texts(owner) == [(0, 2), (1001, 1), (1002, 1)]
        async with audit.Writer.open(db, clock=lambda: AT) as writer:  # It begins without knowing what was said.
            await writer.witness(event(1, evidence=LONG))
        assert await texts(owner) == [(0, 2), (1001, 1), (1002, 1)]
        read = await audit.read_events(owner)
    assert len(read) == 7
    assert {(each.staff, each.evidence) for each in read} == {(STAFF, LONG)}
    assert (await verified(settings)).is_sound


async def test_short_evidence_stands_in_its_row_and_a_patients_own_look_under_them(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db, database.connect(settings, "owner") as owner:
        async with audit.Writer.open(db, clock=lambda: AT) as writer:
            await writer.witness(event(1, purpose=Purpose.PATRQT, kind="examined", evidence=None))
        assert await texts(owner) == [(1001, 2)], "who looked is the patient: nothing of them is shared"
        (look,) = await audit.read_events(owner)
        assert (look.staff, look.evidence) == (STAFF, None)
    assert (await verified(settings)).is_sound


async def test_each_month_says_its_texts_itself_and_goes_with_them(settings: Settings) -> None:
    months = [datetime(2026, month, 28, tzinfo=UTC) for month in (11, 12)]
    times = iter((months[0], months[0], months[1], months[1]))
    async with (
        database.connect(settings, "serve") as db,
        database.connect(settings, "owner") as owner,
        audit.Writer.open(db, clock=lambda: next(times)) as writer,
    ):
        for kind in ("opened", "shown") * 2:
            await writer.witness(event(kind=kind, evidence=LONG))
        await database.make_partitions(owner, today=months[0].date())
        assert await texts(owner) == [(0, 2), (0, 2), (1001, 1), (1001, 1)]
        await owner.execute("drop table audit.event_2026_11, audit.text_2026_11")
        left = await audit.read_events(owner)
        assert [(each.recorded_at, each.staff, each.evidence) for each in left] == [(months[1], STAFF, LONG)] * 2


async def test_who_looked_is_found_among_the_texts_and_in_rows_that_say_it_themselves(settings: Settings) -> None:
    async with (
        database.connect(settings, "serve") as db,
        database.connect(settings, "owner") as owner,
        audit.Writer.open(db) as writer,
    ):
        await writer.witness(event(1))
        await writer.witness(event(2, staff={"user_id": "another"}))
        await writer.witness(event(3, purpose=Purpose.PATRQT))
        first = await owner.fetchrow("select * from audit.event where seq = 1")
        assert first is not None
        await owner.execute(
            "update audit.entry set staff = $1, decision = 'permit', manner = null where seq = 1", first["staff"]
        )
        asked = await writer.witness(event(kind="examined", patient_key=0, staff={"user_id": "office"}))
        found = await events.read_events_witnessed(db, witness=asked, staff=STAFF.user_id, limit=9)
        assert [each.seq for each in found] == [3, 1]
        found = await events.read_events_witnessed(db, witness=asked, kinds=[Kind.OPENED], limit=9)
        assert [each.seq for each in found] == [3, 2, 1]


async def test_a_door_that_asks_for_its_witness_looks_up_no_text(settings: Settings) -> None:
    async with database.connect(settings, "owner") as owner:
        asks = (
            "explain select from audit.event e where e.patient_key = 1 and e.stream = 1 and e.seq = 1"
            " and e.kind = 'opened' and e.recorded_at between '2026-11-22' and '2026-11-23' and e.session = 's'"
        )
        plan = "\n".join(row[0] for row in await owner.fetch(asks))
        assert "text" not in plan.replace("::text", "")
        assert "Index" in plan
        reads = "explain select staff, evidence, decision from audit.event where stream = 1 and seq = 1"
        plan = "\n".join(row[0] for row in await owner.fetch(reads))
        looked_up = [line for line in plan.splitlines() if " on text_" in line]
        assert looked_up
        assert all("Index" in line for line in looked_up), plan
