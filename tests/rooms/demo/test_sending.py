"""The outbox and the sending side: nothing is lost, nothing is sent out of turn, a refusal is set aside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sqlite3
from collections import Counter
from datetime import datetime

import msgspec
import pytest

from demo import a_day
from demo.happenings import happen
from demo.messages import Message, history
from demo.people import ANCHOR, generate
from demo.systems.lines import LineLost
from demo.systems.mllp import Line, read_answer
from demo.systems.outbox import Outbox, read_counts
from demo.systems.sending import Gate, Sender, fill_history, send_lane

AT = datetime(2026, 11, 20, 12, 0)


def _message(number: int, about: int = 0) -> Message:
    content = f"MSH|^~\\&|A|B|C|D|1||ADT^A08|M{number}|P|2.4\rPID|1\r".encode()
    return Message(source="barts", at=AT, kind="ADT^A08", control_id=f"M{number}", about=about, content=content)


class Receiver:
    """An MLLP receiver that answers as told, message by message."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.received: list[str] = []

    async def __aenter__(self) -> Receiver:
        self.server = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frame = await reader.readuntil(b"\x1c\r")
                control_id = frame.split(b"|")[9].decode()
                self.received.append(control_id)
                answer = self.answers.pop(0) if self.answers else "AA"
                if answer == "break":
                    writer.close()
                    return
                named = "another" if answer == "other" else control_id
                code = "AA" if answer == "other" else answer
                writer.write(f"\x0bMSH|^~\\&|||||||ACK|1|P|2.4\rMSA|{code}|{named}|why\r\x1c\r".encode())
                await writer.drain()


async def _send_all(outbox: Outbox, port: int, path, lane: int = 0) -> None:
    sending = asyncio.create_task(send_lane(outbox, lane, Line("127.0.0.1", port)))
    async with asyncio.timeout(10):
        while read_counts(path).waiting:
            await asyncio.sleep(0.02)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_messages_go_out_in_order_and_are_acknowledged(tmp_path):
    outbox = Outbox(tmp_path / "out")
    outbox.add([_message(n) for n in range(5)], is_history=True, notes={"history": "filled"})
    async with Receiver() as receiver:
        await _send_all(outbox, receiver.port, tmp_path / "out")
    assert receiver.received == ["M0", "M1", "M2", "M3", "M4"]
    counts = read_counts(tmp_path / "out")
    assert (counts.acknowledged, counts.history, counts.history_waiting) == (5, 5, 0)


async def test_a_message_without_its_answer_is_sent_again(tmp_path):
    outbox = Outbox(tmp_path / "out")
    outbox.add([_message(1), _message(2)], is_history=False, notes={})
    async with Receiver("break", "other") as receiver:
        await _send_all(outbox, receiver.port, tmp_path / "out")
    assert receiver.received == ["M1", "M1", "M1", "M2"]


async def test_a_refused_message_is_parked_and_the_next_goes_on(tmp_path):
    outbox = Outbox(tmp_path / "out")
    outbox.add([_message(1), _message(2), _message(3)], is_history=False, notes={})
    async with Receiver("AE", "AR", "AA") as receiver:
        await _send_all(outbox, receiver.port, tmp_path / "out")
    assert receiver.received == ["M1", "M2", "M3"]
    assert (read_counts(tmp_path / "out").parked, read_counts(tmp_path / "out").acknowledged) == (2, 1)


def test_an_outbox_remembers_across_a_restart(tmp_path):
    outbox = Outbox(tmp_path / "out", lanes=2)
    outbox.add([_message(1, about=0), _message(2, about=1)], is_history=True, notes={"tick": "41"})
    first = outbox.next_waiting(0)
    outbox.settle(first.seq, state="acknowledged", answer="AA")
    outbox.close()
    again = Outbox(tmp_path / "out", lanes=2)
    assert again.find_note("tick") == "41"
    assert again.next_waiting(0) is None
    assert again.next_waiting(1).control_id == "M2"


def test_an_outbox_not_begun_counts_nothing(tmp_path):
    assert read_counts(tmp_path / "none").all == 0


def test_an_answer_without_msa_is_no_answer():
    with pytest.raises(LineLost):
        read_answer(b"MSH|^~\\&|A\r")


async def test_messages_go_out_in_the_order_in_which_they_were_said(tmp_path):
    outbox = Outbox(tmp_path / "out")
    late = msgspec.structs.replace(_message(1), at=AT.replace(hour=13))
    outbox.add([late, _message(2)], is_history=False, notes={})
    async with Receiver() as receiver:
        await _send_all(outbox, receiver.port, tmp_path / "out")
    assert receiver.received == ["M2", "M1"]


async def test_while_the_line_is_paused_messages_wait_and_afterwards_all_of_them_go_out(tmp_path):
    outbox = Outbox(tmp_path / "out")
    pause = tmp_path / "barts.pause"
    pause.touch()
    gate = Gate(str(pause), lambda: None)
    outbox.add([_message(n) for n in range(4)], is_history=False, notes={})
    async with Receiver() as receiver:
        sending = asyncio.create_task(send_lane(outbox, 0, Line("127.0.0.1", receiver.port), gate=gate))
        await asyncio.sleep(0.4)
        assert (receiver.received, gate.why) == ([], "paused")
        pause.unlink()
        async with asyncio.timeout(10):
            while read_counts(tmp_path / "out").waiting:
                await asyncio.sleep(0.02)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert receiver.received == ["M0", "M1", "M2", "M3"]


def test_an_outage_of_the_day_closes_the_line_and_says_until_when(tmp_path):
    gate = Gate(str(tmp_path / "none"), lambda: AT)
    assert (gate.is_open(), gate.why) == (False, "outage until 12:00")


