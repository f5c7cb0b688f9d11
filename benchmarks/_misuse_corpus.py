"""A month of looks of a region's staff, nearly all of them in the course of care, and among them planted misuse.

Written from what privacy officers report and not from the rules of the watch: nothing of `carerecord` is used here but
the nouns. What a reader of the figures must know: shares of looks without a relationship, of feeds that come late, of
staff missing in the registers, are assumptions, named below.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import msgspec

from carerecord.model import EvidenceClass
from carerecord.stewardship.watch import About, Colleague, Look

PEOPLE = 20_000
DAYS = 28
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
RELATED_SHARE = 0.06  # of the people, how many one hospital has to do with at a time
WITHOUT_EVIDENCE = 0.02  # of looks in the course of care, those on the reader's own reason alone
SHOWN_LATER = 0.93  # of these, those whose relationship the feeds bring within a day
THERE_JUST_THEN = 0.1  # of misuse, where the person is on a ward of the reader's organisation anyway
IN_REGISTER = 0.85  # of the staff
DEATHS = 0.012

# How often a surname is borne, in a city: a few by thousands, hundreds by a handful.
_COMMON = """
Patel Smith Begum Khan Ali Jones Ahmed Hussain Williams Brown Singh Taylor Kaur Davies Evans Miah Wilson Shah
Thomas Johnson Roberts Walker Wright Robinson Thompson White Hughes Edwards Green Lewis Wood Harris Martin
Jackson Clarke
"""
COMMON = _COMMON.split()
_FIRST = """
Ash Bar Cal Dun Fen Gar Hal Ken Lang Mar Nor Os Pen Quin Rad Sel Thorn Ul Ven Wex
"""
_SECOND = """
bury combe dale field grave ham hurst ingham ley mere more ridge shaw stead thwaite ton well wick worth wright
"""
RARE = [first + second for first in _FIRST.split() for second in _SECOND.split()]
_GIVEN = """
Amina Oliver Priya Jack Fatima Harry Grace Mohammed Chloe Samuel Ngozi Peter Leila Thomas Aoife Daniel Mei
George Zainab Henry Rosa David Anya Michael Ruth James Hana Robert Ivy Stephen
"""
GIVEN = _GIVEN.split()

# role, organisation, area, how many work there, looks a day (least, most), evidence
POSTS = (
    ("clinician", "R1H", "London", 90, (4, 14), EvidenceClass.ENCOUNTER),
    ("clinician", "RRV", "London", 70, (4, 14), EvidenceClass.APPOINTMENT),
    ("clinician", "RTH", "Oxfordshire", 40, (2, 9), EvidenceClass.APPOINTMENT),
    ("gp", "Y99101", "London", 14, (10, 28), EvidenceClass.REGISTRATION),
    ("gp", "Y99104", "London", 14, (10, 28), EvidenceClass.REGISTRATION),
    ("pharmacist", "R1H", "London", 16, (18, 38), EvidenceClass.ENCOUNTER),
    ("paramedic", "RRU", "London", 40, (3, 8), EvidenceClass.INCIDENT),
    ("social-worker", "Y99301", "London", 18, (2, 7), EvidenceClass.CASELOAD),
    ("mental-health-clinician", "RWK", "London", 24, (3, 9), EvidenceClass.CASELOAD),
)


class Resident(msgspec.Struct, frozen=True, kw_only=True):
    key: int
    about: About
    works_as: str = ""  # user id


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One event, what was known of its person at the time and a day later, and the truth."""

    look: Look
    about: About
    later: About
    misuse: str = ""  # which kind was planted; "" : in the course of care


