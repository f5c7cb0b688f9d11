"""What the mental-health trust, the community trust and the ambulance service tell."""

from __future__ import annotations

from datetime import datetime, timedelta

from demo.people.codes import social
from demo.people.codes.medicines import PRODUCTS
from demo.people.codes.observations import OBSERVATIONS
from demo.people.codes.social import local
from demo.people.contents import (
    Assessment,
    Encounter,
    Implant,
    Measurement,
    Medicine,
    Plan,
    Problem,
    Report,
    Slot,
    Team,
)
from demo.people.health import Health
from demo.people.places import CARE_COORDINATOR, DISTRICT_NURSE, PARAMEDIC, PHYSIOTHERAPIST, PSYCHIATRIST
from demo.people.story import Teller

MENTAL_HEALTH, COMMUNITY, AMBULANCE = "east-london-mh", "central-community", "london-ambulance"
_CRISIS = (
    "Early signs: not sleeping, pacing, phone switched off.",
    "What helps: a quiet room, a known face, the care co-ordinator.",
    "Crisis line, day and night: 020 7946 0181.",
)


def tell_mental_health(teller: Teller, health: Health) -> None:
    """A care co-ordinator, contacts, a crisis plan that replaced an older one, medicines, a risk assessment."""
    rng, until, source = teller.rng, teller.until, MENTAL_HEALTH
    began = until - timedelta(days=rng.randint(300, 1200), hours=-4)
    team = Team(
        concept=local("CMHT", "Community mental health team, Mile End"),
        members=((CARE_COORDINATOR.called, "Care co-ordinator"), (PSYCHIATRIST.called, "Consultant psychiatrist")),
        phone="020 7946 0181",
        since_on=began.date(),
    )
    teller.state(source, began, "TEAM", team)
    key = next((each for each in ("schizophrenia", "bipolar", "depression", "anxiety") if health.has(each)), "")
    for ailment in health.ailments:
        if ailment.condition.key == key:
            told = Problem(
                concept=ailment.condition.as_hospital(), status="active", recorded_on=began.date(), by=PSYCHIATRIST
            )
            teller.state(source, began + timedelta(days=1), f"DX-{key}", told)
    for course in health.courses:
        if course.product.condition == key:
            product = course.product
            medicine = Medicine(
                concept=product.concept(),
                dose=product.dose,
                route=product.route,
                status="active",
                started_on=began.date(),
                prescriber=PSYCHIATRIST,
            )
            teller.state(source, began + timedelta(days=9), f"RX-{product.key}", medicine)
    older = until - timedelta(days=rng.randint(200, 280))
    first = _crisis_plan(teller, older, "PLAN-1", "", older)
    if rng.random() < 0.6:
        newer = until - timedelta(days=rng.randint(15, 90))
        _crisis_plan(teller, newer, "PLAN-2", first, newer)
        teller.planted.append("superseded-plan")
    for number in range(1, 2 if teller.is_light else 4):
        at = until - timedelta(days=number * rng.randint(14, 40), hours=-6)
        told_of = Encounter(
            concept=local("CPN", "Contact with care co-ordinator"),
            setting="HH" if number % 2 else "VR",
            start=at,
            end=at + timedelta(minutes=45),
            by=CARE_COORDINATOR,
        )
        teller.state(source, at + timedelta(hours=1), f"ENC-{number}", told_of)
    assessed = until - timedelta(days=rng.randint(10, 120), hours=-5)
    answers = (("Risk to self", "low"), ("Risk to others", "low"), ("Self-neglect", "medium, when unwell"))
    risk = Assessment(concept=local("RISK", "Risk assessment"), made_at=assessed, answers=answers, by=CARE_COORDINATOR)
    teller.state(source, assessed, "RISK", risk)
    coming = until + timedelta(days=rng.randint(4, 30), hours=4)
    slot = Slot(
        concept=local("OPA", "Outpatient review"),
        start=coming,
        minutes=30,
        status="booked",
        place="Tower Hamlets Centre for Mental Health",
        by=PSYCHIATRIST,
    )
    teller.state(source, until - timedelta(days=3), "SLOT", slot)


def _crisis_plan(teller: Teller, at: datetime, own_id: str, replaces: str, made: datetime) -> str:
    plan = Plan(
        concept=social.PLANS["crisis"],
        title="Crisis and contingency plan",
        status="active",
        made_on=made.date(),
        review_on=made.date() + timedelta(days=365),
        author=CARE_COORDINATOR,
        place="East London NHS Foundation Trust",
        lines=_CRISIS,
        replaces=replaces,
    )
    return teller.state(MENTAL_HEALTH, at, own_id, plan)


