"""Objections to sharing (UK GDPR Articles 18, 19, 21): restricted on receipt, weighed, decided with reasons, told on.

https://www.legislation.gov.uk/eur/2016/679/article/21. What an objection takes from a reader is decided with every look
(`access/objections.py`), so each step here holds from the next request on, by every way in.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord import access, database, patient_index
from carerecord.audit.events import NOBODY
from carerecord.disclosure import sentences
from carerecord.disclosure.banner import name_words
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Heading, Staff
from carerecord.stewardship import notices
from carerecord.stewardship.desk import LETTERS_MIN, Desk, keys_of, mend
from carerecord.stewardship.notices import Notice

if TYPE_CHECKING:
    import asyncpg

QUERIES = database.queries(__package__)
LETTERS_MAX = 2000
LISTED_MAX = 200


class Scope(StrEnum):
    """What the person objects to. Stored."""

    WHOLE = "whole"
    ORGANISATION = "organisation"
    HEADING = "heading"


class State(StrEnum):
    """Stored. The record is restricted while it is weighed and once it is upheld."""

    WEIGHED = "weighed"
    UPHELD = "upheld"
    OVERRULED = "overruled"
    WITHDRAWN = "withdrawn"

    @property
    def restricts(self) -> bool:
        return self in (State.WEIGHED, State.UPHELD)


TOLD = {
    State.WEIGHED: "A person objects to the sharing of their record: it is restricted here while that is weighed.",
    State.UPHELD: "A person's objection to the sharing of their record is upheld: it stays restricted here.",
    State.OVERRULED: "A person's objection to the sharing of their record is overruled: it is shared here again.",
    State.WITHDRAWN: "A person has withdrawn their objection to the sharing of their record: it is shared here again.",
}
DECIDES = "Open this notice by its reference to learn whom it concerns. What you hold is yours to decide about."


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """One person's objection, as it stands. It says no name: who asks for one by its number is written down."""

    patient_key: int
    id: int
    scope: Scope
    value: str  # ODS code, or the name of a heading ("RESULTS")
    state: State
    received_at: datetime
    received_by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""

    @property
    def reference(self) -> str:
        return notices.reference_of(self.id)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An objection after a step, and which organisations have a notice of it."""

    objection: Objection
    organisations: tuple[str, ...]


class ObjectionNotice(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation reads behind its notice: who objects, and to what."""

    sentence: str
    scope: Scope
    value: str
    state: State
    name: str
    birth_date: date | None
    nhs_number: str | None
    is_restricted: bool


