"""Whatever arrives is read without an exception, in bounded time, and no result disappears without a word."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carerecord.formats import hl7v2
from carerecord.formats.rtf import text_of_rtf
from carerecord.model import Heading, Original, Reading, Source, Standing

EXAMPLES = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "examples" / "hl7v2").glob("*.hl7"))]
SOURCE = Source(id="riverside", organisation="RJ1", name="Riverside Hospital")
AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
PATIENT = "PID|1||1234567^^^RJ1^MR||HARTLEY^Joan||19480704|F"


def read(content: bytes) -> Reading:
    return hl7v2.translate(Original(source=SOURCE.id, content=content, received_at=AT), source=SOURCE)


def answered(content: bytes) -> bytes:
    """Everything that a message goes through in this room."""
    reading = read(content)
    hl7v2.header(content)
    for statement in reading.statements:
        json.loads(statement.body)
        assert statement.happened_at is None or statement.happened_at.tzinfo is not None
    assert reading.said_at is None or reading.said_at.tzinfo is not None
    code = hl7v2.acknowledgement_code(reading)
    return hl7v2.acknowledge(content, code=code, problems=reading.problems, at=AT, control_id="1")


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(content: bytes) -> None:
    assert b"MSA|" in answered(content) or b"MSA" in answered(content)


@given(st.binary(max_size=200))
def test_any_bytes_after_a_sound_header_are_answered(content: bytes) -> None:
    answered(b"MSH|^~\\&|A|B|C|D|20261112||ORU^R01|1|P|2.4\r" + content)


mutations = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "replace", "repeat", "cut"]),
        st.integers(0, 4000),
        st.integers(1, 60),
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from(
                [b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b'""', b"\\X", b"\\.sp9999\\", b"MSH|", b"\x00", b"\xff"]
            ),
        ),
    ),
    min_size=1,
    max_size=8,
)


def mutated(content: bytes, changes: list[tuple[str, int, int, bytes]]) -> bytes:
    for kind, at, length, more in changes:
        at %= len(content) + 1
        piece = content[at : at + length]
        if kind == "insert":
            content = content[:at] + more + content[at:]
        elif kind == "delete":
            content = content[:at] + content[at + length :]
        elif kind == "replace":
            content = content[:at] + more + content[at + length :]
        elif kind == "repeat":
            content = content[:at] + piece * 3 + content[at:]
        else:
            content = content[:at]
    return content


@given(st.sampled_from(EXAMPLES), mutations)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_sound_message_broken_anywhere_is_answered(
    content: bytes, changes: list[tuple[str, int, int, bytes]]
) -> None:
    answered(mutated(content, changes))


texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\x0b\x1c\0"), max_size=12)
fields = st.lists(texts, max_size=26).map("|".join)
kinds = st.sampled_from(["NM", "SN", "ST", "TX", "FT", "CE", "CWE", "DT", "TS", "TM", "ED", "RP", "IS", "CX", "", "ZZ"])
values = st.one_of(
    texts, st.sampled_from(["5.0", "<7", "<^10", "^1^:^128", "20261112", "A^B^L", "R^AP^PDF^Base64^JVBERi0="])
)
results = st.builds(
    lambda number, kind, code, sub, value, unit, limits, flag, status: (
        f"OBX|{number}|{kind}|{code}|{sub}|{value}|{unit}|{limits}|{flag}|||{status}"
    ),
    st.integers(0, 99),
    kinds,
    st.sampled_from(["NA^Sodium^L", "K", "^Potassium", "", "NA^Sodium^L"]),
    st.sampled_from(["", "1", "2", "GDT"]),
    values,
    st.sampled_from(["", "mmol/L", "%^percent^UCUM"]),
    st.sampled_from(["", "1-2", "<5", "a~b"]),
    st.sampled_from(["", "H", "L~A", "?"]),
    st.sampled_from(["F", "C", "P", "X", "W", "", "?"]),
)


@given(st.lists(results, min_size=1, max_size=8), st.sampled_from(["OBR|1|P1|F1|UE^Urea^L|||202611120800", ""]))
@settings(deadline=None)
def test_every_obx_becomes_an_observation_or_a_document_or_a_problem(obx: list[str], obr: str) -> None:
    header = "MSH|^~\\&|A|B|C|D|20261112||ORU^R01|1|P|2.4"
    # A field separator inside a value ends the field: then the value is what stands before it.
    reading = read("\r".join([header, PATIENT, *filter(None, [obr]), *obx]).encode())
    stated = sum(each.resource_type in {"Observation", "DocumentReference"} for each in reading.statements)
    # Lines of one text make one Observation: they are counted by what it says.
    texts_sent = [line.split("|") for line in obx if line.split("|")[2] in {"TX", "FT"}]
    joined = max(0, len(texts_sent) - 1)
    dropped = sum(each.segment == "OBX" for each in reading.problems)
    assert stated + joined + dropped >= len(obx)
    said = json.dumps([json.loads(each.body) for each in reading.statements], ensure_ascii=False)
    for fields_sent in texts_sent:
        word = fields_sent[5].strip()
        if word.isalnum() and fields_sent[3]:
            assert word in said or dropped


IMAGING = Source(id="imaging", organisation="Y9901", name="Imaging", kind="radiology")


@given(
    st.lists(results, min_size=1, max_size=8),
    st.sampled_from(["F", "C", "P", "X", "", "?"]),
    st.lists(texts.filter(lambda text: not set(text) & set("|^~\\&")), max_size=2),
)
@settings(deadline=None)
def test_every_line_of_a_report_on_images_is_in_its_words_or_a_document_or_a_problem(
    obx: list[str], status: str, notes: list[str]
) -> None:
    header = "MSH|^~\\&|A|B|C|D|20261112||ORU^R01|1|P|2.4"
    obr = f"OBR|1|P1|F1|XR^X-ray^NICIP|||202611120800||||||||||||||||||{status}"
    notes = [f"NTE|1||{note}" for note in notes]
    content = "\r".join([header, PATIENT, obr, *obx, *notes]).encode()
    reading = hl7v2.translate(Original(source=IMAGING.id, content=content, received_at=AT), source=IMAGING)
    (report,) = (each for each in reading.statements if each.resource_type == "DiagnosticReport")
    assert report.heading is Heading.IMAGING
    assert not any(each.resource_type == "Observation" for each in reading.statements)
    said = json.loads(report.body).get("conclusion", "")
    dropped = sum(each.segment == "OBX" for each in reading.problems)
    documents = len(reading.statements) - 1
    missing = 0
    for line in (each.split("|") for each in obx):
        words = line[5].strip()
        missing += words.isalnum() and words not in said
    assert missing <= dropped + documents
    for note in notes:
        assert note[7:].strip() in said


@given(st.lists(results, min_size=1, max_size=8))
@settings(deadline=None)
def test_no_two_results_of_a_message_share_an_id(obx: list[str]) -> None:
    header = "MSH|^~\\&|A|B|C|D|20261112||ORU^R01|1|P|2.4"
    orders = ["OBR|1|P1|F1|UE^Urea^L|||202611120800", *obx, "OBR|2|P1|F1|UE^Urea^L|||202611120800", *obx]
    reading = read("\r".join([header, PATIENT, *orders]).encode())
    ids = [(each.resource_type, each.local_id) for each in reading.statements]
    assert len(ids) == len(set(ids))


# --- what is said of stays, appointments, referrals, problems, allergies and documents --------------------------------

EVENTS = sorted(hl7v2.TRANSLATED - {"ORU^R01", "ADT^A40"})
moments = st.sampled_from(["", "20261112083000", "20261112", "2026", "tomorrow", "20261350", "00000000", '""'])
said_of = st.sampled_from(
    [
        "",
        "A^Accepted^HL70283",
        "I",
        "P",
        "Booked",
        "Noshow",
        "R",
        "S^Stat",
        "?",
        "30",
        "MIN",
        "V1^^^B",
        "R1^UBRN",
        "AD",
        "DE",
    ]
)
things = st.one_of(
    moments, said_of, texts, st.sampled_from(["K^Kay~L^Ell", "WARD^1^2~WARD2", "A^B^I10~C^D^SCT", "^^M30"])
)
names = st.sampled_from(
    "PV1 PV2 AL1 IAM DG1 SCH TQ1 NTE RGS AIS AIG AIL AIP RF1 PRD PR1 PRB TXA OBX OBR EVN".split()  # noqa: SIM905
)
segments = st.builds(lambda name, fields: f"{name}|{'|'.join(fields)}", names, st.lists(things, max_size=46))


@given(st.sampled_from(EVENTS), st.lists(segments, max_size=10))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_an_event_says_is_read_and_no_obx_disappears(kind: str, lines: list[str]) -> None:
    content = "\r".join([f"MSH|^~\\&|A|B|C|D|20261112||{kind}|1|P|2.4", PATIENT, *lines]).encode()
    answered(content)
    reading = read(content)
    assert reading.translated
    if not kind.startswith("MDM"):
        sent = sum(line.startswith("OBX|") for line in lines)
        problems = [each for each in reading.problems if each.segment == "OBX" or each.fatal]
        assert len(problems) >= sent or any(each.fatal for each in problems)
    for statement in reading.statements:
        assert statement.body
        assert Heading(statement.heading)


@given(st.sampled_from(EVENTS), moments, moments, st.sampled_from("IEOPNX"))
@settings(deadline=None)
def test_what_is_cancelled_is_never_current(kind: str, start: str, end: str, patient_class: str) -> None:
    pv1 = f"PV1|1|{patient_class}|WARD{'|' * 16}V1{'|' * 25}{start}|{end}"
    reading = read("\r".join([f"MSH|^~\\&|A|B|C|D|20261112||{kind}|1|P|2.4", PATIENT, pv1]).encode())
    for statement in reading.statements:
        is_cancelling = kind in {"ADT^A11", "ADT^A38"}
        assert (statement.standing is Standing.CANCELLED) == is_cancelling
        assert not (kind == "ADT^A13" and "end" in json.loads(statement.body).get("period", {}))


# --- RTF --------------------------------------------------------------------------------------------------------------

PIECES = [
    b"{", b"}", b"\\par ", b"\\'e9", b"\\'", b"\\u8364?", b"\\u-10179?", b"\\u99999999", b"\\uc9999999 ", b"\\bin3 ",
    b"\\bin-5", b"\\*", b"\\", b"\\\\", b"{\\*\\x ", b"{\\fonttbl", b"\\v ", b"\\v0 ", b"\\ansicpg0", b"\\ansicpg1251 ",
    b"\r\n", b"words ", b"\xff\x00", b"\\cell", b"\\row", b"\\pict 00ff", b"\\deleted ", b"\\plain ",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)), max_size=60))
@settings(max_examples=400)
def test_any_rtf_gives_words_that_can_be_written(pieces: list[bytes]) -> None:
    content = b"{\\rtf1" + b"".join(pieces)
    words = text_of_rtf(content)
    assert words == words.encode().decode()
    assert "\0" not in words
    assert len(words) <= len(content) + 1


def literal(text: str) -> str:
    units = text.encode("utf-16-le")
    numbers = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
    return "".join(
        f"\\{chr(unit)}" if chr(max(unit, 0)) in "\\{}" else chr(unit) if 32 <= unit < 127 else f"\\u{unit}?"
        for unit in numbers
    )


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1), min_size=1))
def test_words_come_out_of_rtf_as_they_went_in(lines: list[str]) -> None:
    body = "\\par\n".join(map(literal, lines))
    assert text_of_rtf(f"{{\\rtf1\\ansi{{\\fonttbl{{\\f0 Arial;}}}}\\pard {body}}}".encode()) == "\n".join(lines)


DEEP = {
    "braces": b"{" * 2_000_000,
    "controls": b"\\a" * 1_000_000,
    "bytes": b"\\'e9" * 500_000,
    "characters": b"\\u233?" * 400_000,
    "binary": b"\\bin99999999 " * 150_000,
    "a picture": b"{\\pict " + b"00ff" * 1_000_000,
}


@pytest.mark.parametrize("name", DEEP)
def test_hostile_rtf_takes_bounded_time(name: str) -> None:
    begun = time.process_time()
    text_of_rtf(b"{\\rtf1" + DEEP[name])
    assert time.process_time() - begun < 5


HOSTILE = {
    "one endless field": b"x" * 2_000_000,
    "separators alone": b"|" * 2_000_000,
    "components alone": b"OBX|1|CE|" + b"^" * 2_000_000 + b"||" + b"^" * 1_000_000,
    "repetitions alone": b"OBX|1|CE|A||" + b"~" * 2_000_000,
    "repetitions that say something": b"OBX|1|CE|A||" + b"a^b~" * 500_000,
    "escapes alone": b"OBX|1|FT|A||" + b"\\" * 2_000_000,
    "escapes that open and never close": b"OBX|1|FT|A||" + b"\\X41" * 500_000,
    "spaces that multiply": b"OBX|1|FT|A||" + b"\\.sp99\\" * 100_000,
    "an endless number": b"OBX|1|NM|A||" + b"9" * 2_000_000,
    "an endless range": b"OBX|1|NM|A||1||" + b"1 " * 1_000_000,
    "spaces in a range": b"OBX|1|NM|A||1||1" + b" " * 1_000_000 + b"-",
    "short segments": b"OBX|1\r" * 300_000,
    "lines without names": b"a\r" * 300_000,
    "identifiers": b"PID|1||" + b"1^^^RJ1~" * 250_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_take_bounded_time(name: str) -> None:
    content = b"MSH|^~\\&|A|B|C|D|20261112||ORU^R01|1|P|2.4\r" + PATIENT.encode() + b"\rOBR|1||F1|A\r" + HOSTILE[name]
    begun = time.process_time()
    answered(content)
    assert time.process_time() - begun < 5
