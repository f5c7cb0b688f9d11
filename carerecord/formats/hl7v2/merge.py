"""ADT A40: two numbers of one source are one patient. MRG names the one that is no longer used (HL7 v2, chapter 3)."""

from __future__ import annotations

from carerecord.formats.hl7v2.grammar import value
from carerecord.formats.hl7v2.pid import read_identifiers
from carerecord.formats.hl7v2.translating import Translating
from carerecord.model import Identifier, Merge, Subject


def read_merge(translating: Translating, subject: Subject) -> Merge | None:
    """The merge, or None with a fatal problem."""
    segments = translating.message.all("MRG")
    if len(segments) != 1:
        rule = "required" if not segments else "one merge"
        sentence = "A merge needs exactly one MRG: send one message for each number that is no longer used."
        translating.problem("MRG", rule, sentence, fatal=True)
        return None
    nhs_number, identifiers = read_identifiers(translating, value(segments[0], 1))
    systems = {identifier.system for identifier in subject.local}
    if len(systems) == 1:
        # MRG-1 often leaves out what PID-3 says: a number without authority is one of the same numbering.
        (system,) = systems
        identifiers = tuple(Identifier(each.system or system, each.value) for each in identifiers)
    if not identifiers and nhs_number is None:
        sentence = "MRG-1 names no number: send the one that is no longer used, with its authority."
        translating.problem("MRG-1", "required", sentence, fatal=True)
        return None
    if set(identifiers) & set(subject.local) and set(identifiers) <= set(subject.local):
        sentence = "MRG-1 and PID-3 name the same number: PID-3 must hold the one that stays, MRG-1 the one that goes."
        translating.problem("MRG-1", "contradiction", sentence, fatal=True)
        return None
    return Merge(superseded=identifiers, superseded_nhs_number=nhs_number)