def test_an_outbox_that_was_begun_before_channels_goes_on(tmp_path):
    db = sqlite3.connect(tmp_path / "out")
    db.executescript(
        "create table message (seq integer primary key, control_id text not null unique, kind text not null,"
        " lane integer not null, is_history integer not null, content blob not null,"
        " state text not null default 'waiting', answer text not null default '');"
        "create table note (name text primary key, value text not null);"
        "insert into message (control_id, kind, lane, is_history, content) values ('M7', 'ADT^A08', 0, 1, x'4d');"
    )
    db.close()
    outbox = Outbox(tmp_path / "out")
    outbox.add([_message(1)], is_history=False, notes={})
    assert outbox.next_waiting(0).control_id == "M7"


async def test_a_history_is_filled_a_few_people_at_a_time_and_goes_on_where_it_stopped(tmp_path):
    def sender(path):
        return Sender(source="barts", name="Barts", seed=7, people=60, until=ANCHOR, outbox=path, tick_seconds=0)

    whole = Outbox(tmp_path / "whole")
    await fill_history(sender(tmp_path / "whole"), whole)
    parts = Outbox(tmp_path / "parts")
    first = [message for person in generate(7, 50) for message in history(person, source="barts")]
    parts.add(first, is_history=True, notes={"history_next": "50"})
    await fill_history(sender(tmp_path / "parts"), parts)
    assert read_counts(tmp_path / "whole").history == read_counts(tmp_path / "parts").history > len(first)
    assert parts.find_note("history") == "filled"


def test_the_region_day_is_the_same_again_and_told_by_its_own_source_alone():
    people = list(generate(7, 60))
    everything = [message for number in range(1, 60) for message in a_day.tick(7, people, number, AT)]
    assert everything == [message for number in range(1, 60) for message in a_day.tick(7, people, number, AT)]
    by_source = [
        message
        for source in sorted({message.source for message in everything})
        for number in range(1, 60)
        for message in a_day.tick(7, people, number, AT, source=source)
    ]
    assert {(m.source, m.control_id): m for m in everything} == {(m.source, m.control_id): m for m in by_source}
    assert len({message.source for message in everything}) > 4
    assert {message.channel for message in everything} >= {"mllp", "fhir"}
    assert all(message.at <= AT for message in everything)


def test_people_who_are_made_when_asked_for_are_those_of_the_list():
    people = a_day.People(7, 20)
    assert [people[index] for index in (3, 19, 3)] == [person for n in (3, 19, 3) for person in generate(7, 1, start=n)]


def test_no_two_happenings_share_a_control_id_nor_one_with_the_history():
    people = list(generate(7, 20))
    said = [m for n in range(1, 120) for m in a_day.tick(7, people, n, AT)]
    said += [message for person in people for message in history(person)]
    assert len({(message.source, message.control_id) for message in said}) == len(said)


def test_nothing_is_told_of_the_dead():
    people = [person for person in generate(7, 200) if person.now.died_at]
    assert people
    assert [m for n in range(30) for m in a_day.tick(7, people, n, AT)] == []


def test_the_day_tells_nothing_more_of_a_stranger_whose_blood_was_once_filed_under_somebodys_number():
    mixed_up = [person for person in generate(7, 300) if any(s == "nel-pathology" for s, _, _ in person.not_to_join)]
    assert mixed_up
    for person in mixed_up:
        for number in range(40):
            told = happen(person, random.Random(number), number, AT)
            assert all(event.who.birth_date == person.now.birth_date for event in told)


def test_the_rhythm_is_quiet_at_night_and_busiest_on_a_monday_morning():
    monday, tuesday, sunday = datetime(2026, 11, 23), datetime(2026, 11, 24), datetime(2026, 11, 22)
    busy = {day: [a_day.busyness(day.replace(hour=hour)) for hour in range(24)] for day in (monday, tuesday, sunday)}
    assert max(busy[monday]) == busy[monday][10] > max(busy[tuesday]) > max(busy[sunday])
    assert max(busy[tuesday][:6]) < min(busy[tuesday][8:18]) / 3
    rhythm = a_day.Rhythm(7, since=monday.date(), tick_seconds=20)
    happened = [at for n in range(rhythm.number_at(tuesday)) if (at := rhythm.find_happening(n))]
    by_hour = Counter(at.hour for at in happened)
    assert by_hour[10] > 5 * by_hour[3] > 0


def test_every_system_finds_the_same_moments_whenever_it_was_started():
    one = a_day.Rhythm(7, since=AT.date(), tick_seconds=8)
    other = a_day.Rhythm(7, since=AT.date(), tick_seconds=8)
    later = one.number_at(AT)
    assert [one.find_happening(n) for n in range(later, later + 50)] == [
        other.find_happening(n) for n in range(later, later + 50)
    ]


def test_an_outage_ends_and_is_the_same_for_whoever_asks():
    sources = [f"source-{n}" for n in range(60)]
    minutes = [datetime(2026, 11, 23, hour, minute) for hour in range(24) for minute in range(60)]
    down = {
        source: times for source in sources if (times := [at for at in minutes if a_day.find_outage(7, source, at)])
    }
    assert 1 <= len(down) < 20
    for source, times in down.items():
        assert a_day.find_outage(7, source, times[0]) > times[-1]
        assert (times[-1] - times[0]).total_seconds() < 51 * 60


def test_what_a_day_holds_is_told_hour_by_hour(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["a_day", "--people", "12", "--tick-seconds", "10"])
    assert a_day.main() == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 25
    assert lines[-1]["messages"] == sum(line["messages"] for line in lines[:-1]) > 20
