"""Makes invented people with their stories, the same for the same seed, as fast as they are asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice

import msgspec

from demo.people import names, numbers, places
from demo.people.cast import ANCHOR, Mould, mould
from demo.people.nouns import Address, Demographics, EarlyNumber, Person, Practice, Reported
from demo.people.pathways import BY_KEY, Pathway
from demo.people.story import Teller


def generate(seed: int, n: int, *, start: int = 0, until: date = ANCHOR) -> Iterator[Person]:
    """People `start` to `start + n - 1` of this seed's region; their histories end on the morning of `until`."""
    every_number = islice(numbers.nhs_numbers(seed), start, None)
    last = datetime.combine(until, time(7, 0))
    for index in range(start, start + n):
        yield _person(seed, index, next(every_number), last)


def _person(seed: int, index: int, nhs_number: str, until: datetime) -> Person:
    block, place = divmod(index, 2)
    house = random.Random(f"{seed}/house/{block}")
    first = mould(random.Random(f"{seed}/{block * 2}"), block, 0)
    area = first.area
    home = places.address(house, area)
    practice = places.practice(house, area, home.town)
    shares = house.random() < 0.45
    rng = random.Random(f"{seed}/{index}")
    made = mould(rng, block, place)
    if made.is_cast:
        shares = made.family == first.family
    if place and not shares:
        home = places.address(rng, area)
        practice = places.practice(rng, area, home.town)
    if place and shares and rng.random() < 0.8:
        made = msgspec.structs.replace(made, family=first.family)
    return _tell(rng, index, made, nhs_number=nhs_number, home=home, practice=practice, until=until)


