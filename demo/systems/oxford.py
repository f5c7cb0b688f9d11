"""What Oxford's own record system knows: its staff, its patients, and why each patient is its patient today."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

import msgspec

from demo.people.nouns import Person


class Staff(msgspec.Struct, frozen=True):
    user_id: str
    name: str
    post: str
    role_code: str
    role_name: str


STAFF = (
    Staff("OUH-4410", "Dr Miriam Halloway", "Consultant physician", "S8000:G8000:R8000", "Clinical Practitioner"),
    Staff("OUH-7782", "Dr Tom Ashby", "Junior doctor", "S8000:G8000:R8000", "Clinical Practitioner"),
    Staff("OUH-5127", "Sister Grace Mwangi", "Ward nurse", "S8000:G8000:R8001", "Nurse"),
    Staff("OUH-9034", "Mr Colin Peters", "Clinic administrator", "S8000:G8000:R8008", "Admin/Clinical Support"),
)


class Evidence(msgspec.Struct, frozen=True):
    """Why this is our patient, as the claims of a launch name it."""

    kind: str  # encounter, appointment, referral
    id: str
    start: str
    place: str


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    person: Person
    why: str  # in the words of the list
    evidence: Evidence | None


def find_staff(user_id: str | None) -> Staff | None:
    return next((staff for staff in STAFF if staff.user_id == user_id), None)


def patients(people: Iterable[Person], *, at: datetime) -> list[Patient]:
    """Oxford's patients on the day of `at`: on a clinic list, in a ward, referred, or with nothing to show why."""
    return [_patient(person, at) for person in people if person.oxford_number and person.nhs_number]


def _patient(person: Person, at: datetime) -> Patient:
    number, index = person.oxford_number or "", person.index
    today = at.date()
    lot = (index // 2 + index % 2) % 5
    if index % 14 == 1:
        return Patient(number=number, person=person, why="No clinic, ward or referral on file", evidence=None)
    if lot in (0, 3):
        start = datetime.combine(today, time(9, 12), at.tzinfo) + timedelta(minutes=7 * (index % 40))
        found = Evidence(
            "appointment", f"APP-{number}-{today:%Y%m%d}", start.isoformat(), "Outpatient clinic, John Radcliffe"
        )
        return Patient(number=number, person=person, why=f"Outpatient clinic today {start:%H:%M}", evidence=found)
    if lot in (1, 4):
        start = datetime.combine(today - timedelta(days=1 + index % 6), time(17, 40), at.tzinfo)
        found = Evidence("encounter", f"ENC-{number}", start.isoformat(), f"Ward 7{'ABCDE'[index % 5]}, John Radcliffe")
        return Patient(number=number, person=person, why=f"In hospital, {found.place}", evidence=found)
    start = datetime.combine(today - timedelta(days=10 + index % 20), time(11, 0), at.tzinfo)
    found = Evidence("referral", f"REF-{number}", start.isoformat(), "Referral office, John Radcliffe")
    return Patient(number=number, person=person, why=f"Referred by the GP on {start:%d-%b-%Y}", evidence=found)
