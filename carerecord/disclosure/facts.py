"""What a decision needs to know of one person, read before it: who they are, who is involved, what they object to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from carerecord import database, patient_index
from carerecord.model import Evidence, EvidenceClass, Person
from carerecord.patient_index import relationships
from carerecord.patient_index.relationships import Relationship

if TYPE_CHECKING:
    from carerecord.database import Database

QUERIES = database.queries(__package__)
RECORD = "record"  # who says so: in the place of the code of an organisation
_NEVER = [standing.value for standing in relationships.NEVER]


class StandingObjection(msgspec.Struct, frozen=True, kw_only=True):
    """What a person objects to, and that is restricted: while it is weighed, and once it is upheld."""

    scope: str  # whole, organisation, heading
    value: str  # ODS code, or name of a heading
    state: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one person, for readers of one organisation, at one moment. Nothing of it is kept for the next look."""

    person: Person
    known: Evidence | None  # the best that the record itself knows of the organisation's involvement
    is_anybody_involved: bool
    objections: tuple[StandingObjection, ...]


_read_relationships = msgspec.json.Decoder(tuple[Relationship, ...]).decode
_read_objections = msgspec.json.Decoder(tuple[StandingObjection, ...]).decode


async def read_facts(db: Database, patient_key: int, *, organisation: str, at: datetime) -> Facts:
    """Raises patient_index.NoSuchPerson."""
    rows = await db.fetch(
        QUERIES["read_facts"],
        patient_key,
        organisation,
        at + relationships.BEFORE_MAX,
        at - relationships.AFTER_MAX,
        _NEVER,
    )
    if not rows:
        raise patient_index.NoSuchPerson(patient_index.NoSuchPerson.__doc__)
    person = patient_index.person_of(patient_key, rows)
    first = rows[0]
    involved = _read_relationships(first["relationships"]) if first["relationships"] else ()
    return Facts(
        person=person,
        known=known_evidence(involved, person, organisation=organisation, at=at),
        is_anybody_involved=first["is_anybody_involved"] or bool(person.subject.gp_practice),
        objections=_read_objections(first["objections"]) if first["objections"] else (),
    )


def known_evidence(
    involved: Sequence[Relationship], person: Person, *, organisation: str, at: datetime
) -> Evidence | None:
    """The best of what the region's systems said. A registration is what demographics say now, and ends with them."""
    if found := relationships.best(involved, at):
        return Evidence(
            kind=found.kind, id=f"{found.source}/{found.local_id}", start=found.since.isoformat(), said_by=RECORD
        )
    if organisation and person.subject.gp_practice == organisation:
        return Evidence(kind=EvidenceClass.REGISTRATION, id=person.said_by, said_by=RECORD)
    return None


class Resting(msgspec.Struct, frozen=True):
    """On what a look rests, and what else there was: the audit keeps all of it."""

    evidence: Evidence
    signed: Evidence | None = None  # what the reader's own system said, where another counts for more
    known: Evidence | None = None  # what the record knows


def rests_on(signed: Evidence, known: Evidence | None) -> Resting:
    """The best of what the reader's system signed and what the record knows: strong beats weak, and one's own system is
    believed first, since it knows where the person is now. What is declared in an emergency, or agreed for a program,
    is no claim of a relationship and stays as it is."""
    is_weak = not signed.is_strong and signed.kind not in (EvidenceClass.EMERGENCY, EvidenceClass.AGREEMENT)
    if is_weak and known is not None:
        # Only the reader's own system knows how it calls the person.
        return Resting(msgspec.structs.replace(known, called=signed.called), signed, known)
    return Resting(signed, None, known)
