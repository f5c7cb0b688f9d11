"""The Guardian's view: who may see what and on which basis, and how it is used; counts and rules, about nobody.

Each page of it is a look of its own and is witnessed. The Guardian of the organisation that leads the region sees the
region's figures; another organisation's sees those of its own readers.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Any

import msgspec

from carerecord import access, audit, database
from carerecord.audit.events import NOBODY, read_events_witnessed
from carerecord.audit.seals import SignedSeal
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.organisations.region import Organisation
from carerecord.settings import Settings
from carerecord.stewardship.attestations import Share, matched_shares
from carerecord.stewardship.desk import LETTERS_MIN, Desk
from carerecord.stewardship.in_force import store
from carerecord.stewardship.in_force.keeping import InForce
from carerecord.stewardship.in_force.rules import Row
from carerecord.stewardship.in_force.what_would import WhatWould, Would
from carerecord.stewardship.proposals import LETTERS_MAX, Kind, Proposal, Proposals
from carerecord.stewardship.retention import counted, list_due, read_schedule
from carerecord.stewardship.retention_rules import Schedule

QUERIES = database.queries(__package__)
DESK = "guardian"
MONTHS = 6
OPERATOR_ROUTE = "command-line"
EXAMINED_MAX = 2_000  # of which those on the command line are few
LOOKS_MAX = 100
PAST_MAX = 100


class LastSeal(msgspec.Struct, frozen=True, kw_only=True):
    """The newest signed head of the audit's tree."""

    number: int
    at: datetime
    events: int
    key_id: str


