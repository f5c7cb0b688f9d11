"""What a practice tells: problems, repeat medicines, allergies, immunisations, consultations, referrals, family."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import msgspec

from demo.people.codes import immunisations, observations, social
from demo.people.codes.conditions import CONDITIONS
from demo.people.codes.medicines import NEAR, PRODUCTS
from demo.people.codes.procedures import PROCEDURES
from demo.people.contents import (
    AllergyEntry,
    Clinician,
    Code,
    Concept,
    Encounter,
    FamilyHistory,
    Immunisation,
    Measurement,
    Medicine,
    Notice,
    Operation,
    Problem,
    Referral,
)
from demo.people.health import Ailment, Course, Health
from demo.people.pathways import ALLERGIES, NO_KNOWN_ALLERGIES, Pathway
from demo.people.places import gp_of
from demo.people.story import Teller

_SEVERITY = {"SV": "severe", "MO": "moderate", "MI": "mild", "": ""}
_CATEGORY = {"DA": "medication", "FA": "food", "MA": "environment"}


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(11, 10))


def tell_practice(
    teller: Teller, source: str, health: Health, *, allergies: str, pathway: Pathway | None, stay_ended: datetime
) -> None:
    gp = gp_of(teller.now.practice)
    rng = teller.rng
    for ailment in health.ailments:
        _problem(teller, source, ailment, gp)
    for course in health.courses:
        _medicine(teller, source, course, gp, stay_ended)
    _allergies(teller, source, allergies, gp)
    _immunisations(teller, source)
    _consultations(teller, source, gp, health)
    if pathway:
        asked = stay_ended - timedelta(days=rng.randint(200, 420))
        teller.state(
            source,
            asked,
            "ref",
            Referral(
                concept=Concept(pathway.clinic),
                requested_at=asked,
                priority="routine",
                status="completed" if stay_ended < teller.until else "active",
                reason=pathway.reason,
                by=gp,
                to=pathway.site,
                ubrn=f"0000{teller.index:06d}02",
            ),
        )
        if pathway.procedure and stay_ended + timedelta(days=6) < teller.until and rng.random() < 0.5:
            done = stay_ended + timedelta(days=5)
            operation = Operation(concept=PROCEDURES[pathway.procedure], done_on=stay_ended.date(), note="From letter")
            teller.state(source, done, "proc", operation)
    if rng.random() < 0.2:
        words = "Please ring before visiting: does not open the door to strangers."
        at = teller.until - timedelta(days=rng.randint(5, 200), hours=-5)
        notice = Notice(concept=social.local("NOTE", "Message for visitors"), sent_at=at, words=words)
        teller.state(source, at, "note", notice)
    if rng.random() < 0.04:
        at = teller.until - timedelta(days=rng.randint(30, 300), hours=-5)
        wrong = Problem(concept=CONDITIONS["gout"].as_practice(), status="active", recorded_on=at.date(), by=gp)
        if at > teller.born_at and not health.has("gout"):
            teller.state(source, at, "prob-mistaken", wrong)
            teller.state(source, at + timedelta(days=4), "prob-mistaken", wrong, is_in_error=True)
            teller.planted.append("problem-entered-in-error")
    if teller.age >= 18 and rng.random() < 0.5:
        concept = social.FAMILY[rng.choice(tuple(social.FAMILY))]
        at = teller.until - timedelta(days=rng.randint(100, 900))
        told = FamilyHistory(concept=concept, relationship=rng.choice(("mother", "father")), recorded_on=at.date())
        teller.state(source, at, "fh", told)


def _problem(teller: Teller, source: str, ailment: Ailment, gp: Clinician) -> None:
    condition, onset, ended = ailment.condition, ailment.onset_on, ailment.ended_on
    at = _morning(onset) + timedelta(days=2)
    teller.state(
        source,
        at,
        f"prob-{condition.key}",
        Problem(
            concept=condition.as_practice(with_read=teller.rng.random() < 0.4),
            status="resolved" if ended else "active",
            onset_on=onset,
            ended_on=ended,
            recorded_on=at.date(),
            significance="minor" if ended else "major",
            by=gp,
        ),
    )


def _medicine(teller: Teller, source: str, course: Course, gp: Clinician, stay_ended: datetime) -> None:
    started = stay_ended + timedelta(days=7) if course.from_stay else _morning(course.started_on)
    is_behind = "other-strength" in teller.quirks or teller.rng.random() < 0.3
    if course.product.key in NEAR and is_behind:  # Still the strength from before the hospital's.
        course = Course(PRODUCTS[NEAR[course.product.key]], course.started_on)
        started = stay_ended - timedelta(days=90)
    issued = max(started, teller.until - timedelta(days=teller.rng.randint(4, 50)))
    product = course.product
    if course.from_stay and teller.rng.random() < 0.3:
        return  # The letter has not been worked through: the practice does not list it.
    told = Medicine(
        concept=product.concept(respelt=teller.rng.random() < 0.1, coded=teller.rng.random() > 0.06),
        dose=product.dose,
        route=product.route,
        status="active",
        started_on=started.date(),
        issued_on=issued.date(),
        prescriber=gp,
    )
    before = issued - timedelta(days=84)
    if product.other_dose and before > started and teller.may_tell(issued) and teller.rng.random() < 0.2:
        older = msgspec.structs.replace(told, dose=product.other_dose, issued_on=before.date())
        teller.state(source, before, f"med-{product.key}", older)
        teller.planted.append("dose-changed")
    teller.state(source, issued, f"med-{product.key}", told)


def _allergies(teller: Teller, source: str, which: str, gp: Clinician) -> None:
    """Mostly what the hospital knows too. Some practices know one that nobody else does, or say that there is none."""
    rng = teller.rng
    at = max(teller.until - timedelta(days=rng.randint(400, 2500)), teller.born_at + timedelta(days=1))
    known = [(each.kind, each.code, each.text, each.severity, each.reaction) for each in teller.allergies]
    if which == "one-source" or (which == "unrecorded" and rng.random() < 0.4):
        known = [ALLERGIES[rng.randint(2, 6)]]
        teller.planted.append("allergy-known-to-one-source")
    elif rng.random() < 0.08 and known and known[0] != NO_KNOWN_ALLERGIES:
        known = [NO_KNOWN_ALLERGIES]
        teller.planted.append("allergy-denied-elsewhere")
    for kind, code, text, severity, reaction in known:
        entry = AllergyEntry(
            concept=Concept(text, (Code("sct", code, text),)),
            reaction=reaction,
            severity=_SEVERITY[severity],
            criticality="high" if severity == "SV" else "",
            category=_CATEGORY[kind] if code != NO_KNOWN_ALLERGIES[1] else "",
            recorded_on=at.date(),
        )
        teller.state(source, at, f"alg-{code}", entry)
    if rng.random() < 0.06:
        wrong = teller.state(source, at, "alg-wrong", _wrong_allergy(at))
        if wrong:
            teller.state(source, at + timedelta(days=3), "alg-wrong", _wrong_allergy(at), is_in_error=True)
            teller.planted.append("allergy-entered-in-error")


def _wrong_allergy(at: datetime) -> AllergyEntry:
    text = "Allergy to latex"
    return AllergyEntry(concept=Concept(text, (Code("sct", "300916003", text),)), recorded_on=at.date())


def _immunisations(teller: Teller, source: str) -> None:
    rng, until = teller.rng, teller.until
    given: list[tuple[str, datetime]] = []
    if teller.age < 18:
        given.append(("six-in-one", teller.born_at + timedelta(days=58, hours=10)))
        given.append(("rotavirus", teller.born_at + timedelta(days=58, hours=10)))
        given.append(("mmr", teller.born_at + timedelta(days=372, hours=11)))
    if teller.age >= 65 or rng.random() < 0.3:
        given.append(("influenza", until - timedelta(days=rng.randint(20, 60))))
    if teller.age >= 18:
        given.append(("covid-first", datetime(2021, 1, 12, 14, 5) + timedelta(days=rng.randint(0, 150))))
    if teller.age >= 70:
        given.append(("pneumococcal", until - timedelta(days=rng.randint(400, 1500))))
    for key, at in given:
        told = Immunisation(concept=immunisations.IMMUNISATIONS[key], given_on=at.date(), batch=f"T{at:%y%j}")
        teller.state(source, at, f"imm-{key}", told)


def _consultations(teller: Teller, source: str, gp: Clinician, health: Health) -> None:
    rng = teller.rng
    for number in range(1, rng.randint(2, 4)):
        at = teller.until - timedelta(days=number * rng.randint(40, 150), hours=rng.randint(-9, -3))
        about = health.ailments[number % len(health.ailments)].condition.text if health.ailments else "Review"
        stay = teller.state(
            source,
            at,
            f"enc-{number}",
            Encounter(
                concept=Concept("GP consultation", (Code("local", "CONS", "GP consultation"),)),
                setting="AMB" if rng.random() < 0.7 else "VR",
                start=at,
                end=at + timedelta(minutes=12),
                place=teller.now.practice.name,
                by=gp,
                note=about,
            ),
        )
        if teller.age >= 16:
            _blood_pressure(teller, source, at, number, stay)
    if teller.age >= 16:
        at = teller.until - timedelta(days=rng.randint(60, 500))
        smoking = observations.OBSERVATIONS[rng.choice(observations.SMOKING)]
        told = Measurement(concept=smoking, value="", taken_at=at, category="social-history")
        teller.state(source, at, "smoke", told)
        _weight(teller, source, at)


def _blood_pressure(teller: Teller, source: str, at: datetime, number: int, stay: str) -> None:
    high, low = str(teller.rng.randint(112, 168)), str(teller.rng.randint(64, 98))
    named = observations.OBSERVATIONS
    told = Measurement(
        concept=named["blood-pressure"],
        taken_at=at,
        parts=((named["systolic"], high, "mmHg"), (named["diastolic"], low, "mmHg")),
    )
    teller.state(source, at + timedelta(minutes=6), f"bp-{number}", told, stay=stay)


def _weight(teller: Teller, source: str, at: datetime) -> None:
    kilograms = f"{teller.rng.randint(48, 104)}"
    told = Measurement(concept=observations.OBSERVATIONS["weight"], value=kilograms, unit="kg", taken_at=at)
    teller.state(source, at + timedelta(minutes=8), "weight", told)
