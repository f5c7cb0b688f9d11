"""What a Reading gives away, by its source's mark, by service, by code and by words; and what is never labelled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from benchmarks.corpus import letters
from carerecord.formats import hl7v2
from carerecord.model import Original, Reading, Source
from carerecord.organisations import SensitiveCodes
from carerecord.sensitivity import Label, ListDoesNotFit, check, explain, labelled, never_kept
from carerecord.sensitivity.codes import bits_of_code, shipped_lists
from carerecord.sensitivity.services import read_services
from carerecord.sensitivity.words import bits_in, find_in

AT = datetime(2026, 11, 10, 9, tzinfo=UTC)
HOSPITAL = Source(id="riverside", organisation="R1H", name="Riverside")
HEAD = "MSH|^~\\&|EPR|R1H|||20261110090000||{kind}|X1|P|2.4\rPID|1||40012^^^R1H^MR||Vane^Rosa||19840504|F\r"


def read(kind: str, *segments: str, source: Source = HOSPITAL, own: tuple[SensitiveCodes, ...] = ()) -> Reading:
    content = (HEAD.format(kind=kind) + "\r".join(segments)).encode()
    reading = hl7v2.translate(Original(source=source.id, content=content, received_at=AT), source=source)
    assert not [problem for problem in reading.problems if problem.fatal]
    return labelled(reading, source=source, own=own)


def labels(reading: Reading) -> dict[str, Label]:
    return {statement.resource_type: Label(statement.sensitivity) for statement in reading.statements}


VISIT = "PV1|1|O|{place}" + "|" * 7 + "{service}" + "|" * 9 + "V1" + "|" * 25 + "20261110083000"
ALLERGY = "AL1|1|DA|^Zidovudine"


@pytest.mark.parametrize(
    ("place", "service"), [("GUM Clinic^^", ""), ("", "360"), ("", "504"), ("JEF^^^^^^^^Jefferiss Wing", "")]
)
def test_a_visit_to_a_sexual_health_clinic_and_what_it_found_are_labelled(place: str, service: str) -> None:
    found = labels(read("ADT^A01", VISIT.format(place=place, service=service), "DG1|1||^Rash", ALLERGY))
    assert found["Encounter"] == found["Condition"] == Label.SEXUAL_HEALTH
    assert found["AllergyIntolerance"] == 0


def test_a_letter_is_of_the_service_that_its_message_names() -> None:
    visit = VISIT.format(place="", service="360")
    found = read("MDM^T02", visit, "TXA|1|CN|TX|||||||||D1", "OBX|1|TX|L^Letter||Seen today. All well.||||||F")
    assert labels(found) == {"DocumentReference": Label.SEXUAL_HEALTH}


def test_a_result_is_never_labelled_by_service_code_or_words() -> None:
    visit = VISIT.format(place="GUM Clinic", service="360")
    found = read("ORU^R01", visit, "OBR|1||F1|HIV^HIV serology", "OBX|1|ST|HIV^HIV 1 antibody||Positive||||||F")
    assert set(labels(found).values()) == {Label(0)}


def test_of_mental_health_only_the_detail_is_labelled() -> None:
    visit = VISIT.format(place="Ward 3", service="710")
    assert labels(read("ADT^A01", visit, "DG1|1||F200^Paranoid schizophrenia^I10"))["Encounter"] == 0
    letter = read("MDM^T02", visit, "TXA|1|CN|TX|||||||||D1", "OBX|1|TX|L^Letter||Seen today.||||||F")
    assert labels(letter) == {"DocumentReference": Label.MENTAL_HEALTH}


def test_what_a_source_marks_is_labelled_whatever_it_is() -> None:
    found = read("ADT^A01", VISIT.format(place="", service=""), "DG1|1||^Rash" + "|" * 14 + "Y", ALLERGY, "ARV|1||R")
    assert set(labels(found).values()) == {Label.SENSITIVE}


def test_a_source_may_be_of_one_service_with_all_that_it_sends() -> None:
    clinic = Source(id="clinic", organisation="R1H", name="Clinic", service="termination", confidentiality="V")
    found = labels(read("ADT^A01", VISIT.format(place="", service=""), ALLERGY, source=clinic))
    assert found["Encounter"] == Label.TERMINATION | Label.SENSITIVE
    assert found["AllergyIntolerance"] == Label.SENSITIVE


def test_a_ward_that_only_its_source_knows_is_mapped_by_the_region() -> None:
    source = Source(id="riverside", organisation="R1H", name="Riverside", units=(("W7", "assisted-conception"),))
    found = labels(read("ADT^A01", VISIT.format(place="W7^^", service=""), source=source))
    assert found["Encounter"] == Label.ASSISTED_CONCEPTION


def test_every_service_is_found_by_its_kind_its_codes_and_its_ids() -> None:
    for service in read_services():
        for kind in {service.id, *service.kinds}:
            source = Source(id="s", organisation="R1H", name="S", service=kind)
            letter = "TXA|1|CN|TX|||||||||D1", "OBX|1|TX|L^Letter||Seen today.||||||F"
            assert labels(read("MDM^T02", *letter, source=source)) == {"DocumentReference": Label(service.bits)}


NAMES = {"snomed": "SCT", "icd-10": "I10", "read-v2": "READ2", "ctv3": "CTV3", "opcs-4": "OPCS4"}


def test_every_listed_code_labels_the_problem_that_it_codes() -> None:
    seen = 0
    for each in shipped_lists():
        wanted = {Label[word.upper().replace("-", "_")] for word in each.label.split()} - {Label.MENTAL_HEALTH}
        for code in (*each.codes, *each.prefixes, *(prefix + "1" for prefix in each.prefixes if len(prefix) < 5)):
            found = labels(read("ADT^A01", VISIT.format(place="", service=""), f"DG1|1||{code}^x^{NAMES[each.system]}"))
            assert wanted <= set(found["Condition"]), (each.system, code)
            seen += 1
    assert seen > 250


def test_codes_near_to_listed_ones_are_left_alone() -> None:
    icd, snomed = "http://hl7.org/fhir/sid/icd-10", "http://snomed.info/sct"
    for code in (
        "A49.1",
        "A65",
        "A66.0",
        "B19.9",
        "B25.0",
        "O03.9",
        "O08.1",
        "F63.0",
        "F32.1",
        "N96",
        "Z30.1",
        "J45.9",
    ):
        assert bits_of_code(icd, code) == (0, "")
    assert bits_of_code(snomed, "195967001") == (0, "")
    assert bits_of_code("http://loinc.org", "B20") == (0, "")


def test_a_region_adds_codes_of_its_own_and_is_told_where_they_do_not_fit() -> None:
    own = (SensitiveCodes(label="adoption", system="snomed", source="ours", codes=("195967001",)),)
    assert (
        labels(read("ADT^A08", VISIT.format(place="", service=""), "DG1|1||195967001^x^SCT", own=own))["Condition"]
        == Label.ADOPTION
    )
    with pytest.raises(ListDoesNotFit, match="is no label"):
        check((SensitiveCodes(label="secret", system="snomed", source="ours"),))
    with pytest.raises(ListDoesNotFit, match="no prefixes"):
        check((SensitiveCodes(label="adoption", system="snomed", source="ours", prefixes=("1",)),))


@pytest.mark.parametrize("part", ["tuning", "second", "third"])
def test_letters_that_rules_were_tuned_with_are_told_apart_without_an_error(part: str) -> None:
    wrong = [
        letter.sentence
        for letter in letters(part)
        if bool(bits_in(letter.text)) != bool(letter.label)
        or (letter.label and not bits_in(letter.text) & Label[letter.label])
    ]
    assert wrong == []


def test_what_is_found_says_by_which_rule_and_where() -> None:
    text = "Well.\nPMH: asthma, HIV positive."
    (finding,) = {found.rule: found for found in find_in(text) if found.rule == "words:hiv-firm"}.values()
    assert text[finding.start : finding.end] == "HIV positive"
    reading = read("ADT^A01", VISIT.format(place="", service=""), "DG1|1||B20^HIV disease^I10")
    rules = {found.rule for found in explain(reading, source=HOSPITAL)[reading.statements[-1].local_id]}
    assert "code:icd-10:B20" in rules


@pytest.mark.parametrize(
    ("form", "content", "kept"),
    [
        ("hl7v2", b"MSH|^~\\&|CP-IS|NHS|||20261110||ADT^A08|1|P|2.4\rPID|1", False),
        ("hl7v2", HEAD.encode() + b"OBX|1|TX|L||CP-IS was checked: nothing known.", True),
        ("fhir", b'{"meta":{"profile":["https://fhir.nhs.uk/England/StructureDefinition/CPIS-Flag"]}}', False),
        ("fhir", b'{"resourceType":"Flag","code":{"text":"CP-IS was checked"}}', True),
    ],
)
def test_child_protection_information_sharing_is_never_kept(form: str, content: bytes, kept: bool) -> None:
    original = Original(source="riverside", content=content, received_at=AT, format=form)
    refusal = never_kept(original, source=HOSPITAL)
    assert (refusal is None) == kept
    assert refusal is None or (refusal.fatal and "never kept" in refusal.sentence)
