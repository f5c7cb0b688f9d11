"""What the council and the urgent-care-plan store tell."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from demo.people.codes import social
from demo.people.codes.social import local
from demo.people.contents import Alert, Assessment, Contact, Decision, Plan, Service
from demo.people.places import PALLIATIVE, SOCIAL_WORKER, phone
from demo.people.story import Teller

COUNCIL, PLANS = "mile-end-council", "london-ucp"


def _night(at: datetime) -> datetime:
    """The council sends once a night."""
    return datetime.combine(at.date() + timedelta(days=1), time(2, 30))


def tell_council(teller: Teller, *, is_safeguarded: bool) -> None:
    """Services with their provider, an assessment, the carer, what adjustments the person needs."""
    rng, until, source = teller.rng, teller.until, COUNCIL
    began = until - timedelta(days=rng.randint(90, 700), hours=-4)
    adult = teller.age >= 18
    if adult:
        kinds = rng.sample(("home-care", "meals", "equipment", "day-centre", "telecare"), 1 if teller.is_light else 2)
        for key in kinds:
            service = Service(
                concept=social.SERVICES[key],
                status="active",
                provider="Larkfield Home Care" if key == "home-care" else "Mile End Borough Council",
                frequency="twice a day" if key == "home-care" else "",
                started_on=began.date(),
            )
            teller.state(source, _night(began), f"SVC-{key}", service)
        over = began - timedelta(days=80)
        ended = Service(
            concept=social.SERVICES["reablement"],
            status="completed",
            provider="Mile End Reablement Team",
            started_on=over.date(),
            ended_on=over.date() + timedelta(days=42),
        )
        teller.state(source, _night(over + timedelta(days=43)), "SVC-reablement", ended)
        assessed = Assessment(
            concept=local("CA-ASS", "Care Act assessment of needs"),
            made_at=began - timedelta(days=6),
            answers=(("Washing and dressing", "needs one person"), ("Food", "prepares cold food only")),
            by=SOCIAL_WORKER,
        )
        teller.state(source, _night(began), "ASS", assessed)
        relation = rng.choice(("daughter", "son", "spouse"))
        carer = Contact(
            concept=social.RELATIONSHIPS[relation],
            name=f"{rng.choice(('Sam', 'Alex', 'Nina', 'Mara'))} {teller.now.family}",
            phone=phone(rng),
            is_next_of_kin=True,
        )
        teller.state(source, _night(began), "CARER", carer)
    tell_need(
        teller, rng.choice(("large-print", "step-free", "more-time", "easy-read")), source=COUNCIL, at=_night(began)
    )
    if is_safeguarded:
        told = Alert(
            concept=social.SAFEGUARDING["adult" if adult else "child"], category="safeguarding", since_on=began.date()
        )
        teller.state(source, _night(began + timedelta(days=20)), "SG", told)


def tell_need(teller: Teller, key: str, *, source: str, at: datetime) -> None:
    """A reasonable adjustment."""
    need = Alert(concept=social.NEEDS[key], category="need", since_on=at.date())
    teller.state(source, at, f"NEED-{key}", need)


def tell_plans(teller: Teller) -> None:
    """An urgent care plan; a decision about resuscitation that replaced an older one; for some an ADRT or an LPA."""
    rng, until, source = teller.rng, teller.until, PLANS
    older, newer = until - timedelta(days=rng.randint(300, 420)), until - timedelta(days=rng.randint(5, 60), hours=-5)
    first = teller.state(
        source,
        older,
        "CPR-1",
        Decision(
            concept=social.DECISIONS["respect"],
            words="For full treatment, including cardiopulmonary resuscitation",
            status="active",
            made_on=older.date(),
            author=PALLIATIVE,
            place="St Joseph's clinic",
        ),
    )
    teller.state(
        source,
        newer,
        "CPR-2",
        Decision(
            concept=social.DECISIONS["respect"],
            words="Treatment on the ward that can be reversed; not for intensive care; not for CPR",
            status="active",
            made_on=newer.date(),
            author=PALLIATIVE,
            place="At home",
            replaces=first,
        ),
    )
    teller.planted.append("superseded-decision")
    plan = Plan(
        concept=social.PLANS["urgent"],
        title="Urgent care plan",
        status="active",
        made_on=newer.date(),
        review_on=newer.date() + timedelta(days=180),
        author=PALLIATIVE,
        place="Home",
        lines=("Wishes to stay at home.", "If breathless: fan, window, then oral morphine as charted.",
               "Ring the palliative care line first: 020 7946 0199."),
    )  # fmt: skip
    teller.state(source, newer + timedelta(minutes=3), "UCP-1", plan)
    if rng.random() < 0.4:
        key = rng.choice(("adrt", "lpa"))
        words = {"adrt": "Refuses ventilation by tracheostomy, even if life is at risk", "lpa": "Daughter, registered"}
        decision = Decision(
            concept=social.DECISIONS[key], words=words[key], status="active", made_on=older.date(), author=PALLIATIVE
        )
        teller.state(source, older + timedelta(days=1), f"LAW-{key}", decision)