class Objections(Desk):
    """What the records desk and the Guardian do with objections. Each step asks if this role may, and is witnessed."""

    desks = ("records", "guardian")
    for_others = "Objections are for the records desk and the Caldicott Guardian."
    route = "desk-records"

    @told
    async def find_person(
        self, staff: Staff, *, nhs_number: str, birth_date: date, session: str, at: datetime
    ) -> int | Refusal:
        """The patient_key of whoever objects; both must agree. Witnessed as a search."""
        if refused := self._may_not(staff):
            return refused
        person = await patient_index.find_person(self._db, nhs_number=nhs_number, birth_date=birth_date)
        patient_key = person.patient_key if person else 0
        await self._witness(staff, patient_key, "searched", session=session, at=at, purpose_of="objection")
        return patient_key or sentences.nobody_found(self.region)

    @told
    async def receive(
        self, staff: Staff, *, patient_key: int, scope: Scope, value: str = "", session: str, at: datetime
    ) -> Told | Refusal:
        """Restricts at once, while it is weighed; the same objection twice is one."""
        refused = self._may_not(staff) or self._does_not_fit(scope, value)
        if refused:
            return refused
        keys = await keys_of(self._db, patient_key)
        for known in await self._read(keys):
            if (known.scope, known.value) == (scope, value) and known.state.restricts:
                return Told(objection=known, organisations=())
        objection = Objection(
            patient_key=patient_key,
            id=self._random_key(),
            scope=scope,
            value=value,
            state=State.WEIGHED,
            received_at=at,
            received_by=staff.name,
        )
        return await self._step(staff, objection, keys=keys, step="received", session=session, at=at)

    @told
    async def decide(
        self, staff: Staff, *, objection_id: int, is_upheld: bool, reason: str, session: str, at: datetime
    ) -> Told | Refusal:
        """Upheld: it stays restricted. Overruled: it is shared again. Either can be decided anew, with reasons."""
        state = State.UPHELD if is_upheld else State.OVERRULED
        return await self._change(staff, objection_id, state, reason=reason, session=session, at=at)

    @told
    async def withdraw(
        self, staff: Staff, *, objection_id: int, reason: str, session: str, at: datetime
    ) -> Told | Refusal:
        """The person takes it back."""
        return await self._change(staff, objection_id, State.WITHDRAWN, reason=reason, session=session, at=at)

    @told
    async def list_objections(
        self, staff: Staff, *, session: str, at: datetime, only_weighed: bool = True
    ) -> tuple[Objection, ...] | Refusal:
        """Those that wait for a decision, oldest first; or all, the newest first. Names nobody."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, session=session, at=at, what="objections")
        rows = await self._db.fetch(QUERIES["list_objections"], only_weighed, LISTED_MAX)
        return tuple(_objection(row) for row in rows)

    @told
    async def of_person(
        self, staff: Staff, *, patient_key: int, session: str, at: datetime
    ) -> tuple[Objection, ...] | Refusal:
        """Every objection of one person, whatever became of it."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, patient_key, session=session, at=at, what="objections")
        return tuple(await self._read(await keys_of(self._db, patient_key)))

    @told
    async def read_notice(
        self, staff: Staff, *, reference: str, session: str, at: datetime
    ) -> ObjectionNotice | Refusal:
        """Whom a notice to one's own organisation concerns, and what the person chose: it decides for itself."""
        notice = await notices.find_notice(self._db, reference=reference)
        may_read = any(access.may_work(staff.role, desk) for desk in (*self.desks, "privacy"))
        if not may_read or notice is None or (notice.kind, notice.organisation) != ("objection", staff.organisation):
            return sentences.nothing_there(self.region)
        reference = notice.reference
        await self._witness(staff, notice.patient_key, session=session, at=at, what="notice", reference=reference)
        person = await patient_index.read_person(self._db, notice.patient_key)
        await notices.mark_read(self._db, notice, by=staff.user_id, at=at)
        return ObjectionNotice(
            sentence=notice.sentence,
            scope=Scope(notice.detail["scope"]),
            value=notice.detail["value"],
            state=State(notice.detail["state"]),
            name=name_words(person.subject),
            birth_date=person.subject.birth_date,
            nhs_number=person.subject.nhs_number,
            is_restricted=bool(person.subject.restricted),
        )

    # --- Inside -----------------------------------------------------------------------------------------------------

    def _does_not_fit(self, scope: Scope, value: str) -> Refusal | None:
        if scope is Scope.ORGANISATION and self.region.find_organisation(value) is None:
            return mend("The organisation is not one of this region: give the ODS code of one that is listed.")
        if scope is Scope.HEADING and value not in Heading.__members__:
            return mend(f"There is no such heading: give one of {', '.join(Heading.__members__)}.")
        if scope is Scope.WHOLE and value:
            return mend("An objection to the whole record names no organisation and no heading: leave that out.")
        return None

    async def _change(
        self, staff: Staff, objection_id: int, state: State, *, reason: str, session: str, at: datetime
    ) -> Told | Refusal:
        if refused := self._may_not(staff):
            return refused
        said = " ".join(reason.split())[:LETTERS_MAX]
        if len(said) < LETTERS_MIN:
            return mend("Say why in a few words: the person may ask, and so may the Information Commissioner.")
        row = await self._db.fetchrow(QUERIES["find_objection"], objection_id)
        if row is None:
            return sentences.nothing_there(self.region)
        known = _objection(row)
        if known.state is State.WITHDRAWN:
            return mend("This objection was withdrawn by the person: if they object again, receive it as a new one.")
        if known.state is state:
            return mend(f"This objection is {state} already: nothing was changed.")
        changed = msgspec.structs.replace(known, state=state, decided_at=at, decided_by=staff.name, reason=said)
        keys = await keys_of(self._db, known.patient_key)
        return await self._step(staff, changed, keys=keys, was=known.state, step=state.value, session=session, at=at)

    async def _step(
        self,
        staff: Staff,
        objection: Objection,
        *,
        keys: list[int],
        step: str,
        session: str,
        at: datetime,
        was: State | None = None,
    ) -> Told | Refusal:
        """Witnessed first; then the step and its notices in one commit."""
        recipients = await self._recipients(keys)
        said = {"objection": objection.id, "scope": objection.scope, "value": objection.value}
        await self._witness(
            staff, objection.patient_key, "administered", session=session, at=at, what="objection", step=step, **said
        )
        outbox = [self._notice(objection, code, said, at=at) for code in recipients]
        async with self._db.transaction() as connection:
            if was is None:
                query = QUERIES["receive_objection"]
                arguments: tuple[Any, ...] = (objection.scope, objection.value, objection.received_at, staff.name)
            else:
                query = QUERIES["change_objection"]
                arguments = (objection.state, at, staff.name, objection.reason, was)
            if await connection.fetchval(query, objection.patient_key, objection.id, *arguments) is None:
                return mend("This objection was decided or withdrawn in this very moment: look at it again.")
            new = await notices.tell(connection, outbox)
        await self._witness(
            staff,
            objection.patient_key,
            "notified",
            session=session,
            at=at,
            what="objection",
            objection=objection.id,
            organisations={notice.organisation: notice.reference for notice in new},
        )
        return Told(objection=objection, organisations=tuple(notice.organisation for notice in new))

    def _notice(self, objection: Objection, code: str, said: dict[str, Any], *, at: datetime) -> Notice:
        return Notice(
            patient_key=objection.patient_key,
            id=self._random_key(),
            organisation=code,
            kind="objection",
            about=f"objection {objection.id} {objection.state} {at.isoformat()}",
            sentence=f"{TOLD[objection.state]} {DECIDES}",
            detail={**said, "state": objection.state},
            created_at=at,
        )

    async def _recipients(self, keys: list[int]) -> list[str]:
        """Article 19: everybody who was shown any of it; and every neighbouring region, which decides for itself."""
        rows = await self._db.fetch(QUERIES["find_recipients"], keys)
        seen = {row["organisation"] for row in rows if self.region.find_organisation(row["organisation"])}
        return sorted(seen | {neighbour.organisation for neighbour in self.region.neighbours})

    async def _read(self, keys: list[int]) -> list[Objection]:
        return [_objection(row) for row in await self._db.fetch(QUERIES["read_objections"], keys)]


def _objection(row: asyncpg.Record) -> Objection:
    return Objection(
        patient_key=row["patient_key"],
        id=row["id"],
        scope=Scope(row["scope"]),
        value=row["value"],
        state=State(row["state"]),
        received_at=row["received_at"],
        received_by=row["received_by"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"] or "",
        reason=row["reason"],
    )
