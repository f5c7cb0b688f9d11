"""A person as the index knew them at an instant: links made or undone since, and newer demographics, are not there."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord.model import OriginalReference, Person
from carerecord.patient_index.people import person_of
from carerecord.patient_index.store import QUERIES

if TYPE_CHECKING:
    from carerecord.database import Database


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One judgement: to whom an identity belonged from then on."""

    seq: int
    at: datetime
    to_person_key: int
    rule: str
    original: OriginalReference | None


class _Known(msgspec.Struct, frozen=True):
    """What was known of an identity until an instant; None: until now."""

    until_at: datetime | None
    row: dict[str, Any]


class _Identity(msgspec.Struct):
    judgements: list[Judged]
    known: list[_Known]  # in the order of time, the present last


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the index ever knew of the identities that were ever part of one person."""

    patient_key: int
    identities: dict[int, _Identity]
    homes: dict[int, int]  # identity -> the key under which its rows are kept

    def person(self, at: datetime, *, said_by: str | None = None, said_at: datetime | None = None) -> Person | None:
        """The person at that instant, or None if there was none under this key.

        Whose demographics were believed, and when they were said, the witness says: the instant alone moves
        on with every message that says the same again, and is not kept for each.
        """
        rows = [
            _row_at(identity, at)
            for identity in self.identities.values()
            if _person_at(identity, at) == self.patient_key
        ]
        if not rows:
            return None
        person = person_of(self.patient_key, rows, said_by=said_by)
        return msgspec.structs.replace(person, said_at=said_at) if said_at and person.said_by == said_by else person

    def changes(self, since: datetime, until: datetime) -> list[datetime]:
        """The instants of that time at which the person was another afterwards."""
        instants = {
            instant
            for identity in self.identities.values()
            for instant in (
                *(judged.at for judged in identity.judgements),
                *(known.until_at for known in identity.known if known.until_at),
            )
        }
        return sorted(instant for instant in instants if since <= instant <= until)

    def find_judgement(self, identity_key: int, seq: int) -> Judged | None:
        identity = self.identities.get(identity_key)
        return next((judged for judged in identity.judgements if judged.seq == seq), None) if identity else None


async def read_history(db: Database, patient_key: int) -> History:
    """One view of three tables: what is written meanwhile is seen in all of them or in none."""
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(QUERIES["read_ever_part"], patient_key)
        keys = [row["patient_key"] for row in rows], [row["identity_key"] for row in rows]
        judged = await connection.fetch(QUERIES["read_judgements"], *keys)
        earlier = await connection.fetch(QUERIES["read_earlier"], *keys)
    identities = {row["identity_key"]: _Identity([], []) for row in rows}
    for row in judged:
        original = OriginalReference(row["original_day"], row["original_seq"]) if row["original_day"] else None
        identities[row["identity_key"]].judgements.append(
            Judged(
                seq=row["seq"], at=row["at"], to_person_key=row["to_person_key"], rule=row["rule"], original=original
            )
        )
    present = {row["identity_key"]: dict(row) for row in rows}
    for row in earlier:
        known = {**present[row["identity_key"]], **dict(row)}
        identities[row["identity_key"]].known.append(_Known(row["until_at"], known))
    for key, now in present.items():
        identities[key].known.append(_Known(None, now))
    homes = {row["identity_key"]: row["patient_key"] for row in rows}
    return History(patient_key=patient_key, identities=identities, homes=homes)


def _person_at(identity: _Identity, at: datetime) -> int | None:
    """To whom the last judgement until then gave it."""
    last = None
    for judged in identity.judgements:
        if judged.at <= at:
            last = judged.to_person_key
    return last


def _row_at(identity: _Identity, at: datetime) -> dict[str, Any]:
    return next(known.row for known in identity.known if known.until_at is None or known.until_at > at)
