"""ADT: what administration says of a stay, of allergies, of a person (HL7 v2, chapter 3); A40 is in merge.py."""

from __future__ import annotations

from carerecord.formats.hl7v2.allergies import read_allergies
from carerecord.formats.hl7v2.diagnoses import read_diagnoses
from carerecord.formats.hl7v2.stays import read_stay
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import Subject

# Admitted, moved, discharged, registered, expected, made an inpatient or an outpatient, changed; and the cancelling of
# an admission, of a transfer, of a discharge, of an expected admission.
OF_A_STAY = frozenset({"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A38"})
# A28 and A31 are about the person, A60 about allergies: their PV1 is there for form's sake.
EVENTS = OF_A_STAY | {"A28", "A31", "A60"}


def read_event(translating: Translating, subject: Subject, *, event: str) -> None:
    """State what an ADT event says of a stay, of allergies and of diagnoses."""
    encounter = read_stay(translating, subject, event=event) if event in OF_A_STAY else None
    read_allergies(translating)
    if event == "A60" and not {"IAM", "AL1"} & set(translating.message.names):
        translating.problem("IAM", "required", "There is no IAM: a message about allergies must say which.")
    read_diagnoses(translating, encounter)
    translating.leave_results("ADT")
