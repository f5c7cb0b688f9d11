"""Invented statements and messages, always the same ones, from which the shipped dictionaries are trained. Nobody's record."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
JSON = dict[str, Any]

PROFILE: Final = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-"
TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
SNOMED: Final = "http://snomed.info/sct"
# code, words, unit, low, high, decimals: what laboratories report most.
ANALYTES: Final = (
    ("NA", "Sodium", "mmol/L", 133, 146, 0),
    ("K", "Potassium", "mmol/L", 3.5, 5.3, 1),
    ("UREA", "Urea", "mmol/L", 2.5, 7.8, 1),
    ("CREA", "Creatinine", "umol/L", 59, 104, 0),
    ("EGFR", "eGFRcreat (CKD-EPI)/1.73 m*2", "mL/min/1.73m2", 60, 90, 0),
    ("CRP", "C-reactive protein", "mg/L", 0, 5, 0),
    ("HB", "Haemoglobin concentration", "g/L", 130, 170, 0),
    ("WBC", "Total white cell count", "10*9/L", 3, 10, 1),
    ("PLT", "Platelet count", "10*9/L", 150, 410, 0),
    ("MCV", "Mean cell volume", "fL", 83, 101, 1),
    ("NEUT", "Neutrophil count", "10*9/L", 2, 7, 1),
    ("ALT", "Alanine aminotransferase", "U/L", 0, 41, 0),
    ("ALP", "Alkaline phosphatase", "U/L", 30, 130, 0),
    ("BILI", "Total bilirubin", "umol/L", 0, 21, 0),
    ("ALB", "Albumin", "g/L", 35, 50, 0),
    ("GLUC", "Plasma glucose", "mmol/L", 3.9, 5.8, 1),
    ("HBA1C", "Haemoglobin A1c (IFCC)", "mmol/mol", 20, 41, 0),
    ("TSH", "Thyroid stimulating hormone", "mU/L", 0.27, 4.2, 2),
    ("TROPT", "Troponin T (high sensitivity)", "ng/L", 0, 14, 0),
    ("INR", "International normalised ratio", "1", 0.8, 1.2, 1),
)
PANELS: Final = (
    ("UE", "Urea and electrolytes", 0, 5),
    ("FBC", "Full blood count", 6, 11),
    ("LFT", "Liver function tests", 11, 15),
)
PLACES: Final = (
    "Acute Medical Unit",
    "Ward 7 West",
    "Emergency Department",
    "Cardiology Outpatients",
    "Renal Unit",
    "Ward 12 South",
)
TRUSTS: Final = (
    ("R1A", "Northbank Hospitals"),
    ("R2B", "Southwark Vale Hospital"),
    ("R3C", "Eastfield Teaching Hospitals"),
)
FAMILIES: Final = (
    "Hartley",
    "Okafor",
    "Begum",
    "Lindqvist",
    "Marchetti",
    "Kowalski",
    "Adeyemi",
    "Sharma",
    "Fenwick",
    "Doyle",
)
GIVEN: Final = ("Joan", "Amir", "Grace", "Tomasz", "Priya", "Owen", "Leila", "Samuel", "Ruth", "Yusuf")
SUBSTANCES: Final = (
    ("91936005", "Allergy to penicillin"),
    ("294505008", "Allergy to amoxicillin"),
    ("91935009", "Allergy to peanut"),
    ("300916003", "Latex allergy"),
    ("293586001", "Allergy to aspirin"),
    ("716186003", "No known allergy"),
)
REACTIONS: Final = ("Rash", "Anaphylaxis", "Urticaria", "Angioedema", "Vomiting", "Wheeze")
CONDITIONS: Final = (
    ("38341003", "Hypertension"),
    ("44054006", "Type 2 diabetes mellitus"),
    ("195967001", "Asthma"),
    ("49436004", "Atrial fibrillation"),
    ("709044004", "Chronic kidney disease"),
    ("13645005", "Chronic obstructive pulmonary disease"),
)
SENTENCES: Final = (
    "Thank you for referring this patient, who was reviewed in clinic today.",
    "There is no evidence of focal consolidation or pleural effusion.",
    "Please continue the current medication and repeat bloods in two weeks.",
    "The patient was admitted with shortness of breath and was treated with intravenous antibiotics.",
    "Discharged home with a follow-up appointment in the outpatient clinic in six weeks.",
    "We would be grateful if the practice could monitor blood pressure and renal function.",
)


class Lot:
    """Chooses by a hash of its place in the sequence: the same choices in every run and on every machine."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def number(self, below: int) -> int:
        self._count += 1
        return int.from_bytes(blake2b(f"{self._name}:{self._count}".encode(), digest_size=8).digest(), "big") % below

    def of(self, choices: Sequence[T]) -> T:
        return choices[self.number(len(choices))]

    def id(self) -> str:
        return (
            b32encode(blake2b(f"{self._name}:{self.number(2**60)}".encode(), digest_size=16).digest())
            .decode()
            .lower()[:26]
        )

    def at(self) -> datetime:
        return datetime(2021, 1, 1, tzinfo=UTC) + timedelta(minutes=self.number(3_000_000))

    def name(self) -> str:
        return f"Dr {self.of(GIVEN)} {self.of(FAMILIES)}"


