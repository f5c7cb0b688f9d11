"""Code tables: how HL7 v2 names code systems and values, and what FHIR calls them."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

import msgspec

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
NICIP = "https://nicip.nhs.uk"
UBRN = "https://fhir.nhs.uk/Id/UBRN"

# HL7 table 0396 and the names that UK senders use instead.
_SYSTEMS = {
    "LN": LOINC,
    "LOINC": LOINC,
    "SCT": SNOMED,
    "SNM": SNOMED,
    "SNM3": SNOMED,
    "SNOMED": SNOMED,
    "SNOMEDCT": SNOMED,
    "SNOMED-CT": SNOMED,
    "SNOMED CT": SNOMED,
    "NICIP": NICIP,
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "ICD10": "http://hl7.org/fhir/sid/icd-10",
    "ICD-10": "http://hl7.org/fhir/sid/icd-10",
    "I10UK": "http://hl7.org/fhir/sid/icd-10",
    "I9": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9C": "http://hl7.org/fhir/sid/icd-9-cm",
    "UCUM": "http://unitsofmeasure.org",
    "DMD": "https://dmd.nhs.uk",
    "DM+D": "https://dmd.nhs.uk",
    "RC": "http://read.info/readv2",
    "READ2": "http://read.info/readv2",
    "CTV3": "http://read.info/ctv3",
    "OPCS4": "https://fhir.hl7.org.uk/CodeSystem/OPCS-4",
    "OPCS-4": "https://fhir.hl7.org.uk/CodeSystem/OPCS-4",
}


_NAMELESS = frozenset({"", "L", "LOCAL"})  # "local" names no system: codes of two fields must not meet in it


@lru_cache(maxsize=4096)
def system(name: str, *, source: str, table: str) -> str:
    """The URI of a code system as a message names it; a name that its source alone knows becomes that source's own.

    `table` says which field the code stood in, for codes that come without any system.
    """
    name = name.strip()
    if known := _SYSTEMS.get((table if name in _NAMELESS else name).upper()):
        return known
    if name.startswith(("http://", "https://", "urn:")) and not any(character.isspace() for character in name):
        return name
    if name.startswith("HL7") and name[3:].isascii() and name[3:].isdigit():
        return f"http://terminology.hl7.org/CodeSystem/v2-{name[3:]}"
    if "." in name and all(part.isascii() and part.isdigit() for part in name.split(".")):
        return f"urn:oid:{name}"
    return local_system(table if name in _NAMELESS else name, source=source)


@lru_cache(maxsize=4096)
def local_system(table: str, *, source: str) -> str:
    """A code system or identifier system that only this source knows."""
    return f"urn:carerecord:source:{quote(source, safe='-._')}:{quote(table, safe='-._')}"


GENDERS = {
    "M": "male",
    "F": "female",
    "O": "other",
    "A": "other",
    "U": "unknown",
    "N": "unknown",
    "1": "male",
    "2": "female",
    "9": "other",  # NHS Data Dictionary PERSON STATED GENDER: indeterminate
    "0": "unknown",
    "X": "unknown",
    "MALE": "male",
    "FEMALE": "female",
    "OTHER": "other",
    "UNKNOWN": "unknown",
}

ACT_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
FILLER, PLACER, ACCESSION = (
    msgspec.Raw(msgspec.json.encode({"coding": [{"system": _IDENTIFIER_TYPE, "code": code}]}))
    for code in ("FILL", "PLAC", "ACSN")
)

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
# PV1-2 (table 0004, and the words some UK systems write): (code, display) of Encounter.class
PATIENT_CLASSES = {
    "I": ("IMP", "inpatient encounter"),
    "INPATIENT": ("IMP", "inpatient encounter"),
    "B": ("IMP", "inpatient encounter"),
    "D": ("SS", "short stay"),
    "DAY CASE": ("SS", "short stay"),
    "DAYCASE": ("SS", "short stay"),
    "E": ("EMER", "emergency"),
    "EMERGENCY": ("EMER", "emergency"),
    "O": ("AMB", "ambulatory"),
    "R": ("AMB", "ambulatory"),
    "OUTPATIENT": ("AMB", "ambulatory"),
    "P": ("PRENC", "pre-admission"),
    "PREADMIT": ("PRENC", "pre-admission"),
    "H": ("HH", "home health"),
    "V": ("VR", "virtual"),
}
NO_STAY = frozenset({"N", "NA", "U"})  # "not applicable", "unknown": the message is about no stay

# NHS Data Dictionary DISCHARGE DESTINATION CODE (HOSPITAL PROVIDER SPELL), as sent in PV1-36.
DISCHARGE_DESTINATIONS = {
    "19": "Usual place of residence",
    "29": "Temporary place of residence",
    "30": "Repatriation from high security psychiatric accommodation",
    "37": "Court",
    "38": "Penal establishment or police station",
    "49": "NHS other hospital provider, high security psychiatric accommodation",
    "50": "NHS other hospital provider, medium secure unit",
    "51": "NHS other hospital provider, general ward, younger physically disabled or A&E",
    "52": "NHS other hospital provider, ward for maternity patients or neonates",
    "53": "NHS other hospital provider, ward for people with a mental illness or learning disabilities",
    "54": "NHS run care home",
    "65": "Local authority residential accommodation",
    "66": "Local authority foster care",
    "79": "Not applicable: patient died or stillbirth",
    "84": "Independent sector hospital, medium secure unit",
    "85": "Independent sector care home",
    "87": "Independent sector hospital",
    "88": "Hospice",
}

INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
# OBX-8, table 0078
ABNORMAL_FLAGS = {
    "L": "Low",
    "H": "High",
    "LL": "Critical low",
    "HH": "Critical high",
    "<": "Off scale low",
    ">": "Off scale high",
    "N": "Normal",
    "A": "Abnormal",
    "AA": "Critical abnormal",
    "U": "Significant change up",
    "D": "Significant change down",
    "B": "Better",
    "W": "Worse",
    "S": "Susceptible",
    "R": "Resistant",
    "I": "Intermediate",
    "MS": "Moderately susceptible",
    "VS": "Very susceptible",
    "POS": "Positive",
    "NEG": "Negative",
    "DET": "Detected",
    "ND": "Not detected",
    "IND": "Indeterminate",
}
# Some flags of version 2 have another letter in the FHIR value set.
FLAG_CODES = {"MS": "I", "VS": "S"}

# OBX-11 (table 0085) and OBR-25 (table 0123): Observation.status and DiagnosticReport.status
OBSERVATION_STATUSES = {
    "F": "final",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "C": "corrected",
    "A": "amended",
    "U": "final",
    "V": "final",
    "X": "cancelled",
    "D": "entered-in-error",
    "W": "entered-in-error",
    "I": "registered",
    "N": "registered",
    "O": "registered",
}
REPORT_STATUSES = {
    "F": "final",
    "P": "preliminary",
    "R": "partial",
    "A": "partial",
    "S": "registered",
    "I": "registered",
    "O": "registered",
    "C": "corrected",
    "M": "corrected",
    "X": "cancelled",
}

# OBR-24 (table 0074): the services that report on images
IMAGING_SERVICES = {
    "RAD": "Radiology",
    "IMG": "Diagnostic imaging",
    "CT": "CAT scan",
    "CUS": "Cardiac ultrasound",
    "NMR": "Nuclear magnetic resonance",
    "NMS": "Nuclear medicine scan",
    "OUS": "OB ultrasound",
    "RUS": "Radiology ultrasound",
    "RX": "Radiograph",
    "VUS": "Vascular ultrasound",
    "XRC": "Cineradiograph",
    "MR": "Magnetic resonance",
    "US": "Ultrasound",
    "XR": "X-ray",
}
# Those that measure the patient, neither in a laboratory nor in an image
MEASURING_SERVICES = frozenset({"EC", "EN", "ICU", "NRS", "PF", "PHY", "RC"})

# TXA-2 (table 0270)
DOCUMENT_TYPES = {
    "AR": "Autopsy report",
    "CD": "Cardiodiagnostics",
    "CN": "Consultation",
    "DI": "Diagnostic imaging",
    "DS": "Discharge summary",
    "ED": "Emergency department report",
    "HP": "History and physical examination",
    "OP": "Operative report",
    "PC": "Psychiatric consultation",
    "PH": "Psychiatric history and physical examination",
    "PN": "Procedure note",
    "PR": "Progress note",
    "SP": "Surgical pathology",
    "TS": "Transfer summary",
}
