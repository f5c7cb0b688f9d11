"""Bytes to segments: characters, line ends, separators, escapes, and what makes a message none."""

from __future__ import annotations

import pytest

from carerecord.formats.hl7v2.charsets import decode
from carerecord.formats.hl7v2.grammar import Message, parse
from carerecord.formats.hl7v2.header import header
from carerecord.model import Problem

HEAD = "MSH|^~\\&|APP^1.2.3^ISO|FAC|TO|THERE|20261112083015||ADT^A01^ADT_A01|42|P|2.4^GBR"


def parsed(content: bytes, **options: str) -> Message:
    message = parse(content, **options)
    assert isinstance(message, Message), message
    return message


def family(content: bytes, **options: str) -> str:
    message = parsed(content, **options)
    pid = message.find("PID")
    assert pid is not None
    return message.component_of(pid[5], 1)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xc3\xaf\xc2\xbb\xc2\xbf", b"\n\n", b"\x0b"])
def test_segments_are_found_whatever_ends_them_and_stands_before_them(end: str, mark: bytes) -> None:
    content = mark + end.join([HEAD, "EVN|A01", "", "PV1", "ZPI|1|x", ""]).encode()
    assert parsed(content).names == ["MSH", "EVN", "PV1", "ZPI"]
    found = header(content)
    assert found is not None
    assert found.control_id == "42"


def test_msh_fields_have_their_own_numbers() -> None:
    msh = parsed(HEAD.encode()).segments[0]
    assert (msh[1], msh[2], msh[3], msh[10], msh[12]) == ("|", "^~\\&", "APP^1.2.3^ISO", "42", "2.4^GBR")


def test_a_header_is_read_without_the_rest() -> None:
    found = header(HEAD.encode() + b"\r\xff\xfe\xfd not text at all")
    assert found is not None
    assert (found.application, found.facility, found.message_type) == ("APP", "FAC", "ADT^A01")
    assert (found.version, found.sender, found.receiver) == ("2.4", ("APP^1.2.3^ISO", "FAC"), ("TO", "THERE"))
    assert header(b"PID|1") is None


def test_separators_are_those_that_the_message_names() -> None:
    message = parsed(b"MSH#:*!?#APP#FAC#####ADT:A01#1#P#2.4\rPID#1##7:::RJ1*8:::RJ2##O!S!NEIL:Zo")
    pid = message.find("PID")
    assert pid is not None
    assert message.repetitions(pid[3]) == ["7:::RJ1", "8:::RJ2"]
    assert message.component_of(pid[5], 1) == "O:NEIL"


def test_a_doubled_backslash_in_msh_2_is_a_slip_that_is_understood() -> None:
    assert parsed(b"MSH|^~\\\\&|A|B\rPID|1||1&2").subcomponent == "&"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "not HL7"),
        (b"GET / HTTP/1.1\r\n", "not HL7"),
        (b"PID|1||7", "not HL7"),
        (b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "not HL7"),
        (b"MSH|^^^^|A", "separators"),
        (b"MSHX^~\\&X", "separators"),
        (HEAD.encode() + b"\r" + HEAD.encode(), "one message"),
        (HEAD.encode() + b"\rNTE|1" * 20_001, "size"),
    ],
)
def test_what_is_no_message_is_one_fatal_problem(content: bytes, rule: str) -> None:
    problem = parse(content)
    assert isinstance(problem, Problem)
    assert (problem.rule, problem.fatal) == (rule, True)


def test_a_line_end_inside_a_text_does_not_lose_its_words() -> None:
    message = parsed(HEAD.encode() + b"\rOBX|1|TX|A||first line\nsecond line|unit\r\nOBX|2|TX|B")
    assert message.names == ["MSH", "OBX", "OBX"]
    assert message.segments[1][5:] == ["first line\nsecond line", "unit"]
    assert [problem.rule for problem in message.problems] == ["segment name"]


# --- characters -------------------------------------------------------------------------------------------------------


def saying(name: str, charset: str, declared: str = "") -> bytes:
    return f"{HEAD}||||||{declared}\rPID|1||7||{name}".encode(charset)


@pytest.mark.parametrize("declared", ["", "ASCII", "UNICODE UTF-8", "nonsense"])
def test_utf_8_is_read_whatever_is_declared(declared: str) -> None:
    assert family(saying("Zoë Müller-Łuk", "utf-8", declared)) == "Zoë Müller-Łuk"


@pytest.mark.parametrize("declared", ["", "ASCII", "8859/1", "ISO-8859-1"])
def test_windows_1252_is_read_where_utf_8_cannot_be(declared: str) -> None:
    assert family(saying("Zoë “Œuvre” £5", "windows-1252", declared)) == "Zoë “Œuvre” £5"


def test_a_declared_set_comes_before_any_guess() -> None:
    assert family(saying("Müller €", "iso8859-15", "8859/15")) == "Müller €"
    assert family(saying("Łukasz", "iso8859-2", "8859/2")) == "Łukasz"


def test_the_set_that_a_source_is_known_for_comes_before_utf_8() -> None:
    assert family(saying("Łukasz", "iso8859-2"), expected_charset="iso8859-2") == "Łukasz"


@pytest.mark.parametrize(("charset", "declared"), [("utf-8", "8859/1"), ("windows-1252", "UNICODE UTF-8")])
def test_a_false_declaration_is_seen_through_and_becomes_a_problem(charset: str, declared: str) -> None:
    message = parsed(saying("Zoë", charset, declared))
    assert [problem.field for problem in message.problems] == ["MSH-18"]
    assert family(saying("Zoë", charset, declared)) == "Zoë"


def test_utf_16_is_read_by_its_byte_order_mark() -> None:
    assert family(saying("Zoë", "utf-16")) == "Zoë"


def test_no_byte_is_lost_whatever_it_is() -> None:
    text, _ = decode(bytes(range(256)), declared="", expected="utf-8")
    assert len(text) == 256


# --- escapes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r"O\T\Neill", "O&Neill"),
        (r"5 \F\ 6 \S\ 7 \R\ 8 \E\ 9", "5 | 6 ^ 7 ~ 8 \\ 9"),
        (r"one\.br\two", "one\ntwo"),
        (r"one\.sp2\two\.ce\three", "one\n\ntwo\nthree"),
        (r"one\.sk3\two", "one   two"),
        (r"\.in+4\\.ti-2\words\.fi\\.nf\ ", "words"),
        (r"\H\loud\N\ soft", "loud soft"),
        (r"\XC2A3\5", "£5"),
        (r"\XA3\5", "£5"),
        (r"a\X0D0A\b\X0D\c", "a\nb\nc"),
        (r"C:\temp\new", r"C:\temp\new"),
        (r"half \T", r"half \T"),
        (r"\XZZ\ and \X\ and \Zown\ stay", r"\XZZ\ and \X\ and \Zown\ stay"),
        (r"a\lost\T\b", "a\\lost&b"),
    ],
)
def test_escapes_are_read_and_what_is_none_stays(sent: str, read: str) -> None:
    assert parsed(HEAD.encode()).text(sent) == read
