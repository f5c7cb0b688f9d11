"""Where people live: invented streets in real towns, postcodes that cannot exist, invented practices and clinicians."""

from __future__ import annotations

import random

from demo.people.contents import Clinician
from demo.people.nouns import Address, Practice

PRACTICES = (
    Practice("Y99001", "Cowley Road Practice", "Oxford", "Oxfordshire", "Dr H Appleyard"),
    Practice("Y99002", "Windrush Bridge Surgery", "Witney", "Oxfordshire", "Dr S Ramanathan"),
    Practice("Y99003", "Cherwell Meadow Health Centre", "Bicester", "Oxfordshire", "Dr P Lindqvist"),
    Practice("Y99004", "Ock Street Family Practice", "Abingdon", "Oxfordshire", "Dr J Tolliver"),
    Practice("Y99201", "Harpur Lane Surgery", "Bedford", "Bedfordshire", "Dr W Stanbridge"),
    Practice("Y99202", "Wardown Vale Medical Centre", "Luton", "Bedfordshire", "Dr R Hussain"),
    Practice("Y99203", "Ouzel Brook Health Centre", "Milton Keynes", "Milton Keynes", "Dr E Carmody"),
    Practice("Y99211", "Gipping Valley Practice", "Ipswich", "Suffolk", "Dr L Aldous"),
    Practice("Y99212", "Lark Meadow Surgery", "Bury St Edmunds", "Suffolk", "Dr G Wymark"),
    Practice("Y99213", "Colne Bank Surgery", "Colchester", "Essex", "Dr T Adebayo"),
    Practice("Y99214", "Chelmer Weir Practice", "Chelmsford", "Essex", "Dr I Petrov"),
    Practice("Y99222", "Cassio Bridge Surgery", "Watford", "Hertfordshire", "Dr N Goldsworthy"),
    Practice("Y99223", "Mimram Vale Practice", "Stevenage", "Hertfordshire", "Dr O Kirkbride"),
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
_TOWNS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "Oxfordshire": (
        ("Oxford", ("OX1", "OX2", "OX3", "OX4")),
        ("Witney", ("OX28",)),
        ("Bicester", ("OX26",)),
        ("Abingdon", ("OX14",)),
        ("Banbury", ("OX16",)),
        ("Didcot", ("OX11",)),
    ),
    "Bedfordshire": (
        ("Bedford", ("MK40", "MK41")),
        ("Luton", ("LU1", "LU2", "LU3")),
        ("Kempston", ("MK42",)),
        ("Dunstable", ("LU6",)),
    ),
    "Milton Keynes": (
        ("Milton Keynes", ("MK9", "MK10", "MK14")),
        ("Bletchley", ("MK3",)),
        ("Newport Pagnell", ("MK16",)),
    ),
    "Suffolk": (
        ("Ipswich", ("IP1", "IP3", "IP4")),
        ("Bury St Edmunds", ("IP32", "IP33")),
        ("Felixstowe", ("IP11",)),
        ("Sudbury", ("CO10",)),
    ),
    "Essex": (("Colchester", ("CO1", "CO2", "CO3")), ("Chelmsford", ("CM1", "CM2")), ("Clacton-on-Sea", ("CO15",))),
    "Hertfordshire": (
        ("Watford", ("WD17", "WD18")),
        ("Stevenage", ("SG1", "SG2")),
        ("St Albans", ("AL1", "AL3")),
        ("Hertford", ("SG13",)),
    ),
    "London": (
        ("London", ("E1", "E3", "E8", "E17", "N4", "N16", "SE15", "SE5", "SW9", "SW17", "NW6", "W12", "WC1N", "EC1A")),
    ),
}
_COUNTIES = {"London": "Greater London", "Milton Keynes": "Buckinghamshire"}
_INWARD = "CIKMOV"  # Letters that the second half of a postcode never holds: the place looks right and is nowhere.
_NEAREST_PRACTICE = {"Kempston": "Bedford", "Dunstable": "Luton", "Felixstowe": "Ipswich", "Sudbury": "Bury St Edmunds",
                     "Clacton-on-Sea": "Colchester", "St Albans": "Watford", "Hertford": "Stevenage"}  # fmt: skip