class OperatorLook(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody on the command line asked to see, and why."""

    at: datetime
    name: str
    what: str
    reference: str
    because: str


class Emergencies(msgspec.Struct, frozen=True, kw_only=True):
    """Declarations of one month, by readers of one organisation in one role."""

    month: date
    organisation: str  # its name
    role: str
    declared: int
    open: int
    inappropriate: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    version: str  # of the policy
    reviews_due: tuple[str, ...]
    seal: LastSeal | None
    is_seal_late: bool
    agreements: tuple[Organisation, ...]  # those with an end, the first to end first
    without_end: int
    lapsing: frozenset[str]  # their codes
    objections: dict[str, int]  # by state
    schedule: Schedule
    operator_looks: tuple[OperatorLook, ...]
    leads: bool  # whether this Guardian's organisation leads: only then are the operators' looks shown


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    emergencies: tuple[Emergencies, ...]  # the newest month first
    shares: tuple[Share, ...]  # the newest month first, neighbour by neighbour
    leads: bool


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """How many identities of a source fall under a rule and may no longer be kept."""

    source: str
    rule: str
    count: int


class GuardianDesk(Desk):
    """What a Guardian reads. Nothing here opens anything: that takes a proposal, and two people. One shuts a route."""

    desks = (DESK,)
    for_others = "The Guardian's view is for the Caldicott Guardian."
    route = f"desk-{DESK}"

    def __init__(
        self,
        db: database.Database,
        writer: audit.Writer,
        region: Region,
        settings: Settings,
        asking: Proposals,
        in_force: InForce,
    ) -> None:
        super().__init__(db, writer, region)
        self._settings = settings
        self._asking = asking
        self._in_force = in_force
        self._would = WhatWould(db, region, base=in_force.base)

    @told
    async def overview(self, staff: Staff, *, session: str, at: datetime) -> Overview | Refusal:
        if refused := self._may_not(staff):
            return refused
        witness = await self._witness(staff, NOBODY, what="guardian overview", session=session, at=at)
        seal, is_late, objections, looks = await asyncio.gather(
            self._db.fetchrow(QUERIES["find_last_seal"]),
            audit.are_seals_late(self._db, self._settings, at=at),
            self._db.fetch(QUERIES["count_objections"]),
            self._operator_looks(staff, witness),
        )
        on = at.date()
        ending = [each for each in self.region.organisations if each.agreement_until]
        reading = access.guardian(on=on)
        return Overview(
            at=at,
            version=reading.version,
            reviews_due=reading.reviews_due,
            seal=_seal(seal) if seal else None,
            is_seal_late=is_late,
            agreements=tuple(sorted(ending, key=lambda each: (each.agreement_until or date.max, each.name))),
            without_end=len(self.region.organisations) - len(ending),
            lapsing=frozenset(each.ods_code for each in self.region.agreements_lapsing(on=on)),
            objections={row["state"]: row["number"] for row in objections},
            schedule=read_schedule(),
            operator_looks=looks,
            leads=self._leads(staff),
        )

    @told
    async def read_policy(self, staff: Staff, *, what: str, session: str, at: datetime) -> access.Reading | Refusal:
        """The policy in force, as it decides: the matrix, the policies in words, the legal bars."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, what=f"guardian {what}", session=session, at=at)
        return access.guardian(on=at.date())

    @told
    async def usage(self, staff: Staff, *, session: str, at: datetime) -> Usage | Refusal:
        """Emergency access, and how much of what neighbours claimed was borne out, month by month."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, what="guardian usage", session=session, at=at)
        scope = None if self._leads(staff) else staff.organisation
        months = last_months(at.date())
        since = datetime.combine(months[-1], datetime.min.time(), tzinfo=at.tzinfo)
        rows, shares = await asyncio.gather(
            self._db.fetch(QUERIES["count_emergencies"], scope, since),
            asyncio.gather(*(matched_shares(self._db, self.region, month=month) for month in months)),
        )
        return Usage(
            emergencies=tuple(
                Emergencies(
                    month=row["month"],
                    organisation=self.region.organisation_name(row["organisation"]),
                    role=row["role"] or "",
                    declared=row["declared"],
                    open=row["open"],
                    inappropriate=row["inappropriate"],
                )
                for row in rows
            ),
            shares=tuple(share for month in shares for share in month if scope in (None, share.organisation)),
            leads=scope is None,
        )

    @told
    async def count_due(self, staff: Staff, *, session: str, at: datetime) -> tuple[Due, ...] | Refusal:
        """Reads the whole index of people, source by source, and says how many may no longer be kept."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, what="guardian retention", session=session, at=at)
        found = counted(await list_due(self._db, self.region, read_schedule(), at=at))
        return tuple(Due(source=source, rule=rule, count=count) for (source, rule), count in found.items())

    @told
    async def try_change(self, staff: Staff, *, said: str, session: str, at: datetime) -> access.WhatIf | Refusal:
        """What `carerecord policy what-if --json` found, read for a page. Counts of looks, of no one person."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, what="guardian what-if", session=session, at=at)
        try:
            return msgspec.json.decode(said, type=access.WhatIf)
        except msgspec.MsgspecError:
            return Refusal(
                kind="reason-needed",
                sentences=(
                    "This is not what `carerecord policy what-if BEFORE AFTER --json` prints: paste all of it.",
                ),
            )

    @told
    async def read_proposal(
        self, staff: Staff, *, proposal_id: int, session: str, at: datetime
    ) -> tuple[Proposal, Would] | Refusal:
        """A proposal with what it would do, for the person who is to agree to it."""
        if refused := self._may_not(staff):
            return refused
        proposal = await self._asking.find(staff, proposal_id=proposal_id)
        if isinstance(proposal, Refusal):
            return proposal
        witness = await self._witness(staff, NOBODY, what="guardian what a proposal would do", session=session, at=at)
        return proposal, await self._would.of(proposal, witness=witness, at=at)

    @told
    async def list_agreed(self, staff: Staff, *, session: str, at: datetime) -> tuple[Row, ...] | Refusal:
        """All that two people ever put in force here, and what ended, newest first."""
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, what="guardian agreed", session=session, at=at)
        return tuple(await store.list_past(self._db, most=PAST_MAX))

    @told
    async def close_route(self, staff: Staff, *, bar: str, because: str, session: str, at: datetime) -> Refusal | None:
        """One person shuts the route through a legal bar, from the next request on: to cut is safer than to open."""
        if refused := self._may_not(staff):
            return refused
        said = " ".join(because.split())[:LETTERS_MAX]
        if len(said) < LETTERS_MIN:
            return Refusal(kind="reason-needed", sentences=("Say why in a few words: they are kept.",))
        held = access.in_force().bars.bar.get(bar)
        if held is None or not held.let_through.is_open:
            return Refusal(kind="not-found", sentences=("That route is shut already: nothing was changed.",))
        content = {"bar": bar, "was": held.let_through.reference}
        detail = {"what": Kind.LEGAL_BAR.value, "step": "closed", "content": content, "because": said}
        await self._witness(staff, NOBODY, "administered", session=session, at=at, **detail)
        await store.close_route(self._db, bar=bar, because=said, user_id=staff.user_id, name=staff.name, at=at)
        await self._in_force.tell()
        return None

    # --- Inside -----------------------------------------------------------------------------------------------------

    def _leads(self, staff: Staff) -> bool:
        return bool(staff.organisation) and staff.organisation == self.region.privacy_organisation

    async def _operator_looks(self, staff: Staff, witness: audit.Witness) -> tuple[OperatorLook, ...]:
        """Emergency access of those who run the record: what they looked at on the command line, and why."""
        if not self._leads(staff):
            return ()
        kinds = (audit.Kind.EXAMINED, audit.Kind.EXPORTED)
        events = await read_events_witnessed(self._db, witness=witness, kinds=kinds, limit=EXAMINED_MAX)
        return tuple(_look(event) for event in events if event.route == OPERATOR_ROUTE)[:LOOKS_MAX]


def last_months(on: date, *, months: int = MONTHS) -> list[date]:
    """The first days of this month and those before it, newest first."""
    number = on.year * 12 + on.month - 1
    return [date(each // 12, each % 12 + 1, 1) for each in range(number, number - months, -1)]


def _seal(row: Any) -> LastSeal:
    return LastSeal(
        number=row["number"], at=row["at"], events=row["size"], key_id=SignedSeal.read(row["signed"]).key_id
    )


def _look(event: audit.StoredEvent) -> OperatorLook:
    detail = event.detail
    reference = next((str(detail[name]) for name in ("original", "reference", "event") if detail.get(name)), "")
    return OperatorLook(
        at=event.recorded_at,
        name=event.staff.name if event.staff else "not known",
        what=str(detail.get("what", "")),
        reference=reference,
        because=str(detail.get("because", "")),
    )
