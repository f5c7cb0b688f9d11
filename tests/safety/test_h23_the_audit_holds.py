"""H23: the audit is lost or cannot be rebuilt."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.audit import keys
from carerecord.audit.chain import first_hash, link
from carerecord.audit.sealer import Sealer
from carerecord.audit.seals import folder_of
from carerecord.disclosure.snapshot import snapshot
from carerecord.record import read
from carerecord.settings import Settings
from tests.safety.ward import ARTHUR, JOAN, Ward, entries, open_ward, visit, wrote


async def a_morning(ward: Ward) -> None:
    """Two people looked at, one of them closely; one launch refused; one that found nobody."""
    await ward.hear(
        wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin|SV|Anaphylaxis"),
        wrote("ADT^A01", visit("V2"), about=ARTHUR),
    )
    hers, his = await ward.open(JOAN), await ward.open(ARTHUR)
    line = entries((await hers.page()).one("#allergies"))[0]
    receipt = await hers.page(f"entry/{line}")
    (place,) = {link.attributes["href"] for link in receipt.all("a") if "/original/" in link.attributes["href"]}
    await hers.browser.get(place)
    await his.page()
    browser = await ward.browser()
    await ward.press(browser, organisation="R1H")
    await ward.press(browser, JOAN, patient={"nhs_number": JOAN.nhs_number, "birth_date": "1948-03-13"})


async def verified(settings: Settings) -> audit.Report:
    async with database.connect(settings, "witness") as db:
        return await audit.verify(db)


async def test_every_look_is_written_down_twice_and_every_attempt_once(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_morning(ward)
        events = await ward.events()
        counted = Counter(event["kind"] for event in events)
        assert counted == {"searched": 3, "arrived": 2, "opened": 4, "shown": 4, "refused": 1}
        opened = {(event["stream"], event["seq"]): event for event in events if event["kind"] == "opened"}
        for shown in (event for event in events if event["kind"] == "shown"):
            before = opened.pop((shown["detail"]["about_stream"], shown["about_seq"]))
            assert before["patient_key"] == shown["patient_key"]
            assert before["session"] == shown["session"]
            assert before["recorded_at"] <= shown["recorded_at"]
        assert opened == {}
        for event in events:
            if event["kind"] in ("opened", "shown"):
                staff, evidence = json.loads(event["staff"]), json.loads(event["evidence"])
                assert (staff["user_id"], staff["name"], staff["organisation"]) == ("555000111", "Dr Amara Osei", "RTH")
                assert evidence["id"] == "A-1"
                assert event["decision"]["policies"] == ["relationship-appointment"]


async def test_what_was_shown_can_be_proven_from_the_record_again(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_morning(ward)
        before = [event for event in await ward.events() if event["kind"] == "shown"]
        await ward.fold()
        person_of = await ward.key_of(JOAN)
        chart = await ward.open(JOAN)
        await chart.page()
        again = (await ward.events())[-1]
        assert again["patient_key"] == before[0]["patient_key"] == person_of
        assert again["snapshot"] == before[0]["snapshot"], "the same record gives the same fingerprint, folded or not"
        await ward.hear(wrote("ADT^A08", "DG1|1||^Asthma", at="20261111120000"))
        await chart.page()
        assert (await ward.events())[-1]["snapshot"] != again["snapshot"]
        assert snapshot([]) not in {event["snapshot"] for event in before}


LAST = "(select max(seq) from audit.event where kind = 'shown')"
ONE_SESSION = "(select min(session) from audit.event where kind = 'shown')"
TAMPERED = {
    "a look taken out": f"delete from audit.event where seq = {LAST}",
    "a pair of looks taken out": f"delete from audit.event where session = {ONE_SESSION}",
    "another name put in": "update audit.entry set staff = (select max(said[1]) || ' ' from audit.text) "
    "where kind = 'opened'",
    "another name put into the text that says it": "update audit.text set said[1] = replace(said[1], 'Osei', 'Else')",
    "the texts taken out": "delete from audit.text",
    "another patient put in": "update audit.event set patient_key = 1 where kind = 'opened'",
    "another reason put in": "update audit.entry set evidence = '{}', grounds = null where kind = 'shown'",
    "another time put in": "update audit.event set recorded_at = recorded_at - interval '1 day' where kind = 'opened'",
    "two looks exchanged": "update audit.event set seq = case seq when 3 then 4 else 3 end where seq in (3, 4)",
    "everything taken out": "delete from audit.event",
}


@pytest.mark.parametrize("sql", TAMPERED.values(), ids=list(TAMPERED))
async def test_whoever_changes_the_audit_afterwards_is_found(settings: Settings, sql: str) -> None:
    async with open_ward(settings) as ward:
        await a_morning(ward)
        assert (await verified(settings)).is_sound
        if "case seq" in sql:
            await ward.owner.execute("alter table audit.entry drop constraint entry_pkey")
        await ward.owner.execute(sql)
        report = await verified(settings)
        assert not report.is_sound
        assert all(finding.sentence.endswith(".") for finding in report.findings)


REWRITTEN = {
    "another way in put in": "update audit.event set route = 'sign-in' where seq = 3",
    "another patient put in": "update audit.event set patient_key = 1 where seq = 3",
    "the last looks taken out": "delete from audit.event where seq > (select max(seq) - 2 from audit.event)",
    "everything taken out": "delete from audit.event",
}


@pytest.mark.parametrize("sql", REWRITTEN.values(), ids=list(REWRITTEN))
async def test_whoever_makes_the_chain_anew_behind_what_they_changed_is_found_by_its_seal(
    settings: Settings, tmp_path: Path, sql: str
) -> None:
    async with open_ward(settings) as ward:
        await a_morning(ward)
        chosen = msgspec.structs.replace(settings, witness_seals=str(tmp_path / "s"), witness_keys=str(tmp_path / "k"))
        signer = keys.FileSigner(keys.keys_folder(chosen))
        trusted = [signer.make(at=clock.now())]
        async with database.connect(settings, "work") as work:
            await Sealer(work, folder_of(chosen), signer, clock=clock.now).seal()
        await ward.owner.execute(sql)
        previous, seq = first_hash(1), 0
        for record in await ward.owner.fetch("select seq from audit.event order by seq"):
            row = await audit.find_row(ward.owner, stream=1, seq=record["seq"])
            assert row is not None
            previous, seq = link(previous, row), row.seq
            await ward.owner.execute("update audit.event set hash = $1 where seq = $2", previous, seq)
        await ward.owner.execute("update audit.stream set head_seq = $1, head_hash = $2", seq, previous)
        assert (await verified(settings)).is_sound, "the chain alone cannot know"
        async with database.connect(settings, "witness") as db:
            report = await audit.verify(db, seals=folder_of(chosen), trusted=trusted)
        assert not report.is_sound
        if "seq = 3" in sql:
            assert report.findings[0].seq == 3


async def test_the_process_that_shows_can_neither_change_nor_take_out_what_it_wrote(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_morning(ward)
        for sql in (
            "update audit.event set session = ''",
            "update audit.text set said = '{}'",
            "delete from audit.event",
            "delete from audit.text",
            "truncate audit.entry",
        ):
            with pytest.raises(Exception, match="permission denied"):
                await ward.db.execute(sql)
        assert (await verified(settings)).is_sound


async def test_nothing_of_a_record_can_be_read_before_it_is_written_down_that_it_was_opened(settings: Settings) -> None:
    """Whoever holds the serving process's own connection still needs a witness: of this patient, and of this minute."""
    async with open_ward(settings) as ward:
        await a_morning(ward)
        joan, arthur = await ward.key_of(JOAN), await ward.key_of(ARTHUR)
        his = next(
            event for event in await ward.events() if event["kind"] == "opened" and event["patient_key"] == arthur
        )
        asked = read.QUERIES["read_witnessed"]
        session = "select token_hash from signin.session where patient_key = $1"
        hers, key = [await ward.owner.fetchval(session, person) for person in (joan, arthur)]
        assert [
            row for row in await ward.db.fetch(asked, arthur, his["stream"], his["seq"], arthur, key) if row["body"]
        ]
        for witness in ((joan, his["stream"], his["seq"], joan), (joan, 1, 999_999, joan), (joan, 0, 0, joan)):
            rows = await ward.db.fetch(asked, *witness, hers)
            assert not [row for row in rows if row["body"]]
        await ward.owner.execute("update audit.event set recorded_at = recorded_at - interval '2 minutes'")
        stale = await ward.db.fetch(asked, arthur, his["stream"], his["seq"], arthur, key)
        assert not [row for row in stale if row["body"]]
        for table in ("record.log", "record.chunk", "intake.original"):
            with pytest.raises(Exception, match="permission denied"):
                await ward.db.fetch(f"select * from {table}")


async def test_a_hundred_readers_at_once_leave_a_hundred_pairs_in_one_chain(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        charts = [await ward.open(JOAN) for _ in range(5)]
        shown = await asyncio.gather(*(chart.get() for chart in charts * 20))
        assert {answer.status_code for answer in shown} == {200}
        counted = Counter(event["kind"] for event in await ward.events())
        assert (counted["opened"], counted["shown"]) == (100, 100)
        assert (await verified(settings)).is_sound


async def test_a_reader_who_went_away_half_way_is_still_written_down(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = asyncio.Event()

    async def read_for_ever(*_: object, **__: object) -> None:
        reading.set()
        await asyncio.Event().wait()

    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        chart = await ward.open(JOAN)
        with monkeypatch.context() as patch:
            patch.setattr(read, "read_statements", read_for_ever)
            leaving = asyncio.create_task(chart.get())
            await reading.wait()
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
        assert [event["kind"] for event in await ward.events()] == ["searched", "arrived", "opened"]
        assert (await verified(settings)).is_sound
        assert "HARTLEY" in (await chart.get()).text
