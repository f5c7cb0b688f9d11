"""What a neighbour signed in a launch is looked at afterwards: each opening must be borne out within a day.

A launch that was opened is borne out by the record itself, where a system of the region says that the neighbour is
involved in this person's care, or by the neighbour's attestation of it. What is neither, and what the neighbour itself
says it does not hold, becomes a case for the privacy desk. The unit is a launch: its pages rest on one evidence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from carerecord import audit, clock, database, logs
from carerecord.audit.events import NOBODY
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.patient_index import relationships
from carerecord.patient_index.relationships import Relationship
from carerecord.stewardship.cases import Case, open_cases
from carerecord.stewardship.desk import deed

if TYPE_CHECKING:
    import asyncpg

QUERIES = database.queries(__package__)
ENGINE = "attestations"
ROUTE = "launch"
WITHIN = timedelta(hours=24)
DUE = timedelta(days=5)
EVERY_SECONDS = 120.0
EVENTS_AT_ONCE = 5_000
UNMATCHED, DENIED = "unmatched-after-24h", "denied-by-its-own-organisation"
SENTENCES = {
    UNMATCHED: "A record was opened from {name} on evidence that nothing has borne out within 24 hours.",
    DENIED: "A record was opened from {name} on evidence that {name} says it does not hold.",
}
_LONDON = ZoneInfo("Europe/London")
_read_relationships = msgspec.json.Decoder(tuple[Relationship, ...]).decode


class Attested(msgspec.Struct, frozen=True, kw_only=True):
    """What a neighbour says of one launch, known by its jti or by the evidence that it named."""

    holds: bool
    jti: str = ""
    kind: str = ""
    id: str = ""

    @property
    def claim(self) -> str:
        return f"jti {self.jti}" if self.jti else f"{self.kind} {self.id}"


class Attestation(msgspec.Struct, frozen=True, kw_only=True):
    """One signed message, verified."""

    issuer: str
    organisation: str
    jti: str
    day: date
    said_at: datetime
    launches: tuple[Attested, ...]


class Taken(msgspec.Struct, frozen=True):
    launches: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what one neighbour opened in a month was borne out within a day."""

    organisation: str
    name: str
    month: date  # its first day
    launches: int  # that opened a record
    opens: int  # pages and answers that rested on them
    matched: int
    denied: int
    unmatched: int  # those that were borne out too late among them
    waiting: int

    @property
    def share(self) -> float | None:
        """Of those that are settled; None while none is."""
        settled = self.launches - self.waiting
        return self.matched / settled if settled else None


class Attestations:
    """Takes attestations, as `serve`. A message works once; a later one about the same launch takes its place."""

    def __init__(self, db: database.Database, writer: audit.Writer, region: Region) -> None:
        self.region = region
        self._db = db
        self._writer = writer

    @told
    async def take(self, said: Attestation, *, at: datetime) -> Taken | Refusal | None:
        """None: this message was taken before, and nothing is done again."""
        if await self._db.fetchval(QUERIES["knows_attestation"], said.issuer, said.jti):
            return None
        await self._writer.witness(_event(said, self.region, at=at))
        newest = {each.claim: each.holds for each in said.launches}
        async with self._db.transaction() as connection:
            is_new = await connection.fetchval(
                QUERIES["keep_attestation_message"], said.issuer, said.jti, said.day, said.said_at, at, len(newest)
            )
            if is_new is None:
                return None
            await connection.execute(
                QUERIES["keep_attestations"], said.issuer, list(newest), list(newest.values()), said.said_at
            )
        return Taken(len(newest))


def _event(said: Attestation, region: Region, *, at: datetime) -> audit.Event:
    neighbour = region.find_neighbour(said.issuer)
    by = Staff(
        user_id=said.issuer,
        name=neighbour.name if neighbour else said.issuer,
        role_code="",
        role="unknown",
        role_name="record system",
        organisation=said.organisation,
        organisation_name=region.organisation_name(said.organisation),
    )
    detail = {
        "what": "attestation",
        "jti": said.jti,
        "day": said.day,
        "holds": sum(each.holds for each in said.launches),
        "denied": sum(not each.holds for each in said.launches),
    }
    return deed("administered", by, NOBODY, detail, route=ROUTE, session=ROUTE, at=at)


# --- The engine, as `work` --------------------------------------------------------------------------------------------


async def keep_reconciled(db: database.Database, region: Region, *, clock: Callable[[], datetime]) -> None:
    """Reconciles every two minutes, and warns of agreements that lapse every day, until cancelled."""
    warned_on: date | None = None
    while True:
        at = clock()
        try:
            await reconcile(db, region, at=at)
        except (database.DatabaseLost, database.DatabaseRefused, OSError) as lost:
            logs.say(logs.Line.DATABASE_LOST, kind=type(lost).__name__)
        if warned_on != at.date():
            warned_on = at.date()
            warn_of_agreements(region, on=warned_on)
        await asyncio.sleep(EVERY_SECONDS)


