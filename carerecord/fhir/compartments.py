"""Which member of a resource says whose it is (https://hl7.org/fhir/R4/compartmentdefinition-patient.html)."""

from __future__ import annotations

from typing import Final

_SUBJECT: Final = (
    "AdverseEvent Basic CarePlan CareTeam ChargeItem ClinicalImpression Communication CommunicationRequest Composition "
    "Condition DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter Flag "
    "Goal GuidanceResponse ImagingStudy Invoice List MeasureReport Media MedicationAdministration MedicationDispense "
    "MedicationRequest MedicationStatement Observation Procedure QuestionnaireResponse RequestGroup RiskAssessment "
    "ServiceRequest Specimen"
)
_PATIENT: Final = (
    "AllergyIntolerance BodyStructure Claim ClaimResponse Consent CoverageEligibilityRequest "
    "CoverageEligibilityResponse DetectedIssue Device EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory "
    "Immunization ImmunizationEvaluation ImmunizationRecommendation MolecularSequence NutritionOrder RelatedPerson "
    "SupplyDelivery VisionPrescription"
)
_ELEMENTS: Final = {
    **dict.fromkeys(_SUBJECT.split(), "subject"),
    **dict.fromkeys(_PATIENT.split(), "patient"),
    "Coverage": "beneficiary",
    "EnrollmentRequest": "candidate",
    "ResearchSubject": "individual",
    "SupplyRequest": "deliverTo",
    "Task": "for",
}
# These are rightly about no patient, or about a stock of things, where the member is missing.
MAY_BE_NOBODYS: Final = frozenset(
    {"Basic", "Communication", "CommunicationRequest", "Composition", "Device", "DocumentManifest", "Invoice", "List"}
    | {"MeasureReport", "Media", "MolecularSequence", "SupplyDelivery", "SupplyRequest", "Task"}
)


def patient_element(resource_type: str) -> str | None:
    """The member that refers to the patient; None for what has none, or says it in a list with others."""
    return _ELEMENTS.get(resource_type)


def is_somebodys(resource_type: str) -> bool:
    """Whether a resource of this type is always about a patient, even where it does not say which."""
    return resource_type in _ELEMENTS and resource_type not in MAY_BE_NOBODYS