def bodies(count: int) -> list[bytes]:
    """Statement bodies in the proportions in which messages bring them."""
    lot = Lot("bodies")
    made: list[JSON] = []
    while len(made) < count:
        made += _report(lot) if lot.number(10) < 7 else [lot.of((_encounter, _allergy, _condition, _letter))(lot)]
    return [msgspec.json.encode(body) for body in made[:count]]


def messages(count: int) -> list[bytes]:
    lot = Lot("messages")
    return [lot.of((_adt, _oru, _oru, _mdm))(lot).encode() for _ in range(count)]


def _resource(lot: Lot, kind: str, profile: str) -> JSON:
    return {"resourceType": kind, "id": lot.id(), "meta": {"profile": [f"{PROFILE}{profile}"]}}


def _concept(system: str, code: str, display: str, *, text: bool = True) -> JSON:
    coding = {"coding": [{"system": system, "code": code, "display": display}]}
    return {**coding, "text": display} if text else coding


def _report(lot: Lot) -> list[JSON]:
    code, words, first, last = lot.of(PANELS)
    at, trust = lot.at(), lot.of(TRUSTS)
    issued = (at + timedelta(minutes=90 + lot.number(300))).isoformat()
    results = [_observation(lot, ANALYTES[i], at.isoformat(), issued, trust) for i in range(first, last)]
    report = _resource(lot, "DiagnosticReport", "DiagnosticReport-Lab") | {
        "identifier": [
            {"system": f"https://fhir.nhs.uk/Id/ods-organization-code/{trust[0]}", "value": f"{lot.number(10**9)}"}
        ],
        "status": lot.of(("final", "final", "preliminary", "corrected")),
        "category": [_concept(f"{TERMS}v2-0074", "LAB", "Laboratory", text=False)],
        "code": _concept(f"urn:source:{trust[0]}", code, words),
        "encounter": {"reference": f"Encounter/{lot.id()}"},
        "effectiveDateTime": at.isoformat(),
        "issued": issued,
        "performer": [{"display": trust[1]}],
        "result": [{"reference": f"Observation/{result['id']}"} for result in results],
        "conclusion": lot.of(SENTENCES),
    }
    return [report, *results]


def _observation(lot: Lot, analyte: tuple[Any, ...], at: str, issued: str, trust: tuple[str, str]) -> JSON:
    code, words, unit, low, high, decimals = analyte
    value = round(low * 0.8 + (high * 1.3 - low * 0.8) * lot.number(1000) / 1000, decimals)
    flag = ("H", "High") if value > high else ("L", "Low") if value < low else ("N", "Normal")
    bound = {"unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return _resource(lot, "Observation", "Observation-Lab") | {
        "status": lot.of(("final", "final", "final", "preliminary", "corrected")),
        "category": [_concept(f"{TERMS}observation-category", "laboratory", "Laboratory", text=False)],
        "code": _concept(f"urn:source:{trust[0]}", code, words),
        "encounter": {"reference": f"Encounter/{lot.id()}"},
        "effectiveDateTime": at,
        "issued": issued,
        "performer": [{"display": trust[1]}],
        "valueQuantity": {"value": value, **bound},
        "interpretation": [_concept(f"{TERMS}v3-ObservationInterpretation", *flag, text=False)],
        "referenceRange": [{"low": {"value": low, **bound}, "high": {"value": high, **bound}, "text": f"{low}-{high}"}],
    }


