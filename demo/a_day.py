"""A day in the region: what happens next, one small happening at a time, so that messages keep flowing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from demo.messages import Message
from demo.messages.hospital import HospitalVoice
from demo.messages.laboratory import LaboratoryVoice
from demo.people.nouns import Person, Reported
from demo.people.pathways import BY_KEY
from demo.people.story import Teller

_NUMBERS_A_TICK = 10  # Visits, specimens and letters that one happening may number.
_NUMBERS_OF_HISTORY = 1_000


def tick(seed: int, people: Sequence[Person], number: int, at: datetime, *, source: str) -> list[Message]:
    """Happening `number` as `source` tells it. Every system draws the same lot, so they tell of the same person."""
    rng = random.Random(f"{seed}/day/{number}")
    living = [person for person in people if person.story and person.nhs_number and not person.now.died_at]
    if not living:
        return []
    person = rng.choice(living)
    pathway = BY_KEY.get(person.pathway)
    teller = Teller(
        rng,
        index=person.index,
        timeline=((datetime.min, person.now),),
        until=at,
        nhs_number=person.nhs_number,
        laboratory_number=person.laboratory_number,
        pathway=pathway,
        numbers_from=_NUMBERS_OF_HISTORY + number * _NUMBERS_A_TICK,
    )
    start = at - timedelta(hours=4, minutes=30)
    lot = rng.random()
    if pathway and lot < 0.3:
        teller.clinic(start, pathway)
    elif pathway and lot < 0.4:
        teller.emergency(at - timedelta(hours=1), pathway, bloods=False)
    else:
        teller.bloods(start, None, pathway, panels=("UE", "FBC"), place=person.now.practice.name)
    hospital, laboratory = HospitalVoice(person), LaboratoryVoice(person)
    messages = []
    for place, event in enumerate(teller.in_order(), 1):
        if event.source not in (hospital.dialect.source, laboratory.dialect.source):
            continue
        control_id = f"D{number:07d}{place:02d}"
        voice_source = laboratory.dialect.source if isinstance(event, Reported) else hospital.dialect.source
        if voice_source == source:
            said = laboratory.say(event, control_id) if isinstance(event, Reported) else hospital.say(event, control_id)
            messages.append(said)
    return messages
