"""What is packed is read back, byte for byte, and in few bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from carerecord.model import Heading, OriginalReference, Standing, Statement
from carerecord.record.chunk import NotALocalId, Said, code_hash, pack, pack_folded, unpack, unpack_folded
from carerecord.record.dictionary import UnknownDictionary, Unreadable, compress, decompress
from carerecord.record.types import RESOURCE_TYPES, UnknownResourceType
from scripts.train_dictionaries import said as what_is_said

MESSAGES = [statements for _, statements in what_is_said(12, seed=3) if statements]
BODIES = [statement.body for statements in MESSAGES for statement in statements]
AT = datetime(2026, 11, 22, 9, 12, 0, 123456, tzinfo=UTC)
HEADINGS = {"Encounter": 4, "AllergyIntolerance": 2, "DocumentReference": 5, "Condition": 6}


def statement(body: bytes, number: int = 0) -> Statement:
    said = msgspec.json.decode(body)
    kind = said["resourceType"]
    return Statement(
        resource_type=kind,
        local_id=said["id"],
        heading=Heading(HEADINGS.get(kind, 3)),
        code="urn:source:lab|K",
        happened_at=AT - timedelta(days=number),
        said_at=AT - timedelta(days=number, minutes=-90),
        standing=Standing.CURRENT,
        body=body,
    )


def said(number: int = 1, identity_key: int = 7) -> Said:
    reference = OriginalReference(date(2026, 11, 22), number)
    return Said(identity_key, "barts", reference, AT + timedelta(seconds=number))


def test_every_field_of_a_statement_is_read_back() -> None:
    the_statement = statement(BODIES[0])
    packed = pack([the_statement])
    (stored,) = unpack(packed.header, packed.body, patient_key=5, said=said())
    for field in ("local_id", "resource_type", "heading", "happened_at", "said_at", "standing", "sensitivity", "body"):
        assert getattr(stored, field) == getattr(the_statement, field)
    assert (stored.patient_key, stored.identity_key, stored.source) == (5, 7, "barts")
    assert (stored.original, stored.received_at) == (said().original, said().received_at)
    assert stored.code_hash == code_hash("urn:source:lab|K") != 0
    assert len(stored.version) == 13


def test_a_statement_without_a_clinical_time_or_a_code_has_none_when_read() -> None:
    bare = msgspec.structs.replace(statement(BODIES[0]), happened_at=None, code=None)
    packed = pack([bare])
    (stored,) = unpack(packed.header, packed.body, patient_key=5, said=said())
    assert stored.happened_at is None
    assert stored.code_hash == 0


def test_a_chunk_gives_only_the_statements_of_the_identities_asked_for() -> None:
    bodies = BODIES[:6]
    kept = []
    for number, body in enumerate(bodies):
        packed = pack([statement(body, number)])
        kept += unpack(packed.header, packed.body, patient_key=5, said=said(number, identity_key=number % 3))
    header, body = pack_folded(kept)
    assert unpack_folded(header, body, patient_key=5) == kept
    asked_for = unpack_folded(header, body, patient_key=5, identities={0, 2})
    assert asked_for == [s for s in kept if s.identity_key != 1]


def test_the_same_statements_always_make_the_same_bytes() -> None:
    statements = [statement(body) for body in BODIES[:20]]
    assert pack(statements) == pack(statements)


def test_a_folded_statement_takes_less_than_220_bytes() -> None:
    stored = []
    for number, statements in enumerate(MESSAGES):
        packed = pack(statements)
        stored += unpack(packed.header, packed.body, patient_key=5, said=said(number))
    header, body = pack_folded(stored)
    assert len(stored) > 500
    assert (len(header) + len(body)) / len(stored) < 220


def test_damaged_bytes_are_refused_and_never_shown_as_something_else() -> None:
    packed = pack([statement(body) for body in BODIES[:8]])
    for damaged in (packed.body[:-1], packed.body[:-9] + b"unknowns!", b"", b"\x01"):
        with pytest.raises(Unreadable):
            unpack(packed.header, damaged, patient_key=5, said=said())
    for damaged in (packed.header[:-1], packed.header[:3], packed.header[:5] + b"rubbish"):
        with pytest.raises(Unreadable):
            unpack(damaged, packed.body, patient_key=5, said=said())
    with pytest.raises(Unreadable):
        unpack_folded(packed.header, packed.body, patient_key=5)


def test_a_body_that_belongs_to_another_header_is_refused() -> None:
    one, other = (pack([statement(body)]) for body in BODIES[:2])
    with pytest.raises(Unreadable):
        unpack(one.header, other.body, patient_key=5, said=said())


def test_an_id_that_is_not_ours_is_refused_before_it_is_kept() -> None:
    the_statement = statement(BODIES[0])
    for local_id in ("short", the_statement.local_id.upper(), the_statement.local_id[:-1] + "é"):
        with pytest.raises(NotALocalId):
            pack([msgspec.structs.replace(the_statement, local_id=local_id)])


def test_a_type_without_a_number_is_refused_before_it_is_kept() -> None:
    with pytest.raises(UnknownResourceType):
        pack([msgspec.structs.replace(statement(BODIES[0]), resource_type="Horoscope")])


def test_the_numbers_of_resource_types_never_change() -> None:
    assert [RESOURCE_TYPES.index(name) for name in ("Observation", "Condition", "Patient", "Basic")] == [1, 6, 7, 63]
    assert len(set(RESOURCE_TYPES)) == len(RESOURCE_TYPES)


def test_an_unknown_dictionary_is_named_as_such() -> None:
    packed = compress(b"something", dictionary=1)
    assert decompress(packed) == b"something"
    with pytest.raises(UnknownDictionary):
        decompress(packed[:1] + (999).to_bytes(2, "little") + packed[3:])


def test_bytes_under_an_unknown_key_are_refused() -> None:
    packed = compress(b"something", dictionary=1)
    with pytest.raises(Unreadable):
        decompress(packed[:3] + b"\x01\x00" + packed[5:])
