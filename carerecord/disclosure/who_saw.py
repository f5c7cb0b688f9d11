"""Who saw it: every look that showed a statement, an original, or what a wrong link brought together.

For a recall, when a merge, a misfile or a wrong result is found. Each look of the person is made again as far as its
list of statements, which its witness proves. What cannot be proven is listed too: to be told too often harms nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from carerecord import access, audit, database, patient_index
from carerecord.audit import Kind, StoredEvent
from carerecord.disclosure import as_seen, compose
from carerecord.disclosure.as_seen import Look, Seen
from carerecord.disclosure.circumstances import Circumstance, find_circumstance, public
from carerecord.disclosure.replay import ROUTE, decision_of, looking_of
from carerecord.disclosure.sight import Sight
from carerecord.model import Heading, OriginalReference, Person, Purpose, Staff, StoredStatement
from carerecord.organisations import Region
from carerecord.patient_index import History
from carerecord.reconciliation.versions import recency
from carerecord.record import read

QUERIES = database.queries(__package__)
ASKED: Final = (Kind.OPENED, Kind.SHOWN, Kind.SENT, Kind.EXPORTED)
SHOWING: Final = frozenset((Kind.SHOWN, Kind.SENT, Kind.EXPORTED))

# A file of the whole record is made under no reader's decision: what was kept back of it, its request says.
EVERYTHING: Final = access.Decision(kind="permit", headings=dict.fromkeys(Heading, -1), policy_version="")


class NobodyToAsk(LookupError):
    """Nothing is kept under that name: name a statement by its id, a message as 20261122-7, or a link as listed."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is recalled. One of: a statement, or one version of it; an original with all it said; a link."""

    patient_key: int = 0  # under which it is kept: of a statement and of a link
    local_id: str = ""
    version: str = ""
    original: OriginalReference | None = None
    identity_key: int = 0  # of a link: the identity that was joined
    judgement: int = 0  # of a link: its number

    @property
    def is_link(self) -> bool:
        return bool(self.judgement)


class Saw(msgspec.Struct, frozen=True, kw_only=True):
    """One look at it: by whom, as they were then, and which wording they saw. Names no patient."""

    patient_key: int
    stream: int
    seq: int
    at: datetime
    how: Literal["seen", "sent"]  # a person looked; or it went to a program, and nobody need have looked
    what: str  # summary, receipt, original, document, everything
    staff: str
    name: str
    role: str
    organisation: str
    organisation_name: str
    route: str
    versions: tuple[str, ...]  # of what was recalled; the one that the page showed as current first
    original: str  # the message behind it
    is_proven: bool  # the witness says so; otherwise time, role and links say that it was so


class WhoSaw:
    """Answers who saw something, for a steward, under witnesses of their own."""

    def __init__(self, db: database.Database, writer: audit.Writer, region: Region) -> None:
        self._db = db
        self._writer = writer
        self._region = region
        self._circumstances: dict[str, Circumstance | None] = {}

    async def who_saw(self, target: Target, *, by: Staff, because: str, session: str, at: datetime) -> list[Saw]:
        """Every look, oldest first, under whichever key the person was known at the time."""
        home_key, identity_key = await self._home(target)
        people = await self._db.fetch(QUERIES["list_persons_of_home"], home_key, identity_key or None)
        if not people:
            raise NobodyToAsk(NobodyToAsk.__doc__)
        found: list[Saw] = []
        for row in people:
            witness = await self._examine(row["person_key"], target, by=by, because=because, session=session, at=at)
            found += await self._among(row["person_key"], target, witness)
        return sorted(found, key=lambda saw: (saw.at, saw.stream, saw.seq))

    async def _home(self, target: Target) -> tuple[int, int]:
        if target.original is None:
            return target.patient_key, target.identity_key
        row = await self._db.fetchrow(QUERIES["find_whose"], target.original.day, target.original.seq)
        if row is None or row["patient_key"] is None:
            raise NobodyToAsk(NobodyToAsk.__doc__)
        return row["patient_key"], row["identity_key"]

    async def _examine(
        self, patient_key: int, target: Target, *, by: Staff, because: str, session: str, at: datetime
    ) -> audit.Witness:
        named = {name: value for name, value in msgspec.to_builtins(target).items() if value}
        return await self._writer.witness(
            audit.Event(
                kind=Kind.EXAMINED,
                patient_key=patient_key,
                staff=by,
                purpose=Purpose.PATADMIN,
                evidence=None,
                decision="",
                detail={"what": "recall", "target": named, "because": because},
                route=ROUTE,
                session=session,
                at=at,
            )
        )

    async def _among(self, patient_key: int, target: Target, witness: audit.Witness) -> list[Saw]:
        """The looks at one person. Read once; then each look is made again in memory."""
        history = await patient_index.read_history(self._db, patient_key)
        kept = await read.read_examined(self._db, witness=witness, patient_key=patient_key, identities=history.homes)
        later = await read.recorded_later(self._db, {each.original for each in kept.statements})
        arrived = as_seen.arrivals(kept.statements, later)
        link = history.find_judgement(target.identity_key, target.judgement) if target.is_link else None
        if target.is_link and (link is None or link.to_person_key != patient_key):
            return []
        meant = [each for each in kept.statements if _is_meant(target, each)]
        wanted = {_key(each) for each in meant}
        removed = as_seen.removed_of(kept.withdrawn)
        gone = frozenset(item for item in removed if item[0] == target.local_id and target.version in ("", item[1]))
        if not wanted and not gone:
            return []
        first_at = min((arrived[as_seen.coming(each)] for each in meant), default=None) if not gone else None
        events = await audit.read_events(
            self._db,
            patient_key=patient_key,
            since=first_at - as_seen.BEFORE if first_at else None,
            kinds=ASKED,
        )
        opened = {event.place: event.recorded_at for event in events if event.kind is Kind.OPENED}
        among = _Among(history, kept.statements, arrived, removed, wanted, gone, witness)
        found = []
        for event in events:
            if event.kind in SHOWING and event.staff is not None:
                if link is not None and not link.at - as_seen.BEFORE <= event.recorded_at:
                    continue
                saw = among.saw(event, opened, *await self._under(event))
                if saw is not None:
                    found.append(saw)
        return found

    async def _under(self, event: StoredEvent) -> tuple[Circumstance | None, Region]:
        hash_ = str(event.detail.get("under", ""))
        if hash_ not in self._circumstances:
            self._circumstances[hash_] = await find_circumstance(self._db, hash_) if hash_ else None
        circumstance = self._circumstances[hash_]
        return circumstance, circumstance.region if circumstance else public(self._region)


