"""Where people live: invented streets in real towns, plausible postcodes, invented practices and clinicians."""

from __future__ import annotations

import random

from demo.people.nouns import Address, Clinician, Practice

PRACTICES = (
    Practice("Y99001", "Cowley Road Practice", "Oxford", "Oxfordshire", "Dr H Appleyard"),
    Practice("Y99002", "Windrush Bridge Surgery", "Witney", "Oxfordshire", "Dr S Ramanathan"),
    Practice("Y99003", "Cherwell Meadow Health Centre", "Bicester", "Oxfordshire", "Dr P Lindqvist"),
    Practice("Y99004", "Ock Street Family Practice", "Abingdon", "Oxfordshire", "Dr J Tolliver"),
    Practice("Y99101", "Mile End Green Surgery", "London", "London", "Dr A Choudhury"),
    Practice("Y99102", "Lea Bridge Medical Centre", "London", "London", "Dr F Olawale"),
    Practice("Y99103", "Peckham Orchard Practice", "London", "London", "Dr N Bradshaw"),
    Practice("Y99104", "Kilburn Lane Health Centre", "London", "London", "Dr M Fitzsimons"),
)

_STREETS = (
    "Marlpit Lane",
    "Tallow Street",
    "Quince Row",
    "Old Ferry Lane",
    "Larksmeade Road",
    "Cooper's Yard",
    "Saltings Close",
    "Fallowfield Mews",
    "Harrowgate Passage",
    "Beacon Orchard",
    "Threadneedle Rise",
    "Copperbeech Avenue",
    "Almsgate",
)
_TOWNS = {
    "Oxfordshire": (
        ("Oxford", ("OX1", "OX2", "OX3", "OX4")),
        ("Witney", ("OX28",)),
        ("Bicester", ("OX26",)),
        ("Abingdon", ("OX14",)),
        ("Banbury", ("OX16",)),
        ("Didcot", ("OX11",)),
    ),
    "London": (
        ("London", ("E1", "E3", "E8", "E17", "N4", "N16", "SE15", "SE5", "SW9", "SW17", "NW6", "W12", "WC1N", "EC1A")),
    ),
}
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"  # Letters that the second half of a postcode may hold.


def address(rng: random.Random, area: str) -> Address:
    town, outward = rng.choice(_TOWNS[area])
    postcode = f"{rng.choice(outward)} {rng.randint(1, 9)}{rng.choice(_INWARD)}{rng.choice(_INWARD)}"
    flat = f"Flat {rng.randint(1, 40)}, " if area == "London" and rng.random() < 0.5 else ""
    county = "Oxfordshire" if area == "Oxfordshire" else "Greater London"
    return Address(f"{flat}{rng.randint(1, 180)} {rng.choice(_STREETS)}", town, county, postcode)


def practice(rng: random.Random, area: str, town: str) -> Practice:
    near = [practice for practice in PRACTICES if practice.area == area]
    return next((here for here in near if here.town == town and area != "London"), None) or rng.choice(near)


def phone(rng: random.Random) -> str:
    """A number from the range that Ofcom keeps for drama."""
    return f"07700 900{rng.randint(0, 999):03d}"


CONSULTANTS = {
    "heart": (Clinician("C3100101", "Okafor", "Amaka", "Miss"), Clinician("C3100102", "Lindley", "Robert", "Mr")),
    "cancer": (Clinician("C3100201", "Venkatesan", "Lakshmi", "Dr"), Clinician("C3100202", "Prior", "Helen", "Dr")),
    "transplant": (Clinician("C3100301", "Abbasi", "Farid", "Mr"),),
    "neuro": (Clinician("C3100401", "Whitaker", "Jane", "Miss"),),
    "eye": (Clinician("C3100501", "Teo", "Marcus", "Mr"),),
    "children": (Clinician("C3100601", "Rosewarne", "Kate", "Miss"),),
    "general": (Clinician("C3100701", "Daniels", "Grace", "Dr"), Clinician("C3100702", "Qureshi", "Bilal", "Dr")),
}
