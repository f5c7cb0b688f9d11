"""The outbox and the sending side of MLLP: nothing is lost, nothing is sent out of turn, a refusal is set aside."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime

import pytest

from demo import a_day
from demo.messages import Message
from demo.people import generate
from demo.systems.mllp import Line, LineLost, read_answer
from demo.systems.outbox import Outbox, read_counts
from demo.systems.sending import send_lane

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


def test_a_happening_of_the_day_is_the_same_again_and_told_by_its_own_source_alone():
    people = list(generate(7, 20))
    for number in range(1, 60):
        told = [a_day.tick(7, people, number, AT, source=source) for source in ("barts", "nel-pathology")]
        assert told == [a_day.tick(7, people, number, AT, source=source) for source in ("barts", "nel-pathology")]
        assert all(message.source == "barts" for message in told[0])
        assert all(message.source == "nel-pathology" for message in told[1])
        assert told[0] or told[1]


def test_no_two_happenings_share_a_control_id_or_a_number():
    people = list(generate(7, 20))
    sources = ("barts", "nel-pathology")
    said = [m for n in range(1, 80) for source in sources for m in a_day.tick(7, people, n, AT, source=source)]
    assert len({(message.source, message.control_id) for message in said}) == len(said)
