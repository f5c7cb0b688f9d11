"""The way in to a person: by NHS number and birth date together, or by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord.model import NHSNumber, Person, Subject
from carerecord.patient_index.store import QUERIES, read_subject

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Row = asyncpg.Record | Mapping[str, Any]


class NoSuchPerson(LookupError):
    """No person has this key now: links may have changed; find the patient again by NHS number and date of birth."""


async def find_person(db: Database, *, nhs_number: str, birth_date: date) -> Person | None:
    """The one person who holds exactly this verified number with exactly this birth date; None if none or several."""
    number = NHSNumber.found_in(nhs_number)
    if number is None:
        return None
    holders = await db.fetch(QUERIES["find_holders_of_verified_number"], number)
    people = {holder["person_key"] for holder in holders if read_subject(holder["subject"]).birth_date == birth_date}
    if len(people) != 1:
        return None
    return await read_person(db, people.pop())


async def read_person(db: Database, patient_key: int) -> Person:
    """The set of identities that is this person, with the demographics that were said last as such, not in passing."""
    rows = await db.fetch(QUERIES["read_person"], patient_key)
    if not rows:
        raise NoSuchPerson(NoSuchPerson.__doc__)
    return person_of(patient_key, rows)


async def read_said(db: Database, patient_key: int) -> list[tuple[str, Subject, datetime]]:
    """(source, demographics, when said) of each identity of a person, as its source says now."""
    rows = await db.fetch(QUERIES["read_person"], patient_key)
    return [(row["source"], read_subject(row["subject"]), row["said_at"]) for row in rows]


def person_of(patient_key: int, rows: Sequence[Row], *, said_by: str | None = None) -> Person:
    """One person of what is known of each identity; `said_by`: whose demographics are believed is known already."""
    said = [(read_subject(row["subject"]), row) for row in rows]
    # A laboratory copies half of what it was told: that it reported later must not hide an address or a death.
    subject, current = max(
        said,
        key=lambda pair: (
            pair[1]["source"] == said_by,
            pair[1]["nhs_number_verified"],
            not pair[0].is_copy,
            pair[1]["said_at"],
            pair[1]["identity_key"],
        ),
    )
    if subject.deceased is None:
        subject = _with_death(subject, said)
    if any(one.restricted for one, _ in said):
        # Most senders have no way to say it: one that does is believed over all that are silent.
        subject = msgspec.structs.replace(subject, restricted=True)
    if current["nhs_number"] and subject.nhs_number != current["nhs_number"]:
        subject = msgspec.structs.replace(subject, nhs_number=current["nhs_number"])
    return Person(
        patient_key=patient_key,
        identities={row["identity_key"]: row["patient_key"] for row in rows},
        subject=subject,
        said_by=current["source"],
        said_at=current["said_at"],
        nhs_number_verified=current["nhs_number_verified"],
    )


def _with_death(subject: Subject, said: list[tuple[Subject, Row]]) -> Subject:
    """Silence does not bring anyone back to life: whoever last said anything of it, alive or dead, is believed."""
    telling = [
        (row["said_at"], row["identity_key"], one) for one, row in said if one.deceased is not None and not one.is_copy
    ]
    if not telling:
        return subject
    last = max(telling, key=lambda each: each[:2])[2]
    return msgspec.structs.replace(subject, deceased=last.deceased, deceased_at=last.deceased_at)


def fingerprint(person: Person) -> str:
    """What tells this person, as known at one instant, from the same person as known at another."""
    known = (
        sorted(person.identities.items()),
        person.subject,
        person.said_by,
        person.said_at,
        person.nhs_number_verified,
    )
    return blake2b(msgspec.json.encode(known), digest_size=8).hexdigest()
