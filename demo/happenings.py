"""What may happen next to somebody: a fresh turn of something that has happened to them before.

A person's own story says which systems know them and what those systems tell, so nothing here can contradict it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from demo.people.contents import Assessment, Encounter, Measurement, Medicine, Report, Slot
from demo.people.nouns import (
    Booked,
    Demographics,
    Happening,
    Imaged,
    Panel,
    Person,
    Reported,
    Stated,
    Told,
    Value,
    Visit,
)

_RANGE = re.compile(r"\s*(-?[0-9.]+)\s*-\s*(-?[0-9.]+)\s*")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_TURNING = (Medicine, Measurement, Encounter, Slot, Assessment, Report)
Turn = Callable[[Person, random.Random, int, datetime], list[Happening]]


def is_suitable(person: Person) -> bool:
    """Alive, and known to somebody. The dead are at rest; a stranger has nothing that could go on."""
    return bool(person.story) and not person.now.died_at and any(_turns(person))


def happen(person: Person, rng: random.Random, number: int, at: datetime) -> list[Happening]:
    """What is told at `at`, in order of time. `number` is new in each call, and so are the numbers made of it."""
    turns = [(turn, weight) for turn, weight in _turns(person) if weight]
    if not turns:
        return []
    (turn,) = rng.choices([each for each, _ in turns], [weight for _, weight in turns])
    return sorted(turn(person, rng, number, at), key=_when)


def _when(event: Happening) -> datetime:
    return event.at


def _turns(person: Person) -> list[tuple[Turn, float]]:
    """What could happen, each with how often it does, by what has happened before."""
    kinds = {type(event) for event in person.story}
    found: list[tuple[Turn, float]] = []
    if _bloods_of(person):
        found.append((_bloods, 4.0))
    if any(_is_clinic(event) for event in person.story):
        found.append((_clinic, 2.0))
        found.append((_emergency, 1.0))
    if Booked in kinds:
        found.append((_appointment, 1.0))
    if Imaged in kinds:
        found.append((_image, 0.7))
    if any(_is_turning(event) for event in person.story):
        found.append((_statement, 5.0))
    return found


# --- the laboratory and the imaging service ---------------------------------------------------------------------------


def _bloods_of(person: Person) -> list[Reported]:
    """Reports of numbers under the person's own number, which the laboratory stood by."""
    return [
        event
        for event in person.story
        if isinstance(event, Reported)
        and event.number == person.laboratory_number
        and event.status == "F"
        and any(_NUMBER.fullmatch(value.text) for panel in event.panels for value in panel.values)
    ]


def _bloods(person: Person, rng: random.Random, number: int, at: datetime) -> list[Happening]:
    last = rng.choice(_bloods_of(person)[-3:])
    panels = tuple(_repeated(panel, rng, f"DAY{number:09d}-{place}") for place, panel in enumerate(last.panels, 1))
    panels = tuple(panel for panel in panels if panel.values)
    collected = at - timedelta(hours=rng.randint(2, 5), minutes=rng.randint(0, 59))
    return [replace(last, at=at, who=_who(person, last.source), collected_at=collected, panels=panels)]


def _repeated(panel: Panel, rng: random.Random, filler: str) -> Panel:
    values = tuple(_near(value, rng) for value in panel.values if _NUMBER.fullmatch(value.text))
    return replace(panel, filler=filler, values=values, note="")


def _near(value: Value, rng: random.Random) -> Value:
    """A few per cent from the last one, as many digits, its flag by its own range."""
    digits = len(value.text.partition(".")[2])
    text = f"{float(value.text) * rng.gauss(1.0, 0.04):.{digits}f}"
    flag = ""
    if limits := _RANGE.fullmatch(value.reference):
        flag = "L" if float(text) < float(limits[1]) else "H" if float(text) > float(limits[2]) else ""
    return replace(value, text=text, flag=flag, status="")


def _image(person: Person, rng: random.Random, number: int, at: datetime) -> list[Happening]:
    last = rng.choice([event for event in person.story if isinstance(event, Imaged)])
    accession = f"D{number:09d}"
    performed = at - timedelta(minutes=rng.randint(25, 180))
    lines = ("Comparison is made with the previous examination.", "No significant interval change.")
    return [
        replace(
            last,
            at=at,
            who=_who(person, last.source),
            accession=accession,
            performed_at=performed,
            status="F",
            lines=lines,
        )
    ]


# --- hospitals --------------------------------------------------------------------------------------------------------


def _is_clinic(event: Happening) -> bool:
    return isinstance(event, Told) and event.visit is not None and event.visit.kind == "O"


def _visit(person: Person, rng: random.Random) -> tuple[Told, Visit]:
    event = rng.choice([event for event in person.story if _is_clinic(event)])
    assert isinstance(event, Told)
    assert event.visit is not None
    return event, event.visit


