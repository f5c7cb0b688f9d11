"""Follows the audit as it grows, and opens the cases of what the watch finds. One process does it: `work`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from carerecord import audit, database, logs, patient_index
from carerecord.disclosure.facts import read_facts
from carerecord.model import EvidenceClass, Purpose
from carerecord.organisations import Region
from carerecord.stewardship.cases import Case, open_cases
from carerecord.stewardship.watch.engine import Watch
from carerecord.stewardship.watch.register import read_registers
from carerecord.stewardship.watch.values import About, Colleague, Finding, Look, Rules, read_rules

QUERIES = database.queries("carerecord.stewardship")
ENGINE: Final = "watch"
SECONDS_BETWEEN: Final = 5.0
KIND: Final = "misuse"
DESK: Final = "privacy"
DUE: Final = timedelta(days=3)
RECALLED: Final = timedelta(days=1)  # of events, so that a day under way is known again after a restart
RECALLED_DECLARED: Final = timedelta(days=7)
ROLE_DAYS: Final = 90
_KINDS: Final[dict[str, Literal["opened", "searched", "declared"]]] = {
    "opened": "opened",
    "searched": "searched",
    "declared": "declared",
}


class Following:
    """Begins where it left off: its marks stand in the database, and what it finds twice is one case."""

    def __init__(
        self,
        db: database.Database,
        region: Region,
        *,
        staff: Sequence[Colleague] = (),
        random_key: Callable[[], int],
        rules: Rules | None = None,
    ) -> None:
        self._db = db
        self._region = region
        self._random_key = random_key
        self._rules = rules or read_rules()
        self._watch = Watch(self._rules, staff=staff)
        self._marks: dict[int, int] | None = None

    async def follow(self, *, at: datetime) -> int:
        """Takes what was committed since; returns how many cases it opened."""
        if self._marks is None:
            self._marks = await self._recall(at=at)
        opened = 0
        while events := await audit.follow(self._db, after=self._marks):
            findings = await self._findings(events)
            opened += len(await open_cases(self._db, [self._case(finding) for finding in findings]))
            self._marks = audit.advance(self._marks, events)
            await self._keep_marks()
        due = [
            finding
            for since, look in self._watch.doubts_due(at=at)
            if (finding := self._watch.settle(look, await self._about(look, at=since)))
        ]
        return opened + len(await open_cases(self._db, [self._case(finding) for finding in due]))

    async def _findings(self, events: Sequence[audit.StoredEvent]) -> list[Finding]:
        found = []
        for event in events:
            look = look_of(event, self._region)
            if look is None:
                continue
            finding = self._watch.take(look, await self._about(look, at=look.at))
            if finding is not None:
                found.append(finding)
        return found

    async def _about(self, look: Look, *, at: datetime) -> About:
        if not look.patient_key:
            return About()
        try:
            facts = await read_facts(self._db, look.patient_key, organisation=look.organisation, at=at)
        except patient_index.NoSuchPerson:
            return About()
        subject = facts.person.subject
        return About(
            family=subject.family or "",
            given=subject.given[0] if subject.given else "",
            birth_date=subject.birth_date,
            nhs_number=subject.nhs_number or "",
            postcode=subject.postcode or "",
            address=subject.address[0] if subject.address else "",
            practice=subject.gp_practice or "",
            died_on=subject.deceased_at.date() if subject.deceased and subject.deceased_at else None,
            is_listed=bool(
                await self._db.fetchval(QUERIES["is_listed"], list(facts.person.identities.values()), look.at)
            ),
            is_related=facts.known is not None,
        )

    async def _recall(self, *, at: datetime) -> dict[int, int]:
        """Where it stood, what each role's days were, what the desk found, and the day so far."""
        for row in await self._db.fetch(QUERIES["read_watch_days"], (at - timedelta(days=ROLE_DAYS)).date()):
            self._watch.habits.recall({row["role"]: row["counts"]})
        await self.learn()
        marks = {row["stream"]: row["seq"] for row in await self._db.fetch(QUERIES["read_watch_marks"], ENGINE)}
        declared = await audit.read_events(
            self._db, since=at - RECALLED_DECLARED, until=at - RECALLED, kinds=[audit.Kind.DECLARED]
        )
        kinds = [audit.Kind(kind) for kind in _KINDS]
        recent = await audit.read_events(self._db, since=at - RECALLED, until=at, kinds=kinds)
        # Only what was taken before: what came since is taken now, as new.
        await self._findings([event for event in (*declared, *recent) if event.seq <= marks.get(event.stream, 0)])
        return marks

    async def learn(self) -> None:
        """Weighs each rule by what the desk found of its cases."""
        rows = await self._db.fetch(QUERIES["read_rule_findings"], KIND)
        self._watch.learn(self._rules.learnt({row["rule"]: (row["closed"], row["inappropriate"]) for row in rows}))

    async def _keep_marks(self) -> None:
        marks = self._marks or {}
        await self._db.execute(QUERIES["keep_watch_marks"], ENGINE, list(marks), list(marks.values()))
        ended = self._watch.habits.take_day()
        if ended is not None:
            day, counts = ended
            await self._db.execute(
                QUERIES["keep_watch_day"],
                day,
                list(counts),
                [msgspec.json.encode(each).decode() for each in counts.values()],
            )
            await self.learn()

    def _case(self, finding: Finding) -> Case:
        look, first = finding.look, finding.alerts[0]
        return Case(
            patient_key=look.patient_key,
            id=self._random_key(),
            desk=DESK,
            kind=KIND,
            rule=first.rule,
            organisation=look.organisation,
            staff=look.user_id,
            sentence=first.why,
            detail={
                "rule": first.rule,
                "why": [alert.why for alert in finding.alerts],
                "rules": {alert.rule: round(alert.weight, 2) for alert in finding.alerts},
                "score": round(finding.score, 2),
                "evidence": [list(look.place)],
            },
            about=look.place,
            opened_at=look.at,
            due_at=look.at + DUE,
        )


async def keep_watching(
    db: database.Database,
    region: Region,
    *,
    registers: str,
    clock: Callable[[], datetime],
    random_key: Callable[[], int],
) -> None:
    """Follows the audit every few seconds until cancelled. Raises RegisterDoesNotFit before it begins."""
    following = Following(db, region, staff=read_registers(registers), random_key=random_key)
    while True:
        try:
            opened = await following.follow(at=clock())
            if opened:
                logs.say(logs.Line.CASES_OPENED, count=opened)
        except (database.DatabaseLost, database.DatabaseRefused, OSError) as lost:
            logs.say(logs.Line.DATABASE_LOST, kind=type(lost).__name__)
        await asyncio.sleep(SECONDS_BETWEEN)


def look_of(event: audit.StoredEvent, region: Region) -> Look | None:
    """What the rules ask of an event; None for programs, for stewards, for nobody, and for persons at their own."""
    kind = _KINDS.get(event.kind)
    staff = event.staff
    if kind is None or staff is None or staff.is_program or event.purpose == Purpose.PATRQT:
        return None
    organisation = region.find_organisation(staff.organisation)
    number = str(event.detail.get("nhs_number", ""))
    return Look(
        place=event.place,
        at=event.recorded_at.astimezone(UTC),
        kind=kind,
        user_id=staff.user_id,
        name=staff.name,
        role=staff.role,
        organisation=staff.organisation,
        area=organisation.area if organisation else "",
        patient_key=event.patient_key,
        evidence=event.evidence.kind if event.evidence else EvidenceClass.NONE,
        asked=blake2b(number.encode(), digest_size=8).hexdigest() if number else "",
    )
