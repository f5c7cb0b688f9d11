"""Which voice says what: every event goes to the voice of the source that tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from demo.messages import epic
from demo.messages.epic import EpicVoice
from demo.messages.fhir import STYLES, FhirVoice
from demo.messages.hospital import BARTS, HospitalVoice
from demo.messages.laboratory import NORTH_EAST_LONDON, LaboratoryVoice
from demo.messages.message import Message
from demo.messages.radiology import LONDON, RadiologyVoice
from demo.people.nouns import Happening, Person, Stated

# What each system puts before the number of a message, so that no two systems' numbers look alike.
_MARKS = {
    "barts": "Q", "uclh": "UC", "gosh": "GO", "nel-pathology": "NP", "london-imaging": "SX", "gp-mile-end": "ME",
    "gp-kilburn": "KL", "east-london-mh": "MH", "central-community": "CC", "london-ambulance": "AM",
    "mile-end-council": "SC", "london-ucp": "UP",
}  # fmt: skip


class Voices:
    """All voices that speak of one person; each is made when it first has something to say."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._hl7: dict[str, Any] = {}
        self._fhir: dict[str, FhirVoice] = {}

    def say(self, events: Iterable[Happening], *, source: str | None = None, mark: str) -> list[Message]:
        """What the events make of messages, in order of time. `mark`: what makes their numbers new ones."""
        messages: list[Message] = []
        waiting: dict[str, list[tuple[Stated, str]]] = {}
        for number, event in enumerate(events, 1):
            teller = event.source
            if source is not None and teller != source:
                continue
            control_id = f"{_MARKS[teller]}{mark}{number:05d}"
            if not isinstance(event, Stated):
                messages.append(self._hl7_voice(teller).say(event, control_id))
                continue
            voice, group = self._fhir_voice(teller), waiting.setdefault(teller, [])
            if group and voice.together(group[0][0]) != voice.together(event):
                messages += voice.say([each for each, _ in group], group[0][1])
                group.clear()
            group.append((event, control_id))
        for teller, group in waiting.items():
            if group:
                messages += self._fhir_voice(teller).say([each for each, _ in group], group[0][1])
        messages.sort(key=_when)
        return messages

    def _hl7_voice(self, source: str) -> Any:
        if source not in self._hl7:
            self._hl7[source] = _HL7[source](self.person)
        return self._hl7[source]

    def _fhir_voice(self, source: str) -> FhirVoice:
        if source not in self._fhir:
            self._fhir[source] = FhirVoice(self.person, STYLES[source])
        return self._fhir[source]


_HL7: dict[str, Callable[[Person], Any]] = {
    "barts": lambda person: HospitalVoice(person, BARTS),
    "uclh": lambda person: EpicVoice(person, epic.UCLH),
    "gosh": lambda person: EpicVoice(person, epic.GOSH),
    "nel-pathology": lambda person: LaboratoryVoice(person, NORTH_EAST_LONDON),
    "london-imaging": lambda person: RadiologyVoice(person, LONDON),
}


def _when(message: Message) -> datetime:
    return message.at


def history(person: Person, *, source: str | None = None, channel: str | None = None) -> list[Message]:
    """Every message about this person in order of time: of all sources or of one, by every channel or by one."""
    messages = Voices(person).say(person.story, source=source, mark=f"{person.index:07d}")
    return messages if channel is None else [message for message in messages if message.channel == channel]