def _encounter(lot: Lot) -> JSON:
    at, trust = lot.at(), lot.of(TRUSTS)
    kind = lot.of((("IMP", "inpatient encounter"), ("EMER", "emergency"), ("AMB", "ambulatory")))
    role = _concept(f"{TERMS}v3-ParticipationType", "ATND", "attender", text=False)
    return _resource(lot, "Encounter", "Encounter") | {
        "identifier": [{"system": f"urn:source:{trust[0]}:visit", "value": f"V{lot.number(10**7)}"}],
        "status": lot.of(("in-progress", "finished", "planned", "cancelled", "arrived")),
        "class": {"system": f"{TERMS}v3-ActCode", "code": kind[0], "display": kind[1]},
        "serviceType": {"text": lot.of(("General medicine", "Cardiology", "Nephrology", "Accident and emergency"))},
        "participant": [{"type": [role], "individual": {"display": lot.name()}}],
        "period": {"start": at.isoformat(), "end": (at + timedelta(hours=lot.number(200))).isoformat()},
        "reasonCode": [{"text": lot.of(CONDITIONS)[1]}],
        "hospitalization": {"dischargeDisposition": {"text": "Usual place of residence"}},
        "location": [{"location": {"display": f"{lot.of(PLACES)}, {trust[1]}"}, "status": "active"}],
        "serviceProvider": {"display": trust[1]},
    }


def _allergy(lot: Lot) -> JSON:
    reaction = {"manifestation": [{"text": lot.of(REACTIONS)}], "severity": lot.of(("mild", "moderate", "severe"))}
    return _resource(lot, "AllergyIntolerance", "AllergyIntolerance") | {
        "clinicalStatus": _concept(f"{TERMS}allergyintolerance-clinical", "active", "Active", text=False),
        "verificationStatus": _concept(f"{TERMS}allergyintolerance-verification", "confirmed", "Confirmed", text=False),
        "category": [lot.of(("medication", "food", "environment"))],
        "criticality": lot.of(("high", "low", "unable-to-assess")),
        "code": _concept(SNOMED, *lot.of(SUBSTANCES)),
        "onsetDateTime": lot.at().date().isoformat(),
        "recordedDate": lot.at().isoformat(),
        "recorder": {"display": lot.name()},
        "reaction": [reaction],
    }


def _condition(lot: Lot) -> JSON:
    return _resource(lot, "Condition", "Condition") | {
        "clinicalStatus": _concept(f"{TERMS}condition-clinical", "active", "Active", text=False),
        "verificationStatus": _concept(f"{TERMS}condition-ver-status", "confirmed", "Confirmed", text=False),
        "category": [_concept(f"{TERMS}condition-category", "encounter-diagnosis", "Encounter Diagnosis", text=False)],
        "code": _concept(SNOMED, *lot.of(CONDITIONS)),
        "encounter": {"reference": f"Encounter/{lot.id()}"},
        "onsetDateTime": lot.at().date().isoformat(),
        "recordedDate": lot.at().isoformat(),
        "asserter": {"display": lot.name()},
    }


def _letter(lot: Lot) -> JSON:
    title = lot.of(("Discharge summary", "Outpatient letter", "Radiology report"))
    words = "\n".join(lot.of(SENTENCES) for _ in range(3))
    return _resource(lot, "DocumentReference", "DocumentReference") | {
        "identifier": [{"system": "urn:source:document", "value": f"D{lot.number(10**8)}"}],
        "status": "current",
        "docStatus": lot.of(("final", "preliminary", "amended")),
        "type": {"text": title},
        "date": lot.at().isoformat(),
        "author": [{"display": lot.name()}],
        "description": title,
        "content": [{"attachment": {"contentType": "text/plain", "title": title, "data": words}}],
    }


