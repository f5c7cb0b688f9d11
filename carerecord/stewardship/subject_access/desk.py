"""The door of subject access: open a request, work through what is doubtful, hand over. Each step is witnessed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from carerecord import audit, database, patient_index
from carerecord.disclosure import sentences
from carerecord.disclosure.holdings import Holdings, SaidOfPerson, read_holdings
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Purpose, Staff
from carerecord.organisations import Region
from carerecord.stewardship.desk import Desk
from carerecord.stewardship.ledger import read_holds
from carerecord.stewardship.ledger_rules import is_held
from carerecord.stewardship.ledger_values import HoldKind
from carerecord.stewardship.subject_access import due_rules, export, rules
from carerecord.stewardship.subject_access.export import Holding, Made
from carerecord.stewardship.subject_access.values import Choice, Decided, Ground, Request, Undecided, Worklist

QUERIES = database.queries(__package__)
SEEN = (audit.Kind.SHOWN, audit.Kind.SENT, audit.Kind.EXPORTED)
WORDS_MIN = 5
OnRead = Callable[[int], Awaitable[None]]


class SubjectAccess(Desk):
    """As the role `steward`: what is read here is read under a witness of its own, and nobody's screen holds it all."""

    desks = ("records", "privacy")
    for_others = "Your role does not answer requests for what is held about a person."
    route = "desk"
    purpose = Purpose.PATRQT

    def __init__(
        self, db: database.Database, writer: audit.Writer, region: Region, *, random_key: Callable[[], int]
    ) -> None:
        super().__init__(db, writer, region, random_key=random_key)
        self._names = {source.id: source.name for source in region.sources}

    @told
    async def open(
        self,
        staff: Staff,
        *,
        nhs_number: str,
        birth_date: date,
        requester: str,
        identity_check: str = "",
        session: str,
        at: datetime,
    ) -> Request | Refusal:
        """A month to answer from the day it was asked and it was sure by whom; without a check its clock stands."""
        if refused := self._may_not(staff):
            return refused
        check = " ".join(identity_check.split())[:500]
        if len(requester.split()) == 0 or 0 < len(check) < WORDS_MIN:
            return not_said(self.region, "who asks, and how it was made sure that it is they")
        person = await patient_index.find_person(self._db, nhs_number=nhs_number, birth_date=birth_date)
        key = person.patient_key if person else 0
        sought = {"nhs_number": nhs_number, "birth_date": birth_date.isoformat()}
        await self._witness(staff, key, "searched", session=session, at=at, what="subject access", **sought)
        if person is None:
            return sentences.nobody_found(self.region)
        request = Request(
            patient_key=key,
            id=self._random_key(),
            asked_at=at,
            due_on=due_rules.month_later(at.date()),
            requester=" ".join(requester.split())[:200],
            identity_check=check,
            opened_by=staff.user_id,
            identified_at=at if check else None,
            identified_by=staff.name if check else "",
        )
        step = "identified" if check else "identity awaited"
        await self._administer(staff, request, "subject access opened", session=session, at=at, step=step)
        await self._db.execute(
            QUERIES["open_subject_access"],
            *msgspec.structs.astuple(request)[:7],
            request.identified_at,
            request.identified_by,
        )
        return request

    @told
    async def identify(
        self, staff: Staff, request_id: int, *, identity_check: str, session: str, at: datetime
    ) -> Request | Refusal:
        """It is sure now who asks: the month begins today."""
        found = await self._request(staff, request_id)
        if isinstance(found, Refusal):
            return found
        check = " ".join(identity_check.split())[:500]
        if len(check) < WORDS_MIN:
            return not_said(self.region, "what was seen of them")
        if found.identified_at is not None:
            return mend(self.region, "It was made sure before who asks.")
        await self._administer(staff, found, "subject access identified", session=session, at=at)
        due_on = due_rules.month_later(at.date())
        await self._db.execute(
            QUERIES["identify_requester"], found.patient_key, found.id, check, at, staff.name, due_on
        )
        return msgspec.structs.replace(
            found, identity_check=check, identified_at=at, identified_by=staff.name, due_on=due_on
        )

    @told
    async def extend(
        self, staff: Staff, request_id: int, *, because: str, session: str, at: datetime
    ) -> Request | Refusal:
        """Two further months, for a reason that the person is told."""
        found = await self._request(staff, request_id)
        if isinstance(found, Refusal):
            return found
        said = " ".join(because.split())[:1000]
        if len(said) < WORDS_MIN:
            return not_said(self.region, "why it takes longer")
        if cannot := due_rules.may_extend(found, on=at.date()):
            return mend(self.region, cannot)
        due_on = due_rules.extended_due(found)
        await self._administer(staff, found, "subject access extended", session=session, at=at, because=said)
        await self._db.execute(QUERIES["extend_subject_access"], found.patient_key, found.id, at, said, due_on)
        return msgspec.structs.replace(found, extended_at=at, extended_because=said, due_on=due_on)

    @told
    async def list(self, staff: Staff, *, every: bool = False) -> tuple[Request, ...] | Refusal:
        """Names nobody: requests by number and date."""
        if refused := self._may_not(staff):
            return refused
        return tuple(Request(**row) for row in await self._db.fetch(QUERIES["list_subject_access"], every))

    @told
    async def read(self, staff: Staff, request_id: int, *, session: str, at: datetime) -> Request | Refusal:
        """One request: by number and date, with nobody's name, and nothing of what is held."""
        found = await self._request(staff, request_id)
        if isinstance(found, Refusal):
            return found
        await self._witness(staff, found.patient_key, session=session, at=at, what="request", request=str(found.id))
        return found

    @told
    async def worklist(self, staff: Staff, request_id: int, *, session: str, at: datetime) -> Worklist | Refusal:
        """What must be decided, and what was. Reading it is a look at the person's record, and is witnessed."""
        found = await self._sure(staff, request_id)
        if isinstance(found, Refusal):
            return found
        return await self._worklist(found, await self._holdings(found, staff, session=session, at=at))

    @told
    async def decide(
        self,
        staff: Staff,
        request_id: int,
        *,
        item: str,
        choice: Choice,
        ground: Ground,
        words: str,
        spans: Sequence[str] = (),
        advised_by: str = "",
        session: str,
        at: datetime,
    ) -> Decided | Refusal:
        """Serious harm takes the opinion of a health professional, named (DPA 2018, Schedule 3, paragraph 6)."""
        found = await self._sure(staff, request_id)
        if isinstance(found, Refusal):
            return found
        said, gone = " ".join(words.split())[:1000], tuple(span for span in spans if span.strip())
        advised = " ".join(advised_by.split())[:200]
        if choice is not Choice.KEEP and (len(said) < WORDS_MIN or ground is Ground.NONE):
            return not_said(self.region, "on which ground it is kept back, and why")
        if choice is Choice.REDACT and not gone:
            return not_said(self.region, "which words are taken out")
        if choice is not Choice.KEEP and ground is Ground.SERIOUS_HARM and len(advised) < WORDS_MIN:
            return not_said(self.region, "which health professional advised that it would do serious harm")
        await self._administer(
            staff, found, "subject access decided", session=session, at=at, item=item, choice=choice.value,
            ground=ground.value,
        )  # fmt: skip
        await self._db.execute(
            QUERIES["decide_item"], found.patient_key, found.id, item, choice.value, ground.value, said,
            msgspec.json.encode(gone).decode(), staff.name, at, advised,
        )  # fmt: skip
        return Decided(
            item=item, choice=choice, ground=ground, words=said, spans=gone, decided_by=staff.name, at=at,
            advised_by=advised,
        )  # fmt: skip

    @told
    async def export(
        self, staff: Staff, request_id: int, *, session: str, at: datetime, on_read: OnRead | None = None
    ) -> Made | Refusal:
        """The file, witnessed before its first byte leaves; no copy stays. Raises Undecided while an item waits.
        `on_read` is told how many statements there are, once all is read. Writing them takes a thread of its own."""
        found = await self._sure(staff, request_id)
        if isinstance(found, Refusal):
            return found
        holdings = await self._holdings(found, staff, session=session, at=at)
        worklist = await self._worklist(found, holdings)
        if worklist.undecided:
            raise Undecided(f"{len(worklist.undecided)} items wait. {Undecided.__doc__}")
        if on_read is not None:
            await on_read(len(holdings.statements))
        made = await asyncio.to_thread(
            export.make,
            await self._holding(holdings),
            found,
            worklist.decided,
            title=self.region.title,
            phone=self.region.phone,
            at=at,
        )
        await self._witness(
            staff, found.patient_key, "exported", session=session, at=at, what="subject access", request=str(found.id),
            hash=made.hash, statements=len(holdings.statements), kept_back=made.kept_back,
        )  # fmt: skip
        await self._db.execute(QUERIES["keep_export"], found.patient_key, found.id, at, made.hash)
        return made

    @told
    async def close(self, staff: Staff, request_id: int, *, session: str, at: datetime) -> bool | Refusal:
        found = await self._request(staff, request_id)
        if isinstance(found, Refusal):
            return found
        await self._administer(staff, found, "subject access closed", session=session, at=at)
        return bool(await self._db.fetchval(QUERIES["close_subject_access"], found.patient_key, found.id, at))

    # --- Inside -----------------------------------------------------------------------------------------------------

    async def _request(self, staff: Staff, request_id: int) -> Request | Refusal:
        if refused := self._may_not(staff):
            return refused
        row = await self._db.fetchrow(QUERIES["find_subject_access"], request_id)
        return Request(**row) if row else sentences.nothing_there(self.region)

    async def _sure(self, staff: Staff, request_id: int) -> Request | Refusal:
        """Nothing of a person's is read while it is not sure who asks for it, nor once the request is closed."""
        found = await self._request(staff, request_id)
        if isinstance(found, Refusal):
            return found
        if found.identified_at is None:
            return mend(self.region, "Proof of who asks is awaited: say what was seen of them first.")
        return mend(self.region, "This request is closed: open another.") if found.closed_at else found

    async def _holdings(self, request: Request, staff: Staff, *, session: str, at: datetime) -> Holdings:
        return await read_holdings(
            self._db,
            self._writer,
            request.patient_key,
            by=staff,
            because=f"subject access request {request.id}",
            session=session,
            at=at,
        )

    async def _worklist(self, request: Request, holdings: Holdings) -> Worklist:
        subject = holdings.person.subject
        own = (subject.nhs_number or "", subject.phone or "")
        rows = await self._db.fetch(QUERIES["read_decided_items"], request.patient_key, request.id)
        decided = {
            row["item"]: Decided(
                item=row["item"],
                choice=Choice(row["choice"]),
                ground=Ground(row["ground"]),
                words=row["words"],
                spans=msgspec.json.decode(row["spans"], type=tuple[str, ...]),
                decided_by=row["decided_by"],
                at=row["at"],
                advised_by=row["advised_by"],
            )
            for row in rows
        }
        # In a thread: a whole record takes long to look through, and readers are served by this process too.
        items = await asyncio.to_thread(rules.items, holdings.statements, own=own, names=self._names)
        return Worklist(request=request, items=tuple(items), decided=decided, statements=len(holdings.statements))

    async def _holding(self, holdings: Holdings) -> Holding:
        return Holding(
            person=holdings.person,
            statements=holdings.statements,
            names=self._names,
            looks=await self._looks(holdings),
            demographics=tuple(self._demographics(said) for said in holdings.said),
            originals=tuple(
                {"reference": str(reference), "source": self._names.get(source, source), "received_at": received_at}
                for reference, source, received_at in holdings.originals
            ),
        )

    async def _looks(self, holdings: Holdings) -> tuple[dict[str, Any], ...] | None:
        """What the person's own ledger would show, and no look besides; None where their whole list is held."""
        keys = sorted({holdings.person.patient_key, *holdings.person.identities.values()})
        holds = [hold for hold in await read_holds(self._db, keys) if hold.stands]
        if any(hold.kind is HoldKind.LEDGER for hold in holds):
            return None
        events = [event for key in keys for event in await audit.read_events(self._db, patient_key=key, kinds=SEEN)]
        events.sort(key=lambda event: (event.recorded_at, event.place))
        return tuple(self._look(event) for event in events if not is_held(event, holds, self.region))

    def _look(self, event: audit.StoredEvent) -> dict[str, Any]:
        """Role and organisation; a name is given by that organisation, which knows whether it endangers anybody."""
        staff = event.staff
        return {
            "at": event.recorded_at,
            "organisation": staff.organisation_name if staff else "",
            "role": staff.role_name if staff else "",
            "purpose": PURPOSES.get(event.purpose, event.purpose),
            "what": str(event.detail.get("what", "")),
            "kind": "sent to" if event.kind is audit.Kind.SENT else "seen by",
        }

    def _demographics(self, said: SaidOfPerson) -> dict[str, Any]:
        subject = said.subject
        lines = [
            ("Name", ", ".join(part for part in ((subject.family or "").upper(), " ".join(subject.given)) if part)),
            ("Born", subject.birth_date.isoformat() if subject.birth_date else ""),
            ("NHS number", subject.nhs_number or ""),
            ("Gender", subject.gender or ""),
            ("Address", ", ".join([*subject.address, subject.postcode or ""]).strip(", ")),
            ("Telephone", subject.phone or ""),
            ("GP practice", subject.gp_practice_name or subject.gp_practice or ""),
            ("Language", subject.language or ""),
        ]
        return {
            "source": self._names.get(said.source, said.source),
            "said_at": said.said_at,
            "lines": [[label, words] for label, words in lines if words],
        }

    async def _administer(
        self, staff: Staff, request: Request, what: str, *, session: str, at: datetime, **detail: Any
    ) -> None:
        await self._witness(
            staff, request.patient_key, "administered", session=session, at=at, what=what, request=str(request.id),
            **detail,
        )  # fmt: skip


PURPOSES = {
    "TREAT": "your care",
    "ETREAT": "your urgent care",
    "BTG": "an emergency",
    "PATRQT": "a request of yours",
    "PATADMIN": "looking after the record",
}


def not_said(region: Region, what: str) -> Refusal:
    return Refusal(
        kind="not-allowed", sentences=(f"It was not said {what}. Say it, and send it again.",), phone=region.phone
    )


def mend(region: Region, sentence: str) -> Refusal:
    return Refusal(kind="not-allowed", sentences=(sentence,), phone=region.phone)
