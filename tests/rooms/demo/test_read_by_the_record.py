"""What the simulators send, the record's own reader understands: without any problem."""

from __future__ import annotations

from datetime import UTC, datetime

from carerecord.formats import hl7v2
from carerecord.model import Original
from carerecord.organisations import read_region
from demo.messages import history
from demo.people import generate
from demo.region import write_region

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_every_message_is_from_a_known_source_and_read_whole(tmp_path):
    region = read_region(write_region(tmp_path / "r", tmp_path / "k", sign_in_issuer="http://127.0.0.1:8402").region)
    for person in generate(7, 20):
        for message in history(person, channel="mllp"):
            header = hl7v2.header(message.content)
            source = region.find_sender(application=header.application, facility=header.facility)
            assert source.id == message.source
            original = Original(
                source=source.id, content=message.content, received_at=RECEIVED, control_id=header.control_id
            )
            reading = hl7v2.translate(original, source=source)
            assert (reading.message_type, reading.control_id) == (message.kind, message.control_id)
            assert reading.problems == ()


def test_a_person_is_read_as_the_hospital_and_the_laboratory_wrote_them(tmp_path):
    region = read_region(write_region(tmp_path / "r", tmp_path / "k", sign_in_issuer="http://127.0.0.1:8402").region)
    joan = next(generate(7, 1))
    for source_id, number, family in (
        ("barts", joan.hospital_number, "Hartley"),
        ("nel-pathology", joan.laboratory_number, "HARTLEY"),
    ):
        message = next(message for message in history(joan, source=source_id) if message.kind in ("ADT^A28", "ORU^R01"))
        original = Original(source=source_id, content=message.content, received_at=RECEIVED)
        subject = hl7v2.translate(original, source=region.find_source(source_id)).subject
        assert (subject.nhs_number, subject.birth_date, subject.family) == (
            joan.nhs_number,
            joan.now.birth_date,
            family,
        )
        assert [identifier.value for identifier in subject.local] == [number]
