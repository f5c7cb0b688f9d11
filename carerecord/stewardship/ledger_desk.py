"""The privacy desk's hand on the ledgers: what is held from them, and the answers to what persons ask.

A hold is set where a ledger would put somebody in danger: a person whose list is read by who controls them, a member of
staff who is followed. It leaves no trace in the ledger.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from carerecord import audit, database
from carerecord.audit.events import read_events_witnessed
from carerecord.disclosure import sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.stewardship.desk import Desk, lacks_reason, mend
from carerecord.stewardship.ledger import ANYBODY, hold_of, read_holds
from carerecord.stewardship.ledger_rules import names_a_held
from carerecord.stewardship.ledger_values import Hold, HoldKind
from carerecord.stewardship.privacy_rules import FOR_OTHERS

QUERIES = database.queries(__package__)
DESK = "privacy"
LETTERS_MAX = 1_000
LOOKS_MAX = 50


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a person as their desk reads it: about which look, and nobody's name."""

    id: int
    case_id: int
    organisation: str
    words: str
    asked_at: datetime
    answered_at: datetime | None
    answer: str


class LedgerDesk(Desk):
    """Each doing asks whether this role may work here, and is witnessed before it is done."""

    desks = (DESK,)
    for_others = FOR_OTHERS
    route = "desk"
    always: ClassVar = {"desk": DESK}

    @told
    async def set_hold(
        self,
        staff: Staff,
        *,
        kind: HoldKind,
        value: str = "",
        case_id: int | None = None,
        because: str,
        session: str,
        at: datetime,
    ) -> Hold | Refusal:
        """Of the person that a case is about; without a case, of a member of staff whoever they looked at."""
        said = " ".join(because.split())[:LETTERS_MAX]
        patient_key = ANYBODY
        if refused := self._may_not(staff) or lacks_reason(said):
            return refused
        if case_id is not None:
            row = await self._db.fetchrow(QUERIES["find_case"], case_id)
            if row is None or not self._may_see(staff, row["organisation"]):
                return sentences.nothing_there(self.region)
            patient_key = row["patient_key"]
        if not _fits(kind, value.strip(), patient_key, self.region):
            return mend("Choose what is held: a person's whole list needs their case, an organisation its code.")
        if kind in (HoldKind.STAFF, HoldKind.NAME) and value.strip() == staff.user_id:
            return mend("What is held about yourself is for another officer of the desk to decide.")
        hold = Hold(
            patient_key=patient_key, id=self._random_key(), kind=kind, value=value.strip(), because=said,
            set_by=staff.name, set_at=at, organisation=staff.organisation,
        )  # fmt: skip
        await self._administer(staff, hold, step="set", session=session, at=at)
        await self._db.execute(
            QUERIES["set_hold"],
            *(hold.patient_key, hold.id, hold.kind.value, hold.value, hold.because, hold.set_by, hold.set_at),
            hold.organisation,
        )
        return hold

    @told
    async def lift_hold(
        self, staff: Staff, hold_id: int, *, because: str, session: str, at: datetime
    ) -> Refusal | None:
        said = " ".join(because.split())[:LETTERS_MAX]
        if refused := self._may_not(staff) or lacks_reason(said):
            return refused
        row = await self._db.fetchrow(QUERIES["find_hold"], hold_id)
        if row is None or row["lifted_at"] is not None or not self._may_see(staff, row["organisation"]):
            return sentences.nothing_there(self.region)
        await self._administer(staff, hold_of(row), step="lifted", session=session, at=at)
        await self._db.execute(QUERIES["lift_hold"], row["patient_key"], hold_id, at, staff.name, said)
        return None

    @told
    async def list_holds(self, staff: Staff, *, session: str, at: datetime) -> tuple[Hold, ...] | Refusal:
        """Those that stand and that this desk set; whom they are about is not said. A hold keeps somebody safe from
        whoever reads over their shoulder: that may be somebody on the staff of another organisation."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, ANYBODY, what="holds", session=session, at=at)
        return tuple(hold_of(row) for row in await self._db.fetch(QUERIES["list_holds"], self._scope(staff)))

    @told
    async def list_questions(self, staff: Staff, *, session: str, at: datetime) -> tuple[Asked, ...] | Refusal:
        """Of this officer's organisation; those that wait stand first."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, ANYBODY, what="questions", session=session, at=at)
        return tuple(
            Asked(
                id=row["id"],
                case_id=row["id"],
                organisation=row["organisation"],
                words=row["words"],
                asked_at=row["asked_at"],
                answered_at=row["answered_at"],
                answer=row["answer"],
            )
            for row in await self._db.fetch(QUERIES["list_questions"], self._scope(staff))
        )

    @told
    async def answer(self, staff: Staff, question_id: int, *, words: str, session: str, at: datetime) -> Refusal | None:
        """What the person reads beside their question; said once, and in the name of the organisation."""
        said = words.strip()[:LETTERS_MAX]
        if refused := self._may_not(staff) or lacks_reason(said):
            return refused
        row = await self._db.fetchrow(QUERIES["find_question"], question_id)
        if row is None or not self._may_see(staff, row["organisation"]):
            return sentences.nothing_there(self.region)
        case = await self._db.fetchrow(QUERIES["find_case"], question_id)
        if case is not None and case["staff"] == staff.user_id:
            return mend("This is about a look of yours: another officer of the desk answers it.")
        if row["answered_at"] is not None:
            return mend("This question was answered before. The person reads that answer.")
        witness = await self._witness(
            staff, row["patient_key"], what="question", session=session, at=at, case=str(question_id)
        )
        if names_a_held(said, await self._held_names(row["patient_key"], witness)):
            return mend("This names a member of staff whose name is held. Answer for the organisation, without it.")
        await self._db.execute(
            QUERIES["answer_question"], row["patient_key"], question_id, said, at, staff.organisation_name
        )
        return None

    # --- Inside -----------------------------------------------------------------------------------------------------

    async def _held_names(self, patient_key: int, witness: audit.Witness) -> set[str]:
        """Of those who looked at this person and whose name is given to nobody: what they are called, and known by."""
        known = await read_holds(self._db, [patient_key])
        holds = [hold for hold in known if hold.kind is HoldKind.NAME and hold.stands]
        names = {hold.value for hold in holds}
        for user_id in tuple(names):
            events = await read_events_witnessed(self._db, witness=witness, staff=user_id, limit=LOOKS_MAX)
            names |= {event.staff.name for event in events if event.staff is not None}
        return names

    def _scope(self, staff: Staff) -> str | None:
        """Whose it is that this officer reads: None for those of the whole region."""
        return None if staff.organisation == self.region.privacy_organisation else staff.organisation

    def _may_see(self, staff: Staff, organisation: str) -> bool:
        return staff.organisation in (organisation, self.region.privacy_organisation)

    async def _administer(self, staff: Staff, hold: Hold, *, step: str, session: str, at: datetime) -> None:
        detail = {"what": "hold", "step": step, "hold": str(hold.id)}
        await self._witness(staff, hold.patient_key, "administered", session=session, at=at, **detail)


def _fits(kind: HoldKind, value: str, patient_key: int, region: Region) -> bool:
    if kind is HoldKind.LEDGER:
        return bool(patient_key) and not value
    if kind is HoldKind.ORGANISATION:
        return bool(patient_key) and region.find_organisation(value) is not None
    return bool(value)