def address(rng: random.Random, area: str, town: str = "") -> Address:
    """Somewhere in an area, or in one town of it."""
    towns = [each for each in _TOWNS[area] if each[0] == town] if town else _TOWNS[area]
    town, outward = rng.choice(towns)
    postcode = f"{rng.choice(outward)} {rng.randint(1, 9)}{rng.choice(_INWARD)}{rng.choice(_INWARD)}"
    flat = f"Flat {rng.randint(1, 40)}, " if area == "London" and rng.random() < 0.5 else ""
    return Address(f"{flat}{rng.randint(1, 180)} {rng.choice(_STREETS)}", town, _COUNTIES.get(area, area), postcode)


def practice(rng: random.Random, area: str, town: str) -> Practice:
    """The practice of a town outside London; in London two of three people are with one that is connected."""
    if area == "London":
        return rng.choices(_LONDON_PRACTICES, (5, 2, 2, 4))[0]
    near = _BY_AREA[area]
    town = _NEAREST_PRACTICE.get(town, town)
    return next((here for here in near if here.town == town), None) or rng.choice(near)


def practice_of(code: str) -> Practice:
    return next(practice for practice in PRACTICES if practice.code == code)


_BY_AREA = {area: [practice for practice in PRACTICES if practice.area == area] for area in _TOWNS}
_LONDON_PRACTICES = _BY_AREA["London"]


def phone(rng: random.Random) -> str:
    """A number from the range that Ofcom keeps for drama."""
    return f"07700 900{rng.randint(0, 999):03d}"


_DOCTORS = {
    "heart": (Clinician("C3100101", "Okafor", "Amaka", "Miss"), Clinician("C3100102", "Lindley", "Robert", "Mr")),
    "cancer": (Clinician("C3100201", "Venkatesan", "Lakshmi", "Dr"), Clinician("C3100202", "Prior", "Helen", "Dr")),
    "transplant": (Clinician("C3100301", "Abbasi", "Farid", "Mr"),),
    "neuro": (Clinician("C3100401", "Whitaker", "Jane", "Miss"),),
    "eye": (Clinician("C3100501", "Teo", "Marcus", "Mr"),),
    "children": (Clinician("C3100601", "Rosewarne", "Kate", "Miss"),),
    "general": (Clinician("C3100701", "Daniels", "Grace", "Dr"), Clinician("C3100702", "Qureshi", "Bilal", "Dr")),
    "uclh": (Clinician("C3200101", "Marchetti", "Elena", "Miss"), Clinician("C3200102", "Boyle", "Conor", "Dr")),
    "gosh": (Clinician("C3300101", "Nakamura", "Aiko", "Dr"), Clinician("C3300102", "Sands", "Peter", "Mr")),
}
CONSULTANTS = _DOCTORS
RADIOLOGISTS = (Clinician("C3400101", "Fairweather", "Ruth", "Dr"), Clinician("C3400102", "Iqbal", "Tariq", "Dr"))
PSYCHIATRIST = Clinician("C3500101", "Amankwah", "Esther", "Dr")
CARE_COORDINATOR = Clinician("N3500102", "Keane", "Michael", "Mr")
DISTRICT_NURSE = Clinician("N3600101", "Tully", "Bernadette", "Sister")
PHYSIOTHERAPIST = Clinician("P3600102", "Aziz", "Samira", "Ms")
PARAMEDIC = Clinician("PA370010", "Doyle", "Nathan", "Mr")
SOCIAL_WORKER = Clinician("SW380010", "Osei", "Janet", "Ms")
PALLIATIVE = Clinician("C3900101", "Merrick", "Judith", "Dr")


def gp_of(practice: Practice) -> Clinician:
    """The GP of a practice as a clinician with a code of their own."""
    title, given, family = practice.gp.split(" ", 2)
    return Clinician(f"G{practice.code[1:]}01", family, given, title)
