"""The patient's own door: what they may read of who looked, what they ask about it, and what is held from them.

Each reading is witnessed as theirs (purpose PATRQT) before anything is read. What is held is decided at a desk
(`ledger_desk`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from carerecord import audit, database
from carerecord.audit import entry_proofs
from carerecord.audit.events import Cursor, read_events_witnessed
from carerecord.disclosure import own_review, sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Purpose, Staff
from carerecord.stewardship import ledger_rules, notices
from carerecord.stewardship.cases import Case, open_cases
from carerecord.stewardship.desk import Desk, keys_of
from carerecord.stewardship.ledger_values import (
    Hold,
    HoldKind,
    LedgerPage,
    Look,
    Proof,
    Question,
    Wanted,
)

if TYPE_CHECKING:
    import asyncpg

QUERIES = database.queries(__package__)
DESK = "privacy"
EVENTS_AT_ONCE, EVENTS_MAX = 1_000, 20_000
MONTHS = (3, 12, 36)
LETTERS_MAX = 1_000
ANSWER_DAYS = timedelta(days=10)
ANYBODY = 0
ROUTE = "ledger"
PERSON = "the person"
HELD = (
    "Your list of who has looked at your record cannot be shown here by itself.",
    "This happens for several reasons, and most are ordinary. Somebody will gladly talk it through with you.",
)
YOUNG = (
    "From 11 to 15, your GP surgery first talks with you about seeing your record by yourself.",
    "Ask them, or phone us. Somebody will gladly help you.",
)
ALONE_YEARS = 16  # from then on nobody asks first
NOT_YET = "This entry is sealed within a minute of being written. Ask for its proof again then."


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who signed in to what is their own."""

    patient_key: int
    staff: Staff  # the person as the audit names them: in the role of themselves
    session: str
    at: datetime


class _Found(NamedTuple):
    """Everything that is folded into a ledger; what is held is still in it."""

    events: list[audit.StoredEvent]
    holds: list[Hold]
    questions: dict[str, Question]
    told: dict[tuple[int, int], datetime]
    unread: dict[tuple[int, int], tuple[int, int]]  # the same, told and not yet read: the key and number of its notice


