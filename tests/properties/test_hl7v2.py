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
from carerecord.model import Original, Reading, Source

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


@given(st.lists(results, min_size=1, max_size=8))
@settings(deadline=None)
def test_no_two_results_of_a_message_share_an_id(obx: list[str]) -> None:
    header = "MSH|^~\\&|A|B|C|D|20261112||ORU^R01|1|P|2.4"
    orders = ["OBR|1|P1|F1|UE^Urea^L|||202611120800", *obx, "OBR|2|P1|F1|UE^Urea^L|||202611120800", *obx]
    reading = read("\r".join([header, PATIENT, *orders]).encode())
    ids = [(each.resource_type, each.local_id) for each in reading.statements]
    assert len(ids) == len(set(ids))


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
