"""Messages that others published: all of them are read, and those of a London hospital as its own software reads them.

Where we differ from what that software expects, `EXPLAINED` names file and field, and docs/divergences.md says why.
"""

from __future__ import annotations

import json
import re
import tarfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from carerecord.fhir.references import local_id
from carerecord.formats import hl7v2
from carerecord.model import Heading, Original, Reading, Source, Standing, Statement

pytestmark = pytest.mark.foreign

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
SOURCE = Source(id="uclh", organisation="RRV", name="UCLH")
DIVERGENCES = Path(__file__).parents[2] / "docs" / "divergences.md"
MESSAGES = 316


@pytest.fixture(scope="module")
def foreign_files(foreign_data: Path) -> dict[str, bytes]:
    with tarfile.open(foreign_data / "hl7v2.tar.xz") as archive:
        return {
            member.name.split("/", 1)[1]: content.read()
            for member in archive
            if member.isfile() and (content := archive.extractfile(member))
        }


def messages_of(content: bytes) -> list[bytes]:
    """The messages of one file: some hold several, some are Java literals in which \\r stands for the line end."""
    content = content.replace(b"\\r\r\n", b"\r").replace(b"\\r\n", b"\r").replace(b"\\r\r", b"\r")
    begins = [match.start() for match in re.finditer(rb"(?:(?<=[\r\n])|^)(?:\xef\xbb\xbf)?MSH[^A-Za-z0-9]", content)]
    return [content[begin:end] for begin, end in zip(begins, [*begins[1:], len(content)], strict=True)]


def all_messages(files: dict[str, bytes]) -> list[tuple[str, bytes]]:
    return [
        (name, message)
        for name, content in sorted(files.items())
        if "expected" not in name and not name.endswith((".json", ".xml", ".yaml", ".md", ".csv"))
        for message in messages_of(content)
    ]


def read(content: bytes) -> Reading:
    return hl7v2.translate(Original(source=SOURCE.id, content=content, received_at=AT), source=SOURCE)


def test_every_message_is_read_and_answered(foreign_files: dict[str, bytes]) -> None:
    messages = all_messages(foreign_files)
    assert len(messages) >= MESSAGES
    for name, content in messages:
        reading = read(content)
        code = hl7v2.acknowledgement_code(reading)
        sent = hl7v2.acknowledge(content, code=code, problems=reading.problems, at=AT, control_id="1")
        assert f"MSA|{code}".encode() in sent, name


def test_every_message_we_translate_gives_statements_or_says_why_not(foreign_files: dict[str, bytes]) -> None:
    translated = 0
    for name, content in all_messages(foreign_files):
        reading = read(content)
        if reading.message_type not in hl7v2.TRANSLATED:
            assert any(each.fatal or each.rule == "not translated yet" for each in reading.problems), name
            assert reading.statements == ()
            continue
        translated += 1
        if reading.subject is None:
            assert any(problem.fatal for problem in reading.problems), name
        elif reading.message_type in {"ADT^A28", "ADT^A31"}:
            assert reading.updates_demographics, name
        elif reading.message_type == "ADT^A40":
            assert reading.merge is not None or any(problem.fatal for problem in reading.problems), name
        else:
            assert reading.statements or reading.problems or is_about_no_stay(content), name
    assert translated > 100


def is_about_no_stay(content: bytes) -> bool:
    return re.search(rb"[\r\n]PV1\|[^|]*\|(N|NA|U)\|?", content) is not None


def test_no_obx_of_a_result_disappears(foreign_files: dict[str, bytes]) -> None:
    for name, content in all_messages(foreign_files):
        reading = read(content)
        if reading.message_type != "ORU^R01" or reading.subject is None:
            continue
        sent = [line.split(b"|") for line in re.split(rb"[\r\n]+", content) if line.startswith(b"OBX|")]
        words = [line for line in sent if line[2:3] in ([b"TX"], [b"FT"])]
        stated = sum(each.resource_type in {"Observation", "DocumentReference"} for each in reading.statements)
        problems = sum(problem.segment == "OBX" for problem in reading.problems)
        reports = [body(each)["conclusion"] for each in reading.statements if each.heading is Heading.IMAGING]
        in_reports = sum(line[5].decode().strip() in report for report in reports for line in sent)
        assert stated + in_reports + problems + max(0, len(words) - 1) >= len(sent), name