def tell_community(teller: Teller, health: Health) -> None:
    """A caseload with its team, visits, observations, a skin assessment, devices; insulin where they give it."""
    rng, until, source = teller.rng, teller.until, COMMUNITY
    began = until - timedelta(days=rng.randint(60, 400), hours=-3)
    team = Team(
        concept=local("DN", "District nursing, Paddington"),
        members=((DISTRICT_NURSE.called, "District nurse"), (PHYSIOTHERAPIST.called, "Physiotherapist")),
        phone="020 7946 0191",
        since_on=began.date(),
    )
    teller.state(source, began, "TEAM", team)
    visits = 1 if teller.is_light else rng.randint(2, 4)
    for number in range(1, visits + 1):
        at = until - timedelta(days=number * rng.randint(3, 9), hours=-rng.randint(2, 7))
        visit = Encounter(
            concept=local("HV", "Home visit"), setting="HH", start=at, end=at + timedelta(minutes=25), by=DISTRICT_NURSE
        )
        stay = teller.state(source, at + timedelta(minutes=40), f"HV-{number}", visit)
        pulse = Measurement(
            concept=OBSERVATIONS["heart-rate"], value=str(rng.randint(58, 96)), unit="/min", taken_at=at
        )
        teller.state(source, at + timedelta(minutes=40), f"HR-{number}", pulse, stay=stay)
    answers = (("Skin", "intact, red over the sacrum"), ("Mobility", "walks with a frame"), ("Waterlow score", "14"))
    skin = Assessment(concept=local("WLOW", "Waterlow assessment"), made_at=began, answers=answers, by=DISTRICT_NURSE)
    teller.state(source, began + timedelta(hours=2), "SKIN", skin)
    plan = Plan(
        concept=social.PLANS["nursing"],
        title="Community nursing care plan",
        status="active",
        made_on=began.date(),
        author=DISTRICT_NURSE,
        lines=("Weekly visit, pressure areas checked.", "Ring 020 7946 0191 if the skin breaks."),
    )
    teller.state(source, began + timedelta(hours=2), "PLAN", plan)
    device = rng.choice(("frame", "mattress", "catheter"))
    implant = Implant(concept=social.DEVICES[device], since_on=began.date())
    teller.state(source, began + timedelta(days=2), f"DEV-{device}", implant)
    listed = [course.product for course in health.courses if not course.from_stay][:2]
    if health.has("type-2-diabetes"):
        listed.append(PRODUCTS["insulin-glargine"])
    for product in dict.fromkeys(listed):
        medicine = Medicine(
            concept=product.concept(respelt=rng.random() < 0.2, coded=rng.random() > 0.15),
            dose=product.dose,
            route=product.route,
            status="active",
            started_on=began.date(),
        )
        teller.state(source, began + timedelta(days=1), f"MED-{product.key}", medicine)


def tell_ambulance(teller: Teller, at: datetime) -> None:
    """One incident: its report form as a file, the encounter, what the crew measured."""
    if teller.age < 1:
        return
    rng, source = teller.rng, AMBULANCE
    cad = f"CAD-{at:%y%m%d}"
    pulse, oxygen, breaths = rng.randint(64, 124), rng.randint(91, 99), rng.randint(14, 26)
    incident = Encounter(
        concept=local("999", "999 call, taken to hospital"),
        setting="EMER",
        start=at,
        end=at + timedelta(minutes=55),
        place="At home" if teller.now.practice.area == "London" else "Liverpool Street station",
        by=PARAMEDIC,
    )
    stay = teller.state(source, at + timedelta(hours=1), f"INC-{cad}", incident)
    taken = at + timedelta(minutes=14)
    for key, value, unit in (
        ("heart-rate", pulse, "/min"),
        ("oxygen-saturation", oxygen, "%"),
        ("respiratory-rate", breaths, "/min"),
        ("news2", rng.randint(1, 7), ""),
    ):
        category = "survey" if key == "news2" else "vital-signs"
        told = Measurement(concept=OBSERVATIONS[key], value=str(value), unit=unit, taken_at=taken, category=category)
        teller.state(source, at + timedelta(hours=1), f"OBS-{cad}-{key}", told, stay=stay)
    lines = (
        "PATIENT REPORT FORM",
        f"Call at {at:%H:%M}, at the patient {taken:%H:%M}.",
        "Found sitting, pale, orientated. Bystander saw no injury.",
        f"Pulse {pulse}, breaths {breaths}, oxygen {oxygen} % on air.",
        "Patient says: takes a water tablet from the pharmacy, name not known.",
        "Handed over in resus.",
    )
    form = Report(
        concept=local("EPRF", "Ambulance patient report form"),
        title="Patient report form",
        written_at=at + timedelta(hours=1),
        author=PARAMEDIC,
        lines=lines,
        is_pdf=True,
    )
    teller.state(source, at + timedelta(hours=1, minutes=5), f"PRF-{cad}", form, stay=stay)
