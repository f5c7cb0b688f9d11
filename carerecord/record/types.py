"""The numbers by which resource types are stored. Never renumber: only add at the end."""

from __future__ import annotations

from typing import Final

RESOURCE_TYPES: Final = (
    "",  # 0 is never used
    "Observation",
    "DiagnosticReport",
    "Encounter",
    "AllergyIntolerance",
    "DocumentReference",
    "Condition",
    "Patient",
    "Specimen",
    "ServiceRequest",
    "Procedure",
    "Immunization",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationDispense",
    "MedicationAdministration",
    "Medication",
    "Appointment",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Location",
    "HealthcareService",
    "RelatedPerson",
    "CarePlan",
    "CareTeam",
    "Goal",
    "Flag",
    "Consent",
    "Composition",
    "Binary",
    "List",
    "Questionnaire",
    "QuestionnaireResponse",
    "ReferralRequest",
    "EpisodeOfCare",
    "FamilyMemberHistory",
    "ClinicalImpression",
    "RiskAssessment",
    "DetectedIssue",
    "ImagingStudy",
    "Media",
    "Device",
    "DeviceUseStatement",
    "NutritionOrder",
    "Task",
    "Communication",
    "CommunicationRequest",
    "Slot",
    "Schedule",
    "Coverage",
    "Provenance",
    "Bundle",
    "OperationOutcome",
    "Group",
    "Substance",
    "BodyStructure",
    "AdverseEvent",
    "ImmunizationRecommendation",
    "ImmunizationEvaluation",
    "MolecularSequence",
    "VisionPrescription",
    "RequestGroup",
    "Basic",
)
NUMBERS: Final = {name: number for number, name in enumerate(RESOURCE_TYPES) if name}


class UnknownResourceType(LookupError):
    """This type of resource has no number to be stored by: add it at the end of RESOURCE_TYPES."""


def type_number(resource_type: str) -> int:
    try:
        return NUMBERS[resource_type]
    except KeyError:
        raise UnknownResourceType from None