def test_a_report_on_images_holds_its_words(foreign_files: dict[str, bytes]) -> None:
    reports = [
        body(each)
        for _, content in all_messages(foreign_files)
        for each in read(content).statements
        if each.heading is Heading.IMAGING
    ]
    assert reports
    assert all(report["conclusion"] and report["category"] and "result" not in report for report in reports)


def test_appointments_and_referrals_are_read(foreign_files: dict[str, bytes]) -> None:
    """Their expected FHIR is a peer's opinion; here only what no two could see otherwise."""
    stands = {"S12": "booked", "S13": "booked", "S14": "booked", "S15": "cancelled", "S26": "noshow"}
    for event, status in stands.items():
        (statement,) = [
            each
            for each in read(foreign_files[f"ms-converter/input/SIU-{event}-01.hl7"]).statements
            if each.resource_type == "Appointment"
        ]
        found = body(statement)
        assert (found["status"], statement.heading) == (status, Heading.APPOINTMENTS)
        assert (found["start"], found["end"]) == ("2021-09-24T09:30:00+02:15", "2021-09-24T10:20:00+02:15")
        assert found["serviceType"][0]["coding"][0]["code"] == "76164006"
        assert {"GE", "Robert"} <= set(found["participant"][0]["actor"]["display"].split())
    statement, allergy = read(foreign_files["ms-converter/input/REF-I12-01.hl7"]).statements
    found = body(statement)
    assert allergy.heading is Heading.ALLERGIES
    assert (found["status"], found["priority"], statement.heading) == ("active", "routine", Heading.REFERRALS)
    assert "ROBERT POWELL" in found["requester"]["display"]
    assert "PAUL McWILLIAMS" in found["performer"][0]["display"]


# --- a London hospital's own software as the oracle -------------------------------------------------------------------

Facts = dict[str, Any]
ADT_PAIRS = {
    name: f"hl7/Adt/generic/{name}.txt"
    for name in ("A01", "A02", "A03", "A04", "A06", "A08_v1", "A11", "A12", "A13", "A40")
}
ALLERGY_PAIR = ("hl7/PatientAllergies/minimal_allergy.txt", "PatientAllergies/hl7/minimal_allergy")
LAB = "hl7/LabOrders/winpath"
ORU_PAIRS = {
    "ORU_R01": (f"{LAB}/ORU_R01.txt", "ORU_R01"),
    "incremental": (f"{LAB}/Incremental.txt", "incremental"),
    "sensitivity": (f"{LAB}/Sensitivity.txt", "sensitivity"),
    "isolate_inc_1": (f"{LAB}/isolate_inc_1.txt", "isolate_inc_1"),
    "isolate_inc_2": (f"{LAB}/isolate_inc_2.txt", "isolate_inc_2"),
    "cancel_orders/06_oru_r01_fbcc": (f"{LAB}/cancel_orders/06_oru_r01_fbcc.txt", "cancel_orders/06_oru_r01_fbcc"),
    "incremental_orders/05_oru_r01": (f"{LAB}/incremental_orders/05_oru_r01.txt", "incremental_orders/05_oru_r01"),
}


def said(value: Any) -> Any:
    """An expected value out of its wrapping: SAVE says it, DELETE says that there is none, IGNORE says nothing."""
    if isinstance(value, dict) and str(value.get("@class", "")).endswith("InterchangeValue"):
        return None if value["status"] == "IGNORE" else value.get("value")
    return value


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def expected_of(files: dict[str, bytes], name: str) -> Any:
    return yaml.safe_load(files[f"emap-uclh/interchange-expected-yaml/{name}.yaml"])


