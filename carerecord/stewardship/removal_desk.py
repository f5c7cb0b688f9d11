"""The records desk's hand in removal: look what would go, have two people agree, carry it out at once, show its proof.

Whoever serves may not read so much: each deed connects as the role `remove`, once this desk's role is known, and closes
that connection after it. What is looked at is witnessed first, by whom and about whom.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec

from carerecord import access, audit, database
from carerecord.disclosure import sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.fhir.references import patient_part
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.patient_index import forget
from carerecord.settings import Settings
from carerecord.stewardship import (
    departure,
    off_disk,
    proof,
    removal,
    removal_asked,
    removal_ledger,
    removal_proofs,
    retention,
)
from carerecord.stewardship.desk import deed, only_by_command
from carerecord.stewardship.off_disk import WrittenAnew
from carerecord.stewardship.proposals import DoesNotFit, Kind, Proposal, Proposals, Stage
from carerecord.stewardship.removal_asked import BY_COMMAND, Content
from carerecord.stewardship.removal_ledger import Entry, What
from carerecord.stewardship.removal_plan import NOBODY, Part, RemovalRefused, Target, plan_removal
from carerecord.stewardship.removal_proofs import Kept

DESKS = ("records", "guardian")
ROUTE = "desk-records"
PROOF_BYTES_MAX = 512 * 1024 * 1024  # a larger record is decoded by command, and its proof read here


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The removals, newest first, as this desk lists them: no keys and no hashes."""

    entries: tuple[Entry, ...]
    tables: tuple[WrittenAnew, ...]
    proofs: tuple[Kept, ...]
    proposals: tuple[Proposal, ...]

    def overdue(self, *, at: datetime) -> list[Entry]:
        return [entry for entry in self.entries if is_overdue(entry, at=at)]


