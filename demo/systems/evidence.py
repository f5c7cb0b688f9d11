"""Why each patient is a neighbour's patient today: what its own system holds, by the kind of system it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta

import msgspec

from demo.people.nouns import Person
from demo.systems.neighbours import Neighbour


class Evidence(msgspec.Struct, frozen=True):
    """Why this is our patient, as the claims of a launch name it."""

    kind: str  # encounter, appointment, referral, caseload, registration, incident
    id: str
    start: str
    place: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a neighbour's own index holds of one person: never what London knows."""

    index: int
    number: str  # the neighbour's own
    nhs_number: str
    name: str
    family: str
    birth_date: date


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    person: Known
    why: str  # in the words of the list
    evidence: Evidence | None

    @property
    def number(self) -> str:
        return self.person.number


class _Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of record system speaks of its patients."""

    system: str  # what such a system is called
    number: str  # what it calls its own number
    nothing: str  # said of a patient whom nothing shows to be one today
    ways: tuple[Callable[[Neighbour, Known, datetime], tuple[str, Evidence]], ...]


def known(neighbour: Neighbour, people: Iterable[Person]) -> list[Known]:
    """Whom the neighbour holds, in its own order. Streams: of everybody else nothing is kept."""
    held = []
    for person in people:
        number = own_number(neighbour.id, person)
        if number and person.nhs_number:
            held.append(
                Known(
                    index=person.index,
                    number=number,
                    nhs_number=person.nhs_number,
                    name=person.name,
                    family=person.now.family,
                    birth_date=person.now.birth_date,
                )
            )
    return held


def own_number(neighbour_id: str, person: Person) -> str | None:
    """The number by which a neighbour knows a person, if it does."""
    return person.numbers.get(neighbour_id) or (person.oxford_number if neighbour_id == "oxford" else None)


def patients(neighbour: Neighbour, held: Iterable[Known], *, at: datetime) -> list[Patient]:
    """Each with what shows that they are a patient on the day of `at`; the second of every fourteen with nothing."""
    return [_patient(neighbour, person, at, is_shown=place % 14 != 1) for place, person in enumerate(held)]


def kind_of(neighbour: Neighbour) -> _Kind:
    return _KINDS[neighbour.kind]


def _patient(neighbour: Neighbour, person: Known, at: datetime, *, is_shown: bool) -> Patient:
    kind = kind_of(neighbour)
    if not is_shown:
        return Patient(person=person, why=kind.nothing, evidence=None)
    why, evidence = kind.ways[(person.index // 2 + person.index % 2) % len(kind.ways)](neighbour, person, at)
    return Patient(person=person, why=why, evidence=evidence)


def _today(person: Known, at: datetime) -> datetime:
    return datetime.combine(at.date(), time(9, 12), at.tzinfo) + timedelta(minutes=7 * (person.index % 40))


def _clinic(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start, place = _today(person, at), f"Outpatient clinic, {neighbour.site}"
    evidence = Evidence("appointment", f"APP-{person.number}-{start:%Y%m%d}", start.isoformat(), place)
    return f"Outpatient clinic today {start:%H:%M}", evidence


def _ward(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start = datetime.combine(at.date() - timedelta(days=1 + person.index % 6), time(17, 40), at.tzinfo)
    place = f"Ward 7{'ABCDE'[person.index % 5]}, {neighbour.site}"
    return f"In hospital, {place}", Evidence("encounter", f"ENC-{person.number}", start.isoformat(), place)


def _referral(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start = datetime.combine(at.date() - timedelta(days=10 + person.index % 20), time(11, 0), at.tzinfo)
    evidence = Evidence("referral", f"REF-{person.number}", start.isoformat(), f"Referral office, {neighbour.site}")
    return f"Referred by the GP on {start:%d-%b-%Y}", evidence


def _registered(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start = datetime.combine(at.date() - timedelta(days=400 + 37 * (person.index % 90)), time(0, 0), at.tzinfo)
    return (
        f"Registered here since {start:%d-%b-%Y}",
        Evidence("registration", f"REG-{person.number}", start.date().isoformat(), neighbour.site),
    )


def _surgery(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start = _today(person, at)
    evidence = Evidence("appointment", f"SLOT-{person.number}-{start:%Y%m%d}", start.isoformat(), neighbour.site)
    return f"Appointment today {start:%H:%M}", evidence


def _caseload(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start = datetime.combine(at.date() - timedelta(days=20 + 5 * (person.index % 30)), time(9, 0), at.tzinfo)
    return (
        f"On the caseload since {start:%d-%b-%Y}",
        Evidence("caseload", f"CASE-{person.number}", start.date().isoformat(), neighbour.site),
    )


def _visit(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start = _today(person, at)
    place = f"Visit at home, {neighbour.site}"
    evidence = Evidence("appointment", f"VISIT-{person.number}-{start:%Y%m%d}", start.isoformat(), place)
    return f"Visit at home today {start:%H:%M}", evidence


def _incident(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start = at.replace(second=0, microsecond=0) - timedelta(minutes=4 + 9 * (person.index % 12))
    return (
        f"999 call at {start:%H:%M}, crew on scene",
        Evidence("incident", f"CAD-{start:%Y%m%d}-{person.number}", start.isoformat(), neighbour.site),
    )


def _assessment(neighbour: Neighbour, person: Known, at: datetime) -> tuple[str, Evidence]:
    start = datetime.combine(at.date() - timedelta(days=2 + person.index % 9), time(14, 30), at.tzinfo)
    evidence = Evidence("referral", f"ASK-{person.number}", start.isoformat(), neighbour.site)
    return f"Care assessment asked for on {start:%d-%b-%Y}", evidence


_KINDS = {
    "hospital": _Kind(
        system="Electronic patient record",
        number="Hospital number",
        nothing="No clinic, ward or referral on file",
        ways=(_clinic, _ward, _referral, _clinic, _ward),
    ),
    "practice": _Kind(
        system="GP clinical system",
        number="Practice number",
        nothing="Registration ended; no appointment",
        ways=(_registered, _surgery),
    ),
    "community": _Kind(
        system="Community nursing record",
        number="Caseload number",
        nothing="Discharged from the caseload",
        ways=(_caseload, _visit),
    ),
    "ambulance": _Kind(
        system="Electronic patient report",
        number="Patient number",
        nothing="No incident is open",
        ways=(_incident,),
    ),
    "social-care": _Kind(
        system="Case management",
        number="Person number",
        nothing="Case closed",
        ways=(_caseload, _assessment),
    ),
}