def body(statement: Statement) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(statement.body, parse_float=Decimal)
    return found


# What we say of a patient and a stay, under the names that the oracle has for it.
CLASSES = {"IMP": "INPATIENT", "EMER": "EMERGENCY", "AMB": "OUTPATIENT", "SS": "DAY_CASE"}
SEXES = {"female": "F", "male": "M", "other": "O", "unknown": "U"}


def our_adt(reading: Reading) -> Facts:
    subject = reading.subject
    assert subject is not None
    facts: Facts = {
        "sourceSystem": None,
        "recordedDateTime": reading.said_at,
        "mrn": subject.local[0].value,
        "nhsNumber": subject.nhs_number,
        "patientBirthDate": subject.birth_date.isoformat() if subject.birth_date else None,
        "patientIsAlive": not subject.deceased,
        "patientFamilyName": subject.family,
        "patientGivenName": subject.given[0] if subject.given else None,
        "patientMiddleName": " ".join(subject.given[1:]) or None,
        "patientTitle": subject.prefix,
        "patientSex": SEXES[subject.gender] if subject.gender else None,
        "patientZipOrPostalCode": subject.postcode,
        "previousMrn": reading.merge.superseded[0].value if reading.merge else None,
    }
    for stay in (body(each) for each in reading.statements if each.resource_type == "Encounter"):
        period = stay.get("period", {})
        places = {each.get("status", "active"): each["location"]["identifier"]["value"] for each in stay["location"]}
        destination = stay.get("hospitalization", {}).get("dischargeDisposition", {})
        facts |= {
            "visitNumber": stay["identifier"][0]["value"],
            "admissionDateTime": moment(period.get("start")),
            "presentationDateTime": moment(period.get("start")),
            "dischargeDateTime": moment(period.get("end")),
            "dischargeDisposition": destination.get("coding", [{}])[0].get("code"),
            "fullLocationString": places["active"],
            "previousLocationString": places.get("completed"),
            "patientClass": CLASSES[stay["class"]["code"]],
        }
    return facts


PROBLEM_PAIRS = (
    "myeloma_add",
    "minimal_myeloma_inpatient",
    "minimal_myeloma_outpatient",
    "minimal_other_problem_inpatient",
)


def test_problems_are_read_as_the_hospital_reads_them(foreign_files: dict[str, bytes]) -> None:
    differences = set()
    for name in PROBLEM_PAIRS:
        (reading,) = map(read, messages_of(foreign_files[f"emap-uclh/hl7/ProblemList/end_to_end/{name}.txt"]))
        (expected,) = expected_of(foreign_files, f"PatientProblem/hl7/{name}")
        (statement,) = reading.statements
        found = body(statement)
        assert reading.subject is not None
        visit = local_id(SOURCE.id, "Encounter", said(expected["visitNumber"]))
        ours: Facts = {
            "mrn": reading.subject.local[0].value,
            "visitNumber": said(expected["visitNumber"]) if found["encounter"]["reference"].endswith(visit) else None,
            "updatedDateTime": statement.said_at,
            "conditionCode": found["code"]["coding"][0]["code"],
            "conditionName": found["code"]["text"],
            "addedDate": found["recordedDate"],
            "onsetDate": found.get("onsetDateTime"),
            "epicConditionId": int(found["identifier"][0]["value"]),
            "action": "ADD" if statement.standing is Standing.CURRENT else None,
            "status": found["clinicalStatus"]["coding"][0]["code"].upper(),
        }
        for field, wrapped in expected.items():
            if field in {"@class", "sourceSystem", "sourceMessageId"}:
                continue
            theirs = said(wrapped)
            if ours[field] != (moment(theirs) if field == "updatedDateTime" else theirs):
                differences.add((name, field))
    assert differences == {("minimal_myeloma_outpatient", "updatedDateTime")}, SAID_AT  # Its PRB-2 is another time.