def warn_of_agreements(region: Region, *, on: date) -> None:
    for organisation in region.agreements_lapsing(on=on):
        assert organisation.agreement_until is not None  # Only those that end are listed.
        days = (organisation.agreement_until - on).days
        line = logs.Line.AGREEMENT_LAPSES if days >= 0 else logs.Line.AGREEMENT_ENDED
        logs.say(line, organisation=organisation.ods_code, days=abs(days))


async def reconcile(
    db: database.Database, region: Region, *, at: datetime, random_key: Callable[[], int] = clock.random_key
) -> list[Case]:
    """Follows the audit, settles what can be settled, and returns the cases that are new."""
    while await _follow(db, region):
        pass
    await db.execute(QUERIES["settle_by_attestation"], at, WITHIN)
    await _settle_by_record(db, at=at)
    await db.execute(QUERIES["settle_too_late"], at, at - WITHIN)
    rows = await db.fetch(QUERIES["reliances_for_cases"], [UNMATCHED, DENIED])
    return await open_cases(db, [_case(row, region, id_=random_key(), at=at) for row in rows])


async def matched_shares(db: database.Database, region: Region, *, month: date) -> tuple[Share, ...]:
    """Each neighbour's share of launches borne out within a day, in the month of this date, by London's calendar."""
    first = datetime(month.year, month.month, 1, tzinfo=_LONDON)
    after = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=_LONDON)
    rows = {row["organisation"]: row for row in await db.fetch(QUERIES["matched_shares"], first, after)}
    codes = {neighbour.organisation for neighbour in region.neighbours} | set(rows)
    names = ("launches", "opens", "matched", "denied", "unmatched", "waiting")
    return tuple(
        Share(
            organisation=code,
            name=region.organisation_name(code),
            month=first.date(),
            **{name: int(rows[code][name]) if code in rows else 0 for name in names},
        )
        for code in sorted(codes)
    )


async def _follow(db: database.Database, region: Region) -> bool:
    """Whether there was anything to follow."""
    marks = {row["stream"]: row["seq"] for row in await db.fetch(QUERIES["read_followed"], ENGINE)}
    events = await audit.follow(db, after=marks, limit=EVENTS_AT_ONCE)
    if not events:
        return False
    neighbours = {neighbour.organisation for neighbour in region.neighbours}
    ours = [
        _seen(event)
        for event in events
        if event.route == ROUTE
        and event.kind in (audit.Kind.ARRIVED, audit.Kind.OPENED)
        and event.staff is not None
        and event.staff.organisation in neighbours
    ]
    ahead = audit.advance(marks, events)
    async with db.transaction() as connection:
        for seen in ours:
            await connection.execute(QUERIES["rely"], *seen)
        await connection.execute(QUERIES["mark_followed"], ENGINE, list(ahead), list(ahead.values()))
    return True


def _seen(event: audit.StoredEvent) -> tuple[object, ...]:
    assert event.staff is not None
    is_open = event.kind is audit.Kind.OPENED
    evidence = event.evidence
    return (
        event.patient_key,
        event.session,
        str(event.detail.get("issuer", "")) if not is_open else "",
        str(event.detail.get("jti", "")) if not is_open else "",
        event.staff.organisation,
        event.staff.user_id,
        evidence.kind.value if evidence else "none",
        (evidence.id or "") if evidence else "",
        event.stream if is_open else None,
        event.seq if is_open else None,
        event.recorded_at if is_open else None,
    )


async def _settle_by_record(db: database.Database, *, at: datetime) -> None:
    """What the record itself knows of the neighbour's involvement at the time of the opening."""
    found = []
    for row in await db.fetch(QUERIES["waiting_with_relationships"]):
        known: Iterable[Relationship] = _read_relationships(row["relationships"])
        if relationships.best(known, row["opened_at"]):
            found.append((row["patient_key"], row["session"]))
    if found:
        keys, sessions = zip(*found, strict=True)
        await db.execute(QUERIES["settle_by_record"], at, list(keys), list(sessions))


def _case(row: asyncpg.Record, region: Region, *, id_: int, at: datetime) -> Case:
    rule = DENIED if row["state"] == "denied" else UNMATCHED
    name = region.organisation_name(row["organisation"])
    return Case(
        patient_key=row["patient_key"],
        id=id_,
        desk="privacy",
        kind="evidence",
        rule=rule,
        organisation=row["organisation"],
        staff=row["staff"],
        sentence=SENTENCES[rule].format(name=name),
        detail={
            "session": row["session"],
            "evidence": row["evidence_kind"],
            "opens": row["opens"],
            "opened_at": row["opened_at"].isoformat(),
        },
        about=(row["stream"], row["seq"]),
        opened_at=at,
        due_at=at + DUE,
    )
