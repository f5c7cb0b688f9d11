"""What every simulated system says, read by readers that others wrote and held to the definitions of FHIR."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime

import hl7
import msgspec
import pytest

from carerecord.fhir.validate import validate
from demo.messages import Message, history
from demo.messages.fhir import STYLES, FhirVoice
from demo.messages.hl7 import is_summer_time, with_offset
from demo.messages.resources import WRITERS
from demo.messages.rtf import letter_as_rtf
from demo.people import Person, generate
from demo.people.contents import Content
from demo.people.nouns import Stated

PEOPLE = 250
SOURCES = {
    "barts": {"mllp"},
    "uclh": {"mllp", "fhir"},
    "gosh": {"mllp", "fhir"},
    "gp-mile-end": {"fhir"},
    "gp-kilburn": {"fhir"},
    "nel-pathology": {"mllp"},
    "london-imaging": {"mllp"},
    "east-london-mh": {"fhir"},
    "central-community": {"fhir"},
    "london-ambulance": {"fhir", "drop"},
    "mile-end-council": {"fhir"},
    "london-ucp": {"fhir"},
}
VERSIONS = {"barts": "2.4", "uclh": "2.5.1", "gosh": "2.5.1", "nel-pathology": "2.3", "london-imaging": "2.4"}


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return list(generate(7, PEOPLE))


@pytest.fixture(scope="module")
def said(people: list[Person]) -> list[Message]:
    return [message for person in people for message in history(person)]


def _find(said: list[Message], source: str, kind: str) -> hl7.Message:
    return hl7.parse(next(m for m in said if m.source == source and m.kind == kind).content.decode())


def _some_of_each(said: list[Message], most: int = 12) -> list[Message]:
    """HL7 v2 of every source and kind, a dozen each: the reader that others wrote is slow."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for message in said:
        if message.channel == "mllp" and (seen[message.source, message.kind] < most):
            seen[message.source, message.kind] += 1
            found.append(message)
    return found


def test_every_system_of_the_region_speaks_in_its_own_ways(said: list[Message]) -> None:
    found: dict[str, set[str]] = {}
    for message in said:
        found.setdefault(message.source, set()).add(message.channel)
    assert found == SOURCES


def test_the_same_person_gives_the_same_bytes_in_order_of_time_under_numbers_of_their_own(
    people: list[Person], said: list[Message]
) -> None:
    again = [message for person in generate(7, PEOPLE) for message in history(person)]
    assert again == said
    assert len({(message.source, message.control_id) for message in said}) == len(said)
    for person in people[:40]:
        times = [message.at for message in history(person)]
        assert times == sorted(times)
        one_by_one = [m for source in SOURCES for m in history(person, source=source)]
        assert Counter(m.content for m in one_by_one) == Counter(m.content for m in history(person))


def test_every_hl7_message_is_read_by_a_reader_that_others_wrote(said: list[Message]) -> None:
    for message in _some_of_each(said):
        read = hl7.parse(message.content.decode())
        header = read.segment("MSH")
        assert str(header(10)) == message.control_id
        assert str(header(9)).startswith(message.kind)
        assert str(header(12)) == VERSIONS[message.source]
        assert len(message.control_id) <= (199 if VERSIONS[message.source] == "2.5.1" else 20)
        names = [str(segment(0)) for segment in read]
        assert names.count("PID") == 1
        assert ("EVN" in names) == (message.kind[:3] in ("ADT", "MDM"))


def test_hospitals_tell_of_transfers_bookings_referrals_and_what_they_take_back(said: list[Message]) -> None:
    kinds = {message.kind for message in said if message.channel == "mllp"}
    assert kinds >= {f"ADT^A{n:02d}" for n in (1, 2, 3, 4, 5, 8, 11, 12, 13, 28, 31, 40)}
    assert kinds >= {"SIU^S12", "SIU^S13", "SIU^S15", "SIU^S26", "REF^I12", "MDM^T02", "ORU^R01"}


def test_the_habits_of_an_epic_hospital_are_its_own(said: list[Message]) -> None:
    admitted = _find(said, "uclh", "ADT^A01")
    assert str(admitted.segment("MSH")(9)) == "ADT^A01^ADT_A01"
    assert re.fullmatch(r"\d{14}\+0[01]00", str(admitted.segment("MSH")(7)))
    assert str(admitted.segment("EVN")(6)) == str(admitted.segment("MSH")(7))
    assert re.search(r"\^\^\^UCLH\^MRN", str(admitted.segment("PID")(3)))
    assert str(admitted.segment("PID")(5)[0](1)).isupper()
    assert str(admitted.segment("PV1")(19)).endswith("^^^UCLH^CSN")
    assert admitted.segments("ZPV")
    assert not str(_find(said, "gosh", "ADT^A01").segment("PID")(5)[0](1)).isupper()
    booked = _find(said, "uclh", "SIU^S12")
    assert str(booked.segment("AIS")(4)) == str(booked.segment("SCH")(11)[0](4))
    assert [name for name in ("AIS", "AIG", "AIL", "AIP") if booked.segments(name)] == ["AIS", "AIG", "AIL", "AIP"]


def test_letters_come_as_text_as_pdf_as_rtf_and_as_formatted_text(said: list[Message]) -> None:
    ways = set()
    for message in _some_of_each(said, 400):
        if message.kind != "MDM^T02":
            continue
        obx = hl7.parse(message.content.decode()).segment("OBX")
        kind = str(obx(2))
        ways.add((message.source, f"{kind} {obx(5)[0](3)}" if kind == "ED" else kind))
    assert ways >= {("barts", "TX"), ("barts", "ED PDF"), ("uclh", "ED RTF"), ("uclh", "FT"), ("gosh", "ED RTF")}