def is_overdue(entry: Entry, *, at: datetime) -> bool:
    return entry.scrubbed_at is None and at - entry.withdrawn_at > off_disk.DEADLINE


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """A source that leaves, or left: what it was given back, and what is still here."""

    source: str
    name: str
    returned_at: datetime | None
    destroyed_at: datetime | None
    identities: int


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What may no longer be kept, counted; nobody is named."""

    due: tuple[tuple[str, str, int], ...]  # source, rule, how many identities
    review_by: str
    is_review_due: bool
    departures: tuple[Departure, ...]


class RemovalDesk:
    def __init__(self, region: Region, settings: Settings, proposals: Proposals) -> None:
        self.region = region
        self._settings = settings
        self._proposals = proposals

    @told
    async def look(
        self, staff: Staff, content: Content, *, because: str, session: str, at: datetime
    ) -> tuple[Part, ...] | Refusal:
        """What would go, and what would be left without its message. Nothing is changed."""
        if refused := self._may_not(staff):
            return refused
        try:
            removal_asked.check(msgspec.to_builtins(content), self.region, at)
            target = removal_asked.target_of(content)
            async with self._as_remover() as (db, writer):
                return tuple(
                    await self._look_up(db, writer, staff, target, content, because=because, session=session, at=at)
                )
        except (DoesNotFit, RemovalRefused) as wrong:
            return sentences.reason_needed([str(wrong)])
        except database.DatabaseRefused:
            return only_by_command("carerecord removal ask")

    @told
    async def sources_of(
        self, staff: Staff, patient_key: int, *, session: str, at: datetime
    ) -> tuple[str, tuple[str, ...]] | Refusal:
        """How a person is named here, and which sources know them. The person was found under a witness before."""
        if refused := self._may_not(staff):
            return refused
        try:
            async with self._as_remover() as (db, writer):
                await writer.witness(_examined(staff, patient_key, "sources of a person", session=session, at=at))
                async with db.connection() as connection:
                    found = await forget.find_identities_of_person(connection, patient_key)
        except database.DatabaseRefused:
            return only_by_command("carerecord removal ask")
        return patient_part(patient_key), tuple(sorted({identity.source for identity in found}))

    @told
    async def ask(
        self, staff: Staff, content: Content, *, because: str, session: str, at: datetime
    ) -> Proposal | Refusal:
        said = msgspec.to_builtins(content)
        return await self._proposals.ask(
            staff, kind=Kind.REMOVAL, content=said, because=because, session=session, at=at
        )

    @told
    async def agree(self, staff: Staff, *, proposal_id: int, session: str, at: datetime) -> Proposal | Refusal:
        """And carries it out: from then on no reader is given it. What takes long is left to who runs the record."""
        agreed = await self._proposals.agree(staff, proposal_id=proposal_id, session=session, at=at)
        if isinstance(agreed, Refusal) or agreed.kind is not Kind.REMOVAL:
            return agreed
        return await self.carry_out(staff, proposal_id=proposal_id, session=session, at=at)

    @told
    async def carry_out(self, staff: Staff, *, proposal_id: int, session: str, at: datetime) -> Proposal | Refusal:
        """What two people agreed, withdrawn at once. Twice is once: the removal has the proposal's own number."""
        if refused := self._may_not(staff):
            return refused
        proposal = await self._proposals.find(staff, proposal_id=proposal_id)
        if isinstance(proposal, Refusal):
            return proposal
        if proposal.kind is not Kind.REMOVAL or proposal.stage(at=at) is not Stage.AGREED:
            return sentences.reason_needed(["Two people have to agree to it first, and it is carried out once."])
        try:
            content = removal_asked.content_of(proposal)
            if content.reach in BY_COMMAND:
                return proposal
            async with self._as_remover() as (db, writer):
                outcome = await carry_out(
                    db, writer, proposal, by=staff, settings=self._settings, session=session, at=at
                )
        except (DoesNotFit, RemovalRefused) as wrong:
            return sentences.reason_needed([str(wrong)])
        except database.DatabaseRefused:
            return proposal  # The page says by which command it is carried out.
        return await self._proposals.note_done(staff, proposal, outcome=outcome, session=session, at=at)

    @told
    async def ledger(self, staff: Staff, *, session: str, at: datetime) -> Ledger | Refusal:
        """Everything that was ever removed and how far it is. Names nobody."""
        if refused := self._may_not(staff):
            return refused
        asked = await self._proposals.list_proposals(staff, session=session, at=at, only_open=True)
        try:
            async with self._as_remover() as (db, writer):
                await writer.witness(_examined(staff, NOBODY, "removals", session=session, at=at))
                return Ledger(
                    entries=tuple(_bare(entry) for entry in await removal.list_removals(db)),
                    tables=tuple(await off_disk.list_written(db)),
                    proofs=tuple(await removal_proofs.list_kept(db)),
                    proposals=()
                    if isinstance(asked, Refusal)
                    else tuple(each for each in asked if each.kind is Kind.REMOVAL),
                )
        except database.DatabaseRefused:
            return only_by_command("carerecord removal list")

    @told
    async def due(self, staff: Staff, *, session: str, at: datetime) -> Due | Refusal:
        """Reads the whole index of persons, so a desk asks for it and no page does by itself."""
        if refused := self._may_not(staff):
            return refused
        schedule = retention.read_schedule()
        names = {source.id: source.name for source in self.region.sources}
        try:
            async with self._as_remover() as (db, writer):
                await writer.witness(_examined(staff, NOBODY, "retention", session=session, at=at))
                counted = retention.counted(await retention.list_due(db, self.region, schedule, at=at))
                departures = [
                    Departure(
                        source=each.source,
                        name=names.get(each.source, each.source),
                        returned_at=each.returned_at,
                        destroyed_at=each.destroyed_at,
                        identities=len(await forget.find_identities_of_source(db, each.source)),
                    )
                    for each in await departure.list_departures(db)
                ]
        except database.DatabaseRefused:
            return only_by_command("carerecord removal due")
        return Due(
            due=tuple((source, rule, count) for (source, rule), count in counted.items()),
            review_by=f"{schedule.review_by:%d-%b-%Y}",
            is_review_due=schedule.review_by < at.date(),
            departures=tuple(departures),
        )

    @told
    async def prove(self, staff: Staff, number: int, *, session: str, at: datetime) -> Kept | Refusal:
        """Decodes all that is kept and looks for it. A large record is decoded by command, not while pages wait."""
        if refused := self._may_not(staff):
            return refused
        try:
            async with self._as_remover() as (db, writer):
                entries = await removal.list_removals(db, removal=number)
                if not entries:
                    return sentences.nothing_there(self.region)
                if await removal_proofs.bytes_to_decode(db) > PROOF_BYTES_MAX:
                    return only_by_command(f"carerecord removal prove {number}")
                for key in {entry.patient_key for entry in entries}:
                    await writer.witness(_examined(staff, key, "removal", session=session, at=at, step="proven"))
                found = await proof.prove(db, entries)
                return await removal_proofs.keep(db, found, removal=number, of="the record", by=staff.name, at=at)
        except database.DatabaseRefused:
            return only_by_command(f"carerecord removal prove {number}")

    # --- Inside -----------------------------------------------------------------------------------------------------

    async def _look_up(
        self,
        db: database.Database,
        writer: audit.Writer,
        staff: Staff,
        target: Target,
        content: Content,
        *,
        because: str,
        session: str,
        at: datetime,
    ) -> Sequence[Part]:
        detail = {
            "step": "looked up",
            "target": target.kind,
            "original": str(target.original),
            "because": because[:500],
        }
        await writer.witness(_examined(staff, target.patient_key, "removal", session=session, at=at, **detail))
        async with db.connection() as connection:
            return await plan_removal(connection, target, removal=0, give_back=content.is_given_back)

    @asynccontextmanager
    async def _as_remover(self) -> AsyncIterator[tuple[database.Database, audit.Writer]]:
        async with AsyncExitStack() as stack:
            db = await stack.enter_async_context(database.connect(self._settings, "remove"))
            yield db, await stack.enter_async_context(audit.Writer.open(db))

    def _may_not(self, staff: Staff) -> Refusal | None:
        if any(access.may_work(staff.role, desk) for desk in DESKS):
            return None
        return sentences.not_allowed(self.region, ("Removals are for records managers and Guardians.",))


async def carry_out(
    db: database.Database,
    writer: audit.Writer,
    proposal: Proposal,
    *,
    by: Staff | None,
    settings: Settings,
    session: str,
    at: datetime,
) -> str:
    """One removal as agreed; what was done, in a sentence. Raises RemovalRefused, DoesNotFit."""
    content, decision = removal_asked.content_of(proposal), removal_asked.decision_of(proposal)
    parts = await removal.look_up(
        db,
        writer,
        removal_asked.target_of(content),
        decision,
        removal=proposal.id,
        give_back=content.is_given_back,
        by=by,
        session=session,
        at=at,
    )
    ledger = removal_ledger.path_of(settings)
    await removal.withdraw(db, writer, parts, decision, removal=proposal.id, ledger=ledger, at=at)
    statements = sum(part.counts["statements"] for part in parts)
    originals = sum(part.counts["originals"] for part in parts)
    return f"Withdrawn from every reader: {statements} statements, {originals} messages."


def _bare(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, what=What())


def _examined(staff: Staff, patient_key: int, what: str, *, session: str, at: datetime, **detail: Any) -> audit.Event:
    return deed("examined", staff, patient_key, {"what": what, **detail}, route=ROUTE, session=session, at=at)
