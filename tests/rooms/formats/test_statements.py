"""What messages say, one rule a test: ids that hold across messages, values as sent, doubts that are said aloud."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from carerecord.formats import hl7v2
from carerecord.formats.hl7v2.quantities import find_digits, reference_range
from carerecord.model import Heading, Identifier, Merge, Original, Reading, Source, Standing

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
SOURCE = Source(id="riverside", organisation="RJ1", name="Riverside Hospital")
PID = "PID|1||1234567^^^RJ1^MR||HARTLEY^Joan||19480704|F"


def read(kind: str, *segments: str, pid: str = PID, source: Source = SOURCE, at: str = "20261112083015") -> Reading:
    header = f"MSH|^~\\&|A|B|C|D|{at}||{kind}|1|P|2.4"
    content = "\r".join([header, *([pid] if pid else []), *segments]).encode()
    return hl7v2.translate(Original(source=source.id, content=content, received_at=AT), source=source)


def bodies(reading: Reading, resource_type: str) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in reading.statements if each.resource_type == resource_type]


def rules(reading: Reading) -> list[tuple[str, str]]:
    return [(problem.field or problem.segment, problem.rule) for problem in reading.problems]


def pv1(**fields: str) -> str:
    """PV1 with fields by number: pv1(f2="I", f19="V1")."""
    parts = [""] * 52
    for name, text in fields.items():
        parts[int(name[1:]) - 1] = text
    return "PV1|" + "|".join(parts).rstrip("|")


# --- when -------------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_ahead_silences_nobody() -> None:
    reading = read("ADT^A31", at="20361112083015")
    assert reading.said_at == AT
    assert [(each.field, each.fatal) for each in reading.problems] == [("MSH-7", False)]


def test_a_clock_may_be_a_little_ahead() -> None:
    reading = read("ADT^A31", at="20261201123000+0000")
    assert reading.said_at == datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
    assert reading.problems == ()


# --- who --------------------------------------------------------------------------------------------------------------


def test_two_different_nhs_numbers_in_one_message_are_neither_used() -> None:
    reading = read("ADT^A31", pid="PID|1||7^^^RJ1~9990002002^^^NHS^NH~9990002010^^^NHS^NH||HARTLEY^Joan")
    assert reading.subject is not None
    assert reading.subject.nhs_number is None
    assert ("PID-3.1", "one NHS number") in rules(reading)


def test_an_nhs_number_known_by_its_type_alone_is_one() -> None:
    subject = read("ADT^A31", pid="PID|1||9990002002^^^^NH~7^^^^PI||HARTLEY^Joan").subject
    assert subject is not None
    assert (subject.nhs_number, subject.local) == ("9990002002", (Identifier("PI", "7"),))


def test_a_filler_is_no_nhs_number() -> None:
    subject = read("ADT^A31", pid="PID|1||7^^^RJ1~9999999999^^^NHS^NH||HARTLEY^Joan").subject
    assert subject is not None
    assert (subject.nhs_number, subject.nhs_number_as_sent) == (None, "9999999999")


def test_only_the_authorities_of_a_source_make_identifiers_where_it_names_them() -> None:
    source = Source(id="riverside", organisation="RJ1", name="Riverside", local_authorities=("RJ1",))
    subject = read("ADT^A31", pid="PID|1||7^^^RJ1~8^^^ELSEWHERE||HARTLEY^Joan", source=source).subject
    assert subject is not None
    assert subject.local == (Identifier("RJ1", "7"),)


def test_a_maiden_name_is_not_the_name_to_use() -> None:
    subject = read("ADT^A31", pid="PID|1||7^^^RJ1||PEARCE^Joan^^^^^M~HARTLEY^Joan^Mary^^Mrs^^L").subject
    assert subject is not None
    assert (subject.family, subject.given, subject.prefix) == ("HARTLEY", ("Joan", "Mary"), "Mrs")
    assert subject.former_names == ("Joan PEARCE",)


@pytest.mark.parametrize(
    ("when", "said", "deceased"), [("", "", None), ("", "N", False), ("", "Y", True), ("20261120", "", True)]
)
def test_death_is_what_the_message_says_of_it(when: str, said: str, deceased: bool | None) -> None:
    pid = f"PID|1||7^^^RJ1||HARTLEY^Joan||19480704{'|' * 22}{when}|{said}"
    subject = read("ADT^A31", pid=pid).subject
    assert subject is not None
    assert subject.deceased is deceased


def test_a_death_that_is_denied_beside_its_time_is_a_problem() -> None:
    reading = read("ADT^A31", pid=f"PID|1||7^^^RJ1||HARTLEY^Joan||19480704{'|' * 22}20261120|N")
    assert reading.subject is not None
    assert (reading.subject.deceased, reading.subject.deceased_at) == (False, None)
    assert ("PID-29", "contradiction") in rules(reading)


def test_only_adt_changes_demographics() -> None:
    assert read("ADT^A31").updates_demographics
    assert not read("ORU^R01", "OBR|1||F1|UE^Urea").updates_demographics


def test_a_merge_takes_the_authority_that_mrg_leaves_out() -> None:
    reading = read("ADT^A40", "MRG|7654321")
    assert reading.merge == Merge(superseded=(Identifier("RJ1", "7654321"),))
    assert reading.statements == ()


def test_a_birth_date_keeps_its_day_in_summer() -> None:
    subject = read("ADT^A31", pid="PID|1||7^^^RJ1||HARTLEY^Joan||19480704000000|F").subject
    assert subject is not None
    assert subject.birth_date == date(1948, 7, 4)


# --- stays ------------------------------------------------------------------------------------------------------------


def test_admission_change_and_discharge_are_one_stay_with_one_id() -> None:
    admitted = read("ADT^A01", pv1(f2="I", f19="V1^^^RJ1", f44="202611120800"))
    changed = read("ADT^A08", pv1(f2="I", f19="V1", f44="202611120800"))
    ended = read("ADT^A03", pv1(f2="I", f19="V1", f44="202611120800", f45="202611201400"))
    stays = [reading.statements[0] for reading in (admitted, changed, ended)]
    assert len({stay.local_id for stay in stays}) == 1
    assert [stay.standing for stay in stays] == [Standing.CURRENT, Standing.CURRENT, Standing.RESOLVED]


def test_a_result_refers_to_the_stay_that_the_same_source_told_of() -> None:
    stay = read("ADT^A01", pv1(f2="I", f19="V1", f44="202611120800")).statements[0]
    reading = read("ORU^R01", pv1(f2="I", f19="V1"), "OBR|1||F1|UE^Urea", "OBX|1|NM|NA^Sodium||138|mmol/L|||||F")
    assert {each["encounter"]["reference"] for each in bodies(reading, "Observation")} == {f"Encounter/{stay.local_id}"}


def test_a_stay_without_number_is_known_by_its_beginning_and_without_that_not_at_all() -> None:
    first, again = (read("ADT^A08", pv1(f2="I", f44="202611120800")) for _ in range(2))
    other = read("ADT^A08", pv1(f2="I", f44="202611140800"))
    assert first.statements[0].local_id == again.statements[0].local_id != other.statements[0].local_id
    nothing = read("ADT^A08", pv1(f2="I"))
    assert nothing.statements == ()
    assert ("PV1-19", "required") in rules(nothing)


def test_a_discharge_without_time_takes_the_time_of_the_event_and_says_so() -> None:
    evn = "EVN|A03|20261120150000||||20261120140000"
    reading = read("ADT^A03", evn, pv1(f2="I", f19="V1", f44="202611120800"))
    assert bodies(reading, "Encounter")[0]["period"]["end"] == "2026-11-20T14:00:00+00:00"
    assert ("PV1-45", "required") in rules(reading)


@pytest.mark.parametrize("patient_class", ["N", "U", "NA"])
def test_an_event_about_no_stay_makes_none(patient_class: str) -> None:
    reading = read("ADT^A08", pv1(f2=patient_class))
    assert (reading.statements, reading.problems) == ((), ())


def test_an_unknown_class_is_kept_as_the_sources_own_and_said() -> None:
    reading = read("ADT^A01", pv1(f2="XQ", f19="V1"))
    assert bodies(reading, "Encounter")[0]["class"]["code"] == "XQ"
    assert ("PV1-2", "unknown code") in rules(reading)


# --- allergies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("716186003^No known allergy^SCT", "716186003"),
        ("NKA", "716186003"),
        ("NKDA", "409137002"),
        ("^No known drug allergies", "409137002"),
        ("X1^No Known Allergies^L", "716186003"),
        ("^nil known", "716186003"),
    ],
)
def test_no_known_allergies_is_an_explicit_negation(sent: str, code: str) -> None:
    reading = read("ADT^A28", f"AL1|1||{sent}")
    assert [each.code for each in reading.statements] == [f"http://snomed.info/sct|{code}"]
    codings = bodies(reading, "AllergyIntolerance")[0]["code"]["coding"]
    assert codings[0]["code"] == code


@pytest.mark.parametrize("sent", ["^None", "nil", "^not recorded", "UNKNOWN"])
def test_words_that_say_nothing_are_neither_an_allergy_nor_its_absence(sent: str) -> None:
    reading = read("ADT^A28", f"AL1|1||{sent}")
    assert reading.statements == ()
    assert rules(reading) == [("AL1-3", "unclear")]


def test_an_allergy_that_is_sent_again_is_the_same_allergy() -> None:
    ids = {
        read("ADT^A28", f"AL1|1|DA|{sent}").statements[0].local_id
        for sent in ("91936005^Penicillin^SCT", "91936005^Allergy to penicillin^SNOMED-CT")
    }
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("action", "certainty", "standing"),
    [("A", "", Standing.CURRENT), ("D", "", Standing.RESOLVED), ("A", "E", Standing.ENTERED_IN_ERROR)],
)
def test_iam_says_whether_an_allergy_still_stands(action: str, certainty: str, standing: Standing) -> None:
    reading = read("ADT^A31", f"IAM|1|DA|^Tramadol|||{action}|900{'|' * 10}{certainty}")
    assert [each.standing for each in reading.statements] == [standing]
    assert reading.statements[0].heading is Heading.ALLERGIES


# --- results ----------------------------------------------------------------------------------------------------------

OBR = "OBR|1|P1|F1|UE^Urea and electrolytes^L|||202611120840"


def test_a_correction_has_the_id_of_what_it_corrects_and_is_newer() -> None:
    first = read("ORU^R01", OBR, "OBX|1|NM|K^Potassium^L||5.9|mmol/L|||||F").statements[0]
    corrected = read("ORU^R01", OBR, "OBX|1|NM|K^Potassium^L||3.9|mmol/L|||||C", at="20261112100000").statements[0]
    assert first.local_id == corrected.local_id
    assert (first.standing, corrected.standing) == (Standing.CURRENT, Standing.CORRECTED)
    assert corrected.said_at > first.said_at


def test_the_samples_of_a_series_are_different_results() -> None:
    obx = "OBX|1|NM|GLU^Glucose^L||5.1|mmol/L|||||F"
    later = OBR.replace("202611120840", "202611121040")
    reading = read("ORU^R01", OBR, obx, later, obx)
    assert len({each.local_id for each in reading.statements}) == 4


def test_a_result_that_comes_twice_in_one_report_is_kept_twice() -> None:
    reading = read("ORU^R01", OBR, "OBX|1|NM|ALP^ALP||108||||||F", "OBX|2|NM|ALP^ALP||110||||||F")
    assert [each["valueQuantity"]["value"] for each in bodies(reading, "Observation")] == [108, 110]
    assert len({each.local_id for each in reading.statements}) == 3


def test_sensitivities_of_two_organisms_never_look_like_one_series() -> None:
    isolates = [f"OBX|{n}|CE|ISO^Isolate^L|{n}|{name}^{name}||||||F" for n, name in ((1, "Ecoli"), (2, "Proteus"))]
    orders = [f"OBR|2|P1|F1|SENS^Sensitivities^L|||202611120840{'|' * 19}ISO&&L^{n}" for n in (1, 2)]
    obx = "OBX|1|ST|AMO^Amoxicillin^L||R|||R|||F"
    reading = read("ORU^R01", OBR, *isolates, orders[0], obx, orders[1], obx)
    specimens = [each["specimen"]["display"] for each in bodies(reading, "Observation") if "derivedFrom" in each]
    assert specimens == ["Ecoli", "Proteus"]


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("NM||5.0", {"valueQuantity": {"value": "5.0", "unit": "u"}}),
        ("NM||-0.50", {"valueQuantity": {"value": "-0.50", "unit": "u"}}),
        ("NM||<7", {"valueQuantity": {"value": "7", "comparator": "<", "unit": "u"}}),
        ("NM||>=7.10", {"valueQuantity": {"value": "7.10", "comparator": ">=", "unit": "u"}}),
        ("NM||?7", {"valueString": "?7 u"}),
        ("NM||1~2", {"valueString": "1\n2"}),
        ("SN||<^10", {"valueQuantity": {"value": "10", "comparator": "<", "unit": "u"}}),
        ("SN||^1^:^128", {"valueRatio": {"numerator": {"value": "1"}, "denominator": {"value": "128"}}}),
        ("SN||^2^-^5", {"valueRange": {"low": {"value": "2", "unit": "u"}, "high": {"value": "5", "unit": "u"}}}),
        ("SN||^2^+", {"valueString": "2 + u"}),
        ("ST||7.4", {"valueQuantity": {"value": "7.4", "unit": "u"}}),
        ("ST||not seen", {"valueString": "not seen"}),
        ("FT||one~two\\.br\\three", {"valueString": "one\ntwo\nthree"}),
        ("CWE||A^Alpha^SCT", {"valueCodeableConcept": ("http://snomed.info/sct", "A", "Alpha")}),
        ("CE||A^Alpha~B^Beta", {"valueString": "Alpha\nBeta"}),
        ("DT||20261112", {"valueDateTime": "2026-11-12"}),
        ("TM||0830", {"valueTime": "08:30:00"}),
        ("TM||late", {"valueString": "late"}),
        ("CX||77^^^RJ1", {"valueString": "77 RJ1"}),
    ],
)
def test_a_value_is_what_was_sent(sent: str, value: dict[str, Any]) -> None:
    kind, sub_id, text = sent.split("|", 2)
    reading = read("ORU^R01", OBR, f"OBX|1|{kind}|T^Test^L|{sub_id}|{text}|u|||||F")
    (statement,) = (each for each in reading.statements if each.resource_type == "Observation")
    found = json.loads(statement.body, parse_float=str, parse_int=str)
    ((name, expected),) = value.items()
    if name == "valueCodeableConcept":
        coding = found[name]["coding"][0]
        assert (coding["system"], coding["code"], coding["display"]) == expected
    else:
        assert found[name] == expected


@pytest.mark.parametrize(
    ("sent", "digits"),
    [("5.0", "5.0"), ("007.10", "7.10"), (".5", "0.5"), ("+7", "7"), ("-.5", "-0.5"), ("5.", "5"), ("0.00", "0.00")],
)
def test_digits_are_the_laboratorys_own(sent: str, digits: str) -> None:
    assert find_digits(sent) == digits


@pytest.mark.parametrize("sent", ["", "-", ".", "1e5", "1,000", "5.0 mmol", "٣", "NaN", "0x1"])
def test_what_is_no_number_is_none(sent: str) -> None:
    assert find_digits(sent) is None


@pytest.mark.parametrize(
    ("sent", "low", "high"),
    [
        ("35-104", "35", "104"),
        ("3.5 - 5.3", "3.5", "5.3"),
        ("133 to 146 mmol/L", "133", "146"),
        ("-2--1", "-2", "-1"),
        ("<7.2", None, "7.2"),
        (">=90", "90", None),
        ("0-2-7.2", None, None),
        (">2-7.2", None, None),
        ("9-2", None, None),
        ("negative", None, None),
        ("1.2.3-4", None, None),
    ],
)
def test_a_range_is_read_only_where_it_is_beyond_doubt(sent: str, low: str | None, high: str | None) -> None:
    (found,) = json.loads(bytes(reference_range(sent, "")), parse_float=str, parse_int=str)
    assert found["text"] == sent
    assert found.get("low", {}).get("value") == low
    assert found.get("high", {}).get("value") == high


def test_a_result_whose_status_is_not_known_is_not_shown_as_final() -> None:
    reading = read("ORU^R01", OBR, "OBX|1|NM|K^Potassium^L||5.9|||||||")
    assert reading.statements[0].standing is Standing.PRELIMINARY
    assert ("OBX-11", "required") in rules(reading)


def test_a_person_never_stands_where_the_laboratory_does() -> None:
    padded = "OBX|1|NM|K^Potassium^L||5.9|||||||F|||||B1^BADGER^Honey"
    assert "performer" not in bodies(read("ORU^R01", OBR, padded), "Observation")[0]


def test_a_local_code_of_two_sources_is_two_codes() -> None:
    other = Source(id="elsewhere", organisation="RQM", name="Elsewhere")
    obx = "OBX|1|NM|K^Potassium^L||5.9||||||F"
    assert read("ORU^R01", OBR, obx).statements[0].code != read("ORU^R01", OBR, obx, source=other).statements[0].code


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_later_version_of_a_document_is_the_same_document() -> None:
    obx = "OBX|1|TX|L^Letter||Dear colleague||||||F"
    first = read("MDM^T02", "TXA|1|CN||||||||||D1||||" + "|IN", obx).statements[0]
    signed = read("MDM^T02", "TXA|1|CN||||||||||D1||||" + "|AU", obx).statements[0]
    assert first.local_id == signed.local_id
    assert (first.standing, signed.standing) == (Standing.PRELIMINARY, Standing.CURRENT)


def test_a_file_is_what_its_first_bytes_say() -> None:
    obx = "OBX|1|ED|L^Letter||R^text^plain^Base64^JVBERi0xLjQ=||||||F"
    content = bodies(read("MDM^T02", "TXA|1|CN||||||||||D1", obx), "DocumentReference")[0]["content"]
    assert content[0]["attachment"]["contentType"] == "application/pdf"
