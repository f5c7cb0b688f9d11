"""Identities that go wrong: a stranger under somebody's number, names the wrong way round, a short form."""

from __future__ import annotations

import random
from datetime import date, timedelta

import msgspec

from demo.people import names, numbers, places
from demo.people.cast import Mould
from demo.people.nouns import Demographics, Reported
from demo.people.story import Teller

IMAGING = "london-imaging"


def disguise(teller: Teller, made: Mould) -> dict[str, str]:
    """How single sources know this person by another name. Returns those that must not be joined by themselves."""
    now, apart = teller.now, {}
    if "names-swapped" in made.quirks:
        teller.as_known_to[IMAGING] = msgspec.structs.replace(now, family=now.given[0], given=(now.family,))
        apart[IMAGING] = "no NHS number, given and family name exchanged: only a human may join them"
    elif "short-name" in made.quirks and (short := names.short_form(now.given[0])) != now.given[0]:
        known_as = msgspec.structs.replace(now, given=(short,))
        for source in ("gp-mile-end", "gp-kilburn", "mile-end-council"):
            teller.as_known_to[source] = known_as
    return apart


def misfile(teller: Teller, rng: random.Random, index: int) -> tuple[str, str, str]:
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
