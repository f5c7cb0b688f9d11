"""What events say of stays, appointments, referrals, problem lists, reports on images and documents, a rule a test."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from carerecord.fhir.resources import read_document
from carerecord.formats import hl7v2
from carerecord.formats.rtf import text_of_rtf
from carerecord.model import Heading, Reading, Source, Standing, Statement
from carerecord.reconciliation.letters import attachment_text, main_attachment
from tests.rooms.formats.test_statements import bodies, pv1, read, rules


def segment(name: str, **fields: str) -> str:
    """A segment with fields by number: segment("SCH", f2="A1")."""
    parts = [""] * max(int(number[1:]) for number in fields)
    for number, text in fields.items():
        parts[int(number[1:]) - 1] = text
    return "|".join([name, *parts])


def only(reading: Reading) -> tuple[Statement, dict[str, Any]]:
    (statement,) = reading.statements
    return statement, json.loads(statement.body)


# --- stays ------------------------------------------------------------------------------------------------------------

STAY = {"f2": "I", "f3": "WARD4", "f19": "V1", "f44": "202611120800"}


@pytest.mark.parametrize(
    ("event", "status", "standing"),
    [
        ("A01", "in-progress", Standing.CURRENT),
        ("A02", "in-progress", Standing.CURRENT),
        ("A04", "in-progress", Standing.CURRENT),
        ("A05", "planned", Standing.PLANNED),
        ("A06", "in-progress", Standing.CURRENT),
        ("A11", "cancelled", Standing.CANCELLED),
        ("A12", "in-progress", Standing.CURRENT),
        ("A13", "in-progress", Standing.CURRENT),
        ("A38", "cancelled", Standing.CANCELLED),
    ],
)
def test_every_event_of_a_stay_is_of_the_same_stay(event: str, status: str, standing: Standing) -> None:
    admitted, _ = only(read("ADT^A01", pv1(**STAY)))
    statement, body = only(read(f"ADT^{event}", pv1(**STAY)))
    assert (statement.local_id, statement.standing, body["status"]) == (admitted.local_id, standing, status)


def test_a_transfer_says_where_the_patient_is_and_where_they_were() -> None:
    places = only(read("ADT^A02", pv1(**STAY | {"f6": "WARD9"})))[1]["location"]
    assert [(each["location"]["display"], each["status"]) for each in places] == [
        ("WARD4", "active"),
        ("WARD9", "completed"),
    ]


def test_a_transfer_to_nowhere_is_a_problem() -> None:
    reading = read("ADT^A02", pv1(f2="I", f19="V1", f6="WARD9"))
    assert ("PV1-3", "required") in rules(reading)


def test_the_place_of_a_cancelled_transfer_is_not_where_the_patient_was() -> None:
    (place,) = only(read("ADT^A12", pv1(**STAY | {"f6": "WARD9"})))[1]["location"]
    assert (place["location"]["display"], place["status"]) == ("WARD4", "active")


def test_a_cancelled_discharge_leaves_neither_end_nor_destination() -> None:
    body = only(read("ADT^A13", pv1(**STAY | {"f36": "19", "f45": "202611141400"})))[1]
    assert body["period"] == {"start": "2026-11-12T08:00:00+00:00"}
    assert "hospitalization" not in body


def test_a_planned_stay_begins_when_the_patient_is_expected() -> None:
    statement, body = only(read("ADT^A05", pv1(f2="P", f19="V1"), segment("PV2", f8="202612140800")))
    assert body["period"]["start"] == "2026-12-14T08:00:00+00:00"
    assert statement.happened_at is not None


def test_a_message_about_allergies_changes_no_demographics() -> None:
    assert not read("ADT^A60", "IAM|1|DA|^Tramadol|||A|1").updates_demographics
    assert ("IAM", "required") in rules(read("ADT^A60"))


def test_a_list_that_no_longer_holds_an_allergy_takes_none_away() -> None:
    first = read("ADT^A31", "AL1|1|DA|^Penicillin", "AL1|2|DA|^Latex")
    later = read("ADT^A31", "AL1|1|DA|^Latex", at="20261113083015")
    assert [each.standing for each in later.statements] == [Standing.CURRENT]
    assert later.statements[0].local_id == first.statements[1].local_id


# --- appointments -----------------------------------------------------------------------------------------------------

AT = "^^M20^20261215143000"


def booked(event: str = "S12", *segments: str, **fields: str) -> Reading:
    return read(f"SIU^{event}", segment("SCH", **({"f2": "A1", "f11": AT} | fields)), *segments)


@pytest.mark.parametrize(
    ("event", "sent", "status", "standing"),
    [
        ("S12", "", "booked", Standing.PLANNED),
        ("S12", "Pending", "pending", Standing.PLANNED),
        ("S13", "Booked", "booked", Standing.PLANNED),
        ("S14", "Complete", "fulfilled", Standing.RESOLVED),
        ("S14", "No show", "noshow", Standing.RESOLVED),
        ("S14", "Started", "arrived", Standing.CURRENT),
        ("S15", "Booked", "cancelled", Standing.CANCELLED),
        ("S17", "", "entered-in-error", Standing.ENTERED_IN_ERROR),
        ("S26", "", "noshow", Standing.RESOLVED),
    ],
)
def test_an_appointment_stands_as_its_event_and_its_filler_say(
    event: str, sent: str, status: str, standing: Standing
) -> None:
    statement, body = only(booked(event, f25=sent))
    assert (body["status"], statement.standing, statement.heading) == (status, standing, Heading.APPOINTMENTS)
    assert statement.local_id == only(booked())[0].local_id


def test_an_unknown_status_of_an_appointment_is_said_and_the_event_stands_for_it() -> None:
    reading = booked(f25="Perhaps")
    assert only(reading)[1]["status"] == "booked"
    assert ("SCH-25", "unknown code") in rules(reading)


@pytest.mark.parametrize(
    ("segments", "fields", "minutes"),
    [
        ((), {"f11": "^^^20261215143000^20261215150000"}, 30),
        ((), {"f11": "^^^20261215143000", "f9": "2", "f10": "h"}, 120),
        (("TQ1|1||||||20261215143000|20261215144500",), {"f11": "^^^20270101"}, 15),
        (("AIS|1||X^Clinic|20261215143000|||40|min",), {"f11": ""}, 40),
    ],
)
def test_when_an_appointment_is_and_how_long(segments: tuple[str, ...], fields: dict[str, str], minutes: int) -> None:
    body = only(booked("S12", *segments, **fields))[1]
    assert (body["start"], body["minutesDuration"]) == ("2026-12-15T14:30:00+00:00", minutes)


def test_an_appointment_without_a_time_or_a_length_invents_none() -> None:
    assert "extension" in only(booked(f11="^^^20261215143000"))[1]["_end"]
    reading = booked(f11="")
    body = only(reading)[1]
    assert "start" not in body
    assert "end" not in body
    assert ("SCH-11", "required") in rules(reading)
    assert only(booked(f11="^^^20261215"))[1]["requestedPeriod"] == [{"start": "2026-12-15"}]


def test_who_takes_part_is_named_once() -> None:
    who = "C1^BADGER^Honey^^^Dr"
    body = only(booked("S12", "AIG|1||C1^Dr Honey Badger", f"AIP|1||{who}", "AIL|1||CLINIC 3"))[1]
    assert [each["actor"]["display"] for each in body["participant"]] == ["Dr Honey BADGER", "CLINIC 3"]


def test_what_an_appointment_was_moved_from_is_what_the_message_says_of_it() -> None:
    body = only(booked("S13", "NTE|1||Moved from 1 December", f6="R^Rescheduled"))[1]
    assert body["comment"] == "Moved from 1 December"
    assert body["extension"][0]["valueString"] == "Rescheduled"


def test_an_appointment_without_number_is_known_by_its_time_and_without_that_not_at_all() -> None:
    reading = read("SIU^S12", segment("SCH", f11=AT))
    assert len(reading.statements) == 1
    assert ("SCH-2", "required") in rules(reading)
    assert read("SIU^S12", "SCH|").statements == ()


# --- referrals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "sent", "status", "standing"),
    [
        ("I12", "P^Pending", "active", Standing.CURRENT),
        ("I13", "A^Accepted", "active", Standing.CURRENT),
        ("I13", "R^Rejected", "revoked", Standing.CANCELLED),
        ("I13", "C^Completed^L", "completed", Standing.RESOLVED),
        ("I13", "^Completed", "completed", Standing.RESOLVED),
        ("I12", "Q", "unknown", Standing.CURRENT),
        ("I14", "A", "revoked", Standing.CANCELLED),
    ],
)
def test_a_referral_stands_as_it_says(event: str, sent: str, status: str, standing: Standing) -> None:
    statement, body = only(read(f"REF^{event}", segment("RF1", f1=sent, f6="R1")))
    assert (body["status"], statement.standing, statement.heading) == (status, standing, Heading.REFERRALS)
    assert statement.local_id == only(read("REF^I12", segment("RF1", f6="R1")))[0].local_id


@pytest.mark.parametrize(
    ("sent", "priority"), [("R", "routine"), ("A^Urgent", "urgent"), ("S^Two week wait", "urgent"), ("S^Stat", "stat")]
)
def test_the_urgency_of_a_referral_is_in_fhirs_word_and_its_own(sent: str, priority: str) -> None:
    body = only(read("REF^I12", segment("RF1", f2=sent, f6="R1")))[1]
    assert body["priority"] == priority
    assert body["extension"][-1]["valueString"] == sent.rpartition("^")[2]


def test_a_booking_number_is_one_only_where_it_says_so() -> None:
    identifiers = only(read("REF^I12", segment("RF1", f6="R1", f11="999000111222^UBRN~77^ELSEWHERE")))[1]["identifier"]
    assert [each["system"] for each in identifiers if each["value"] == "999000111222"] == [
        "https://fhir.nhs.uk/Id/UBRN"
    ]
    assert sum(each["system"].endswith("UBRN") for each in identifiers) == 1


def test_why_somebody_is_referred_is_no_problem_of_theirs() -> None:
    reading = read("REF^I12", segment("RF1", f6="R1"), "DG1|1||C50.9^Breast cancer^I10||20261112|W")
    assert [each.resource_type for each in reading.statements] == ["ServiceRequest"]
    assert only(reading)[1]["reasonCode"][0]["text"] == "Breast cancer"


# --- problem lists and diagnoses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "fields", "standing"),
    [
        ("PC1", {"f14": "ACTIVE"}, Standing.CURRENT),
        ("PC1", {"f13": "Resolved"}, Standing.RESOLVED),
        ("PC2", {"f9": "20261112"}, Standing.RESOLVED),
        ("PC2", {"f1": "DE", "f14": "ACTIVE"}, Standing.ENTERED_IN_ERROR),
        ("PC3", {"f14": "ACTIVE"}, Standing.ENTERED_IN_ERROR),
    ],
)
def test_a_problem_stands_as_its_list_says(event: str, fields: dict[str, str], standing: Standing) -> None:
    statement, body = only(read(f"PPR^{event}", segment("PRB", **({"f3": "I48^AF^I10", "f4": "7"} | fields))))
    assert statement.standing is standing
    assert statement.local_id == only(read("PPR^PC1", "PRB|||I48^AF^I10|7"))[0].local_id
    assert ("clinicalStatus" in body) == (standing is not Standing.ENTERED_IN_ERROR)


def test_problems_that_share_a_number_are_told_apart() -> None:
    reading = read("PPR^PC1", "PRB|||I48^AF^I10|7", "PRB|||J18.9^Pneumonia^I10|7")
    assert len({each.local_id for each in reading.statements}) == 2


@pytest.mark.parametrize(
    "sent", ["S72.0^Hip^I10^5913000^Hip^SCT", "S72.0^Hip^I10~5913000^Hip^SCT", "S72.0^Hip^I10~5913000^Hip^SCT~^hip"]
)
def test_every_code_of_a_diagnosis_is_kept(sent: str) -> None:
    statement, body = only(read("ADT^A31", f"DG1|1||{sent}||20261112|F"))
    assert [each["code"] for each in body["code"]["coding"]] == ["S72.0", "5913000"]
    assert statement.code == "http://hl7.org/fhir/sid/icd-10|S72.0"


def test_the_system_of_a_first_code_is_not_that_of_its_alternate() -> None:
    codings = only(read("ADT^A31", "DG1|1|I10|S72.0^Hip^^XX1^Hip||20261112|F"))[1]["code"]["coding"]
    assert codings[0]["system"] == "http://hl7.org/fhir/sid/icd-10"
    assert codings[1]["system"] != codings[0]["system"]


# --- reports on images ------------------------------------------------------------------------------------------------

RADIOLOGY = Source(id="imaging", organisation="Y9901", name="Imaging", kind="radiology")


def reported(*obx: str, status: str = "F", when: str = "202611120800", service: str = "RAD") -> Reading:
    obr = segment("OBR", f3="E1", f4="XHIP^X-ray hip^NICIP", f7=when, f18="ACC1", f24=service, f25=status)
    return read("ORU^R01", obr, *obx)


def test_a_report_on_images_is_one_and_its_correction_replaces_it_whatever_its_time() -> None:
    statement, body = only(reported("OBX|1|TX|XHIP^X-ray hip||No fracture.||||||F"))
    corrected, _ = only(reported("OBX|1|TX|XHIP^X-ray hip||Fracture.||||||C", status="C", when="202611120900"))
    assert (statement.heading, body["conclusion"]) == (Heading.IMAGING, "No fracture.")
    assert (corrected.local_id, corrected.standing) == (statement.local_id, Standing.CORRECTED)
    assert body["identifier"][0]["value"] == "ACC1"


def test_whatever_a_radiology_source_reports_is_a_report_on_images() -> None:
    reading = read("ORU^R01", "OBR|1||E1|XHIP", "OBX|1|ST|XHIP||No fracture.||||||F", source=RADIOLOGY)
    assert only(reading)[0].heading is Heading.IMAGING


def test_a_laboratory_report_is_none() -> None:
    assert all(each.heading is Heading.RESULTS for each in reported("OBX|1|TX|A^B||x||||||F", service="CH").statements)


def test_a_line_taken_back_is_not_among_the_words() -> None:
    reading = reported("OBX|1|TX|XHIP||Fracture.||||||W", "OBX|2|TX|XHIP||No fracture.||||||F")
    assert only(reading)[1]["conclusion"] == "No fracture."
    assert ("OBX-11", "taken back") in rules(reading)


def test_a_file_without_words_is_a_document_and_the_notes_below_it_stay() -> None:
    reading = reported("OBX|1|ED|XHIP||R^application^PDF^Base64^JVBERi0=||||||F", "NTE|1||See the film.")
    assert bodies(reading, "DiagnosticReport")[0]["conclusion"] == "See the film."
    assert len(bodies(reading, "DocumentReference")) == 1


# --- documents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "relation"), [("T02", "replaces"), ("T10", "replaces"), ("T06", "appends"), ("T04", None), ("T08", None)]
)
def test_what_a_document_does_to_the_one_before_it(event: str, relation: str | None) -> None:
    body = only(read(f"MDM^{event}", "TXA|1|CN||||||||||D2|D1", "OBX|1|TX|L||Words||||||F"))[1]
    assert [each["code"] for each in body.get("relatesTo", ())] == ([relation] if relation else [])


def test_a_document_that_is_only_told_of_is_there_without_content_and_can_be_cancelled() -> None:
    told, body = only(read("MDM^T01", "TXA|1|CN||||||||||D1"))
    cancelled, _ = only(read("MDM^T11", "TXA|1|CN||||||||||D1"))
    assert body["content"] == [{"attachment": {"title": "Consultation"}}]
    assert (cancelled.local_id, cancelled.standing) == (told.local_id, Standing.CANCELLED)
    assert hl7v2.acknowledgement_code(read("MDM^T02", "TXA|1|CN||||||||||D1")) == "AE"


@pytest.mark.parametrize("kind", ["ED", "FT"])
def test_rtf_is_kept_with_its_words_beside_it(kind: str) -> None:
    rtf = "{\\rtf1 Caf\\'e9\\par two}"
    data = base64.b64encode(rtf.encode()).decode()
    sent = f"R^TEXT^RTF^Base64^{data}" if kind == "ED" else rtf.replace("\\", "\\E\\")
    content = only(read("MDM^T02", "TXA|1|CN||||||||||D1", f"OBX|1|{kind}|L||{sent}||||||F"))[1]["content"]
    kept, words = (base64.b64decode(each["attachment"]["data"]).decode() for each in content)
    assert (kept, words) == (rtf, "Café\ntwo")


def test_a_page_shows_the_words_of_a_letter_in_rtf() -> None:
    sent = "{\\E\\rtf1 Stop aspirin\\E\\par}"
    statement, _ = only(read("MDM^T02", "TXA|1|CN||||||||||D1", f"OBX|1|FT|L||{sent}||||||F"))
    shown = main_attachment(read_document(statement.body))
    assert shown is not None
    assert attachment_text(shown) == "Stop aspirin"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (r"{\rtf1 a\par b\line c}", "a\nb\nc"),
        (r"{\rtf1 \trowd\cell A\cell B\cell\row}", "\tA\tB"),
        (r"{\rtf1 \u8364?5 \u-10179?\u-8704?}", "€5 😀"),
        (r"{\rtf1\ansi\ansicpg1251 \'c4}", "Д"),
        (r"{\rtf1 {\fonttbl{\f0 Arial;}}{\*\generator Word;}{\info{\title No}}yes}", "yes"),
        (r"{\rtf1 kept{\v hidden}{\deleted struck out} too}", "kept too"),
        (r"{\rtf1 {\field{\*\fldinst HYPERLINK http://x}{\fldrslt a link}}}", "a link"),
        (r"{\rtf1 \{a\}\\b\~c}", "{a}\\b c"),
        (r"{\rtf1 {\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt in a box}}}}", "in a box"),
        (r"{\rtf1 broken {{{", "broken"),
        ("{\\rtf1 a\\bin4 }}}}b}", "ab"),
    ],
)
def test_the_words_of_rtf(sent: str, words: str) -> None:
    assert text_of_rtf(sent.encode()).strip("\n ") == words.strip("\n ")


def test_a_reading_is_the_same_twice() -> None:
    first, second = booked(), booked()
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