def _head(lot: Lot, event: str) -> list[str]:
    at, trust = f"{lot.at():%Y%m%d%H%M%S}", lot.of(TRUSTS)
    family, given = lot.of(FAMILIES).upper(), lot.of(GIVEN).upper()
    number = f"999{lot.number(10**7):07}"
    return [
        f"MSH|^~\\&|PAS|{trust[0]}|CARERECORD|REGION|{at}||{event}|{lot.number(10**9)}|P|2.4|||AL|NE|GBR|UNICODE UTF-8|EN",
        f"EVN|{event[4:7]}|{at}|||{lot.of(FAMILIES)}^{lot.of(GIVEN)}^^^Dr|{at}",
        f"PID|1||{number}^^^NHS^NH~{lot.number(10**7)}^^^{trust[0]}^MR||{family}^{given}^^^MRS^^L||19{10 + lot.number(90)}0{1 + lot.number(9)}1"
        f"{lot.number(10)}|{lot.of('FM')}|||{1 + lot.number(90)} Invented Road^^LONDON^^SE1 9ZZ^GBR^H||020 7946 0{lot.number(1000):03}^PRN^PH|||||||||||||||||N||01",
        f"PD1|||INVENTED SURGERY^^Y0{lot.number(10000):04}|G9{lot.number(10**6):06}^{lot.of(FAMILIES)}^{lot.of(GIVEN)}^^^DR",
        f"PV1|1|I|{lot.of(PLACES)}^BAY {lot.number(6)}^BED {lot.number(30)}^{trust[0]}||||C{lot.number(10**7):07}^{lot.of(FAMILIES)}^{lot.of(GIVEN)}^^^DR|||"
        f"300|||||||||V{lot.number(10**7)}^^^{trust[0]}^VISITID|||||||||||||||||||||||||{at}",
    ]


def _adt(lot: Lot) -> str:
    event = lot.of(("ADT^A01^ADT_A01", "ADT^A02^ADT_A02", "ADT^A03^ADT_A03", "ADT^A08^ADT_A01", "ADT^A04^ADT_A01"))
    allergy, problem = lot.of(SUBSTANCES), lot.of(CONDITIONS)
    tail = [
        f"AL1|1|DA|{allergy[0]}^{allergy[1]}^SCT|SV|{lot.of(REACTIONS)}|{lot.at():%Y%m%d}",
        f"DG1|1||{problem[0]}^{problem[1]}^SCT||{lot.at():%Y%m%d}|A",
    ]
    return "\r".join(_head(lot, event) + tail) + "\r"


def _oru(lot: Lot) -> str:
    code, words, first, last = lot.of(PANELS)
    lines = _head(lot, "ORU^R01^ORU_R01")
    at, order = f"{lot.at():%Y%m%d%H%M%S}", lot.number(10**9)
    lines[1:2] = []
    lines.append(
        f"ORC|RE|{order}^ICE|{order}^WINPATH||CM||||{at}|||C{lot.number(10**7):07}^{lot.of(FAMILIES)}^{lot.of(GIVEN)}^^^DR"
    )
    lines.append(
        f"OBR|1|{order}^ICE|{order}^WINPATH|{code}^{words}^WinPath|||{at}|||||||{at}|B&Blood||||||||{at}||CH|F"
    )
    for place, analyte in enumerate(ANALYTES[first:last], 1):
        value = round(analyte[3] * 0.8 + (analyte[4] * 1.3 - analyte[3] * 0.8) * lot.number(1000) / 1000, analyte[5])
        lines.append(
            f"OBX|{place}|NM|{analyte[0]}^{analyte[1]}^WinPath||{value}|{analyte[2]}|{analyte[3]} - {analyte[4]}|{lot.of(('', 'H', 'L'))}|||F|||{at}"
        )
    lines.append(f"NTE|1|L|{lot.of(SENTENCES)}")
    return "\r".join(lines) + "\r"


def _mdm(lot: Lot) -> str:
    at = f"{lot.at():%Y%m%d%H%M%S}"
    lines = [
        f"TXA|1|CD|TX|{at}||{at}||||C{lot.number(10**7):07}^{lot.of(FAMILIES)}^{lot.of(GIVEN)}^^^DR||D{lot.number(10**8)}|||||AU",
        *(f"OBX|{place}|TX|^Discharge summary||{lot.of(SENTENCES)}||||||F" for place in range(1, 6)),
    ]
    return "\r".join(_head(lot, "MDM^T02^MDM_T02") + lines) + "\r"
