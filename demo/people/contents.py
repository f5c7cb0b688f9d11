"""What a system that speaks FHIR says: one struct for each kind, turned into a resource by demo/messages/fhir.py."""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class Clinician(msgspec.Struct, frozen=True):
    code: str
    family: str
    given: str
    title: str

    @property
    def called(self) -> str:
        return f"{self.title} {self.given} {self.family}"


class Code(msgspec.Struct, frozen=True):
    """`system`: "sct", "dmd", "icd10", "opcs4", "ctv3", "readv2", "loinc", "nicip" or a source's own list "local"."""

    system: str
    code: str
    display: str = ""


class Concept(msgspec.Struct, frozen=True):
    """What something is, in the source's own words and in as many code systems as that source uses."""

    text: str
    codes: tuple[Code, ...] = ()


class Content(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    concept: Concept
    note: str = ""


class Medicine(Content, frozen=True, kw_only=True, tag="medicine"):
    """MedicationStatement. `concept` names one ingredient, strength and form (dm+d VMP, with or without an AMP)."""

    dose: str  # as the source writes it: "ONE tablet each morning"
    route: str  # "oral"
    status: str  # "active", "stopped", "completed", "on-hold"
    course: str = "repeat"  # "repeat", "acute", "hospital-only"
    started_on: date
    stopped_on: date | None = None
    issued_on: date | None = None
    reason: str = ""  # why it was started, or stopped
    prescriber: Clinician | None = None


class Problem(Content, frozen=True, kw_only=True, tag="problem"):
    """Condition."""

    status: str  # "active", "resolved", "remission"
    verification: str = "confirmed"  # "confirmed", "provisional", "refuted"
    onset_on: date | None = None
    ended_on: date | None = None
    recorded_on: date
    significance: str = ""  # "major", "minor"
    by: Clinician | None = None


class AllergyEntry(Content, frozen=True, kw_only=True, tag="allergy"):
    """AllergyIntolerance. No known allergy is a concept too (716186003)."""

    reaction: str = ""
    severity: str = ""  # "mild", "moderate", "severe"
    criticality: str = ""  # "low", "high"
    status: str = "active"  # "active", "inactive", "resolved"
    category: str = ""  # "medication", "food", "environment"
    recorded_on: date


class Immunisation(Content, frozen=True, kw_only=True, tag="immunisation"):
    given_on: date
    dose: str = ""
    batch: str = ""
    status: str = "completed"  # "completed", "not-done"


class Measurement(Content, frozen=True, kw_only=True, tag="measurement"):
    """Observation: a vital sign, a weight with its centile, a score, a social fact."""

    value: str = ""
    unit: str = ""
    taken_at: datetime
    parts: tuple[tuple[Concept, str, str], ...] = ()  # (what, value, unit): blood pressure
    interpretation: str = ""
    category: str = "vital-signs"  # "vital-signs", "exam", "social-history", "survey"


class Operation(Content, frozen=True, kw_only=True, tag="operation"):
    """Procedure."""

    done_on: date
    status: str = "completed"
    by: Clinician | None = None
    outcome: str = ""


class Plan(Content, frozen=True, kw_only=True, tag="plan"):
    """CarePlan: a care plan, a crisis plan, an urgent care plan."""

    title: str
    status: str  # "active", "revoked", "completed"
    made_on: date
    review_on: date | None = None
    author: Clinician
    place: str = ""
    lines: tuple[str, ...] = ()
    replaces: str = ""  # own_id of the plan it supersedes


class Decision(Content, frozen=True, kw_only=True, tag="decision"):
    """Consent: a ReSPECT or CPR decision, an advance decision (ADRT), a lasting power of attorney. In its own words."""

    words: str  # "For full treatment, not for CPR"
    status: str  # "active", "inactive"
    made_on: date
    author: Clinician
    place: str = ""
    replaces: str = ""


class Alert(Content, frozen=True, kw_only=True, tag="alert"):
    """Flag: airway, implant and MRI, infection, transfusion, risk; with category "need" a reasonable adjustment, with
    "safeguarding" what only those who safeguard may see."""

    category: str  # "alert", "need", "safeguarding"
    status: str = "active"  # "active", "inactive"
    since_on: date
    until_on: date | None = None


class Service(Content, frozen=True, kw_only=True, tag="service"):
    """CarePlan of a council: a package of care, equipment, an assessment of needs."""

    status: str  # "active", "completed", "revoked"
    provider: str
    frequency: str = ""
    started_on: date
    ended_on: date | None = None


class Contact(Content, frozen=True, kw_only=True, tag="contact"):
    """RelatedPerson: next of kin, carer, who holds parental responsibility. `concept` is the relationship."""

    name: str
    phone: str
    is_next_of_kin: bool = False
    has_parental_responsibility: bool = False


class Team(Content, frozen=True, kw_only=True, tag="team"):
    """CareTeam: who cares for them and whom to phone. Being on it is being on the caseload."""

    members: tuple[tuple[str, str], ...]  # (name, role)
    phone: str
    status: str = "active"  # "active", "inactive"
    since_on: date


class Assessment(Content, frozen=True, kw_only=True, tag="assessment"):
    """QuestionnaireResponse or RiskAssessment: questions with their answers."""

    made_at: datetime
    answers: tuple[tuple[str, str], ...]
    by: Clinician | None = None


class Encounter(Content, frozen=True, kw_only=True, tag="encounter"):
    """A consultation, a home visit, an ambulance incident, a mental-health contact."""

    setting: str  # v3 ActCode: "AMB", "HH", "FLD", "VR", "EMER", "IMP"
    start: datetime
    end: datetime | None = None
    status: str = "finished"
    place: str = ""
    by: Clinician | None = None


class Referral(Content, frozen=True, kw_only=True, tag="referral"):
    """ServiceRequest. `concept` is the service asked for."""

    requested_at: datetime
    priority: str  # "routine", "urgent", "asap"
    status: str  # "active", "completed", "revoked"
    reason: str
    by: Clinician | None
    to: str
    ubrn: str = ""


class Slot(Content, frozen=True, kw_only=True, tag="slot"):
    """Appointment of a system that speaks FHIR."""

    start: datetime
    minutes: int
    status: str  # "booked", "cancelled", "fulfilled", "noshow"
    place: str
    by: Clinician | None = None


class FamilyHistory(Content, frozen=True, kw_only=True, tag="family-history"):
    relationship: str
    recorded_on: date


class Implant(Content, frozen=True, kw_only=True, tag="implant"):
    """Device: an implant, an aid, an appliance."""

    status: str = "active"
    since_on: date
    mri: str = ""  # "MRI conditional", "not MRI safe"


class Report(Content, frozen=True, kw_only=True, tag="report"):
    """DocumentReference: a letter, a report form; `is_pdf` where it comes as a file. A drop folder sends these too."""

    title: str
    written_at: datetime
    author: Clinician
    lines: tuple[str, ...]
    is_pdf: bool = False
    replaces: str = ""


class Notice(Content, frozen=True, kw_only=True, tag="notice"):
    """Communication: what no other heading has room for, in words to whoever meets the person next."""

    sent_at: datetime
    words: str
