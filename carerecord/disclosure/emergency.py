"""Emergency access (break-glass): who may, for how long, and that the privacy desk has its case first.

IHE PCF and HL7 v3 PurposeOfUse BTG: a reader must be one who may declare it. It is to one person, up to a shift, and it
never opens what a source says is dissented from or a statute bars: what it opens is decided in the room access.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from carerecord import audit
from carerecord.disclosure.values import Looking
from carerecord.model import EvidenceClass, Purpose, Staff

SHIFT: Final = timedelta(hours=12)
NOT_SET_UP = (
    "Emergency access could not be looked at afterwards here, so it is not offered: tell those who run the record."
)
NOT_DECLARED = (
    "Emergency access is declared with its reason, in words, and for no longer than a shift: declare it again."
)


class Cases(Protocol):
    """Who opens the privacy desk's case. Stewardship lies above this room, so it is handed in."""

    async def open(
        self, *, staff: Staff, declared: audit.Witness, reason: str, until: datetime, session: str, at: datetime
    ) -> None: ...


def is_declared(looking: Looking, until: datetime) -> bool:
    """Whether it says what an emergency must: why, in words, and an end within a shift."""
    evidence = looking.evidence
    return (
        evidence.kind is EvidenceClass.EMERGENCY
        and looking.purpose is Purpose.BTG
        and bool((evidence.reason or "").strip())
        and looking.at < until <= looking.at + SHIFT
    )


def detail_of(until: datetime, *, is_rehearsal: bool) -> dict[str, Any]:
    """The reason and its words stand in the evidence of the event."""
    return {"what": "rehearsal" if is_rehearsal else "emergency", "until": until.isoformat()}
