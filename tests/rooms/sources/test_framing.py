"""MLLP frames: whole messages out of bytes that come as they like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carerecord.sources.framing import Framer, FrameTooLarge, frame

MESSAGE = b"MSH|^~\\&|A|B|||20261112||ADT^A01|1|P|2.4\rPID|1\r"


def all_of(framer: Framer) -> list[bytes]:
    found = []
    while (message := framer.next()) is not None:
        found.append(message)
    return found


@given(st.lists(st.binary(max_size=40).map(lambda text: text.translate(None, b"\x0b\x1c"))), st.integers(1, 7))
def test_messages_come_out_whole_however_the_bytes_arrive(messages: list[bytes], size: int) -> None:
    sent = b"".join(frame(message) for message in messages)
    framer = Framer(bytes_max=1000)
    found = []
    for at in range(0, len(sent), size):
        framer.take(sent[at : at + size])
        found += all_of(framer)
    assert found == messages
    assert framer.junk == 0
    assert not framer.is_inside


def test_what_stands_between_frames_is_dropped_and_counted() -> None:
    framer = Framer(bytes_max=1000)
    framer.take(b"hello" + frame(MESSAGE) + b"\r\n\x00\x00" + frame(MESSAGE))
    assert all_of(framer) == [MESSAGE, MESSAGE]
    assert framer.junk == 7


def test_a_frame_without_its_last_carriage_return_is_still_a_frame() -> None:
    framer = Framer(bytes_max=1000)
    framer.take(b"\x0b" + MESSAGE + b"\x1c" + b"\x0b" + MESSAGE + b"\x1c\n")
    assert all_of(framer) == [MESSAGE, MESSAGE]


def test_a_message_begun_again_is_taken_from_its_second_beginning() -> None:
    framer = Framer(bytes_max=1000)
    framer.take(b"\x0bMSH|^~\\&|A|broken off" + frame(MESSAGE))
    assert all_of(framer) == [MESSAGE]
    assert framer.junk > 0


def test_a_vertical_tab_inside_a_text_stays_in_the_message() -> None:
    message = MESSAGE + b"OBX|1|TX|||one\x0btwo\r"
    framer = Framer(bytes_max=1000)
    framer.take(frame(message))
    assert all_of(framer) == [message]


@pytest.mark.parametrize("ending", [b"", b"\x1c\r"])
def test_a_message_above_the_limit_is_told_apart_before_it_fills_the_memory(ending: bytes) -> None:
    framer = Framer(bytes_max=100)
    framer.take(b"\x0bMSH|" + b"x" * 200 + ending)
    with pytest.raises(FrameTooLarge) as refused:
        framer.next()
    assert refused.value.beginning.startswith(b"MSH|")
