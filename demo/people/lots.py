"""Everyone whom nobody chose by hand: who they are, by lot, as London and its neighbours are."""

from __future__ import annotations

import random

from demo.people import names
from demo.people.cast import Mould, find_cast
from demo.people.pathways import BY_KEY, LOCAL, SPECIALIST
from demo.people.sources import AREAS

_LONDON = tuple(each for each in SPECIALIST if each.source == "uclh") + LOCAL + LOCAL
_OUTSIDE = tuple(each for each in SPECIALIST if each.key not in ("neuro", "children"))


def mould(rng: random.Random, block: int, place: int) -> Mould:
    """The mould of person `place` (0 or 1) of household `block`: every second household lives outside London."""
    return find_cast(block, place) or _by_lot(rng, AREAS[block // 2 % len(AREAS)] if block % 2 == 0 else "London")


def _by_lot(rng: random.Random, area: str) -> Mould:
    age_days = _age_days(rng)
    age = age_days // 365
    gender = "F" if rng.random() < 0.51 else "M"
    group = names.community(rng, area)
    choices = [
        pathway
        for pathway in (_LONDON if area == "London" else _OUTSIDE)
        if pathway.ages[0] <= age <= pathway.ages[1] and age_days > 120
    ]
    pathway = rng.choice(choices).key if choices else ""
    return Mould(
        area=area,
        gender=gender,
        family=names.family_name(rng, group),
        given=names.given_names(rng, group, gender),
        title=names.title(rng, gender, age),
        age_days=age_days,
        pathway=pathway,
        allergies=rng.choices(("unrecorded", "none", "some", "none-then-penicillin"), (30, 40, 27, 3))[0],
        quirks=_quirks(rng, age, gender, area),
        shows=f"{BY_KEY[pathway].called} pathway" if pathway else "blood tests asked for by the GP",
        language=names.LANGUAGES.get(group, "en") if rng.random() < 0.3 else "en",
    )


def _quirks(rng: random.Random, age: int, gender: str, area: str) -> frozenset[str]:
    local = area == "London"
    shares = (
        ("no-nhs-number", 0.04), ("merged", 0.03), ("corrected", 0.08), ("pdf", 0.3), ("in-hospital", 0.08),
        ("planned", 0.3), ("moved-house", 0.06), ("renamed", 0.03 if gender == "F" and age > 20 else 0.0),
        ("died", 0.04 if age > 70 else 0.002), ("misfiled", 0.005), ("referred", 0.5), ("dna", 0.08),
        ("appointment-moved", 0.15), ("appointment-cancelled", 0.06), ("admission-cancelled", 0.04),
        ("move-cancelled", 0.04), ("discharge-cancelled", 0.04), ("replaced-letter", 0.04), ("names-swapped", 0.01),
        ("superseded", 0.01), ("short-name", 0.04), ("restricted", 0.008), ("ambulance", 0.12 if age > 16 else 0.02),
        ("imaging-amended", 0.05), ("dose-conflict", 0.12 if local else 0.0),
        ("status-conflict", 0.06 if local else 0.0),
        ("problem-conflict", 0.08 if local else 0.0), ("interpreter", 0.05),
        ("mental-health", 0.08 if local and age >= 16 else 0.0),
        ("community", (0.45 if age >= 75 else 0.06) if local else 0.0),
        ("council", (0.4 if age >= 75 else 0.06) if local else 0.0),
        ("respect", 0.25 if age >= 80 else 0.01 if age >= 18 else 0.0),
    )  # fmt: skip
    quirks = {quirk for quirk, share in shares if rng.random() < share}
    quirks -= {"in-hospital"} if "died" in quirks else set()
    quirks -= {"renamed", "misfiled", "superseded", "names-swapped"} if "no-nhs-number" in quirks else set()
    quirks -= {"superseded"} if "names-swapped" in quirks else set()
    return frozenset(quirks)


def _age_days(rng: random.Random) -> int:
    """Newborn to 104, older than the population: hospitals see the old and the very young."""
    low, high = rng.choices(((0, 1), (1, 16), (16, 40), (40, 65), (65, 85), (85, 105)), (4, 12, 20, 24, 30, 10))[0]
    return rng.randint(low * 366, high * 365 - 1)
