"""The records desk's hand for what was seen and what proved wrong: a look made again, a recall, what waits unsettled.

Whoever serves may not read so much: each deed connects as the role that may (`steward`, `operate`), once this desk's
role and a reason are given, and closes that connection after it.
"""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import msgspec

from carerecord import audit, database, intake
from carerecord.audit.events import NOBODY
from carerecord.disclosure import Replay, Replays, Target, sentences
from carerecord.disclosure.replay import NothingToReplay
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.disclosure.who_saw import NobodyToAsk
from carerecord.fhir.references import parse_logical_id
from carerecord.model import OriginalReference, Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.stewardship.desk import LETTERS_MIN, Desk, only_by_command
from carerecord.stewardship.recall import FolderMissing, Recalled, Recalls

DESK = "records"
LETTERS_MAX = 500
UNSETTLED_MAX = 10_000


class Unsettled(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages of one source wait, and since when. Nothing of what they say."""

    source: str
    outcome: str
    count: int
    oldest: OriginalReference


class RecordsDesk(Desk):
    desks = (DESK,)
    for_others = "The records desk is for records managers."
    route = f"desk-{DESK}"

    def __init__(self, db: database.Database, writer: audit.Writer, region: Region, settings: Settings) -> None:
        super().__init__(db, writer, region)
        self._settings = settings

    @told
    async def count_unsettled(self, staff: Staff, *, session: str, at: datetime) -> tuple[Unsettled, ...] | Refusal:
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, what="unsettled", session=session, at=at)
        try:
            async with database.connect(self._settings, "operate") as db:
                found = await intake.list_unsettled(db, limit=UNSETTLED_MAX)
        except database.DatabaseRefused:
            return only_by_command("carerecord inbox list")
        counts = Counter((each.source, each.outcome.value) for each in found)
        oldest = {(each.source, each.outcome.value): each.reference for each in reversed(found)}
        return tuple(
            Unsettled(source=source, outcome=outcome, count=count, oldest=oldest[source, outcome])
            for (source, outcome), count in sorted(counts.items())
        )

    @told
    async def replay(
        self, staff: Staff, *, stream: int, seq: int, because: str, session: str, at: datetime
    ) -> Replay | Refusal:
        """The page of one look made again; witnessed, about that person, before anything is read."""
        said = self._may_not(staff) or _no_reason(because)
        if said:
            return said
        try:
            async with AsyncExitStack() as stack:
                db, writer = await self._as_steward(stack)
                return await Replays(db, writer, self.region).replay(
                    stream=stream, seq=seq, by=staff, because=because[:LETTERS_MAX], session=session, at=at
                )
        except NothingToReplay:
            return Refusal(kind="reason-needed", sentences=("No look has this number: it showed nothing of anybody.",))
        except database.DatabaseRefused:
            return only_by_command("carerecord witness replay")

    @told
    async def recall(
        self, staff: Staff, *, named: str, because: str, notify: bool, session: str, at: datetime
    ) -> Recalled | Refusal:
        """Everyone who saw a statement or an original; with `notify` their organisations are told."""
        said = self._may_not(staff) or _no_reason(because)
        if said:
            return said
        target = parse_target(named)
        if target is None:
            return Refusal(
                kind="reason-needed",
                sentences=("Name a statement by its id, as its receipt shows it, or a message, such as 20261122-7.",),
            )
        folder = Path(self._settings.notices) if self._settings.notices else None
        try:
            async with AsyncExitStack() as stack:
                db, writer = await self._as_steward(stack)
                recalls = Recalls(db, writer, self.region, random_key=self._random_key, folder=folder)
                return await recalls.recall(
                    target, by=staff, because=because[:LETTERS_MAX], session=session, at=at, notify=notify
                )
        except (NobodyToAsk, FolderMissing) as wrong:
            return sentences.reason_needed([str(wrong)])
        except database.DatabaseRefused:
            return only_by_command("carerecord witness recall")

    async def _as_steward(self, stack: AsyncExitStack) -> tuple[database.Database, audit.Writer]:
        db = await stack.enter_async_context(database.connect(self._settings, "steward"))
        return db, await stack.enter_async_context(audit.Writer.open(db))


def parse_target(named: str) -> Target | None:
    """A statement by its id (with ".version" for that alone), or an original."""
    text = named.strip().rpartition("/")[2]
    try:
        return Target(original=OriginalReference.parse(text))
    except ValueError:
        pass
    logical, _, version = text.partition(".")
    found = parse_logical_id(logical)
    return Target(patient_key=found[0], local_id=found[1], version=version) if found else None


def _no_reason(because: str) -> Refusal | None:
    if len(because.strip()) >= LETTERS_MIN:
        return None
    return Refusal(kind="reason-needed", sentences=("Say in a few words why you need to look: it is kept.",))
