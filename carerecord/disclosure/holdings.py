"""Everything that is held about one person, in every version: for whoever answers the person's own request.

Nobody is shown this on a screen. It is read under a witness of its own kind (`examined`), by a steward, and what is
made of it leaves as a file that is witnessed again (`exported`).
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from carerecord import audit, database, patient_index
from carerecord.model import OriginalReference, Person, Purpose, Staff, StoredStatement, Subject
from carerecord.record import read


class SaidOfPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Who the person is to one source, as it says now."""

    source: str
    subject: Subject
    said_at: datetime


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    person: Person
    statements: tuple[StoredStatement, ...]  # every version of every source that is part of the person now
    said: tuple[SaidOfPerson, ...]
    originals: tuple[tuple[OriginalReference, str, datetime], ...]  # (reference, source, received at), newest first


async def read_holdings(
    db: database.Database,
    writer: audit.Writer,
    patient_key: int,
    *,
    by: Staff,
    because: str,
    session: str,
    at: datetime,
) -> Holdings:
    """Raises patient_index.NoSuchPerson. What was lawfully withdrawn is not held any more and is not here."""
    person = await patient_index.read_person(db, patient_key)
    witness = await writer.witness(
        audit.Event(
            kind=audit.Kind.EXAMINED,
            patient_key=patient_key,
            staff=by,
            purpose=Purpose.PATRQT,
            evidence=None,
            decision="",
            detail={"what": "subject access", "because": because},
            route="desk",
            session=session,
            at=at,
        )
    )
    kept = await read.read_examined(db, witness=witness, patient_key=patient_key, identities=person.identities)
    said = await patient_index.read_said(db, patient_key)
    originals = {each.original: (each.original, each.source, each.received_at) for each in kept.statements}
    return Holdings(
        person=person,
        statements=tuple(kept.statements),
        said=tuple(SaidOfPerson(source=source, subject=subject, said_at=at) for source, subject, at in said),
        originals=tuple(sorted(originals.values(), key=lambda each: each[0], reverse=True)),
    )
