"""What the region's systems send about invented people: HL7 v2 as bytes, each system in its own dialect.

In: a Person with their story. Out: messages in order of time. Invariant: the same person gives the same bytes.
"""

from __future__ import annotations

from demo.messages.hl7 import Message
from demo.messages.hospital import HospitalVoice
from demo.messages.laboratory import LaboratoryVoice
from demo.people.nouns import Person, Reported

__all__ = ["Message", "history"]


def history(person: Person, *, source: str | None = None) -> list[Message]:
    """Every message about this person in order of time: of all sources, or of one."""
    hospital, laboratory = HospitalVoice(person), LaboratoryVoice(person)
    messages = []
    for number, event in enumerate(person.story, 1):
        control_id = f"{person.index:07d}{number:05d}"
        if isinstance(event, Reported):
            message = laboratory.say(event, f"NP{control_id}") if source != hospital.dialect.source else None
        else:
            message = hospital.say(event, f"Q{control_id}T") if source != laboratory.dialect.source else None
        if message:
            messages.append(message)
    return messages
