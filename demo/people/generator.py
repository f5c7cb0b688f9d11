"""Makes invented people with their stories, the same for the same seed, as fast as they are asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Literal

import msgspec

from demo.people import life, names, numbers, places, strangers
from demo.people.cast import ANCHOR, Mould
from demo.people.density import thin
from demo.people.disagreements import BETWEEN_SOURCES
from demo.people.lots import mould
from demo.people.nouns import Address, Demographics, Happening, Person, Practice
from demo.people.pathways import BY_KEY
from demo.people.sources import NEIGHBOUR_PRACTICES, NEIGHBOURS_BY_TOWN
from demo.people.story import Teller

Density = Literal["full", "light"]
_OWN = ("barts", "nel-pathology")  # Their numbers have fields of their own.


def generate(seed: int, n: int, *, start: int = 0, until: date = ANCHOR, density: Density = "full") -> Iterator[Person]:
    """People `start` to `start + n - 1` of this seed's region; their histories end on the morning of `until`.

    `density="light"` is for loading many: the same people, with about a dozen messages each.
    """
    every_number = islice(numbers.nhs_numbers(seed), start, None)
    last = datetime.combine(until, time(7, 0))
    for index in range(start, start + n):
        yield _person(seed, index, next(every_number), last, density)


def _person(seed: int, index: int, nhs_number: str, until: datetime, density: Density) -> Person:
    block, place = divmod(index, 2)
    house = random.Random(f"{seed}/house/{block}")
    first = mould(random.Random(f"{seed}/{block * 2}"), block, 0)
    home, practice = _settle(house, first)
    shares = house.random() < 0.45
    rng = random.Random(f"{seed}/{index}")
    made = mould(rng, block, place)
    if made.is_cast:
        shares = made.family == first.family
    if place and not shares:
        home, practice = _settle(rng, made)
    if place and shares and not made.is_cast:
        made = _household(house, rng, made, first)
    if made.practice:
        practice = places.practice_of(made.practice)
    return _tell(
        rng, seed, index, made, nhs_number=nhs_number, home=home, practice=practice, until=until, density=density
    )


def _household(house: random.Random, rng: random.Random, made: Mould, first: Mould) -> Mould:
    """Who shares a home: mostly one family name; sometimes twins, or a mother and her newborn."""
    lot = house.random()
    if first.age_days < 16 * 365 and lot < 0.15:
        given = made.given if made.given[0] != first.given[0] else (*made.given[1:], "Robin")
        return msgspec.structs.replace(
            made, family=first.family, given=given, title="", age_days=first.age_days, pathway=first.pathway,
            quirks=(made.quirks - {"died", "in-hospital"}) | {"twin"}, shows="a twin: one birth date, another person",
        )  # fmt: skip
    if first.gender == "F" and 18 <= first.age_days // 365 <= 42 and lot < 0.15:
        return msgspec.structs.replace(
            made, family=first.family, title="", age_days=house.randint(2, 40), pathway="", allergies="unrecorded",
            quirks=frozenset({"newborn", "child-of-before"}), shows="a newborn and their mother",
        )  # fmt: skip
    return msgspec.structs.replace(made, family=first.family) if rng.random() < 0.8 else made


def _settle(rng: random.Random, made: Mould) -> tuple[Address, Practice]:
    home = places.address(rng, made.area, made.town)
    return home, places.practice(rng, made.area, home.town)


def _tell(
    rng: random.Random,
    seed: int,
    index: int,
    made: Mould,
    *,
    nhs_number: str,
    home: Address,
    practice: Practice,
    until: datetime,
    density: Density,
) -> Person:
    """The story of one mould: numbers, who they are over time, then what happened."""
    known_number = None if "no-nhs-number" in made.quirks else nhs_number
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
        laboratory_number=numbers.laboratory_number(index),
        pathway=BY_KEY.get(made.pathway),
        is_light=density == "light",
    )
    apart = strangers.disguise(teller, made)
    early = life.tell_life(teller, made, end_of_stay)
    not_to_join = (strangers.misfile(teller, rng, index),) if "misfiled" in made.quirks else ()
    story = thin(teller.in_order()) if teller.is_light else teller.in_order()
    elsewhere: dict[str, str | None] = dict.fromkeys(apart)
    superseded = numbers.superseded_number(seed, index) if "superseded" in made.quirks else None
    if superseded:
        elsewhere[strangers.IMAGING] = superseded
        apart[strangers.IMAGING] = (
            "its NHS number is superseded: two different verified numbers never join by themselves"
        )
    own = _numbers(index, story, home, practice)
    return Person(
        index=index,
        nhs_number=known_number,
        now=timeline[-1][1],
        hospital_number=numbers.hospital_number(index),
        laboratory_number=numbers.laboratory_number(index),
        oxford_number=own.get("oxford"),
        numbers=own,
        numbers_elsewhere=elsewhere,
        superseded_number=superseded,
        former_name=former_name,
        early_number=early,
        twin_of=index - 1 if "twin" in made.quirks else None,
        mother=index - 1 if "child-of-before" in made.quirks else index + 1 if "child-of-next" in made.quirks else None,
        is_restricted="restricted" in made.quirks,
        shows=made.shows,
        pathway=made.pathway,
        is_cast=made.is_cast,
        not_to_join=not_to_join,
        apart=apart,
        planted=_planted(teller),
        guarded=tuple(teller.guarded),
        story=story,
    )


def _planted(teller: Teller) -> tuple[str, ...]:
    if teller.is_light:
        return ()  # Thinned, nothing is promised.
    named = dict.fromkeys(teller.planted)
    return tuple(name for name in named if teller.nhs_number or name not in BETWEEN_SOURCES)


def _numbers(index: int, story: tuple[Happening, ...], home: Address, practice: Practice) -> dict[str, str]:
    """The person's own number at every source that tells of them, and at the neighbours that look after them."""
    neighbours = NEIGHBOURS_BY_TOWN.get(home.town, ())
    if by_practice := NEIGHBOUR_PRACTICES.get(practice.code):
        neighbours = (*neighbours, by_practice)
    own = {
        each: numbers.oxford_number(index) if each == "oxford" else numbers.number_at(each, index)
        for each in neighbours
    }
    for source in dict.fromkeys(event.source for event in story):
        if source not in _OWN:
            own[source] = numbers.number_at(source, index)
    return own


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
        number_status="08" if made.age_days < 42 and "no-nhs-number" not in made.quirks else "",
        language=made.language,
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
