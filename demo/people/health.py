"""What is wrong with someone and what they take for it: the facts that each source tells in its own way."""

from __future__ import annotations

import random
from datetime import date, timedelta

import msgspec

from demo.people.codes.conditions import BY_ICD10, CONDITIONS, Condition
from demo.people.codes.medicines import FOR_CONDITION, PRODUCTS, Product
from demo.people.pathways import Pathway


class Ailment(msgspec.Struct, frozen=True):
    condition: Condition
    onset_on: date
    ended_on: date | None = None


class Course(msgspec.Struct, frozen=True):
    """A medicine someone takes. `from_stay`: the hospital began it; else their practice did."""

    product: Product
    started_on: date
    from_stay: bool = False


class Health(msgspec.Struct, frozen=True):
    ailments: tuple[Ailment, ...]
    courses: tuple[Course, ...]

    def has(self, key: str) -> bool:
        return any(ailment.condition.key == key and not ailment.ended_on for ailment in self.ailments)


_COMMON = (  # (condition, from age, to age, weight)
    ("hypertension", 45, 105, 6), ("type-2-diabetes", 40, 100, 3), ("copd", 50, 95, 2), ("asthma", 5, 70, 3),
    ("depression", 18, 90, 3), ("hypothyroidism", 30, 95, 2), ("osteoarthritis", 50, 105, 3), ("ckd-3", 60, 105, 2),
    ("hypercholesterolaemia", 40, 90, 3), ("atrial-fibrillation", 65, 105, 2), ("gout", 45, 90, 1),
    ("alzheimers", 75, 105, 2), ("heart-failure", 70, 105, 1), ("parkinsons", 65, 95, 1), ("stroke", 60, 100, 1),
    ("epilepsy", 2, 80, 1), ("anxiety", 16, 70, 2),
)  # fmt: skip


def fall_ill(
    rng: random.Random,
    *,
    age_days: int,
    until: date,
    pathway: Pathway | None,
    extra: tuple[str, ...] = (),
    is_sure: bool = False,
) -> Health:
    """By lot, but for what brought them to hospital (`pathway`) and what their story needs (`extra`, `is_sure`)."""
    age = age_days // 365
    own = [BY_ICD10[pathway.diagnosis[0]], *(BY_ICD10[code] for code, _ in pathway.also)] if pathway else []
    chosen = dict.fromkeys([*(each.key for each in own if _lasts(each.key)), *extra])
    likely = [(key, weight) for key, low, high, weight in _COMMON if low <= age <= high]
    if likely and age >= 5:
        for _ in range(rng.choice((0, 1, 1, 2) if age < 60 else (1, 2, 2, 3))):
            chosen[rng.choices(likely, [weight for _, weight in likely])[0][0]] = None
    ailments = tuple(Ailment(CONDITIONS[key], _onset(rng, age_days, until)) for key in chosen)
    if age > 3 and rng.random() < 0.35:  # Over long ago; no hospital lists it.
        onset = _onset(rng, age_days, until)
        ailments += (Ailment(CONDITIONS["urinary-infection"], onset, min(onset + timedelta(days=9), until)),)
    courses: dict[str, Course] = {}
    for ailment in ailments:
        for product in FOR_CONDITION.get(ailment.condition.key, ())[:2]:
            if not ailment.ended_on and age >= 12 and (rng.random() < 0.8 or is_sure):
                courses[product.key] = Course(product, ailment.onset_on)
    for key in pathway.medicines if pathway else ():
        courses.setdefault(key, Course(PRODUCTS[key], until, from_stay=True))
    return Health(ailments, tuple(courses.values()))


def _lasts(key: str) -> bool:
    return key not in ("neutropenia", "lobar-pneumonia", "nstemi")


def _onset(rng: random.Random, age_days: int, until: date) -> date:
    """Up to twelve years ago, and never before the person was a month old."""
    most = max(2, min(age_days - 30, 4400))
    return until - timedelta(days=rng.randint(most // 4 + 1, most))
