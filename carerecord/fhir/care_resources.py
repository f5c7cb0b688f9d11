"""R4 resources of care planned, given and arranged, as a view reads them (https://hl7.org/fhir/R4)."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from carerecord.fhir.resources import (
    Annotation,
    Attachment,
    Coding,
    Concept,
    Extension,
    Observation,
    Period,
    Quantity,
    Ratio,
    Reference,
    Resource,
    read_as,
)

R = TypeVar("R", bound=Resource)


class Identifier(msgspec.Struct, gc=False):
    system: str = ""
    value: str = ""


class ContactPoint(msgspec.Struct, gc=False):
    system: str = ""
    value: str = ""
    use: str = ""


class HumanName(msgspec.Struct, gc=False):
    text: str = ""
    family: str = ""
    given: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return self.text or " ".join(part for part in (*self.prefix, *self.given, self.family) if part)


class Contained(msgspec.Struct, gc=False):
    """A resource inside another: only what gives it a name."""

    id: str = ""
    resourceType: str = ""  # noqa: N815
    code: Concept | None = None
    name: str | tuple[HumanName, ...] = ""

    @property
    def words(self) -> str:
        if self.code and self.code.words:
            return self.code.words
        return self.name if isinstance(self.name, str) else next((name.words for name in self.name), "")


class CareResource(Resource, gc=False, kw_only=True):
    """What these resources may say besides: resources inside them, and what they replace."""

    contained: tuple[Contained, ...] = ()
    extension: tuple[Extension, ...] = ()
    replaces: tuple[Reference, ...] = ()

    def named(self, reference: Reference | None) -> str:
        """Who or what a reference speaks of: its own words, or those of the resource inside this one."""
        if reference is None:
            return ""
        if reference.display or not reference.reference.startswith("#"):
            return reference.display
        inside = reference.reference[1:]
        return next((resource.words for resource in self.contained if resource.id == inside), "")


class DoseAndRate(msgspec.Struct, gc=False):
    doseQuantity: Quantity | None = None  # noqa: N815


class Timing(msgspec.Struct, gc=False):
    code: Concept | None = None


class Dosage(msgspec.Struct, gc=False):
    text: str = ""
    patientInstruction: str = ""  # noqa: N815
    additionalInstruction: tuple[Concept, ...] = ()  # noqa: N815
    route: Concept | None = None
    timing: Timing | None = None
    doseAndRate: tuple[DoseAndRate, ...] = ()  # noqa: N815
    dose: Quantity | None = None


class Medication(CareResource, gc=False, kw_only=True):
    """MedicationStatement, MedicationRequest, MedicationDispense or MedicationAdministration."""

    intent: str = ""
    medicationCodeableConcept: Concept | None = None  # noqa: N815
    medicationReference: Reference | None = None  # noqa: N815
    category: Concept | tuple[Concept, ...] | None = None
    courseOfTherapyType: Concept | None = None  # noqa: N815
    statusReason: Concept | tuple[Concept, ...] | None = None  # noqa: N815
    effectiveDateTime: str = ""  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    authoredOn: str = ""  # noqa: N815
    whenHandedOver: str = ""  # noqa: N815
    dosage: Dosage | tuple[Dosage, ...] | None = None
    dosageInstruction: tuple[Dosage, ...] = ()  # noqa: N815
    reasonCode: tuple[Concept, ...] = ()  # noqa: N815


class Performer(msgspec.Struct, gc=False):
    actor: Reference | None = None


class Procedure(CareResource, gc=False, kw_only=True):
    performedDateTime: str = ""  # noqa: N815
    performedString: str = ""  # noqa: N815
    performedPeriod: Period | None = None  # noqa: N815
    performer: tuple[Performer, ...] = ()
    bodySite: tuple[Concept, ...] = ()  # noqa: N815
    outcome: Concept | None = None


class Protocol(msgspec.Struct, gc=False):
    doseNumberPositiveInt: int | None = None  # noqa: N815
    doseNumberString: str = ""  # noqa: N815


class Immunization(CareResource, gc=False, kw_only=True):
    vaccineCode: Concept | None = None  # noqa: N815
    occurrenceDateTime: str = ""  # noqa: N815
    occurrenceString: str = ""  # noqa: N815
    lotNumber: str = ""  # noqa: N815
    protocolApplied: tuple[Protocol, ...] = ()  # noqa: N815
    statusReason: Concept | None = None  # noqa: N815


class AppointmentParticipant(msgspec.Struct, gc=False):
    actor: Reference | None = None


class Appointment(CareResource, gc=False, kw_only=True):
    description: str = ""
    serviceType: tuple[Concept, ...] = ()  # noqa: N815
    specialty: tuple[Concept, ...] = ()
    appointmentType: Concept | None = None  # noqa: N815
    reasonCode: tuple[Concept, ...] = ()  # noqa: N815
    cancelationReason: Concept | None = None  # noqa: N815
    start: str = ""
    end: str = ""
    participant: tuple[AppointmentParticipant, ...] = ()


class ServiceRequest(CareResource, gc=False, kw_only=True):
    priority: str = ""
    authoredOn: str = ""  # noqa: N815
    requester: Reference | None = None
    performer: tuple[Reference, ...] = ()
    performerType: Concept | None = None  # noqa: N815
    reasonCode: tuple[Concept, ...] = ()  # noqa: N815
    category: tuple[Concept, ...] = ()
    identifier: tuple[Identifier, ...] = ()


class ActivityDetail(msgspec.Struct, gc=False):
    description: str = ""
    code: Concept | None = None
    performer: tuple[Reference, ...] = ()


class Activity(msgspec.Struct, gc=False):
    detail: ActivityDetail | None = None
    reference: Reference | None = None
    progress: tuple[Annotation, ...] = ()


class Provision(msgspec.Struct, gc=False):
    type: str = ""
    code: tuple[Concept, ...] = ()


class Plan(CareResource, gc=False, kw_only=True):
    """CarePlan, Consent or Goal: what was planned or decided, by whom, where and when."""

    title: str = ""
    description: str | Concept = ""
    lifecycleStatus: str = ""  # noqa: N815
    scope: Concept | None = None
    category: Concept | tuple[Concept, ...] = ()
    created: str = ""
    dateTime: str = ""  # noqa: N815
    startDate: str = ""  # noqa: N815
    period: Period | None = None
    author: Reference | None = None
    contributor: tuple[Reference, ...] = ()
    performer: tuple[Reference, ...] = ()
    organization: tuple[Reference, ...] = ()
    expressedBy: Reference | None = None  # noqa: N815
    activity: tuple[Activity, ...] = ()
    addresses: tuple[Reference, ...] = ()
    provision: Provision | None = None
    policyRule: Concept | None = None  # noqa: N815
    sourceAttachment: Attachment | None = None  # noqa: N815


class Flag(CareResource, gc=False, kw_only=True):
    category: tuple[Concept, ...] = ()
    period: Period | None = None
    author: Reference | None = None


class RelatedPerson(CareResource, gc=False, kw_only=True):
    active: bool | None = None
    relationship: tuple[Concept, ...] = ()
    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    period: Period | None = None


class TeamMember(msgspec.Struct, gc=False):
    role: tuple[Concept, ...] = ()
    member: Reference | None = None


class CareTeam(CareResource, gc=False, kw_only=True):
    """CareTeam or EpisodeOfCare: who looks after the person, and whom to phone."""

    name: str = ""
    category: tuple[Concept, ...] = ()
    type: tuple[Concept, ...] = ()
    participant: tuple[TeamMember, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    period: Period | None = None
    managingOrganization: Reference | tuple[Reference, ...] | None = None  # noqa: N815
    careManager: Reference | None = None  # noqa: N815


class Answer(msgspec.Struct, gc=False):
    valueString: str | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueInteger: int | None = None  # noqa: N815
    valueDecimal: float | None = None  # noqa: N815
    valueDate: str | None = None  # noqa: N815
    valueDateTime: str | None = None  # noqa: N815
    valueCoding: Coding | None = None  # noqa: N815
    valueQuantity: Quantity | None = None  # noqa: N815

    @property
    def words(self) -> str:
        if self.valueCoding is not None:
            return self.valueCoding.display or self.valueCoding.code
        if self.valueQuantity is not None:
            return f"{self.valueQuantity.value or ''} {self.valueQuantity.unit}".strip()
        if self.valueBoolean is not None:
            return "Yes" if self.valueBoolean else "No"
        plain = (self.valueString, self.valueInteger, self.valueDecimal, self.valueDate, self.valueDateTime)
        return next((str(value) for value in plain if value is not None), "")


class Question(msgspec.Struct, gc=False):
    linkId: str = ""  # noqa: N815
    text: str = ""
    answer: tuple[Answer, ...] = ()
    item: tuple[Question, ...] = ()


class Prediction(msgspec.Struct, gc=False):
    outcome: Concept | None = None
    qualitativeRisk: Concept | None = None  # noqa: N815
    rationale: str = ""


class Finding(msgspec.Struct, gc=False):
    itemCodeableConcept: Concept | None = None  # noqa: N815


class Assessment(CareResource, gc=False, kw_only=True):
    """QuestionnaireResponse, RiskAssessment or ClinicalImpression."""

    questionnaire: str = ""
    item: tuple[Question, ...] = ()
    prediction: tuple[Prediction, ...] = ()
    mitigation: str = ""
    description: str = ""
    summary: str = ""
    finding: tuple[Finding, ...] = ()
    author: Reference | None = None
    performer: Reference | None = None
    assessor: Reference | None = None


class Condition_(msgspec.Struct, gc=False):  # noqa: N801 - FHIR's own name, inside FamilyMemberHistory.
    code: Concept | None = None
    outcome: Concept | None = None
    onsetString: str = ""  # noqa: N815
    onsetAge: Quantity | None = None  # noqa: N815


class FamilyMemberHistory(CareResource, gc=False, kw_only=True):
    relationship: Concept | None = None
    condition: tuple[Condition_, ...] = ()


class DeviceName(msgspec.Struct, gc=False):
    name: str = ""


class Device(CareResource, gc=False, kw_only=True):
    """Device or DeviceUseStatement: an implant, an aid, an appliance."""

    type: Concept | None = None
    deviceName: tuple[DeviceName, ...] = ()  # noqa: N815
    manufacturer: str = ""
    modelNumber: str = ""  # noqa: N815
    serialNumber: str = ""  # noqa: N815
    safety: tuple[Concept, ...] = ()
    property: tuple[DeviceProperty, ...] = ()
    device: Reference | None = None
    bodySite: Concept | None = None  # noqa: N815


class DeviceProperty(msgspec.Struct, gc=False):
    type: Concept | None = None
    valueCode: tuple[Concept, ...] = ()  # noqa: N815


class ImagingStudy(CareResource, gc=False, kw_only=True):
    started: str = ""
    modality: tuple[Coding, ...] = ()
    procedureCode: tuple[Concept, ...] = ()  # noqa: N815
    description: str = ""


class Component(msgspec.Struct, gc=False):
    code: Concept | None = None
    valueQuantity: Quantity | None = None  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueCodeableConcept: Concept | None = None  # noqa: N815
    valueRatio: Ratio | None = None  # noqa: N815


class Measurement(Observation, gc=False, kw_only=True):
    """An Observation with its parts: systolic and diastolic, a weight with its centile."""

    category: tuple[Concept, ...] = ()
    component: tuple[Component, ...] = ()


class Narrative(msgspec.Struct, gc=False):
    div: str = ""


class CompositionSection(msgspec.Struct, gc=False):
    title: str = ""
    text: Narrative | None = None
    section: tuple[CompositionSection, ...] = ()


class Composition(CareResource, gc=False, kw_only=True):
    title: str = ""
    type: Concept | None = None
    author: tuple[Reference, ...] = ()
    section: tuple[CompositionSection, ...] = ()
    relatesTo: tuple[CompositionRelation, ...] = ()  # noqa: N815


class CompositionRelation(msgspec.Struct, gc=False):
    code: str = ""
    targetReference: Reference | None = None  # noqa: N815


class Anything(CareResource, gc=False, kw_only=True):
    """What may name a resource of any kind."""

    title: str = ""
    name: str | tuple[HumanName, ...] = ""
    description: str = ""
    type: Concept | tuple[Concept, ...] | None = None
    category: tuple[Concept, ...] = ()
    owner: Reference | None = None


_decoders: dict[type, msgspec.json.Decoder[Resource]] = {}


def read(kind: type[R], body: bytes) -> R:
    """A stored resource as `kind` of this file; what does not fit is left out."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return read_as(decoder, body)  # type: ignore[return-value]
