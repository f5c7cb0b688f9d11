"""ADT A01, A03, A08, A28, A31: admitted, discharged, changed; a person added or changed (HL7 v2, chapter 3)."""

from __future__ import annotations

from carerecord.formats.hl7v2.allergies import read_allergies
from carerecord.formats.hl7v2.diagnoses import read_diagnoses
from carerecord.formats.hl7v2.stays import read_stay
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import Subject

_OF_A_STAY = frozenset({"A01", "A03", "A08"})  # A28 and A31 are about the person: their PV1 is there for form's sake.


def read_event(translating: Translating, subject: Subject, *, event: str) -> None:
    """State what an ADT event says of a stay, of allergies and of diagnoses."""
    encounter = read_stay(translating, subject, event=event) if event in _OF_A_STAY else None
    read_allergies(translating)
    read_diagnoses(translating, encounter)
    for _ in translating.message.all("OBX"):
        # What systems send here is mostly administrative: shown among results it would bury them.
        sentence = "An OBX of an ADT message is kept with the original and not translated: send results as ORU^R01."
        translating.problem("OBX", "not translated yet", sentence)
