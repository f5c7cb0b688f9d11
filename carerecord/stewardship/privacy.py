"""The privacy desk's door: decide, witness, then hand over a case; who it is about only when that is asked for.

The privacy officer of the organisation that leads the region sees every case; another organisation's sees those of its
own readers, and those that were shared with it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec

from carerecord import audit, database
from carerecord.audit.events import NOBODY, stored_event
from carerecord.disclosure import sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.stewardship import declared, notices, telling, telling_rules
from carerecord.stewardship.cases import Case, Disposition, add_note, close_case, find_case, read_notes, reopen_case
from carerecord.stewardship.cases import case_of as read_case
from carerecord.stewardship.desk import LETTERS_MIN, Desk
from carerecord.stewardship.privacy_rules import (
    FOR_OTHERS,
    about,
    looked_at,
    looks_of,
    no_reason,
    no_words,
    precision_by,
    reader_of,
    said_by_reader,
)
from carerecord.stewardship.privacy_values import (
    CaseFile,
    CaseList,
    Choice,
    NamedPerson,
    Record,
    Shared,
    Wanted,
)

QUERIES = database.queries(__package__)
DESK = "privacy"
LISTED_MAX, LOOKS_MAX, LETTERS_MAX = 200, 200, 2000
AROUND = timedelta(hours=24)  # of the reader's other events: a shift before, and a shift after
NEAR = timedelta(minutes=1)  # of a declaration and the case that it opens
RECENT_WEEKS = timedelta(weeks=26)
OWN_LOOK = (
    "This case is about a look of yours, so somebody else looks at it.",
    "Another officer of your desk, or the desk that leads the region, reads it, judges it and closes it.",
)


class PrivacyDesk(Desk):
    """Each doing asks again whether this role may work here, and is witnessed before anything is handed over.

    But its own figures and notices: they are about nobody."""

    desks = (DESK,)
    for_others = FOR_OTHERS
    route = "desk"
    always: ClassVar = {"desk": DESK}

    @told
    async def list_cases(self, staff: Staff, wanted: Wanted, *, session: str, at: datetime) -> CaseList | Refusal:
        if refused := self._may_not(staff):
            return refused
        scope = self._scope(staff)
        await self._witness(staff, NOBODY, session=session, at=at, what="cases", wanted=msgspec.to_builtins(wanted))
        chosen = (wanted.kind, wanted.rule, wanted.organisation)
        rows, counts = await asyncio.gather(
            self._db.fetch(QUERIES["list_privacy_cases"], scope, wanted.is_open, *chosen, LISTED_MAX),
            self._db.fetch(QUERIES["count_privacy_cases"], scope, wanted.is_open, at),
        )
        return CaseList(
            cases=tuple(read_case(row) for row in rows),
            choices=tuple(
                Choice(kind=row["kind"], rule=row["rule"], organisation=row["organisation"], count=row["chosen"])
                for row in counts
                if row["chosen"]
            ),
            open_count=sum(row["open"] for row in counts),
            late_count=sum(row["late"] for row in counts),
            new_count=sum(row["new"] for row in counts),
        )

    @told
    async def read_case(
        self, staff: Staff, case_id: int, *, names_reader: bool = False, because: str = "", session: str, at: datetime
    ) -> CaseFile | Refusal:
        """One case with what its reader did around it. `names_reader`: with their name too, for the reason given."""
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        if names_reader and len(because.strip()) < LETTERS_MIN:
            return no_reason()
        more: dict[str, Any] = {"named": "reader", "because": because[:LETTERS_MAX]} if names_reader else {}
        # Under the person, so that their own ledger can say that stewards looked; under nobody, to read across people.
        witness, _ = await asyncio.gather(
            self._witness(staff, NOBODY, session=session, at=at, what="reader", case=str(case.id), **more),
            self._witness(staff, case.patient_key, session=session, at=at, what="case", case=str(case.id), **more),
        )
        events = await self._events(case, witness)
        notes, shared = await asyncio.gather(
            read_notes(self._db, case, region=self.region),
            self._db.fetch(QUERIES["read_case_shares"], case.patient_key, about(case)),
        )
        own = next((event for event in events if event.place == case.about), None) or next(iter(events), None)
        return CaseFile(
            case=case,
            organisation=self.region.organisation_name(case.organisation),
            why=tuple(str(sentence) for sentence in case.detail.get("why", ())),
            reader=reader_of(own, self.region, is_named=names_reader),
            said=said_by_reader(own, case),
            looks=looks_of(events, case),
            notes=notes,
            shared=tuple(
                Shared(
                    organisation=self.region.organisation_name(row["organisation"]),
                    at=row["created_at"],
                    read_at=row["read_at"],
                )
                for row in shared
            ),
            share_with=self._share_with(staff, case, {row["organisation"] for row in shared}),
            telling=await self._telling(case, own, witness),
        )

    @told
    async def name_person(
        self, staff: Staff, case_id: int, *, because: str, session: str, at: datetime
    ) -> NamedPerson | Refusal:
        """Who the case is about: only for a reason, and only once it is written down."""
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        said = " ".join(because.split())[:LETTERS_MAX]
        if len(said) < LETTERS_MIN:
            return no_reason()
        await self._witness(
            staff, case.patient_key, session=session, at=at, what="person", case=str(case.id), because=said
        )
        return await self._name(case.patient_key)

    @told
    async def write_note(self, staff: Staff, case_id: int, *, words: str, session: str, at: datetime) -> Refusal | None:
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        said = words.strip()[:LETTERS_MAX]
        if not said:
            return no_words()
        await self._witness(staff, case.patient_key, session=session, at=at, what="note", case=str(case.id))
        await add_note(self._db, case, staff=staff, words=said, at=at)
        return None

    @told
    async def share(
        self, staff: Staff, case_id: int, *, organisation: str, session: str, at: datetime
    ) -> Refusal | None:
        """The other desk is told that there is a case, by its reference; whom it is about it asks for itself."""
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        shares = await self._db.fetch(QUERIES["read_case_shares"], case.patient_key, about(case))
        told_already = {row["organisation"] for row in shares}
        if organisation in told_already:
            return None  # The second click of two.
        name = self.region.organisation_name(organisation)
        if organisation not in dict(self._share_with(staff, case, told_already)):
            return sentences.not_allowed(self.region, (f"A case of this reader is not shared with {name}.",))
        notice = notices.Notice(
            patient_key=case.patient_key,
            id=self._random_key(),
            organisation=organisation,
            kind="case",
            about=about(case),
            sentence=f"{staff.organisation_name} asks you to look at a case of the privacy desk.",
            detail={"case": str(case.id)},
            created_at=at,
        )
        more = {"case": str(case.id), "organisation": organisation, "reference": notice.reference}
        await self._witness(staff, case.patient_key, "notified", session=session, at=at, what="shared", **more)
        await notices.tell(self._db, [notice])
        await add_note(self._db, case, staff=staff, words=f"Shared with {name}.", at=at)
        return None

    @told
    async def close(
        self, staff: Staff, case_id: int, *, disposition: str, words: str, session: str, at: datetime
    ) -> Refusal | None:
        """Closed with what was found, and why: the finding tells how good the rule is that raised it."""
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        if disposition not in set(Disposition) or not words.strip():
            return sentences.not_allowed(self.region, ("Choose what you found, and say in a few words why.",))
        found = Disposition(disposition)
        await self._witness(
            staff, case.patient_key, session=session, at=at, what="closed", case=str(case.id), found=found.value
        )
        if not await close_case(self._db, case, disposition=found, at=at):
            return sentences.not_allowed(self.region, ("This case was closed before. Open it to read what was found.",))
        said = f"Closed as {found.value}: {words.strip()[:LETTERS_MAX]}"
        await add_note(self._db, case, staff=staff, words=said, at=at)
        return None

    @told
    async def reopen(self, staff: Staff, case_id: int, *, words: str, session: str, at: datetime) -> Refusal | None:
        """A finding that was wrong counts no longer; it stays among the notes, with why."""
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        if not words.strip():
            return no_words()
        await self._witness(staff, case.patient_key, session=session, at=at, what="opened again", case=str(case.id))
        if not await reopen_case(self._db, case):
            return sentences.not_allowed(self.region, ("This case is open already: nothing was changed.",))
        again = f"Opened again: {words.strip()[:LETTERS_MAX]}"
        await add_note(self._db, case, staff=staff, words=again, at=at)
        return None

    @told
    async def read_record(self, staff: Staff, *, at: datetime) -> Record | Refusal:
        """How the desk and its rules do: counts only, about nobody."""
        if refused := self._may_not(staff):
            return refused
        scope, since = self._scope(staff), at - RECENT_WEEKS
        found, weeks, median = await asyncio.gather(
            self._db.fetch(QUERIES["count_dispositions"], scope, since),
            self._db.fetch(QUERIES["count_weeks"], scope, since),
            self._db.fetchval(QUERIES["median_to_close"], scope, since),
        )
        return Record(
            weeks=tuple((row["monday"], row["raised"], row["inappropriate"]) for row in weeks),
            rules=precision_by(found, "rule"),
            months=precision_by(found, "month"),
            median_hours=float(median) if median is not None else None,
        )

    @told
    async def list_notices(self, staff: Staff, *, at: datetime) -> tuple[notices.Notice, ...] | Refusal:
        """What this officer's organisation was told: references and sentences that name nobody."""
        if refused := self._may_not(staff):
            return refused
        return tuple(await notices.list_notices(self._db, organisation=staff.organisation, is_read=None))

    @told
    async def read_notice(self, staff: Staff, reference: str, *, session: str, at: datetime) -> str | Refusal:
        """Marks a notice of one's own organisation as read, and gives the number of its case, if it is about one."""
        if refused := self._may_not(staff):
            return refused
        notice = await notices.find_notice(self._db, reference=reference)
        if notice is None or notice.organisation != staff.organisation:
            return sentences.nothing_there(self.region)
        await self._witness(
            staff, notice.patient_key, session=session, at=at, what="notice", reference=notice.reference
        )
        await notices.mark_read(self._db, notice, by=staff.user_id, at=at)
        return str(notice.detail.get("case", ""))

    # --- Inside -----------------------------------------------------------------------------------------------------

    def _scope(self, staff: Staff) -> str | None:
        """Whose readers' cases: None for those of the whole region."""
        return None if staff.organisation == self.region.privacy_organisation else staff.organisation

    async def _find(self, staff: Staff, case_id: int) -> Case | Refusal:
        """The same answer for a case that is not there and one that another organisation's desk looks at."""
        if refused := self._may_not(staff):
            return refused
        case = await find_case(self._db, case_id)
        if case is None or case.desk != DESK:
            return sentences.nothing_there(self.region)
        if case.staff and case.staff == staff.user_id:  # Known by the identity behind the role, whatever the role.
            return Refusal(kind="not-allowed", sentences=OWN_LOOK)
        if self._scope(staff) in (None, case.organisation):
            return case
        shared = await self._db.fetch(QUERIES["read_case_shares"], case.patient_key, about(case))
        if staff.organisation in {row["organisation"] for row in shared}:
            return case
        return sentences.nothing_there(self.region)

    async def _events(
        self, case: Case, witness: audit.Witness, *, around: timedelta = AROUND
    ) -> list[audit.StoredEvent]:
        if not case.staff:
            return []
        rows = await self._db.fetch(
            QUERIES["read_events_of_reader"],
            witness.stream,
            witness.seq,
            looked_at(case) - around,
            case.opened_at + around,
            f'"user_id":{msgspec.json.encode(case.staff).decode()}',
            LOOKS_MAX,
        )
        return [stored_event(row) for row in rows]

    async def _telling(
        self, case: Case, own: audit.StoredEvent | None, witness: audit.Witness
    ) -> telling_rules.Telling | None:
        """How it stands with telling the person. A busy reader's declaration may lie beyond the looks listed."""
        if case.kind != declared.KIND:
            return None
        if own is None or own.place != case.about:
            near = await self._events(case, witness, around=NEAR)
            own = next((event for event in near if event.place == case.about), None)
        return await telling.read_telling(self._db, self.region, case, declared=own)

    def _share_with(self, staff: Staff, case: Case, told_already: set[str]) -> tuple[tuple[str, str], ...]:
        """The desk of the reader's organisation, and the one that leads the region: whichever is not one's own."""
        both = dict.fromkeys((case.organisation, self.region.privacy_organisation))
        return tuple(
            (code, self.region.organisation_name(code))
            for code in both
            if code and code != staff.organisation and code not in told_already and self.region.find_organisation(code)
        )
