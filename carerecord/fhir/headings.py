"""Under which heading of the record a resource stands: by its type, its category or code, its source's kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from carerecord.model import Heading

Object = Mapping[str, Any]

RADIOLOGY: Final = "radiology"  # kind of a source
SOCIAL_CARE: Final = "social-care"

BY_TYPE: Final = {
    "AllergyIntolerance": Heading.ALLERGIES,
    "Appointment": Heading.APPOINTMENTS,
    "AppointmentResponse": Heading.APPOINTMENTS,
    "CareTeam": Heading.CONTACTS,
    "ClinicalImpression": Heading.ASSESSMENTS,
    "Composition": Heading.LETTERS,
    "Condition": Heading.PROBLEMS,
    "Consent": Heading.PLANS,
    "Device": Heading.DEVICES,
    "DeviceUseStatement": Heading.DEVICES,
    "DocumentReference": Heading.LETTERS,
    "Encounter": Heading.STAYS,
    "EpisodeOfCare": Heading.CONTACTS,
    "FamilyMemberHistory": Heading.FAMILY_HISTORY,
    "Goal": Heading.PLANS,
    "ImagingStudy": Heading.IMAGING,
    "Immunization": Heading.IMMUNISATIONS,
    "MedicationAdministration": Heading.MEDICINES,
    "MedicationDispense": Heading.MEDICINES,
    "MedicationRequest": Heading.MEDICINES,
    "MedicationStatement": Heading.MEDICINES,
    "Patient": Heading.DEMOGRAPHICS,
    "Procedure": Heading.PROCEDURES,
    "QuestionnaireResponse": Heading.ASSESSMENTS,
    "RelatedPerson": Heading.CONTACTS,
    "RiskAssessment": Heading.ASSESSMENTS,
}
# http://terminology.hl7.org/CodeSystem/observation-category
_BY_CATEGORY: Final = {
    "vital-signs": Heading.OBSERVATIONS,
    "exam": Heading.OBSERVATIONS,
    "social-history": Heading.OBSERVATIONS,
    "survey": Heading.ASSESSMENTS,
    "imaging": Heading.IMAGING,
}
# HL7 table 0074, LOINC document classes, SNOMED CT "imaging" procedures, and FHIR's own words.
_IMAGING: Final = frozenset(
    {"imaging", "RAD", "RUS", "RX", "CT", "NMR", "NMS", "CUS", "OUS", "VUS", "LP29684-5", "18748-4", "363679005"}
)
_LABORATORY: Final = frozenset(
    {"laboratory", "LAB", "LP29693-6", "108252007", "HM", "CH", "MB", "IMM", "CP", "SP", "PAT", "BLB", "HEM", "CHM"}
)
# urn:carerecord:flag-category, and the UK's and HL7's codes that mean the same.
_BY_FLAG: Final = {
    "need": Heading.NEEDS,
    "reasonable-adjustment": Heading.NEEDS,
    "NRAF": Heading.NEEDS,
    "national-reasonable-adjustment-flag": Heading.NEEDS,
    "safeguarding": Heading.SAFEGUARDING,
}


def heading_of(resource: Object, *, kind: str) -> Heading:
    """`kind` is that of the source: a council's plans are social care, a radiology system's reports are imaging."""
    resource_type = str(resource.get("resourceType"))
    if resource_type == "Observation":
        found = (_BY_CATEGORY.get(code) for code in codes(resource.get("category")))
        return next((heading for heading in found if heading), Heading.RESULTS)
    if resource_type == "DiagnosticReport":
        return Heading.IMAGING if kind == RADIOLOGY or _has(resource, _IMAGING) else Heading.RESULTS
    if resource_type == "ServiceRequest":
        return Heading.RESULTS if _has(resource, _IMAGING | _LABORATORY) else Heading.REFERRALS
    if resource_type == "CarePlan":
        return Heading.SOCIAL_CARE if kind == SOCIAL_CARE else Heading.PLANS
    if resource_type == "Flag":
        found = (_BY_FLAG.get(code) for code in codes([*_many(resource.get("category")), resource.get("code")]))
        return next((heading for heading in found if heading), Heading.ALERTS)
    return BY_TYPE.get(resource_type, Heading.OTHER)


def codes(concepts: Any) -> Iterator[str]:
    """Every code of one CodeableConcept or of many, in order."""
    for concept in _many(concepts):
        for coding in _many(concept.get("coding") if isinstance(concept, Mapping) else None):
            if isinstance(coding, Mapping) and isinstance(code := coding.get("code"), str):
                yield code


def _has(resource: Object, wanted: frozenset[str]) -> bool:
    concepts = [*_many(resource.get("category")), resource.get("code")]
    return any(code in wanted for code in codes(concepts))


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else () if value is None else (value,)
