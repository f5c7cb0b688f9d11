"""Two people for what cuts or opens access: one asks, another agrees within a day, and only then is it done.

The two are told apart by the person behind the role (the identity that their provider names), so nobody agrees with
themselves in another role. What can be done in the database is done in the commit that agrees; what is done in files
(roles, keys, policies) waits as agreed, and whoever carried it out says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord import access, audit, clock, database
from carerecord.audit.events import NOBODY
from carerecord.disclosure import sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.signin import Switch, SwitchKind
from carerecord.signin.switches import ROUTES, cut, restore
from carerecord.stewardship.desk import LETTERS_MIN, deed, mend

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
LASTS = timedelta(hours=24)
LETTERS_MAX = 2000
LISTED_MAX = 200


class Kind(StrEnum):
    """What takes two people. Stored: only add."""

    SWITCH = "switch"  # cut or restore an organisation, a way in, a record system, a user
    ROLE = "role"  # which national role is which of ours
    KEY = "key"  # a key of a neighbour, a program or our own
    POLICY = "policy"  # a region's narrowing of the matrix
    LEGAL_BAR = "legal-bar"  # the Guardian's route through a legal bar
    REMOVAL = "removal"  # of what the record says
    LABELS = "labels"  # lower labels where the lists of today find less than those before


DESKS: Mapping[Kind, tuple[str, ...]] = {
    Kind.SWITCH: ("administration", "guardian", "privacy"),
    Kind.ROLE: ("administration", "guardian"),
    Kind.KEY: ("administration", "guardian"),
    Kind.POLICY: ("guardian", "privacy"),
    Kind.LEGAL_BAR: ("guardian", "privacy"),
    Kind.REMOVAL: ("records", "guardian"),
    Kind.LABELS: ("guardian", "privacy"),
}


class Stage(StrEnum):
    """How far a proposal is, at a moment."""

    ASKED = "asked"
    AGREED = "agreed"  # by two, and still to be carried out
    DONE = "done"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    kind: Kind
    content: dict[str, Any]
    because: str
    asked_by: str  # user id
    asked_by_name: str
    asked_at: datetime
    agreed_by: str = ""
    agreed_by_name: str = ""
    agreed_at: datetime | None = None
    withdrawn_at: datetime | None = None
    done_at: datetime | None = None
    outcome: str = ""  # what was done, in a sentence

    def stage(self, *, at: datetime) -> Stage:
        if self.withdrawn_at:
            return Stage.WITHDRAWN
        if self.done_at:
            return Stage.DONE
        if self.agreed_at:
            return Stage.AGREED
        return Stage.ASKED if at < self.asked_at + LASTS else Stage.EXPIRED


class DoesNotFit(ValueError):
    """What is proposed cannot be done as it is written."""


def converted(content: Mapping[str, Any], into: type[Any], sentence: str) -> Any:
    """The content as its kind has it. Raises DoesNotFit with this sentence."""
    try:
        return msgspec.convert(content, into)
    except msgspec.ValidationError as wrong:
        raise DoesNotFit(sentence) from wrong


class Act(msgspec.Struct, frozen=True):
    """How a kind of proposal is checked, when it is asked for and again when it is agreed to, and done in that commit.

    `do` says in a sentence what was done; without it, or where it says None, the proposal stays agreed until somebody
    has carried it out by hand. `is_carried_out_elsewhere`: what does it says that it is done, and nobody says it
    before: a removal or a pass over labels that a click declared done would never be looked for again."""

    check: Callable[[Mapping[str, Any], Region, datetime], None]  # raises DoesNotFit
    do: Callable[[Connection, Proposal], Awaitable[str | None]] | None = None
    is_carried_out_elsewhere: bool = False


class Proposals:
    """Asks, agrees, withdraws, carries out: each asks if this role may; what changes is witnessed first."""

    def __init__(
        self,
        db: database.Database,
        writer: audit.Writer,
        region: Region,
        *,
        acts: Mapping[Kind, Act] | None = None,
        changed: Callable[[], Awaitable[None]] | None = None,
        random_key: Callable[[], int] = clock.random_key,
    ) -> None:
        """`changed` is told after the commit, so that this process need not wait until it asks by itself."""
        self.region = region
        self._db = db
        self._writer = writer
        self._acts = ACTS if acts is None else acts
        self._changed = changed
        self._random_key = random_key

    @told
    async def ask(
        self, staff: Staff, *, kind: Kind, content: Mapping[str, Any], because: str, session: str, at: datetime
    ) -> Proposal | Refusal:
        """Nothing is done yet: another person agrees, or a day passes."""
        if refused := self._may_not(staff, kind):
            return refused
        said = " ".join(because.split())[:LETTERS_MAX]
        if len(said) < LETTERS_MIN:
            return mend("Say why in a few words: the other person decides by them, and they are kept.")
        if act := self._acts.get(kind):
            try:
                act.check(content, self.region, at)
            except DoesNotFit as wrong:
                return mend(str(wrong))
        proposal = Proposal(
            id=self._random_key(),
            kind=kind,
            content=dict(content),
            because=said,
            asked_by=staff.user_id,
            asked_by_name=staff.name,
            asked_at=at,
        )
        await self._witness(staff, proposal, "asked", session=session, at=at)
        written = msgspec.json.encode(proposal.content).decode()
        await self._db.execute(
            QUERIES["ask_proposal"], proposal.id, kind.value, written, said, staff.user_id, staff.name, at
        )
        return proposal

    @told
    async def agree(self, staff: Staff, *, proposal_id: int, session: str, at: datetime) -> Proposal | Refusal:
        """Another person than the one who asked. What can be done here is done in the same commit."""
        proposal = await self._find(staff, proposal_id)
        if isinstance(proposal, Refusal):
            return proposal
        if proposal.asked_by == staff.user_id:
            return mend("You asked for this yourself: it takes a second person, whatever role you are in.")
        if refused := _not_at(proposal, Stage.ASKED, at=at):
            return refused
        act = self._acts.get(proposal.kind)
        try:
            if act:
                act.check(proposal.content, self.region, at)
        except DoesNotFit as wrong:  # It did when it was asked for; something else was agreed since.
            return mend(str(wrong))
        await self._witness(staff, proposal, "agreed", session=session, at=at)
        agreed = msgspec.structs.replace(proposal, agreed_by=staff.user_id, agreed_by_name=staff.name, agreed_at=at)
        async with self._db.transaction() as connection:
            row = await connection.fetchrow(
                QUERIES["agree_proposal"], proposal.id, staff.user_id, staff.name, at, at - LASTS
            )
            if row is None:  # Somebody else was faster, or it was withdrawn meanwhile.
                return mend("This was agreed or withdrawn in this very moment: look at it again.")
            if act is None or act.do is None:
                return agreed
            outcome = await act.do(connection, agreed)
            if outcome is None:
                return agreed
            await connection.execute(QUERIES["carry_out_proposal"], proposal.id, at, outcome)
        done = msgspec.structs.replace(agreed, done_at=at, outcome=outcome)
        await self._witness(staff, done, "done", session=session, at=at)
        if self._changed:
            await self._changed()
        return done

    @told
    async def find(self, staff: Staff, *, proposal_id: int) -> Proposal | Refusal:
        """One proposal, to be read by whoever is to agree."""
        return await self._find(staff, proposal_id)

    @told
    async def withdraw(self, staff: Staff, *, proposal_id: int, session: str, at: datetime) -> Proposal | Refusal:
        """Before it is done, by anybody who could have asked for it."""
        proposal = await self._find(staff, proposal_id)
        if isinstance(proposal, Refusal):
            return proposal
        if proposal.stage(at=at) is not Stage.AGREED and (refused := _not_at(proposal, Stage.ASKED, at=at)):
            return refused
        await self._witness(staff, proposal, "withdrawn", session=session, at=at)
        if await self._db.fetchval(QUERIES["withdraw_proposal"], proposal.id, at) is None:
            return mend("This was agreed or withdrawn in this very moment: look at it again.")
        return msgspec.structs.replace(proposal, withdrawn_at=at)

    @told
    async def carry_out(
        self, staff: Staff, *, proposal_id: int, outcome: str, session: str, at: datetime
    ) -> Proposal | Refusal:
        """What two people agreed was done by hand: a role, a key or a policy in its file."""
        proposal = await self._find(staff, proposal_id)
        if isinstance(proposal, Refusal):
            return proposal
        act = self._acts.get(proposal.kind)
        if act and act.is_carried_out_elsewhere:
            return mend("This is done by what carries it out, which says so itself: the page shows how.")
        return await self.note_done(staff, proposal, outcome=outcome, session=session, at=at)

    async def note_done(
        self, staff: Staff, proposal: Proposal, *, outcome: str, session: str, at: datetime
    ) -> Proposal | Refusal:
        """For whoever has just carried it out."""
        if refused := _not_at(proposal, Stage.AGREED, at=at):
            return refused
        done = msgspec.structs.replace(proposal, done_at=at, outcome=" ".join(outcome.split())[:LETTERS_MAX])
        await self._witness(staff, done, "done", session=session, at=at)
        await self._db.execute(QUERIES["carry_out_proposal"], proposal.id, at, done.outcome)
        return done

    @told
    async def list_proposals(
        self, staff: Staff, *, session: str, at: datetime, only_open: bool = True
    ) -> tuple[Proposal, ...] | Refusal:
        """Those of the kinds that this role may ask for, newest first; open: asked and not expired, or not yet done."""
        kinds = [kind for kind in Kind if self._may_not(staff, kind) is None]
        if not kinds:
            return sentences.not_allowed(self.region, ("Your role decides about nothing that takes two people.",))
        rows = await self._db.fetch(
            QUERIES["list_proposals"], [kind.value for kind in kinds], only_open, at - LASTS, LISTED_MAX
        )
        return tuple(proposal_of(row) for row in rows)

    # --- Inside -----------------------------------------------------------------------------------------------------

    def _may_not(self, staff: Staff, kind: Kind) -> Refusal | None:
        if any(access.may_work(staff.role, desk) for desk in DESKS[kind]):
            return None
        desks = " or ".join(f"the {desk} desk" for desk in DESKS[kind])
        return sentences.not_allowed(self.region, (f"This takes two people of {desks}.",))

    async def _find(self, staff: Staff, proposal_id: int) -> Proposal | Refusal:
        row = await self._db.fetchrow(QUERIES["find_proposal"], proposal_id)
        if row is None:
            return sentences.nothing_there(self.region)
        proposal = proposal_of(row)
        return self._may_not(staff, proposal.kind) or proposal

    async def _witness(self, staff: Staff, proposal: Proposal, step: str, *, session: str, at: datetime) -> None:
        detail: dict[str, Any] = {"what": proposal.kind, "step": step, "proposal": proposal.id}
        detail |= {"content": proposal.content, "because": proposal.because, "asked_by": proposal.asked_by}
        if proposal.outcome:
            detail["outcome"] = proposal.outcome
        await self._writer.witness(
            deed("administered", staff, NOBODY, detail, route="desk-administration", session=session, at=at)
        )


def _not_at(proposal: Proposal, wanted: Stage, *, at: datetime) -> Refusal | None:
    stage = proposal.stage(at=at)
    if stage is wanted:
        return None
    if stage is Stage.EXPIRED:
        return mend("Nobody agreed within a day, so this has expired: ask for it again.")
    return mend(f"This is {stage} already: nothing was changed.")


def proposal_of(row: asyncpg.Record) -> Proposal:
    return Proposal(
        id=row["id"],
        kind=Kind(row["kind"]),
        content=msgspec.json.decode(row["content"]),
        because=row["because"],
        asked_by=row["asked_by"],
        asked_by_name=row["asked_by_name"],
        asked_at=row["asked_at"],
        agreed_by=row["agreed_by"] or "",
        agreed_by_name=row["agreed_by_name"],
        agreed_at=row["agreed_at"],
        withdrawn_at=row["withdrawn_at"],
        done_at=row["done_at"],
        outcome=row["outcome"],
    )


# --- Kill-switches ----------------------------------------------------------------------------------------------------


class SwitchContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a proposal about a switch: {"action": "cut", "kind": "organisation", "name": "RTH"}."""

    action: str
    kind: SwitchKind
    name: str