# How the stay stands after each event: that software has a kind of message for each.
STATUSES_AFTER = {
    "A01": "in-progress",
    "A02": "in-progress",
    "A03": "finished",
    "A04": "in-progress",
    "A06": "in-progress",
    "A08_v1": "in-progress",
    "A11": "cancelled",
    "A12": "in-progress",
    "A13": "in-progress",
}


def test_a_stay_stands_as_the_event_says(foreign_files: dict[str, bytes]) -> None:
    for name, status in STATUSES_AFTER.items():
        reading = read(messages_of(foreign_files[f"emap-uclh/{ADT_PAIRS[name]}"])[0])
        (stay,) = (body(each) for each in reading.statements if each.resource_type == "Encounter")
        assert stay["status"] == status, name
        assert ("end" in stay["period"]) == (status == "finished"), name


def adt_differences(files: dict[str, bytes]) -> set[tuple[str, str]]:
    found = set()
    for name, path in ADT_PAIRS.items():
        ours = our_adt(read(messages_of(files[f"emap-uclh/{path}"])[0]))
        for field, wrapped in expected_of(files, f"Adt/generic/{name}").items():
            theirs = said(wrapped)
            if field == "@class" or theirs is None:
                continue
            if field.endswith("DateTime") and field != "patientBirthDateTime":
                theirs = moment(theirs)
            if ours.get(field) != theirs:
                found.add((name, field))
    return found


# What we say of an order and of its results.
Order = tuple[Facts, list[Facts]]
STATUSES = {"final": "FINAL", "corrected": "CORRECTED", "preliminary": "PRELIMINARY"}
REPORT_STATUSES = {"final": "F", "partial": "A", "corrected": "C"}


def our_orders(reading: Reading) -> list[Order]:
    bodies = [(each, body(each)) for each in reading.statements]
    observations = {each.local_id: found for each, found in bodies if each.resource_type == "Observation"}
    orders: list[Order] = []
    for report in (found for each, found in bodies if each.resource_type == "DiagnosticReport"):
        numbers = {each["type"]["coding"][0]["code"]: each["value"] for each in report["identifier"]}
        assert reading.subject is not None
        facts: Facts = {
            "labSpecimenNumber": numbers.get("FILL"),
            "epicCareOrderNumber": numbers.get("PLAC"),
            "testBatteryLocalCode": report["code"]["coding"][0]["code"],
            "collectionDateTime": moment(report.get("effectiveDateTime")),
            "statusChangeTime": moment(report.get("issued")),
            "labDepartment": report["category"][0]["coding"][0]["code"],
            "resultStatus": REPORT_STATUSES[report["status"]],
            "mrn": reading.subject.local[0].value,
            "encounter": report.get("encounter", {}).get("reference"),
        }
        results = [our_result(observations[each["reference"].partition("/")[2]]) for each in report.get("result", ())]
        orders.append((facts, results))
    return orders


def our_result(found: dict[str, Any]) -> Facts:
    quantity = found.get("valueQuantity", {})
    limits = found.get("referenceRange", [{}])[0]
    coded = found.get("valueCodeableConcept", {})
    value = quantity.get("value")
    return {
        "testItemLocalCode": found["code"]["coding"][0]["code"],
        "testItemCodingSystem": found["code"]["coding"][0]["system"].rpartition(":")[2],
        "numericValue": value,
        "resultOperator": quantity.get("comparator", "=") if quantity else None,
        "stringValue": str(value) if quantity else found.get("valueString"),
        "units": quantity.get("unit"),
        "referenceLow": limits.get("low", {}).get("value"),
        "referenceHigh": limits.get("high", {}).get("value"),
        "abnormalFlag": found["interpretation"][0]["text"] if "interpretation" in found else None,
        "resultStatus": STATUSES.get(found["status"]),
        "notes": found["note"][0]["text"] if "note" in found else None,
        "isolateCode": coded.get("coding", [{}])[0].get("code"),
        "isolateName": coded.get("text"),
        "specimen": found.get("specimen", {}).get("display", ""),
    }


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, float | int) and not isinstance(theirs, bool):
        return ours is not None and Decimal(str(ours)) == Decimal(str(theirs))
    return bool(ours == theirs)


