"""A life as the region's systems tell it: which of them have something to say of this person, and in which order."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from demo.people import disagreements, numbers
from demo.people.cast import Mould
from demo.people.chapters import community, council, guarded, hospital, practice
from demo.people.health import Health, fall_ill
from demo.people.nouns import EarlyNumber
from demo.people.pathways import BY_KEY, Pathway
from demo.people.places import gp_of
from demo.people.sources import CONNECTED_PRACTICES
from demo.people.story import Teller

_ACUTE = ("pneumonia", "chest-pain", "child-wheeze")
_SLIPS = {"admission-cancelled": "A11", "move-cancelled": "A12", "discharge-cancelled": "A13"}


def tell_life(teller: Teller, made: Mould, end_of_stay: datetime) -> EarlyNumber | None:
    if "unknown-in-london" in made.quirks:
        return None
    teller.quirks = made.quirks
    pathway = BY_KEY.get(made.pathway)
    health = fall_ill(
        teller.rng,
        age_days=made.age_days,
        until=teller.until.date(),
        pathway=pathway,
        extra=made.conditions,
        is_sure=made.is_cast,
    )
    early = _hospital(teller, made, pathway, health, end_of_stay) if pathway else None
    is_local = made.area == "London"
    if is_local or not pathway:
        _asked_for_by_the_gp(teller, made)
    if is_local and "laboratory-only" not in made.quirks:
        _around_home(teller, made, pathway, health, end_of_stay)
    if made.quirks & {"superseded", "names-swapped"} or (is_local and teller.rng.random() < 0.12):
        asked = teller.until - timedelta(days=teller.rng.randint(40, 220), hours=-4)
        practice_of = teller.now.practice
        teller.imaged(asked, "abdomen-us", ordinal=9, by=gp_of(practice_of), place=practice_of.name)
    if "ambulance" in made.quirks:  # Before the stay, so a death does not matter.
        community.tell_ambulance(teller, end_of_stay - timedelta(days=teller.rng.randint(9, 30), hours=7))
    if "respect" in made.quirks:
        council.tell_plans(teller)
    disagreements.plant(teller, made.quirks)
    if "corrected" in made.quirks:
        teller.correct("K")
    guarded.tell_guarded(teller, made.quirks)
    return early


def _around_home(teller: Teller, made: Mould, pathway: Pathway | None, health: Health, end_of_stay: datetime) -> None:
    """Londoners: their practice if it is connected, and whoever comes to the house."""
    source = CONNECTED_PRACTICES.get(teller.now.practice.code)
    if source:
        practice.tell_practice(
            teller,
            source,
            health,
            allergies="one-source" if "allergy-one-source" in made.quirks else made.allergies,
            pathway=pathway,
            stay_ended=end_of_stay,
        )
        if made.language != "en" or "interpreter" in made.quirks:
            at = teller.until - timedelta(days=teller.rng.randint(30, 300))
            council.tell_need(teller, "interpreter", source=source, at=max(at, teller.born_at + timedelta(hours=30)))
    if "mental-health" in made.quirks:
        community.tell_mental_health(teller, health)
    if "community" in made.quirks:
        community.tell_community(teller, health)
    if "council" in made.quirks:
        council.tell_council(teller, is_safeguarded="mental-health" in made.quirks or teller.rng.random() < 0.15)


def _hospital(
    teller: Teller, made: Mould, pathway: Pathway, health: Health, end_of_stay: datetime
) -> EarlyNumber | None:
    """Referral, clinics, the stay, follow-up; for what cannot wait the emergency department comes first."""
    rng, until, source = teller.rng, teller.until, pathway.source
    is_stay = pathway.days[1] > 0
    days = rng.randint(*pathway.days)
    if "in-hospital" in made.quirks and is_stay:
        end_of_stay = until + timedelta(days=2)
        days = max(days, 5)
    start = (end_of_stay - timedelta(days=days)).replace(hour=9 + rng.randint(0, 7), minute=rng.randint(0, 59))
    clinics = _clinics(teller, start)
    first = max(min([*clinics, start]) - timedelta(days=2), teller.born_at + timedelta(hours=1))
    teller.told("A28", first, source=source)
    before_stay = made.allergies == "none-then-penicillin"
    teller.allergic("none" if before_stay else made.allergies, first + timedelta(days=2))
    for place, at in enumerate(clinics):
        visit = teller.clinic(at, pathway, letter=rng.random() < 0.7)
        if place == 0 and teller.allergies:  # Asked at the first visit; hospitals tell it as an update.
            teller.told("A08", at + timedelta(minutes=12), visit, source=source)
    for since, _ in teller.timeline[1:]:
        teller.told("A31", since + timedelta(minutes=5), source=source)
    _ways(teller, made, pathway, clinics, start, end_of_stay)
    if before_stay:
        teller.allergic("penicillin", start)
        teller.planted.append("allergy-after-none-known")
    if is_stay:
        if pathway.key in _ACUTE:
            teller.emergency(start - timedelta(hours=5), pathway)
        visit = teller.stay(
            start,
            days,
            pathway,
            planned="planned" in made.quirks,
            ends=end_of_stay <= until,
            died="died" in made.quirks,
            pdf="pdf" in made.quirks,
            slips=frozenset(_SLIPS[quirk] for quirk in made.quirks if quirk in _SLIPS),
        )
        if source != "barts":
            hospital.tell_hospital(teller, pathway, health, visit)
        if "replaced-letter" in made.quirks:
            teller.replace_last_letter("the dose in the first letter was wrong; see the medicines above.")
    if source == "gosh":
        hospital.tell_growth(teller, source, [*clinics, start + timedelta(hours=1)])
        hospital.tell_parents(teller, source, first + timedelta(hours=2), names=("Morgan", "Robin"))
    if "died" not in made.quirks:
        teller.clinic(_in_hours(rng, end_of_stay + timedelta(days=rng.randint(14, 40))), pathway)
    if "merged" in made.quirks and source == "barts":
        merged_at = min(start + timedelta(days=1, hours=3), until)
        return teller.merge(merged_at, numbers.hospital_number(teller.index, twice=True))
    return None


def _clinics(teller: Teller, start: datetime) -> list[datetime]:
    rng = teller.rng
    youngest = teller.born_at + timedelta(days=20, hours=12)
    clinics = [start - timedelta(days=rng.randint(35, 80))]
    for _ in range(0 if teller.is_light else rng.randint(1, 4)):
        clinics.append(clinics[-1] - timedelta(days=rng.randint(90, 400)))
    return [_in_hours(rng, at) for at in reversed(clinics) if at > youngest]


def _ways(
    teller: Teller, made: Mould, pathway: Pathway, clinics: list[datetime], start: datetime, end_of_stay: datetime
) -> None:
    """The referral, the appointments around the clinics, the images, what is still to come."""
    rng, until = teller.rng, teller.until
    first = clinics[0] if clinics else start
    if "referred" in made.quirks:
        teller.referred(
            first - timedelta(days=rng.randint(18, 50)), pathway, priority="urgent" if len(clinics) < 2 else "routine"
        )
        if clinics and first < until:
            teller.referred(first + timedelta(hours=2), pathway, status="completed")
        teller.booked("S12", first - timedelta(days=14), first, pathway, ordinal=1)
    if "appointment-moved" in made.quirks and clinics:
        last = clinics[-1]
        teller.booked("S12", last - timedelta(days=30), last - timedelta(days=7), pathway, ordinal=2)
        teller.booked("S13", last - timedelta(days=9), last, pathway, ordinal=2, was=last - timedelta(days=7))
    if "appointment-cancelled" in made.quirks:
        slot = _in_hours(rng, start - timedelta(days=20))
        teller.booked("S12", slot - timedelta(days=20), slot, pathway, ordinal=3, reason="Pre-assessment")
        teller.booked("S15", slot - timedelta(days=2), slot, pathway, ordinal=3, reason="Pre-assessment")
    if "dna" in made.quirks:
        slot = _in_hours(rng, start - timedelta(days=27))
        teller.booked("S12", slot - timedelta(days=20), slot, pathway, ordinal=4)
        teller.booked("S26", slot + timedelta(hours=1), slot, pathway, ordinal=4)
    if "died" not in made.quirks and ("recent" in made.quirks or rng.random() < 0.35):
        coming = _in_hours(rng, until + timedelta(days=rng.randint(9, 60)))
        teller.booked(
            "S12",
            min(end_of_stay + timedelta(days=1, hours=2), until - timedelta(hours=20)),
            coming,
            pathway,
            ordinal=5,
        )
    for ordinal, key in enumerate(pathway.images, 1):
        if teller.is_light and ordinal > 1:
            break
        at = (first + timedelta(days=3)) if ordinal == 1 else start + timedelta(hours=20)
        teller.imaged(
            at,
            key,
            ordinal=ordinal,
            by=None,
            place=pathway.clinic,
            amended="imaging-amended" in made.quirks and ordinal == 1,
        )


def _asked_for_by_the_gp(teller: Teller, made: Mould) -> None:
    """Blood tests that the GP asked for: the laboratory knows the person, no hospital needs to."""
    rng, until, now = teller.rng, teller.until, teller.now
    panels = ("FBC", "LFT") if "newborn" in made.quirks else ("UE", "FBC") if now.gender == "M" else ("UE", "HBA1C")
    for number in range(1, 2 if "newborn" in made.quirks or teller.is_light else rng.randint(2, 4)):
        days = rng.randint(1, 3) if "newborn" in made.quirks else number * rng.randint(60, 120)
        at = _in_hours(rng, until - timedelta(days=days))
        if at.date() > now.birth_date and (now.died_at is None or at < now.died_at):
            place = "Maternity ward" if "newborn" in made.quirks else now.practice.name
            teller.bloods(at, None, None, panels=panels, place=place)


def _in_hours(rng: random.Random, at: datetime) -> datetime:
    """Between nine and five, on a weekday."""
    at = at.replace(hour=9 + rng.randint(0, 7), minute=rng.randint(0, 59), second=0)
    return at - timedelta(days=max(0, at.weekday() - 4))
