"""python-hl7, which others wrote, reads the same fields from our examples, our answers, and speaks to our listener."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import hl7
import pytest
from hl7.client import MLLPClient
from hypothesis import given
from hypothesis import strategies as st

from carerecord.formats import hl7v2
from carerecord.formats.hl7v2.grammar import Message, parse
from carerecord.model import Problem
from carerecord.settings import Settings
from carerecord.sources.mllp_server import Peer, serve

EXAMPLES = sorted((Path(__file__).parents[1] / "examples" / "hl7v2").glob("*.hl7"))
AT = datetime(2026, 11, 12, 8, 31, tzinfo=UTC)


def ours(content: bytes) -> Message:
    message = parse(content)
    assert isinstance(message, Message)
    return message


def theirs(text: str) -> hl7.Message:
    return hl7.parse(text)


def as_text(message: Message) -> str:
    """Our segments written down again; python-hl7 is given text, for it knows neither marks nor character sets."""
    return "\r".join(
        "|".join([segment[0], *segment[2:]] if segment[0] == "MSH" else segment) for segment in message.segments
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_field_and_component_is_the_same(path: Path) -> None:
    message = ours(path.read_bytes())
    oracle = theirs(as_text(message))
    assert [str(segment[0]) for segment in oracle] == message.names
    for segment, read in zip(message.segments, oracle, strict=True):
        for number, field in enumerate(segment[1:], start=1):
            assert str(read(number)) == field
            if segment[0] == "MSH" and number < 3:
                continue
            repetitions = field.split("~")
            for place, repetition in enumerate(repetitions if all(repetitions) else []):
                for component in range(1, len(message.components(repetition)) + 1):
                    raw = _component(read, number, place, component)
                    assert message.component_of(repetition, component) == message.text(raw)


def _component(segment: hl7.Segment, number: int, repetition: int, component: int) -> str:
    found = segment(number)
    if isinstance(found, hl7.Field):
        found = found[repetition]
    if isinstance(found, hl7.Repetition):
        found = found[component - 1]
    return str(found)


@pytest.mark.parametrize(
    "sent", [r"O\T\Neill", r"5 \F\ 6 \S\ 7 \R\ 8 \E\ 9", r"one\.br\two", r"a\X41\b", "plain", r"\H\loud\N\ "]
)
def test_escapes_mean_the_same(sent: str) -> None:
    message = ours(EXAMPLES[0].read_bytes())
    oracle = theirs(as_text(message))
    # python-hl7 writes a carriage return for \.br\ and marks for highlighting; we a line feed and the words alone.
    expected = oracle.unescape(sent).replace("\r", "\n").replace("_", "")
    assert message.words(sent) == expected


# Above Latin-1 python-hl7 writes code points between \\X and \\, where the standard has bytes.
@given(st.text(st.characters(max_codepoint=255, blacklist_categories=["Cc"]), max_size=40))
def test_what_they_escape_we_read(text: str) -> None:
    message = ours(EXAMPLES[0].read_bytes())
    oracle = theirs(as_text(message))
    assert message.words(oracle.escape(text)) == text


@pytest.mark.parametrize("version", ["2.3", "2.4", "2.5.1"])
def test_they_read_our_answers(version: str) -> None:
    content = f"MSH|^~\\&|EPR|RJ1|CR|LON|20261112||ADT^A31|C\\T\\1|P|{version}\rPID|1".encode()
    problem = Problem(segment="PID", field="PID-3.1", rule="required", sentence="Say who | it is.", fatal=True)
    sent = hl7v2.acknowledge(content, code="AE", problems=[problem], at=AT, control_id="A1").decode()
    answer = hl7.parse(sent)
    assert str(answer.segment("MSA")(1)) == "AE"
    assert str(answer.segment("MSA")(2)) == "C\\T\\1"
    assert "PID-3.1 required: Say who | it is." in answer.unescape(str(answer.segment("MSA")(3)))
    place = answer.segment("ERR")(1 if version < "2.5" else 2)
    assert str(place).startswith("PID^1^3")


async def test_their_client_is_answered_by_our_listener() -> None:
    async def deliver(message: bytes, peer: Peer) -> bytes:
        return hl7v2.acknowledge(message, code="AA", problems=(), at=AT, control_id="A1")

    listener = await serve(Settings(listen_port=0), deliver=deliver)
    try:
        answers = await asyncio.to_thread(_send_all, listener.port)
    finally:
        await listener.stop()
    assert [str(hl7.parse(answer.decode()).segment("MSA")(1)) for answer in answers] == ["AA"] * len(EXAMPLES)


def _send_all(port: int) -> list[bytes]:
    with MLLPClient("127.0.0.1", port) as client:
        return [client.send_message(path.read_bytes()).strip(b"\x0b\x1c\r") for path in EXAMPLES]