class Ledger(Desk):
    """What a person may do with their own ledger. No role opens it: whoever signed in to what is their own."""

    route = ROUTE
    purpose = Purpose.PATRQT

    # --- For the person ---------------------------------------------------------------------------------------------

    @told
    async def may_open(self, own: Own, *, birth_date: date) -> Refusal | None:
        """None: the person may see what is their own by themselves. Asked once, when they sign in."""
        review = await own_review.read_review(
            self._db,
            self._writer,
            patient_key=own.patient_key,
            staff=own.staff,
            route=ROUTE,
            session=own.session,
            at=own.at,
        )
        years = ledger_rules.age(birth_date, on=own.at.date())
        if review.is_indicated or (years < ALONE_YEARS and not review.is_cleared):
            return Refusal(
                kind="not-allowed", sentences=HELD if years >= ALONE_YEARS else YOUNG, phone=self.region.phone
            )
        return None

    @told
    async def read(self, own: Own, wanted: Wanted) -> LedgerPage | Refusal:
        """Who looked, when, why and at what, newest first."""
        found = await self._read(own, what="ledger")
        if isinstance(found, Refusal):
            return found
        events, holds, questions, when_told, unread = found
        news = [
            unread[event.place]
            for event in events
            if event.place in unread and not ledger_rules.is_held(event, holds, self.region)
        ]
        for each in news:
            await self._db.execute(QUERIES["mark_read"], *each, PERSON, own.at)
        wanted = msgspec.structs.replace(wanted, months=wanted.months if wanted.months in MONTHS else 12)
        since = own.at - timedelta(days=31 * wanted.months)
        page = ledger_rules.page_of(
            [event for event in events if event.recorded_at >= since],
            holds=holds,
            questions=questions,
            told=when_told,
            region=self.region,
            wanted=wanted,
            at=own.at,
        )
        return msgspec.structs.replace(page, news=len(news))

    @told
    async def find_look(self, own: Own, ref: str) -> Look | Refusal:
        """One look of this person's ledger; the same answer for one that is held and one that is not there."""
        found = await self._read(own, what="look")
        if isinstance(found, Refusal):
            return found
        event_look = self._find(found, ref)
        return event_look[1] if event_look else sentences.nothing_there(self.region)

    @told
    async def prove(self, own: Own, ref: str) -> Proof | Refusal:
        """A proof that this step stands in the sealed audit, which holds without us and names nobody."""
        found = await self._read(own, what="proof")
        if isinstance(found, Refusal):
            return found
        event_look = self._find(found, ref)
        if event_look is None:
            return sentences.nothing_there(self.region)
        proof = await entry_proofs.prove_entry(self._db, event_look[0])
        if proof is None:
            return Proof(sentence=NOT_YET)
        return Proof(file=msgspec.json.format(msgspec.json.encode(proof), indent=1))

    @told
    async def ask(self, own: Own, ref: str, *, words: str) -> Question | Refusal:
        """A question about one look, for the privacy desk of the reader's organisation; the same look twice is one."""
        found = await self._read(own, what="look")
        if isinstance(found, Refusal):
            return found
        event_look = self._find(found, ref)
        if event_look is None:
            return sentences.nothing_there(self.region)
        event, look = event_look
        if look.question is not None:
            return look.question
        said = " ".join(words.split())[:LETTERS_MAX]
        case = self._case(own, look, event)
        asked = Question(asked_at=own.at, words=said)
        detail = {"what": "question", "look": look.ref, "case": str(case.id)}
        await self._witness(own.staff, own.patient_key, "administered", session=own.session, at=own.at, **detail)
        async with self._db.transaction() as connection:
            if await open_cases(connection, [case]):
                await connection.execute(
                    QUERIES["ask_question"],
                    *(own.patient_key, case.id, look.ref, look.organisation, said, own.at),
                )
            await notices.tell(connection, [self._notice(case, own.at)])
        return asked

    def _case(self, own: Own, look: Look, event: audit.StoredEvent) -> Case:
        """At the desk of whoever looked; where they are of no organisation of ours, at that of who leads."""
        known = self.region.find_organisation(look.organisation)
        organisation = look.organisation if known else self.region.privacy_organisation
        return Case(
            patient_key=own.patient_key,
            id=self._random_key(),
            desk=DESK,
            kind="question",
            rule="asked-by-the-person",
            organisation=organisation,
            staff=event.staff.user_id if event.staff else "",
            sentence=f"A person asks why their record was looked at: {look.role}, {look.organisation_name}.",
            detail={"why": ["The person does not understand this look, and asks its organisation why it was."]},
            about=event.place,
            opened_at=own.at,
            due_at=own.at + ANSWER_DAYS,
        )

    def _notice(self, case: Case, at: datetime) -> notices.Notice:
        return notices.Notice(
            patient_key=case.patient_key,
            id=self._random_key(),
            organisation=case.organisation,
            kind="case",
            about=f"case {case.id}",
            sentence="A person asks why their record was looked at. Answer it at the privacy desk.",
            detail={"case": str(case.id)},
            created_at=at,
        )

    # --- Inside -----------------------------------------------------------------------------------------------------

    async def _read(self, own: Own, *, what: str) -> _Found | Refusal:
        """Under every key of the person; nothing is read unwitnessed."""
        keys = await keys_of(self._db, own.patient_key)
        witnesses = await asyncio.gather(
            *(self._witness(own.staff, key, session=own.session, at=own.at, what=what) for key in keys)
        )
        holds = await read_holds(self._db, keys)
        if any(hold.kind is HoldKind.LEDGER for hold in holds if hold.stands):
            return Refusal(kind="not-allowed", sentences=HELD, phone=self.region.phone)
        events: list[audit.StoredEvent] = []
        for witness in witnesses:
            events += await self._events(witness, since=own.at - timedelta(days=31 * MONTHS[-1]))
        events.sort(key=lambda event: (event.recorded_at, event.place), reverse=True)
        questions = {row["look"]: _question(row) for row in await self._db.fetch(QUERIES["read_questions"], keys)}
        told_rows = await self._db.fetch(QUERIES["read_told"], keys)
        told_at = {(row["about_stream"], row["about_seq"]): row["created_at"] for row in told_rows}
        unread = {
            (row["about_stream"], row["about_seq"]): (row["patient_key"], row["id"])
            for row in told_rows
            if row["read_at"] is None
        }
        return _Found(events, holds, questions, told_at, unread)

    async def _events(self, witness: audit.Witness, *, since: datetime) -> list[audit.StoredEvent]:
        events: list[audit.StoredEvent] = []
        before: Cursor | None = None
        while len(events) < EVENTS_MAX:
            page = await read_events_witnessed(
                self._db,
                witness=witness,
                since=since,
                kinds=ledger_rules.KINDS,
                before=before,
                limit=EVENTS_AT_ONCE,
            )
            events += page
            if len(page) < EVENTS_AT_ONCE:
                break
            before = Cursor(page[-1].recorded_at, page[-1].stream, page[-1].seq)
        return events

    def _find(self, found: _Found, ref: str) -> tuple[audit.StoredEvent, Look] | None:
        events, holds, questions, told_at, _ = found
        shown = [event for event in events if not ledger_rules.is_held(event, holds, self.region)]
        shown = [event for event in shown if event.staff is None or event.staff.role != ledger_rules.PERSON]
        for look in ledger_rules.looks_of(shown, questions=questions, told=told_at, region=self.region):
            if any(step.ref == ref for step in look.steps):
                event = next((event for event in shown if ledger_rules.ref_of(event) == ref), None)
                return (event, look) if event else None
        return None


async def read_holds(db: database.Database, keys: Iterable[int]) -> list[Hold]:
    """What is or was held from the ledger of whom these keys stand for, or of members of staff from everybody's."""
    return [hold_of(row) for row in await db.fetch(QUERIES["read_holds"], [*keys, ANYBODY])]


def hold_of(row: asyncpg.Record) -> Hold:
    return Hold(
        patient_key=row["patient_key"], id=row["id"], kind=HoldKind(row["kind"]), value=row["value"],
        because=row["because"], set_by=row["set_by"], set_at=row["set_at"], lifted_at=row["lifted_at"],
        organisation=row["organisation"],
    )  # fmt: skip


def _question(row: asyncpg.Record) -> Question:
    return Question(
        asked_at=row["asked_at"], words=row["words"], answered_at=row["answered_at"], answer=row["answer"],
        answered_by=row["answered_by"],
    )  # fmt: skip
