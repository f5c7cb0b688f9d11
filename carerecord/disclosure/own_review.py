"""Whether the record itself says that somebody must talk with this person before they see what is their own.

SNOMED CT UK: 1364731000000104 "enhanced review indicated before granting access to own health record", and
1364751000000106 "enhanced review not indicated", which clears it; whichever was said last counts.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from carerecord import audit, patient_index
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff, Standing
from carerecord.record import read
from carerecord.record.chunk import code_hash

if TYPE_CHECKING:
    from carerecord.database import Database

SNOMED = "http://snomed.info/sct"
INDICATED = code_hash(f"{SNOMED}|1364731000000104")
CLEARED = code_hash(f"{SNOMED}|1364751000000106")


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What was said last; None where nobody ever said it."""

    indicated_at: datetime | None = None
    cleared_at: datetime | None = None

    @property
    def is_indicated(self) -> bool:
        return self.indicated_at is not None and (self.cleared_at is None or self.cleared_at < self.indicated_at)

    @property
    def is_cleared(self) -> bool:
        return self.cleared_at is not None and not self.is_indicated


async def read_review(
    db: Database, writer: audit.Writer, *, patient_key: int, staff: Staff, route: str, session: str, at: datetime
) -> Review:
    """Read under a witness as everything is. Raises patient_index.NoSuchPerson."""
    person = await patient_index.read_person(db, patient_key)
    witness = await writer.witness(
        audit.Event(
            kind=audit.Kind.OPENED.value,
            patient_key=patient_key,
            staff=staff,
            purpose=Purpose.PATRQT,
            evidence=Evidence(kind=EvidenceClass.NONE, said_by="own"),
            decision={},
            detail={"what": "review-before-own-access"},
            route=route,
            session=session,
            at=at,
        )
    )
    said: dict[int, datetime] = {}
    for statement in await read.read_statements(db, witness=witness, person=person):
        if statement.code_hash in (INDICATED, CLEARED) and statement.standing not in (
            Standing.ENTERED_IN_ERROR,
            Standing.CANCELLED,
        ):
            said[statement.code_hash] = max(statement.said_at, said.get(statement.code_hash, statement.said_at))
    return Review(indicated_at=said.get(INDICATED), cleared_at=said.get(CLEARED))