def oru_differences(files: dict[str, bytes]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for name, (path, prefix) in ORU_PAIRS.items():
        folder = "LabOrders/winpath"
        expected = expected_of(files, f"{folder}/{name}")
        of_orders = expected_of(files, f"{folder}/{prefix}_order_defaults")
        of_results = expected_of(files, f"{folder}/{prefix}_result_defaults")
        ours = [order for message in messages_of(files[f"emap-uclh/{path}"]) for order in our_orders(read(message))]
        # The hospital hangs sensitivities on their organism; with us they are an order of their own, as they were sent.
        listed = [order for order in ours if order[0]["testBatteryLocalCode"] != "Micro"]
        everything = [result for _, results in ours for result in results]
        for (facts, results), order in zip(listed, expected, strict=True):
            whole = {**of_orders, **order}
            visit = local_id(SOURCE.id, "Encounter", whole["visitNumber"])
            facts["visitNumber"] = whole["visitNumber"] if facts["encounter"] == f"Encounter/{visit}" else None
            found |= {(name, field) for field in differing(facts, whole)}
            for result in order["labResultMsgs"]:
                found |= {(name, field) for field in result_differences(results, everything, {**of_results, **result})}
    return found


def differing(ours: Facts, expected: Facts) -> set[str]:
    fields = set()
    for field, wrapped in expected.items():
        theirs = said(wrapped)
        if field in {"@class", "labResultMsgs", "labIsolate"} or theirs is None or theirs == "":
            continue
        if field.endswith(("DateTime", "Time")):
            theirs = moment(theirs)
        if not same(ours.get(field), theirs):
            fields.add(field)
    return fields


def result_differences(results: list[Facts], everything: list[Facts], expected: Facts) -> set[str]:
    same_code = [result for result in results if result["testItemLocalCode"] == expected["testItemLocalCode"]]
    isolate = expected.get("labIsolate")
    if isolate is None:
        return differing(same_code[0] if same_code else {}, expected)
    organism = next(result for result in same_code if result["isolateCode"] == isolate["isolateCode"])
    fields = differing(organism, {**expected, "isolateName": isolate["isolateName"]})
    quantity = said(isolate.get("quantity"))
    if quantity and quantity not in {result["stringValue"] for result in same_code}:
        fields.add("quantity")
    for wanted in isolate.get("sensitivities", ()):
        matching = [
            result
            for result in everything
            if result["testItemLocalCode"] == wanted["testItemLocalCode"]
            and result["specimen"].startswith(isolate["isolateName"])
        ]
        fields |= {f"sensitivity {field}" for field in differing(matching[0] if matching else {}, wanted)}
    return fields


NOT_CARRIED = "Not carried"
A_FILLER = "A filler is no NHS number"
THE_DAY = "The day of birth, not its hour"
THE_SOURCE = "The source is ours to name"
NEVER_THERE = "A place the patient never went to"
SAID_AT = "Said when the message was written"
IN_WORDS = "Specimens in words"
IN_THE_ID = "Sub-ids in the id"
OF_THE_ORDER = "Order numbers belong to orders"
BY_ITS_NAME = "Code systems by the name that was sent"

EVERY_ADT = {
    "nhsNumber": A_FILLER,
    "patientBirthDateTime": THE_DAY,
    "sourceSystem": THE_SOURCE,
    "eventReasonCode": NOT_CARRIED,
}
EVERY_ORU = {
    "sourceSystem": THE_SOURCE,
    "mimeType": NOT_CARRIED,
    "orderControlId": NOT_CARRIED,
    "orderStatus": NOT_CARRIED,
    "requestedDateTime": NOT_CARRIED,
    "testBatteryCodingSystem": BY_ITS_NAME,
}
EXPLAINED: dict[tuple[str, str], str] = {
    **{
        (name, field): reason
        for name in ADT_PAIRS
        for field, reason in EVERY_ADT.items()
        if (name, field) != ("A13", "patientBirthDateTime")  # It names no birth.
    },
    **{(name, field): reason for name in ORU_PAIRS for field, reason in EVERY_ORU.items()},
    **{(name, "specimenType"): IN_WORDS for name in ORU_PAIRS if name != "ORU_R01"},
    **{(name, "observationSubId"): IN_THE_ID for name in ("isolate_inc_1", "isolate_inc_2", "sensitivity")},
    **{(name, "eventOccurredDateTime"): NOT_CARRIED for name in ("A01", "A02", "A04", "A06", "A11", "A12", "A13")},
    **{(name, "cancelledDateTime"): NOT_CARRIED for name in ("A11", "A12", "A13")},
    **{(name, "modeOfArrival"): NOT_CARRIED for name in ("A01", "A06")},
    **{(name, "patientReligion"): NOT_CARRIED for name in ("A03", "A13")},
    ("A01", "ethnicGroup"): NOT_CARRIED,
    ("A03", "dischargeLocation"): NOT_CARRIED,
    ("A11", "recordedDateTime"): SAID_AT,
    ("A12", "cancelledLocation"): NEVER_THERE,
    ("A12", "previousLocationString"): NEVER_THERE,
    ("cancel_orders/06_oru_r01_fbcc", "clinicalInformation"): NOT_CARRIED,
    ("incremental", "clinicalInformation"): NOT_CARRIED,
    ("incremental", "epicCareOrderNumber"): OF_THE_ORDER,
    ("incremental_orders/05_oru_r01", "clinicalInformation"): NOT_CARRIED,
    ("sensitivity", "clinicalInformation"): NOT_CARRIED,
}


def test_patients_and_stays_are_read_as_the_hospital_reads_them(foreign_files: dict[str, bytes]) -> None:
    differences = adt_differences(foreign_files)
    explained = {place for place in EXPLAINED if place[0] in ADT_PAIRS}
    assert differences - explained == set(), "explain these in EXPLAINED and docs/divergences.md, or mend them"
    assert explained - differences == set(), "these no longer differ: take them out"


def test_results_are_read_as_the_hospital_reads_them(foreign_files: dict[str, bytes]) -> None:
    differences = oru_differences(foreign_files)
    explained = {place for place in EXPLAINED if place[0] in ORU_PAIRS}
    assert differences - explained == set(), "explain these in EXPLAINED and docs/divergences.md, or mend them"
    assert explained - differences == set(), "these no longer differ: take them out"


def test_allergies_are_read_as_the_hospital_reads_them(foreign_files: dict[str, bytes]) -> None:
    path, expected_name = ALLERGY_PAIR
    (reading,) = map(read, messages_of(foreign_files[f"emap-uclh/{path}"]))
    (expected,) = expected_of(foreign_files, expected_name)
    (statement,) = reading.statements
    found = body(statement)
    assert reading.subject is not None
    ours: Facts = {
        "mrn": reading.subject.local[0].value,
        "updatedDateTime": statement.said_at,
        "conditionCode": found["code"]["text"],
        "conditionName": found["code"]["text"],
        "addedDatetime": moment(found["recordedDate"]),
        "onsetDate": found["onsetDateTime"],
        "epicConditionId": int(found["identifier"][0]["value"]),
        "subType": {"medication": "DRUG INGREDI"}[found["category"][0]],
        "action": {"active": "ADD"}[found["clinicalStatus"]["coding"][0]["code"]],
    }
    for field, wrapped in expected.items():
        if field in {"@class", "sourceSystem", "sourceMessageId"}:
            continue
        theirs = said(wrapped)
        assert ours[field] == (moment(theirs) if field in {"updatedDateTime", "addedDatetime"} else theirs), field


def test_every_reason_stands_in_the_divergences() -> None:
    text = DIVERGENCES.read_text(encoding="utf-8")
    assert [reason for reason in set(EXPLAINED.values()) if f"**{reason}**" not in text] == []
