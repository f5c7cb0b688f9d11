"""The answer: AA, AE or AR, in the sender's separators, naming segment, field and rule."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from carerecord.formats import hl7v2
from carerecord.intake import hear
from carerecord.model import Original, Problem, Reading, Source

AT = datetime(2026, 11, 12, 8, 31, tzinfo=UTC)
SOURCE = Source(id="riverside", organisation="RJ1", name="Riverside Hospital")
BODY = "EVN|A31\rPID|1||1234567^^^RJ1^MR||HARTLEY^Joan\r"


def message(version: str = "2.4", kind: str = "ADT^A31", control_id: str = "C1", body: str = BODY) -> bytes:
    return f"MSH|^~\\&|EPR|RJ1|CR|LON|20261112083015||{kind}|{control_id}|P|{version}\r{body}".encode()


def read(content: bytes) -> Reading:
    return hl7v2.translate(Original(source=SOURCE.id, content=content, received_at=AT), source=SOURCE)


def answer(content: bytes) -> list[str]:
    reading = read(content)
    code = hl7v2.acknowledgement_code(reading)
    sent = hl7v2.acknowledge(content, code=code, problems=reading.problems, at=AT, control_id="A1")
    return sent.decode().split("\r")


def test_a_message_that_was_read_is_accepted_to_its_sender() -> None:
    assert answer(message()) == [
        "MSH|^~\\&|CR|LON|EPR|RJ1|20261112083100+0000||ACK^A31|A1|P|2.4||||||UNICODE UTF-8",
        "MSA|AA|C1",
        "",
    ]


@pytest.mark.parametrize(
    ("content", "code", "field", "rule"),
    [
        (b"hello", "AR", "MSH-1", "not HL7"),
        (b"FHS|^~\\&|EPR|RJ1\rBHS|^~\\&|EPR|RJ1\r" + message() + b"\rBTS|1", "AR", "MSH-1", "not HL7"),
        (message(version="3.0"), "AR", "MSH-12", "version"),
        (message(version=""), "AR", "MSH-12", "version"),
        (message(kind=""), "AR", "MSH-9", "message type"),
        (message(kind="ADT"), "AR", "MSH-9", "message type"),
        (message(body=""), "AE", "", "required"),
        (message(body="PID|1||||HARTLEY^Joan"), "AE", "PID-3", "required"),
        (message(body="PID|1||1^^^RJ1\rPID|2||2^^^RJ1"), "AE", "", "one patient"),
        (message(kind="ADT^A34"), "AE", "MSH-9", "not translated yet"),
        (message(kind="ADT^A40"), "AE", "", "required"),
        (message(kind="ADT^A40", body=BODY + "MRG|1234567^^^RJ1^MR"), "AE", "MRG-1", "contradiction"),
        (message(kind="ORU^R01"), "AE", "", "required"),
        (message(kind="MDM^T02"), "AE", "", "required"),
        (message(kind="MDM^T02", body=BODY + "TXA|1|DS||||||||||D1\rOBX|1|TX|A||"), "AE", "OBX-5", "required"),
    ],
)
def test_what_cannot_be_used_is_refused_by_field_and_rule(content: bytes, code: str, field: str, rule: str) -> None:
    reading = read(content)
    assert hl7v2.acknowledgement_code(reading) == code
    assert (field, rule) in [(problem.field, problem.rule) for problem in reading.problems]
    assert reading.statements == ()
    said = answer(content)[1]
    assert said.startswith(f"MSA|{code}|")
    assert rule in said


def test_a_batch_is_told_how_to_be_sent() -> None:
    assert "each of its messages in a frame of its own" in answer(b"BHS|^~\\&|EPR|RJ1\r" + message() + b"\rBTS|1")[1]


def test_only_what_is_ours_to_mend_is_called_an_internal_error() -> None:
    def code(rule: str) -> str:
        found = Problem(segment="PID", field="PID-3.1", rule=rule, sentence="It is wrong.")
        sent = hl7v2.acknowledge(message(version="2.5"), code="AE", problems=[found], at=AT, control_id="A1")
        return sent.decode().split("ERR|")[1].split("|")[2].split("^")[0]

    assert [code(rule) for rule in ("check digit", "unknown sender", "processing id")] == ["199", "103", "202"]
    assert [code(found.rule) for found in (hear.CRASHED, hear.TOO_SLOW, hear.UNKEEPABLE)] == ["207"] * 3


def test_from_version_2_5_on_each_problem_has_its_own_err() -> None:
    content = message(version="2.5.1", body="PID|1||1234567^^^RJ1^MR||HARTLEY^Joan||1948|Q\r")
    assert answer(content)[1:] == [
        "MSA|AA|C1|PID-7 date and time: PID-7 is no full date of birth and is not used: write YYYYMMDD.; "
        "PID-8 unknown code: PID-8 is no code of HL7 table 0001: write M, F, O or U.",
        "ERR||PID^1^7|102^Data type error^HL70357|W|date and time|||"
        "PID-7 is no full date of birth and is not used: write YYYYMMDD.",
        "ERR||PID^1^8|103^Table value not found^HL70357|W|unknown code|||"
        "PID-8 is no code of HL7 table 0001: write M, F, O or U.",
        "",
    ]


def test_before_version_2_5_the_places_stand_in_err_1() -> None:
    content = message(body="PID|1||1234567^^^RJ1^MR||HARTLEY^Joan||1948|Q\r")
    assert answer(content)[2] == ("ERR|PID^1^7^102&Data type error&HL70357~PID^1^8^103&Table value not found&HL70357")


def test_a_message_without_control_id_is_answered() -> None:
    content = message(control_id="")
    assert answer(content)[1].startswith("MSA|AA||MSH-10 required")


def test_the_answer_uses_the_separators_of_the_message() -> None:
    content = b"MSH#:*!?#EPR#RJ1#CR#LON###ADT:A31#C:1#P#2.4\rPID#1##7:::RJ1"
    assert answer(content)[0] == "MSH#:*!?#CR#LON#EPR#RJ1#20261112083100+0000##ACK:A31#A1#P#2.4######UNICODE UTF-8"


def test_nothing_of_the_sender_can_forge_a_line_of_the_answer() -> None:
    problem = Problem(segment="PID", field="PID-3", rule="required", sentence="a|b\rMSA|AA|forged", fatal=True)
    sent = hl7v2.acknowledge(message(), code="AE", problems=[problem], at=AT, control_id="A1").decode()
    assert sent.count("\rMSA") == 1
    assert "a\\F\\b MSA\\F\\AA" in sent


def test_no_sentence_of_a_problem_repeats_what_the_message_says() -> None:
    content = message(
        kind="ADT^A01",
        body="EVN|A01|secretdate\rPID|1||SECRETID^^^RJ1~9990002011^^^NHS^NH||SECRETNAME||secretbirth|secretsex"
        + "|" * 21
        + "secretdeath|secretdead||secrettrace\rPV1|1|SECRETCLASS||||||||||||||||||||||||||||||||||||||||||bad\r"
        "AL1|1||^none\rDG1|1\rOBX|1|NM|secretcode||secretvalue",
    )
    reading = read(content)
    assert len(reading.problems) > 6
    said = " ".join(f"{each.segment} {each.field} {each.rule} {each.sentence}" for each in reading.problems)
    assert "secret" not in said.lower()
    assert "9990002011" not in said