def _tell(
    rng: random.Random, index: int, made: Mould, *, nhs_number: str, home: Address, practice: Practice, until: datetime
) -> Person:
    """The story of one mould: numbers, who they are over time, then what happened."""
    known_number = None if "no-nhs-number" in made.quirks else nhs_number
    laboratory_number = numbers.laboratory_number(index)
    pathway = BY_KEY.get(made.pathway)
    end_of_stay = until - timedelta(
        days=rng.randint(2, 6) if "recent" in made.quirks else rng.randint(8, max(9, min(330, made.age_days // 3))),
        hours=-8,
    )
    timeline, former_name = _timeline(rng, made, home, practice, until=until, end_of_stay=end_of_stay)
    teller = Teller(
        rng,
        index=index,
        timeline=timeline,
        until=until,
        nhs_number=known_number,
        laboratory_number=laboratory_number,
        pathway=pathway,
    )
    early = None
    if pathway:
        early = _pathway_story(teller, made, pathway, end_of_stay)
    elif "unknown-in-london" not in made.quirks:
        _practice_story(teller, made)
    if pathway and made.area == "London":
        _practice_story(teller, made)
    not_to_join: tuple[tuple[str, str, str], ...] = ()
    if "misfiled" in made.quirks:
        not_to_join = (_misfile(teller, rng, index),)
    if "corrected" in made.quirks:
        teller.correct("K")
    return Person(
        index=index,
        nhs_number=known_number,
        now=timeline[-1][1],
        hospital_number=numbers.hospital_number(index),
        laboratory_number=laboratory_number,
        oxford_number=numbers.oxford_number(index) if made.area == "Oxfordshire" else None,
        former_name=former_name,
        early_number=early,
        twin_of=index - 1 if "twin" in made.quirks else None,
        shows=made.shows,
        pathway=made.pathway,
        is_cast=made.is_cast,
        not_to_join=not_to_join,
        story=teller.in_order(),
    )


def _timeline(
    rng: random.Random, made: Mould, home: Address, practice: Practice, *, until: datetime, end_of_stay: datetime
) -> tuple[tuple[tuple[datetime, Demographics], ...], str]:
    """Who they are from when on: a change of name or address, a death. And the former name, if any."""
    now = Demographics(
        family=made.family,
        given=made.given,
        title=made.title,
        birth_date=until.date() - timedelta(days=made.age_days),
        gender=made.gender,
        address=home,
        phone=places.phone(rng),
        practice=practice,
    )
    change = end_of_stay - timedelta(days=rng.randint(30, 60))
    before, former_name = now, ""
    if "renamed" in made.quirks:
        former_name = names.family_name(rng, 0)
        if former_name == made.family:
            former_name = "Ashcroft"
        before = msgspec.structs.replace(before, family=former_name, title="Miss")
    if "moved-house" in made.quirks:
        before = msgspec.structs.replace(before, address=places.address(rng, made.area))
    timeline = [(datetime.min, before)]
    if before is not now:
        timeline.append((change, now))
    if "died" in made.quirks:
        died_at = end_of_stay.replace(hour=14, minute=12)
        timeline.append((died_at, msgspec.structs.replace(now, died_at=died_at)))
    return tuple(timeline), former_name


def _pathway_story(teller: Teller, made: Mould, pathway: Pathway, end_of_stay: datetime) -> EarlyNumber | None:
    """Referral, clinics, the stay, follow-up; for Londoners the emergency department comes first."""
    rng, until = teller.rng, teller.until
    is_stay = pathway.days[1] > 0
    days = rng.randint(*pathway.days)
    if "in-hospital" in made.quirks and is_stay:
        end_of_stay = until + timedelta(days=2)
        days = max(days, 5)
    start = (end_of_stay - timedelta(days=days)).replace(hour=9 + rng.randint(0, 7), minute=rng.randint(0, 59))
    youngest = datetime.combine(teller.timeline[-1][1].birth_date, time(12)) + timedelta(days=20)
    clinics = [start - timedelta(days=rng.randint(35, 80))]
    for _ in range(rng.randint(1, 4)):
        clinics.append(clinics[-1] - timedelta(days=rng.randint(90, 400)))
    clinics = [_in_hours(rng, at) for at in reversed(clinics) if at > youngest]
    first = min([*clinics, start]) - timedelta(days=2)
    teller.told("A28", first)
    before_stay = made.allergies == "none-then-penicillin"
    teller.allergic("none" if before_stay else made.allergies, first + timedelta(days=2))
    for place, at in enumerate(clinics):
        visit = teller.clinic(at, pathway, letter=rng.random() < 0.7)
        if place == 0 and teller.allergies:  # Asked at the first visit; hospitals tell it as an update.
            teller.told("A08", at + timedelta(minutes=12), visit)
    for since, _ in teller.timeline[1:]:
        teller.told("A31", since + timedelta(minutes=5))
    if before_stay:
        teller.allergic("penicillin", start)
    if is_stay:
        if pathway.key in ("pneumonia", "chest-pain", "child-wheeze"):
            teller.emergency(start - timedelta(hours=5), pathway)
        teller.stay(
            start,
            days,
            pathway,
            planned="planned" in made.quirks,
            ends=end_of_stay <= until,
            died="died" in made.quirks,
            pdf="pdf" in made.quirks,
        )
    if "died" not in made.quirks:
        teller.clinic(_in_hours(rng, end_of_stay + timedelta(days=rng.randint(14, 40))), pathway)
    if "merged" in made.quirks:
        return teller.merge(
            min(start + timedelta(days=1, hours=3), until), numbers.hospital_number(teller.index, twice=True)
        )
    return None


def _practice_story(teller: Teller, made: Mould) -> None:
    """Blood tests that the GP asked for: the laboratory knows the person, no hospital needs to."""
    rng = teller.rng
    practice = teller.timeline[-1][1].practice.name
    if "newborn" in made.quirks:
        teller.bloods(
            teller.until - timedelta(days=4, hours=-2), None, None, panels=("FBC", "LFT"), place="Postnatal ward"
        )
        return
    born = datetime.combine(teller.timeline[-1][1].birth_date, time(12))
    died_at = teller.timeline[-1][1].died_at or teller.until
    for _ in range(rng.randint(1, 4)):
        at = _in_hours(rng, died_at - timedelta(days=rng.randint(20, 1500)))
        if at > born:
            teller.bloods(
                at, None, None, panels=rng.choice((("UE", "FBC"), ("UE", "LFT"), ("FBC", "HBA1C"))), place=practice
            )


def _misfile(teller: Teller, rng: random.Random, index: int) -> tuple[str, str, str]:
    """The laboratory books a stranger's blood under this NHS number: name and birth date contradict it."""
    stranger = Demographics(
        family="Beckford",
        given=("Shanice",),
        title="Miss",
        birth_date=date(1994, 2, 11),
        gender="F",
        address=places.address(rng, "London"),
        phone=places.phone(rng),
        practice=places.PRACTICES[-1],
    )
    number = numbers.laboratory_number(index + 900_000)
    at = teller.until - timedelta(days=9, hours=-3)
    before = len(teller.events)
    teller.bloods(at, None, None, panels=("UE",), place="Urgent Treatment Centre")
    for position in range(before, len(teller.events)):
        event = teller.events[position]
        if isinstance(event, Reported):
            teller.events[position] = msgspec.structs.replace(event, who=stranger, number=number)
    return ("nel-pathology", number, "the laboratory's name, birth date and gender contradict those of this NHS number")


def _in_hours(rng: random.Random, at: datetime) -> datetime:
    """Between nine and five, on a weekday."""
    at = at.replace(hour=9 + rng.randint(0, 7), minute=rng.randint(0, 59), second=0)
    return at - timedelta(days=max(0, at.weekday() - 4))
