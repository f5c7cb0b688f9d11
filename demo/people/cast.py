"""Who is to be generated: twenty people chosen by hand to show something, and everyone else by lot."""

# ruff: noqa: E501 -- a table is read by its rows.

from __future__ import annotations

import random
from datetime import date

import msgspec

from demo.people import names
from demo.people.pathways import BY_KEY, LOCAL, SPECIALIST


class Mould(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided about a person before their story is told. Ages are in days at the anchor date."""

    area: str
    gender: str
    family: str
    given: tuple[str, ...]
    title: str
    age_days: int
    pathway: str = ""
    allergies: str = "unrecorded"  # "none", "some", "penicillin", "none-then-penicillin"
    quirks: frozenset[str] = frozenset()
    shows: str = ""
    is_cast: bool = False


def mould(rng: random.Random, block: int, place: int) -> Mould:
    """The mould of person `place` (0 or 1) of household `block`."""
    if block < len(_CAST):
        return _CAST[block][place]
    return _by_lot(rng, "Oxfordshire" if block % 2 == 0 else "London")


def _by_lot(rng: random.Random, area: str) -> Mould:
    age_days = _age_days(rng)
    age = age_days // 365
    gender = "F" if rng.random() < 0.51 else "M"
    group = names.community(rng, area)
    choices = [
        pathway
        for pathway in (SPECIALIST if area == "Oxfordshire" else LOCAL)
        if pathway.ages[0] <= age <= pathway.ages[1] and age_days > 120
    ]
    pathway = rng.choice(choices).key if choices else ""
    quirks = {
        quirk
        for quirk, share in (
            ("no-nhs-number", 0.04), ("merged", 0.03), ("corrected", 0.08), ("pdf", 0.3), ("in-hospital", 0.08),
            ("planned", 0.3), ("moved-house", 0.06), ("renamed", 0.03 if gender == "F" and age > 20 else 0.0),
            ("died", 0.04 if age > 70 else 0.002), ("misfiled", 0.005),
        )
        if rng.random() < share
    }  # fmt: skip
    quirks -= {"in-hospital"} if "died" in quirks else set()
    quirks -= {"renamed", "misfiled"} if "no-nhs-number" in quirks else set()
    return Mould(
        area=area,
        gender=gender,
        family=names.family_name(rng, group),
        given=names.given_names(rng, group, gender),
        title=names.title(rng, gender, age),
        age_days=age_days,
        pathway=pathway,
        allergies=rng.choices(("unrecorded", "none", "some", "none-then-penicillin"), (30, 40, 27, 3))[0],
        quirks=frozenset(quirks),
        shows=f"{BY_KEY[pathway].called} pathway" if pathway else "blood tests asked for by the GP",
    )


def _age_days(rng: random.Random) -> int:
    """Newborn to 104, older than the population: hospitals see the old and the very young."""
    low, high = rng.choices(((0, 1), (1, 16), (16, 40), (40, 65), (65, 85), (85, 105)), (4, 12, 20, 24, 30, 10))[0]
    return rng.randint(low * 366, high * 365 - 1)


def _cast(
    area: str,
    gender: str,
    family: str,
    given: str,
    title: str,
    age: float,
    pathway: str,
    allergies: str,
    quirks: str,
    shows: str,
) -> Mould:
    return Mould(
        area=area,
        gender=gender,
        family=family,
        given=tuple(given.split()),
        title=title,
        age_days=int(age * 365.25),
        pathway=pathway,
        allergies=allergies,
        quirks=frozenset(quirks.split()),
        shows=shows,
        is_cast=True,
    )


_OX, _LON = "Oxfordshire", "London"
_CAST = (
    (
        _cast(_OX, "F", "Hartley", "Joan Margaret", "Mrs", 78.7, "heart-valve", "penicillin", "recent planned",
              "a penicillin allergy, a potassium trend around a valve replacement, a discharge letter"),
        _cast(_OX, "M", "Hartley", "Arthur", "Mr", 81.2, "eye", "none", "", "no known allergies, a cataract operation"),
    ),
    (
        _cast(_LON, "M", "Ogunleye", "Adebayo", "Mr", 57.3, "diabetes", "none", "moved-house", "an HbA1c trend over years, a changed address"),
        _cast(_LON, "F", "Begum", "Fatima", "Mrs", 44.9, "pneumonia", "some", "merged",
              "two hospital numbers that the hospital later merged"),
    ),
    (
        _cast(_OX, "F", "Fairbrother", "Maisie", "", 4.4, "children", "none", "", "a child's heart operation; her twin is somebody else"),
        _cast(_OX, "F", "Fairbrother", "Isla", "", 4.4, "", "unrecorded", "twin", "the twin: a few blood tests, never her sister's operation"),
    ),
    (
        _cast(_LON, "M", "Zieliński", "Łukasz", "Mr", 33.1, "chest-pain", "unrecorded", "no-nhs-number",
              "nobody knew his NHS number: hospital and laboratory cannot be joined by themselves"),
        _cast(_LON, "M", "Braithwaite", "Winston", "Mr", 88.6, "pneumonia", "some", "died", "died in hospital"),
    ),
    (
        _cast(_OX, "M", "Raghunathan", "Vikram", "Mr", 46.8, "cancer", "penicillin", "in-hospital recent",
              "in hospital now: low counts after chemotherapy, a preliminary then a final report, histology"),
        _cast(_OX, "F", "Whitlock", "Charlotte Grace", "Mrs", 36.2, "neuro", "none", "renamed", "a name changed on marriage"),
    ),
    (
        _cast(_LON, "F", "Warsame", "Hodan", "", 0.02, "", "unrecorded", "newborn", "a newborn, first blood tests"),
        _cast(_LON, "F", "Warsame", "Amina", "Mrs", 29.4, "pneumonia", "none", "", "the newborn's mother, a separate person"),
    ),
    (
        _cast(_OX, "M", "O'Halloran", "Declan", "Mr", 51.5, "transplant", "some", "corrected pdf recent",
              "a kidney transplant: a creatinine trend, a corrected potassium, a letter as PDF"),
        _cast(_OX, "F", "Öztürk", "Zeynep", "Ms", 62.0, "heart-valve", "none-then-penicillin", "recent",
              "no known allergies on one stay, a penicillin allergy on the next"),
    ),
    (
        _cast(_LON, "F", "Grandison", "Claudette", "Mrs", 104.1, "eye", "none", "", "104 years old"),
        _cast(_LON, "M", "Kowalczyk", "Paweł", "Mr", 39.9, "chest-pain", "none", "", "chest pain: a short stay and its troponins"),
    ),
    (
        _cast(_OX, "M", "Penhale", "Stanley", "Mr", 73.3, "eye", "some", "pdf", "an eye operation, a letter as PDF"),
        _cast(_OX, "F", "Thornbury", "Alice", "Ms", 27.6, "", "unrecorded", "unknown-in-london", "nothing: London has never met her"),
    ),
    (
        _cast(_LON, "F", "Mensah", "Abena", "Ms", 61.7, "", "unrecorded", "", "known to the laboratory only"),
        _cast(_LON, "M", "Campbell-Reid", "Leroy", "Mr", 69.2, "diabetes", "none", "misfiled",
              "someone else's blood test sent under his NHS number: it must not be joined"),
    ),
)  # fmt: skip

ANCHOR = date(2026, 11, 20)
"""The day on which the histories end unless another is asked for: fixed, so that a seed means the same everywhere."""
