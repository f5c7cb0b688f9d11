"""Objecting to sharing from one's own page (UK GDPR Article 21): the steps of the records desk, by the person."""

from __future__ import annotations

from carerecord.disclosure.values import Refusal
from carerecord.model import Purpose, Staff
from carerecord.stewardship.ledger import ROUTE, Own
from carerecord.stewardship.objections import Objection, Objections, Scope, Told

TAKEN_BACK = "Taken back by the person, on their own page."
PERSON = "person"


class OwnObjections:
    """Of one person, by themselves: nobody else's is reached by it, and none is decided here."""

    def __init__(self, objections: Objections) -> None:
        self._steps = _ByPerson(objections)

    async def list_own(self, own: Own) -> tuple[Objection, ...] | Refusal:
        return await self._steps.of_person(own.staff, patient_key=own.patient_key, session=own.session, at=own.at)

    async def receive(self, own: Own, *, scope: Scope, value: str) -> Told | Refusal:
        """Restricted from this moment, while it is weighed."""
        return await self._steps.receive(
            own.staff, patient_key=own.patient_key, scope=scope, value=value, session=own.session, at=own.at
        )

    async def withdraw(self, own: Own, objection_id: int) -> Told | Refusal:
        known = await self.list_own(own)
        if isinstance(known, Refusal):
            return known
        if objection_id not in {each.id for each in known}:
            return Refusal(kind="not-found", sentences=("This objection is not one of yours.",))
        return await self._steps.withdraw(
            own.staff, objection_id=objection_id, reason=TAKEN_BACK, session=own.session, at=own.at
        )


class _ByPerson(Objections):
    """The steps as the person takes them: only the role of themselves may, and the audit says so."""

    route = ROUTE
    purpose = Purpose.PATRQT

    def __init__(self, steps: Objections) -> None:
        super().__init__(steps._db, steps._writer, steps.region, random_key=steps._random_key)

    def _may_not(self, staff: Staff) -> Refusal | None:
        if staff.role == PERSON:
            return None
        return Refusal(kind="not-allowed", sentences=("This is for the person whose record it is.",))