def _check_switch(content: Mapping[str, Any], region: Region, at: datetime) -> None:
    try:
        said = msgspec.convert(content, SwitchContent)
    except msgspec.ValidationError as wrong:
        raise DoesNotFit("A switch is cut or restored by its kind and its name: give all three.") from wrong
    if said.action not in ("cut", "restore"):
        raise DoesNotFit("A switch is cut or restored: say which.")
    known = {
        SwitchKind.ORGANISATION: {organisation.ods_code for organisation in region.organisations},
        SwitchKind.ROUTE: set(ROUTES),
        SwitchKind.ISSUER: {neighbour.issuer for neighbour in region.neighbours},
    }
    # A user of anywhere may have to be cut; what has left the region's file must still be restorable.
    if said.action == "cut" and said.kind in known and said.name not in known[said.kind]:
        raise DoesNotFit(f"There is no such {said.kind} here, so cutting it would do nothing: look up its name.")
    if not said.name.strip():
        raise DoesNotFit("Say what is to be cut or restored by its name.")


async def _do_switch(connection: Connection, proposal: Proposal) -> str:
    said = msgspec.convert(proposal.content, SwitchContent)
    assert proposal.agreed_at is not None  # It is done in the commit that agrees.
    if said.action == "restore":
        was_cut = await restore(connection, kind=said.kind, name=said.name)
        return f"The {said.kind} {said.name} is restored." if was_cut else f"The {said.kind} {said.name} was not cut."
    switch = Switch(
        kind=said.kind,
        name=said.name,
        because=proposal.because,
        cut_by=f"{proposal.asked_by_name} and {proposal.agreed_by_name}",
        cut_at=proposal.agreed_at,
    )
    is_new = await cut(connection, switch)
    return f"The {said.kind} {said.name} is cut." if is_new else f"The {said.kind} {said.name} was cut before."


ACTS: Mapping[Kind, Act] = {Kind.SWITCH: Act(_check_switch, _do_switch)}
