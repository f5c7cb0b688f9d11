"""What hospitals that speak FHIR add to their HL7 v2: problems, discharge medicines, procedures, devices, growth."""

from __future__ import annotations

from datetime import datetime, timedelta

from demo.people.codes.medicines import PRODUCTS
from demo.people.codes.observations import OBSERVATIONS
from demo.people.codes.procedures import PROCEDURES
from demo.people.codes.social import ALERTS, DEVICES, RELATIONSHIPS
from demo.people.contents import (
    Alert,
    Contact,
    Implant,
    Measurement,
    Medicine,
    Operation,
    Problem,
)
from demo.people.health import Health
from demo.people.nouns import Visit
from demo.people.pathways import Pathway
from demo.people.places import phone
from demo.people.story import Teller

MEDIAN_KG = (3.4, 9.6, 12.2, 14.3, 16.3, 18.4, 20.6, 23.0, 25.6, 28.6, 32.0, 36.0, 40.5, 45.5, 50.5, 55.0, 58.5, 61.0)


def tell_hospital(teller: Teller, pathway: Pathway, health: Health, visit: Visit) -> None:
    """After a stay at a hospital that speaks FHIR too. What is said belongs to the stay."""
    source, stay = pathway.source, visit.number
    consultant = visit.consultant
    end = visit.end or visit.start + timedelta(hours=20)
    for ailment in health.ailments[: 2 + len(pathway.also)]:
        if ailment.ended_on or ailment.condition.key == "urinary-infection":
            continue
        told = Problem(
            concept=ailment.condition.as_hospital(),
            status="active",
            onset_on=ailment.onset_on,
            recorded_on=visit.start.date(),
            by=consultant,
        )
        teller.state(source, visit.start + timedelta(hours=3), f"P-{ailment.condition.key}", told, stay=stay)
    if visit.end:
        for key in pathway.medicines:
            product = PRODUCTS[key]
            teller.state(
                source,
                end + timedelta(minutes=30),
                f"M-{key}",
                Medicine(
                    concept=product.concept(respelt=teller.rng.random() < 0.15),
                    dose=product.dose,
                    route=product.route,
                    status="active",
                    course="repeat" if key not in ("amoxicillin-child", "paracetamol-child") else "acute",
                    started_on=visit.start.date() + timedelta(days=1),
                    prescriber=consultant,
                ),
                stay=stay,
            )
    if pathway.procedure:
        done = visit.start + timedelta(days=1, hours=2)
        told_of = Operation(concept=PROCEDURES[pathway.procedure], done_on=done.date(), by=consultant)
        teller.state(source, done + timedelta(hours=5), f"O-{pathway.procedure}", told_of, stay=stay)
    if pathway.device:
        implant = Implant(concept=DEVICES[pathway.device], since_on=visit.start.date(), mri="MRI conditional")
        teller.state(source, end, f"D-{pathway.device}", implant)
    if pathway.alert:
        alert = Alert(concept=ALERTS[pathway.alert], category="alert", since_on=visit.start.date())
        teller.state(source, end, f"F-{pathway.alert}", alert)


def tell_growth(teller: Teller, source: str, visits: list[datetime]) -> None:
    """A weight at each visit with the centile that the hospital's own chart gives."""
    drift = teller.rng.uniform(-0.25, 0.15)
    for number, at in enumerate(visits, 1):
        if at < teller.born_at:
            continue
        years = (at - teller.born_at).days / 365.25
        below = MEDIAN_KG[min(int(years), 17)]
        above = MEDIAN_KG[min(int(years) + 1, 17)]
        usual = below + (above - below) * (years % 1)
        kilograms = usual * (1 + drift)
        centile = max(1, min(99, round(50 + drift * 180)))
        weight = Measurement(
            concept=OBSERVATIONS["weight"],
            value=f"{kilograms:.1f}",
            unit="kg",
            taken_at=at,
            parts=((OBSERVATIONS["weight-centile"], str(centile), "%"),),
        )
        teller.state(source, at + timedelta(minutes=9), f"W-{number}", weight)
        tall = Measurement(
            concept=OBSERVATIONS["height"],
            value=f"{50 + 6.4 * years + 18 * min(years, 2) / 2:.0f}",
            unit="cm",
            taken_at=at,
        )
        teller.state(source, at + timedelta(minutes=9), f"H-{number}", tall)


def tell_parents(teller: Teller, source: str, at: datetime, *, names: tuple[str, str]) -> None:
    """Who holds parental responsibility."""
    family = teller.now.family
    for key, given in zip(("mother", "father"), names, strict=True):
        told = Contact(
            concept=RELATIONSHIPS[key],
            name=f"{given} {family}",
            phone=phone(teller.rng),
            is_next_of_kin=key == "mother",
            has_parental_responsibility=True,
        )
        teller.state(source, at, f"R-{key}", told)