class _Reader(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    role: str
    organisation: str
    area: str
    looks: tuple[int, int]
    evidence: EvidenceClass
    resident: Resident


class Month(msgspec.Struct, kw_only=True):
    told: list[Told]
    register: list[Colleague]
    planted: dict[str, int]


def month(seed: int) -> Month:
    chance = random.Random(seed)
    people = _people(chance)
    readers, people = _readers(chance, people)
    register = [_entry(reader) for reader in readers if chance.random() < IN_REGISTER]
    related = {
        organisation: set(chance.sample(range(PEOPLE), int(PEOPLE * RELATED_SHARE)))
        for organisation in sorted({reader.organisation for reader in readers})
    }
    told = list(_care(chance, readers, people, related))
    planted = list(_misuse(chance, readers, people, related))
    counts: dict[str, int] = {}
    for kind in {(each.misuse, each.look.user_id, each.look.at.date(), each.look.patient_key) for each in planted}:
        counts[kind[0]] = counts.get(kind[0], 0) + (kind[0] != "fishing")
    counts["fishing"] = len({(each.look.user_id, each.look.at.date()) for each in planted if each.misuse == "fishing"})
    every = sorted([*told, *planted], key=lambda each: each.look.at)
    numbered = [
        msgspec.structs.replace(each, look=msgspec.structs.replace(each.look, place=(1, number)))
        for number, each in enumerate(every, 1)
    ]
    return Month(told=numbered, register=register, planted=counts)


def _people(chance: random.Random) -> list[Resident]:
    people: list[Resident] = []
    while len(people) < PEOPLE:
        family = _family(chance)
        postcode = f"E{chance.randint(1, 20)} {chance.randint(1, 9)}{chance.choice('ABDEFGH')}{chance.choice('JLNPQR')}"
        address, practice = f"{chance.randint(1, 220)} {chance.choice(RARE)} Road", f"Y99{chance.randint(101, 160)}"
        for _ in range(min(chance.choice((1, 1, 2, 2, 3, 4)), PEOPLE - len(people))):
            shares_name = chance.random() < 0.7
            died = BEGIN.date() - timedelta(days=chance.randint(1, 700)) if chance.random() < DEATHS else None
            about = About(
                family=family if shares_name else _family(chance),
                given=chance.choice(GIVEN),
                birth_date=date(chance.randint(1930, 2022), chance.randint(1, 12), chance.randint(1, 28)),
                nhs_number=f"999{len(people):07}",
                postcode=postcode,
                address=address,
                practice=practice,
                died_on=died,
                is_listed=chance.random() < 0.001,
            )
            people.append(Resident(key=len(people) + 1, about=about))
    return people


def _family(chance: random.Random) -> str:
    return chance.choice(COMMON) if chance.random() < 0.55 else chance.choice(RARE)


def _readers(chance: random.Random, people: list[Resident]) -> tuple[list[_Reader], list[Resident]]:
    """Staff live among the people: adults who are alive."""
    adults = [p for p in people if 1958 < (p.about.birth_date or BEGIN.date()).year < 2003 and not p.about.died_on]
    chosen = iter(chance.sample(adults, sum(post[3] for post in POSTS)))
    readers = []
    for role, organisation, area, count, looks, evidence in POSTS:
        for _ in range(count):
            resident = next(chosen)
            user_id = f"5550{resident.key:08}"
            people[resident.key - 1] = msgspec.structs.replace(resident, works_as=user_id)
            readers.append(
                _Reader(
                    user_id=user_id, role=role, organisation=organisation, area=area, looks=looks, evidence=evidence,
                    resident=resident,
                )
            )  # fmt: skip
    return readers, people


def _entry(reader: _Reader) -> Colleague:
    about = reader.resident.about
    return Colleague(
        user_id=reader.user_id, organisation=reader.organisation, family=about.family, given=about.given,
        birth_date=about.birth_date, postcode=about.postcode, address=about.address, nhs_number=about.nhs_number,
    )  # fmt: skip


def _look(reader: _Reader, key: int, at: datetime, evidence: EvidenceClass, kind: str = "opened") -> Look:
    about = reader.resident.about
    return Look(
        place=(1, 0), at=at, kind=kind, user_id=reader.user_id, name=f"{about.family.upper()} {about.given} (Dr)",  # type: ignore[arg-type]
        role=reader.role, organisation=reader.organisation, area=reader.area, patient_key=key, evidence=evidence,
    )  # fmt: skip


def _care(
    chance: random.Random, readers: list[_Reader], people: list[Resident], related: dict[str, set[int]]
) -> Iterator[Told]:
    """Wards, clinics, surgeries: whoever is cared for, colleagues and namesakes among them."""
    lists = {organisation: sorted(keys) for organisation, keys in related.items()}
    for day in range(DAYS):
        for reader in readers:
            if chance.random() > (0.7 if day % 7 < 5 else 0.3):
                continue
            for _ in range(chance.randint(*reader.looks)):
                at = BEGIN + timedelta(days=day, hours=7, seconds=chance.randint(0, 50_000))
                if chance.random() < 0.01:  # A number typed wrong, and typed again.
                    yield Told(look=_look(reader, 0, at, EvidenceClass.NONE, "searched"), about=About(), later=About())
                index = chance.choice(lists[reader.organisation])
                if reader.role == "paramedic" and chance.random() < 0.8:
                    index = chance.randrange(PEOPLE)
                person = people[index]
                if person.works_as == reader.user_id:
                    continue
                if person.about.died_on and (BEGIN.date() - person.about.died_on).days > 20 and chance.random() < 0.93:
                    continue  # The dead are on no ward: certificates, complaints and reviews remain.
                has_evidence = chance.random() >= WITHOUT_EVIDENCE
                is_known = has_evidence and chance.random() < 0.97
                known = msgspec.structs.replace(person.about, is_related=is_known)
                later = msgspec.structs.replace(person.about, is_related=is_known or chance.random() < SHOWN_LATER)
                evidence = reader.evidence if has_evidence else EvidenceClass.DECLARED
                yield Told(look=_look(reader, person.key, at, evidence), about=known, later=later)


def _misuse(
    chance: random.Random, readers: list[_Reader], people: list[Resident], related: dict[str, set[int]]
) -> Iterator[Told]:
    """As cases in the press and in regulators' notices tell them: by people with a job to do and a reason to look."""

    def when() -> datetime:
        return BEGIN + timedelta(days=chance.randint(6, DAYS - 2), hours=8, seconds=chance.randint(0, 40_000))

    def opens(kind: str, reader: _Reader, person: Resident) -> Told:
        evidence = chance.choice((EvidenceClass.DECLARED, EvidenceClass.DECLARED, EvidenceClass.LAUNCH))
        # Some are cared for there just then, and the reader's own system names it: by somebody else's team.
        is_there = kind in ("own record", "family", "colleague") and chance.random() < THERE_JUST_THEN
        about = msgspec.structs.replace(person.about, is_related=is_there)
        look = _look(reader, person.key, when(), reader.evidence if is_there else evidence)
        return Told(look=look, about=about, later=about, misuse=kind)

    homes: dict[tuple[str, str], list[Resident]] = {}
    names: dict[str, list[Resident]] = {}
    for person in people:
        homes.setdefault((person.about.postcode, person.about.address), []).append(person)
        names.setdefault(person.about.family, []).append(person)
    staff = [person for person in people if person.works_as]
    for reader in chance.sample(readers, 20):
        yield opens("own record", reader, reader.resident)
    of_family = 0
    for reader in chance.sample(readers, len(readers)):
        own = reader.resident.about
        kin = [p for p in homes[own.postcode, own.address] if p.key != reader.resident.key]
        if not kin and own.family in RARE:  # A parent or a former husband elsewhere.
            kin = [p for p in names[own.family] if p.key != reader.resident.key][:1]
        if kin and of_family < 30:
            of_family += 1
            yield opens("family", reader, kin[0])
    for reader in chance.sample(readers, 25):
        mates = [p for p in staff if p.works_as != reader.user_id]
        same = [
            p for p in mates if any(r.user_id == p.works_as and r.organisation == reader.organisation for r in readers)
        ]
        yield opens("colleague", reader, chance.choice(same))
    for person in [p for p in people if p.about.is_listed][:4]:
        for reader in chance.sample(readers, 4):  # In the news: several look within days.
            yield opens("in the news", reader, person)
    dead = [p for p in people if p.about.died_on and (BEGIN.date() - p.about.died_on).days > 30]
    for reader, person in zip(chance.sample(readers, 15), chance.sample(dead, 15), strict=True):
        yield opens("after death", reader, person)
    for reader in chance.sample(readers, 40):  # A neighbour, a former partner, an applicant for a flat.
        yield opens("no encounter", reader, people[chance.randrange(PEOPLE)])
    for reader in chance.sample(readers, 12):
        begun = when()
        for attempt in range(chance.randint(5, 12)):
            at = begun + timedelta(seconds=40 * attempt + chance.randint(0, 20))
            look = _look(reader, 0, at, EvidenceClass.NONE, "searched")
            yield Told(look=look, about=About(), later=About(), misuse="fishing")