def _clinic(person: Person, rng: random.Random, number: int, at: datetime) -> list[Happening]:
    """Arrived, seen, left: and the next appointment made, where this hospital tells of appointments."""
    last, visit = _visit(person, rng)
    start = at - timedelta(minutes=rng.randint(20, 90))
    new = replace(visit, number=f"9{number:012d}", start=start, end=None)
    who = _who(person, last.source)
    told = Told(at=start, who=who, source=last.source, trigger="A04", visit=new)
    events: list[Happening] = [told, replace(told, at=at, trigger="A03", visit=replace(new, end=at))]
    if any(isinstance(event, Booked) and event.source == last.source for event in person.story):
        events += [event for event in _appointment(person, rng, number, at) if event.source == last.source]
    return events


def _emergency(person: Person, rng: random.Random, number: int, at: datetime) -> list[Happening]:
    """The ambulance if it has been before, then the emergency department, then its bloods."""
    last, visit = _visit(person, rng)
    arrived = at - timedelta(minutes=rng.randint(60, 180))
    new = replace(
        visit, number=f"8{number:012d}", kind="E", place="Emergency Department", room="", bed="", specialty="180",
        start=arrived, end=None,
    )  # fmt: skip
    told = Told(at=arrived, who=_who(person, last.source), source=last.source, trigger="A04", visit=new)
    events: list[Happening] = [told]
    rides = [event for event in person.story if event.source == "london-ambulance" and isinstance(event, Stated)]
    rides = [event for event in rides if isinstance(event.content, Encounter)]
    if rides:
        events += _restated(person, rides[-1], rng, number, arrived - timedelta(minutes=5))
    if _bloods_of(person):
        events += _bloods(person, rng, number, at)
    return events


def _appointment(person: Person, rng: random.Random, number: int, at: datetime) -> list[Happening]:
    last = rng.choice([event for event in person.story if isinstance(event, Booked)])
    start = datetime(at.year, at.month, at.day, 9) + timedelta(
        days=rng.randint(14, 90), minutes=10 * rng.randint(0, 47)
    )
    start -= timedelta(days=max(0, start.weekday() - 4))  # Clinics are held on weekdays.
    new = replace(
        last, at=at, who=_who(person, last.source), trigger="S12", number=f"9{number:012d}", start=start, was=None
    )
    return [new]


# --- systems that speak FHIR ------------------------------------------------------------------------------------------


def _is_turning(event: Happening) -> bool:
    if not isinstance(event, Stated) or event.is_in_error or not isinstance(event.content, _TURNING):
        return False
    return not isinstance(event.content, Medicine) or event.content.status == "active"


def _statement(person: Person, rng: random.Random, number: int, at: datetime) -> list[Happening]:
    # A newer version of the same item must be of its latest version: an earlier one may say what no longer holds.
    latest = {(event.source, event.own_id): event for event in person.story if isinstance(event, Stated)}
    turning = [event for event in latest.values() if _is_turning(event)]
    return _restated(person, rng.choice(turning), rng, number, at) if turning else []


def _restated(person: Person, last: Stated, rng: random.Random, number: int, at: datetime) -> list[Happening]:
    content, own_id = last.content, f"day-{number}"
    if isinstance(content, Medicine):
        own_id, content = last.own_id, replace(content, issued_on=at.date())
    elif isinstance(content, Measurement):
        content = replace(content, taken_at=at - timedelta(minutes=5), value=_digits_near(content.value, rng))
    elif isinstance(content, Encounter):
        content = replace(content, start=at - timedelta(minutes=rng.randint(10, 45)), end=at)
    elif isinstance(content, Slot):
        content = replace(content, start=at + timedelta(days=rng.randint(1, 21)), status="booked")
    elif isinstance(content, Assessment):
        content = replace(content, made_at=at - timedelta(minutes=10))
    elif isinstance(content, Report):
        content = replace(content, written_at=at, replaces="")
    return [replace(last, at=at, who=_who(person, last.source), own_id=own_id, content=content, stay="")]


def _digits_near(text: str, rng: random.Random) -> str:
    if not _NUMBER.fullmatch(text):
        return text
    return f"{float(text) * rng.gauss(1.0, 0.015):.{len(text.partition('.')[2])}f}"


def _who(person: Person, source: str) -> Demographics:
    """The person as this source last knew them: not every source has heard of a new address. What it once filed under
    their number of somebody else, with another birth date, is not them."""
    told = [event.who for event in person.story if event.source == source]
    own = [who for who in told if who.birth_date == person.now.birth_date and who.gender == person.now.gender]
    return (own or told or [person.now])[-1]
