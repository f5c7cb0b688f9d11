"""What a few people told in confidence: said by the services that hear such things, and shown to hardly anybody.

It draws nothing by lot, so that everybody else's story stays as it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from demo.people.codes.social import local
from demo.people.contents import Assessment, Clinician, Code, Concept, Problem
from demo.people.nouns import Visit, Written
from demo.people.places import CARE_COORDINATOR, gp_of
from demo.people.sources import CONNECTED_PRACTICES
from demo.people.story import Teller

MENTAL_HEALTH = "east-london-mh"
_SEXUAL_HEALTH = Clinician("C3100801", "Lovelace", "Ngozi", "Dr")
_FERTILITY = Clinician("C3100901", "Ashdown", "Rekha", "Miss")
_CLINICS = {"sexual-health": "Sexual Health Clinic", "assisted-conception": "Assisted Conception Unit"}
_TERMINATION = Concept("Termination of pregnancy", (Code("sct", "57797005", "Termination of pregnancy"),))
_ADOPTED = Concept("Adopted child", (Code("sct", "160499008", "Adopted child"),))


def tell_guarded(teller: Teller, quirks: frozenset[str]) -> None:
    """Each of these by its quirk. Left out of the light histories, where nothing is promised."""
    if teller.is_light:
        return
    if "sexual-health" in quirks:
        words = (
            "Seen on his own wish, without a referral. Chlamydia was found and treated with doxycycline.",
            "A partner has been told with his consent. He asks that nothing be sent to his home.",
        )
        _seen(teller, "sexual-health", _SEXUAL_HEALTH, days=120, specialty="360", words=words)
    if "assisted-conception" in quirks:
        words = (
            "Second cycle of in vitro fertilisation: nine eggs collected, two embryos frozen.",
            "The partner's results are in his own notes.",
        )
        _seen(teller, "assisted-conception", _FERTILITY, days=200, specialty="502", words=words)
    if "termination" in quirks:
        _coded(teller, "termination", _TERMINATION, datetime(2009, 5, 18, 11, 10))
    if "adopted" in quirks:
        _coded(teller, "adoption", _ADOPTED, datetime(2003, 9, 2, 16, 40))
    if "crisis" in quirks:
        _crisis(teller)


def _coded(teller: Teller, label: str, concept: Concept, at: datetime) -> None:
    """A problem in the list of their practice, years ago and over."""
    told = Problem(
        concept=concept,
        status="resolved",
        onset_on=at.date(),
        ended_on=at.date() + timedelta(days=14),
        recorded_on=at.date(),
        significance="minor",
        by=gp_of(teller.now.practice),
    )
    source = CONNECTED_PRACTICES[teller.now.practice.code]
    teller.guard(label, teller.state(source, at, f"prob-{label}", told))


def _crisis(teller: Teller) -> None:
    at = teller.until - timedelta(days=9, hours=-16)
    answers = (
        ("Why now", "brought by a friend, not sleeping for four nights, voices say that he is watched"),
        ("Risk to self", "medium: thought of the railway, no plan"),
        ("Told in confidence", "stopped his tablets in August because of his weight"),
        ("Agreed", "home treatment team twice a day; the crisis line at night"),
    )
    told = Assessment(
        concept=local("CRISIS", "Mental health crisis assessment"), made_at=at, answers=answers, by=CARE_COORDINATOR
    )
    teller.guard("mental-health", teller.state(MENTAL_HEALTH, at, "CRISIS", told))


def _seen(teller: Teller, label: str, by: Clinician, *, days: int, specialty: str, words: tuple[str, ...]) -> None:
    """A visit to a clinic whose name says it already, and its letter."""
    clinic = _CLINICS[label]
    at = (teller.until - timedelta(days=days)).replace(hour=10, minute=20, second=0)
    visit = Visit(
        number=f"6{teller.index:06d}90001", kind="O", place=clinic, room="", bed="", site="Royal London Hospital",
        specialty=specialty, consultant=by, reason="Follow-up", start=at, end=at + timedelta(minutes=30),
    )  # fmt: skip
    teller.told("A04", at, visit)
    teller.told("A03", at + timedelta(minutes=30), visit)
    who = teller.who(at, "barts")
    letter = Written(
        at=at + timedelta(days=2, hours=3),
        who=who,
        source="barts",
        number=f"DOC{teller.index:06d}90001",
        kind="OL",
        title=f"Outpatient letter, {clinic}",
        author=by,
        visit=visit,
        lines=(
            f"{clinic}, {visit.site}",
            "",
            f"Re: {' '.join(who.given)} {who.family}, born {who.birth_date:%d-%b-%Y}",
            "",
            f"Seen on {at:%d-%b-%Y}.",
            *words,
            "",
            by.called,
        ),
    )
    teller.events.append(letter)
    teller.guard(label, visit.number, letter.number)