def test_an_imaging_report_says_what_was_looked_at_and_that_it_is_one(said: list[Message]) -> None:
    report = _find(said, "london-imaging", "ORU^R01")
    assert str(report.segment("MSH")(3)) == "SECTRA"
    assert str(report.segment("OBR")(24)) == "RAD"
    codes = {str(hl7.parse(m.content.decode()).segment("OBR")(4)) for m in said if m.source == "london-imaging"}
    assert any("^NICIP^" in code and code.endswith("^SCT") for code in codes)
    assert str(report.segment("OBX")(2)) in ("TX", "FT")


def test_a_diagnosis_has_its_snomed_ct_concept_beside_its_class(said: list[Message]) -> None:
    coded = [
        str(segment(3))
        for message in _some_of_each(said, 40)
        if message.source == "barts" and message.kind == "ADT^A03"
        for segment in hl7.parse(message.content.decode())
        if str(segment(0)) == "DG1"
    ]
    assert any(re.fullmatch(r"[A-Z]\d\d(\.\d)?\^[^^]+\^I10\^\d+\^[^^]+\^SCT", code) for code in coded)


def test_every_resource_that_is_pushed_or_dropped_is_right_by_fhir(said: list[Message]) -> None:
    wrong = [
        (message.source, message.kind, issue)
        for message in said
        if message.channel != "mllp"
        for issue in validate(message.beside or message.content)
    ]
    assert wrong == []


def test_every_kind_of_content_is_said_by_some_system(people: list[Person]) -> None:
    stated = {type(event.content) for person in people for event in person.story if isinstance(event, Stated)}
    assert set(WRITERS) == set(Content.__subclasses__())
    assert stated == set(WRITERS)


def test_what_is_taken_back_is_right_by_fhir_too_and_says_so(people: list[Person]) -> None:
    seen: dict[type, str] = {}
    for person in people:
        for event in person.story:
            if not isinstance(event, Stated) or type(event.content) in seen:
                continue
            taken_back = Stated(
                at=event.at, who=event.who, source="gp-mile-end", own_id=event.own_id, content=event.content,
                is_in_error=True,
            )  # fmt: skip
            voice = FhirVoice(_known_to_the_practice(person), STYLES["gp-mile-end"])
            (message,) = voice.say([taken_back], "M1")
            assert validate(message.content) == []
            seen[type(event.content)] = message.content.decode()
    for kind, text in seen.items():
        assert "entered-in-error" in text or (kind.__name__ == "Contact" and '"active":false' in text)


def _known_to_the_practice(person: Person) -> Person:
    return msgspec.structs.replace(person, numbers={**person.numbers, "gp-mile-end": "1"})


def test_a_transaction_holds_the_patient_and_refers_to_them_by_the_uuid_in_it(said: list[Message]) -> None:
    bundle = json.loads(next(m for m in said if m.source == "gp-mile-end").content)
    first, *others = bundle["entry"]
    assert (bundle["type"], first["resource"]["resourceType"]) == ("transaction", "Patient")
    systems = [identifier["system"] for identifier in first["resource"]["identifier"]]
    assert "https://fhir.gp-mile-end.example/Id/patient" in systems
    assert first["fullUrl"].startswith("urn:uuid:")
    for entry in others:
        resource = entry["resource"]
        subject = resource.get("subject") or resource.get("patient") or resource["participant"][0]["actor"]
        assert subject == {"reference": first["fullUrl"]}
        assert entry["request"] == {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
        assert datetime.fromisoformat(resource["meta"]["lastUpdated"]).tzinfo


def test_a_council_sends_its_day_as_a_batch_and_some_send_one_resource_at_a_time(said: list[Message]) -> None:
    assert all(b'"type":"batch"' in m.content for m in said if m.source == "mile-end-council")
    community = [message for message in said if message.source == "central-community"]
    assert all(json.loads(message.content)["resourceType"] != "Bundle" for message in community)
    introduced: set[int] = set()
    for message in community:
        kind, own_id = message.kind.removeprefix("PUT ").split("/")
        resource = json.loads(message.content)
        assert (resource["resourceType"], resource["id"]) == (kind, own_id)
        if kind == "Patient":
            introduced.add(message.about)
        assert message.about in introduced


def test_a_report_form_is_dropped_as_a_file_with_what_it_is_about_beside_it(said: list[Message]) -> None:
    dropped = [message for message in said if message.channel == "drop"]
    assert dropped
    for message in dropped:
        assert message.content.startswith(b"%PDF-") or message.kind == "txt"
        patient, document = (entry["resource"] for entry in json.loads(message.beside)["entry"])
        assert (patient["resourceType"], document["resourceType"]) == ("Patient", "DocumentReference")
        assert "data" not in document["content"][0]["attachment"]


def test_times_say_how_far_londons_clocks_are_ahead() -> None:
    assert with_offset(datetime(2026, 1, 5, 9)) == "20260105090000+0000"
    assert with_offset(datetime(2026, 7, 5, 9)) == "20260705090000+0100"
    assert [is_summer_time(datetime(2026, 3, 29, hour)) for hour in (0, 2)] == [False, True]
    assert [is_summer_time(datetime(2026, 10, 25, hour)) for hour in (0, 3)] == [True, False]


def test_letters_in_rtf_keep_every_letter() -> None:
    written = letter_as_rtf("Łukasz", ("a {b} \\c", "naïve 😀"))
    assert written.startswith(b"{\\rtf1")
    assert b"{\\b \\u321?ukasz}" in written
    assert b"a \\{b\\} \\\\c\\par" in written
    assert b"na\\u239?ve \\u-10179?\\u-8704?" in written