Key = tuple[OriginalReference, str, str]


def _key(statement: StoredStatement) -> Key:
    return statement.original, statement.local_id, statement.version


def _is_meant(target: Target, statement: StoredStatement) -> bool:
    if target.original is not None:
        return statement.original == target.original
    if target.is_link:
        return statement.identity_key == target.identity_key
    return (
        statement.patient_key == target.patient_key
        and statement.local_id == target.local_id
        and target.version in ("", statement.version)
    )


class _Among:
    """All that is known of one person, to make each of their looks again."""

    def __init__(
        self,
        history: History,
        statements: Sequence[StoredStatement],
        arrived: dict[as_seen.Coming, datetime],
        removed: Sequence[as_seen.Item],
        wanted: set[Key],
        gone: frozenset[as_seen.Item],
        witness: audit.Witness,
    ) -> None:
        self._history = history
        self._statements = statements
        self._arrived = arrived
        self._removed = removed
        self._wanted = wanted
        self._gone = gone
        self._witness = witness
        self._sights: dict[tuple[object, ...], Sight] = {}
        self._found: dict[tuple[object, ...], Seen] = {}

    def saw(
        self,
        event: StoredEvent,
        opened: dict[tuple[int, int], datetime],
        circumstance: Circumstance | None,
        region: Region,
    ) -> Saw | None:
        assert event.staff is not None
        look = Look.of(
            event.detail,
            snapshot=event.snapshot or b"",
            opened_at=opened.get(event.about, event.recorded_at) if event.about else event.recorded_at,
            shown_at=event.recorded_at,
        )
        if not look.is_found or look.what == "patient":
            return None
        looking = looking_of(event)
        decision = EVERYTHING if event.kind is Kind.EXPORTED else decision_of(event, circumstance)

        def see(person: Person, statements: list[StoredStatement]) -> Sight:
            # Looks of one role follow one another with nothing said between them: what they may see is the same.
            key = (
                event.kind is Kind.EXPORTED,
                repr(event.decision.get("headings")),
                event.detail.get("under"),
                look.who or patient_index.fingerprint(person),
                tuple(map(id, statements)),
            )
            if look.what == "receipt" or key not in self._sights:
                made = compose.sight_of(
                    looking, decision, witness=self._witness, person=person, statements=statements, region=region
                )
                if look.what == "receipt":
                    return made
                self._sights[key] = made
            return self._sights[key]

        # The same hash under the same decision is the same list: a look that is repeated is found once.
        proof = (look.what, look.entry, look.original, look.snapshot, look.held, look.who)
        again = (*proof, repr(event.decision.get("headings")), event.detail.get("under"))
        seen = self._found.get(again) or as_seen.find_seen(
            look,
            self._history,
            self._statements,
            arrived=self._arrived,
            removed=self._removed,
            see=see,
            region=region,
        )
        if seen is not None and look.held + look.who and (seen.proof != "none" or self._removed):
            self._found[again] = seen
        return self._said(event, look, seen, region) if seen else None

    def _said(self, event: StoredEvent, look: Look, seen: Seen, region: Region) -> Saw | None:
        assert event.staff is not None
        shown = as_seen.shown_of(look, seen.sight, region)
        if shown is None:  # An export, or what cannot be made again: all that this reader might have seen.
            shown = seen.sight.statements
        meant = [each for each in shown if _key(each) in self._wanted]
        gone = [item for item in seen.missing if item in self._gone]
        if not meant and not gone:
            return None
        is_program = event.staff.is_program or event.kind is Kind.SENT
        return Saw(
            patient_key=event.patient_key,
            stream=event.stream,
            seq=event.seq,
            at=event.recorded_at,
            how="sent" if is_program else "seen",
            what=look.what or str(event.kind),
            staff=event.staff.user_id,
            name=event.staff.name,
            role=event.staff.role_name,
            organisation=event.staff.organisation,
            organisation_name=event.staff.organisation_name,
            route=event.route,
            versions=tuple(dict.fromkeys([*_versions(meant), *(version for _, version in gone)])),
            original=str(max(meant, key=recency).original) if meant else "",
            is_proven=seen.proof != "none",
        )


def _versions(meant: Iterable[StoredStatement]) -> list[str]:
    return [each.version for each in sorted(meant, key=recency, reverse=True)]
