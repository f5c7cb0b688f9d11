"""From the bytes of a message to its receipt. Everyone here is invented."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from carerecord import database
from carerecord.intake import Intake, NotKept, Receipt
from carerecord.intake import intake as intake_module
from carerecord.intake.aside import ASIDE_BYTES, Aside, AsideTooSlow
from carerecord.model import Original, Outcome
from carerecord.organisations import Organisation, Region
from carerecord.organisations.region import SourceEntry
from carerecord.record import append, dictionary
from carerecord.settings import Settings

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
REGION = Region(
    name="Nowhere",
    title="Nowhere Care Record",
    phone="01632 960000",
    organisations=(Organisation(ods_code="Y9001", name="Eastmere Hospital"),),
    sources=(
        SourceEntry(id="eastmere", organisation="Y9001", name="Eastmere Hospital", sending=("EPR|EASTMERE",)),
        SourceEntry(id="northgate", organisation="Y9001", name="Northgate Hospital", sending=("PAS|NORTHGATE",)),
    ),
)
_keys = itertools.count(1 << 61)


def message(
    control_id: str,
    *,
    mrn: str = "A1",
    number: str = "9990000018",
    event: str = "ADT^A01",
    sender: str = "EPR|EASTMERE",
    born: str = "19790517",
    given: str = "Isolde",
    at: str = "20260304115500",
    more: Iterable[str] = (),
) -> bytes:
    segments = [
        f"MSH|^~\\&|{sender}|RECORD|REGION|{at}||{event}|{control_id}|P|2.4|||AL|NE",
        f"EVN|{event[-3:]}|{at}",
        f"PID|1||{mrn}^^^HOSP^MR~{number}^^^NHS^NH||Marlowe^{given}^^^Ms||{born}|F|||1 Old Lane^^Nowhere^^ZZ99 3WZ",
        "PV1|1|I|WARD7^^^EASTMERE||||C1234^Harker^Mina|||MED||||||||EP^^^EASTMERE|V" + control_id,
        *more,
    ]
    return ("\r".join(segments) + "\r").encode()


def result(control_id: str, *, values: int = 1, **said: Any) -> bytes:
    observations = [f"OBX|{each}|NM|NA{each}^Sodium^L||1{each % 90:02}|mmol/L|||||F" for each in range(1, values + 1)]
    more = [f"OBR|1||L{control_id}|UE^Urea and electrolytes^L|||20260304100000", *observations]
    return message(control_id, event="ORU^R01", more=more, **said)


@asynccontextmanager
async def opened(
    settings: Settings, *, region: Region = REGION, **changed: Any
) -> AsyncIterator[tuple[Intake, database.Database]]:
    async with database.connect(settings, "listen") as db:
        intake = Intake(db, region, settings, clock=lambda: NOON, random_key=lambda: next(_keys), **changed)
        yield intake, db
        await intake.close()


async def rows(settings: Settings, query: str) -> list[Any]:
    async with database.connect(settings, "owner") as db:
        return await db.fetch(query)


def said(receipt: Receipt, segment: str) -> list[str]:
    lines = receipt.acknowledgement.decode().split("\r")
    return next((line.split("|") for line in lines if line.startswith(segment)), [])


async def test_a_message_is_kept_byte_for_byte_and_recorded_in_one_commit(settings: Settings) -> None:
    content = message("M1")
    async with opened(settings) as (intake, _):
        receipt = await intake.receive(content, received_at=NOON)
    assert (receipt.code, receipt.outcome, receipt.is_repeat) == ("AA", Outcome.RECORDED, False)
    assert said(receipt, "MSA")[1:3] == ["AA", "M1"]
    (original,) = await rows(settings, "select * from intake.original")
    assert dictionary.decompress(original["content"]) == content
    assert original["content_hash"] == blake2b(content, digest_size=16).digest()
    assert (original["source"], original["control_id"], original["message_type"]) == ("eastmere", "M1", "ADT^A01")
    (log,) = await rows(settings, "select * from record.log")
    (identity,) = await rows(settings, "select * from patient_index.identity")
    assert (log["original_day"], log["original_seq"]) == (original["day"], original["seq"])
    assert log["patient_key"] == original["patient_key"] == identity["patient_key"]
    assert log["identity_key"] == original["identity_key"] == identity["identity_key"]
    assert identity["nhs_number_verified"]


async def test_an_unknown_sender_is_kept_and_rejected(settings: Settings) -> None:
    async with opened(settings) as (intake, _):
        receipt = await intake.receive(message("M1", sender="WHO|WHERE"), received_at=NOON)
    assert (receipt.code, receipt.outcome) == ("AR", Outcome.REFUSED)
    assert "register them in region.toml" in said(receipt, "MSA")[3]
    (original,) = await rows(settings, "select source, outcome, control_id from intake.original")
    assert tuple(original) == ("unknown", "refused", "M1")


@pytest.mark.parametrize(
    ("mark", "live", "code"), [("T", True, "AR"), ("D", True, "AR"), ("P", True, "AA"), ("T", False, "AA")]
)
async def test_what_a_training_system_says_is_not_taken_into_a_record_of_real_patients(
    settings: Settings, mark: str, live: bool, code: str
) -> None:
    content = message("M1", number="").replace(b"|P|2.", b"|%b|2." % mark.encode())
    async with opened(msgspec.structs.replace(settings, live=live)) as (intake, _):
        receipt = await intake.receive(content, received_at=NOON)
    assert receipt.code == code
    if code == "AR":
        assert (receipt.outcome, "MSH-11" in said(receipt, "MSA")[3]) == (Outcome.REFUSED, True)
        assert await rows(settings, "select from patient_index.identity") == []


@pytest.mark.parametrize("content", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff" * 50, b"MSH|", b"<xml/>"])
async def test_what_is_no_hl7_is_kept_and_rejected(settings: Settings, content: bytes) -> None:
    async with opened(settings) as (intake, _):
        receipt = await intake.receive(content, received_at=NOON)
    assert (receipt.code, receipt.outcome) == ("AR", Outcome.REFUSED)
    (original,) = await rows(settings, "select source, content from intake.original")
    assert (original["source"], dictionary.decompress(original["content"])) == ("unknown", content)


async def test_a_type_not_translated_yet_is_kept_and_says_so(settings: Settings) -> None:
    async with opened(settings) as (intake, _):
        receipt = await intake.receive(message("M1", event="BAR^P01"), received_at=NOON)
    assert (receipt.code, receipt.outcome) == ("AE", Outcome.UNTRANSLATED)
    assert "not translated yet" in said(receipt, "MSA")[3]


async def test_a_fatal_problem_is_refused_with_field_and_rule(settings: Settings) -> None:
    async with opened(settings) as (intake, _):
        receipt = await intake.receive(message("M1", mrn="", number=""), received_at=NOON)
    assert (receipt.code, receipt.outcome) == ("AE", Outcome.REFUSED)
    assert "PID-3" in said(receipt, "MSA")[3]
    assert said(receipt, "ERR")
    (original,) = await rows(settings, "select problems, patient_key from intake.original")
    assert b'"PID-3' in original["problems"]
    assert original["patient_key"] is None


async def test_what_can_be_used_is_recorded_although_something_could_not(settings: Settings) -> None:
    async with opened(settings) as (intake, _):
        receipt = await intake.receive(message("M1", number="1234567890"), received_at=NOON)
    assert (receipt.code, receipt.outcome) == ("AA", Outcome.RECORDED)
    (original,) = await rows(settings, "select problems from intake.original")
    assert b"check digit" in original["problems"]
    (identity,) = await rows(settings, "select nhs_number from patient_index.identity")
    assert identity["nhs_number"] is None


async def test_a_contradiction_waits(settings: Settings) -> None:
    async with opened(settings) as (intake, _):
        await intake.receive(message("M1"), received_at=NOON)
        receipt = await intake.receive(message("M2", mrn="A2", given="Perdita"), received_at=NOON)
    assert (receipt.code, receipt.outcome) == ("AE", Outcome.WAITING)
    text = receipt.acknowledgement.decode()
    assert "Isolde" not in text
    assert "9990000018" not in text
    assert len(await rows(settings, "select 1 from record.log")) == 1


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
async def test_a_message_sent_twice_is_kept_once_and_answered_alike(settings: Settings, together: bool) -> None:
    contents = [
        message("M1"),
        message("M2", mrn="", number=""),
        message("M1"),
        message("M2", mrn="", number=""),
        message("M1"),
    ]
    async with opened(settings) as (intake, _):
        if together:
            receipts = await asyncio.gather(*(intake.receive(content, received_at=NOON) for content in contents))
        else:
            receipts = [await intake.receive(content, received_at=NOON) for content in contents]
    assert [receipt.code for receipt in receipts] == ["AA", "AE", "AA", "AE", "AA"]
    assert [receipt.is_repeat for receipt in receipts] == [False, False, True, True, True]
    assert receipts[2].reference == receipts[0].reference
    assert len(await rows(settings, "select 1 from intake.original")) == 2
    assert len(await rows(settings, "select 1 from record.log")) == 1


async def test_the_same_control_id_with_other_content_is_another_message(settings: Settings) -> None:
    async with opened(settings) as (intake, _):
        await intake.receive(message("M1"), received_at=NOON)
        other = await intake.receive(message("M1", at="20260304115501"), received_at=NOON)
    assert not other.is_repeat
    assert len(await rows(settings, "select 1 from intake.original")) == 2


async def test_many_at_once_share_commits_and_are_kept_in_order(settings: Settings) -> None:
    async with opened(settings) as (intake, db):
        asked: list[str] = []
        async with db.connection() as connection:
            connection.add_query_logger(lambda query: asked.append(query.query))
        receipts = await asyncio.gather(
            *(
                intake.receive(message(f"M{each}", mrn=f"A{each % 7}", number=""), received_at=NOON)
                for each in range(60)
            )
        )
        await asyncio.sleep(0)
    assert {receipt.code for receipt in receipts} == {"AA"}
    assert sum(query.startswith("COMMIT") for query in asked) <= 3
    assert [receipt.reference.seq for receipt in receipts] == sorted(receipt.reference.seq for receipt in receipts)
    assert len(await rows(settings, "select 1 from patient_index.identity")) == 7


async def test_a_translation_that_fails_is_parked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(original: Original, **_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("carerecord.formats.hl7v2.translate", fail)
    async with opened(settings) as (intake, _):
        receipt = await intake.receive(message("M1"), received_at=NOON)
    assert (receipt.code, receipt.outcome) == ("AE", Outcome.PARKED)
    assert len(await rows(settings, "select 1 from intake.original where outcome = 'parked'")) == 1


async def test_one_poisonous_message_among_many_is_parked_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_for_good = append.pack_rows

    def pack_or_fail(log_rows: Any) -> list[tuple[object, ...]]:
        log_rows = list(log_rows)
        if any(b"VM13" in statement.body for row in log_rows for statement in row.statements):
            raise ValueError
        return pack_for_good(log_rows)

    monkeypatch.setattr(append, "pack_rows", pack_or_fail)
    async with opened(settings) as (intake, _):
        receipts = await asyncio.gather(
            *(
                intake.receive(message(f"M{each}", mrn=f"A{each}", number=""), received_at=NOON)
                for each in range(10, 30)
            )
        )
    assert [receipt.outcome for receipt in receipts].count(Outcome.PARKED) == 1
    assert receipts[3].outcome is Outcome.PARKED
    assert len(await rows(settings, "select 1 from intake.original where outcome = 'recorded'")) == 19
    assert (
        len(await rows(settings, "select 1 from intake.original where outcome = 'parked' and patient_key is null")) == 1
    )
    assert len(await rows(settings, "select 1 from record.log")) == 19


async def test_without_the_database_nothing_is_acknowledged(settings: Settings) -> None:
    async with opened(settings) as (intake, db):
        await intake.receive(message("M1"), received_at=NOON)
        await db.close()
        with pytest.raises(NotKept):
            await intake.receive(message("M2"), received_at=NOON)


async def test_a_connection_cut_in_the_middle_loses_and_doubles_nothing(settings: Settings) -> None:
    async with opened(settings) as (intake, _), database.connect(settings, "owner") as hand:

        async def cut() -> None:
            await hand.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and application_name = 'carerecord listen'"
            )

        contents = [message(f"M{each}", mrn=f"A{each}", number="") for each in range(40)]
        acknowledged: set[int] = set()

        async def send(each: int) -> None:
            while each not in acknowledged:
                try:
                    await intake.receive(contents[each], received_at=NOON)
                    acknowledged.add(each)
                except NotKept:
                    await asyncio.sleep(0.01)

        async def disturb() -> None:
            for cuts in range(8):
                await asyncio.sleep(0.003 * cuts)
                await cut()

        await asyncio.wait_for(asyncio.gather(disturb(), *(send(each) for each in range(len(contents)))), 60)
    assert len(await rows(settings, "select 1 from intake.original")) == 40
    assert len(await rows(settings, "select 1 from record.log")) == 40


async def test_a_big_message_is_translated_aside_and_holds_back_only_its_own_source(settings: Settings) -> None:
    big = result("M1", values=8000)
    assert len(big) > ASIDE_BYTES
    settled: list[str] = []
    async with opened(settings) as (intake, _):

        async def send(name: str, content: bytes) -> Receipt:
            receipt = await intake.receive(content, received_at=NOON)
            settled.append(name)
            return receipt

        first, after, other = await asyncio.gather(
            send("big", big),
            send("after it", message("M2")),
            send("elsewhere", message("M3", sender="PAS|NORTHGATE")),
        )
    assert [receipt.code for receipt in (first, after, other)] == ["AA", "AA", "AA"]
    assert settled[0] == "elsewhere"
    assert first.reference.seq < after.reference.seq
    (counted,) = await rows(
        settings, "select sum(statement_count) as statements from record.log where source = 'eastmere'"
    )
    assert counted["statements"] > 8000


async def test_a_translation_aside_that_takes_too_long_is_killed_and_parked() -> None:
    source = REGION.sources[0]
    original = Original(source="eastmere", content=result("M1", values=15000), received_at=NOON, control_id="M1")
    aside = Aside(seconds_max=0.005)
    with pytest.raises(AsideTooSlow):
        await aside.translate(original, source)
    aside._seconds_max = 20
    reading = await aside.translate(original, source)
    await aside.close()
    assert len(reading.statements) > 15000


async def test_older_words_that_come_later_do_not_change_the_patient(settings: Settings) -> None:
    async with opened(settings) as (intake, _):
        await intake.receive(message("M2", event="ADT^A08", at="20260304115900"), received_at=NOON)
        old = message("M1", event="ADT^A08", at="20260304110000").replace(b"1 Old Lane", b"9 Gone Road")
        await intake.receive(old, received_at=NOON + timedelta(minutes=1))
    (identity,) = await rows(settings, "select subject from patient_index.identity")
    assert b"1 Old Lane" in identity["subject"]


async def test_messages_that_come_one_after_the_other_without_a_pause_share_a_commit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "GATHERING_SECONDS_MAX", 60.0)  # However busy the machine is just now.
    async with opened(settings) as (intake, _):
        answers = []
        for each in range(20):
            answers.append(intake.acknowledge(message(f"M{each}", mrn=f"A{each}", number=""), received_at=NOON))
            await asyncio.sleep(0)  # As a connection's bytes come: each in a turn of the loop of its own.
        assert all(b"MSA|AA|M" in answer for answer in await asyncio.gather(*answers))
    assert len(await rows(settings, "select distinct xmin::text from intake.original")) == 1


async def test_messages_that_go_on_coming_do_not_hold_back_a_commit_for_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "GATHERED_MAX", 8)
    async with opened(settings) as (intake, _):
        first = intake.acknowledge(message("first"), received_at=NOON)
        sent = []
        while not first.done():
            sent.append(intake.acknowledge(message(f"M{len(sent)}"), received_at=NOON))
            await asyncio.sleep(0)
        assert b"MSA|AA|first" in first.result()
        await asyncio.gather(*sent)


async def test_a_sender_who_is_gone_does_not_keep_its_message_from_being_kept(settings: Settings) -> None:
    async with opened(settings) as (intake, _):
        gone = intake.acknowledge(message("M1"), received_at=NOON)
        stays = intake.acknowledge(message("M2"), received_at=NOON)
        gone.cancel()
        assert b"MSA|AA|M2" in await stays
    assert len(await rows(settings, "select 1 from intake.original")) == 2


PROVEN = msgspec.structs.replace(
    REGION,
    sources=(msgspec.structs.replace(REGION.sources[0], certificates=("commonName=epr.eastmere",)), REGION.sources[1]),
)


@pytest.mark.parametrize("certificate", [None, "commonName=pas.northgate", "commonName=EPR.eastmere", ""])
async def test_nothing_is_kept_in_a_sources_name_from_a_connection_that_is_not_its_own(
    settings: Settings, certificate: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(settings, region=PROVEN) as (intake, db):
        for sent in (message("S1"), message("S2", sender="EPR^x|EASTMERE^y"), result("S3", values=3_000)):
            answered = await intake.acknowledge(sent, received_at=NOON, certificate=certificate)
            assert b"MSA|AR|S" in answered
            assert b"This connection's certificate is not one of the source" in answered
        assert await db.fetchval("select count(*) from intake.original") == 0
    assert capsys.readouterr().err.count("SENDER_NOT_PROVEN") == 3


async def test_a_source_is_heard_by_its_own_certificate_and_one_that_names_none_by_any(settings: Settings) -> None:
    async with opened(settings, region=PROVEN) as (intake, _):
        own = await intake.acknowledge(message("S1"), received_at=NOON, certificate="commonName=epr.eastmere")
        assert b"MSA|AA|S1" in own
        other = message("S2", sender="PAS|NORTHGATE")
        assert b"MSA|AA|S2" in await intake.acknowledge(other, received_at=NOON)
        nobody = message("S3", sender="X|Y")
        assert b"name no registered source" in await intake.acknowledge(nobody, received_at=NOON)
