"""Labels follow their lists: everything kept is labelled again, and what differs is said again.

Raising a label takes effect at once. Lowering one shows more: that takes two people, so a pass lowers only where it was
agreed, and says how many statements wait for that. A pass goes from person to person, remembers how far it came, and
goes on there after a break. Only its own role may both read what is kept and say it again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Literal

import asyncpg
import msgspec

from carerecord import database, logs
from carerecord.database import Database
from carerecord.intake import labelling, withdrawn
from carerecord.intake.aside import Aside
from carerecord.model import Original
from carerecord.organisations import Region
from carerecord.record import dictionary, rewrite
from carerecord.sensitivity import labelling as lists_of
from carerecord.sensitivity import words_of
from carerecord.settings import Settings

KEYS_AT_ONCE: Final = 100
REST_SECONDS: Final = 600.0
ASIDE_SECONDS_MAX: Final = 20.0


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """So many statements under one heading whose label is raised or lowered. Nothing of whose they are."""

    heading: str
    label: str
    count: int


class Relabelled(msgspec.Struct, kw_only=True):
    """What one pass found and did."""

    lists: str
    is_dry_run: bool
    people: int = 0
    statements: int = 0
    said_again: int = 0
    raised: tuple[Counted, ...] = ()
    lowered: tuple[Counted, ...] = ()  # with `lowers`: done; else: they wait for two people
    lowers: bool = False

    @property
    def differs(self) -> bool:
        return bool(self.raised or self.lowered)


async def relabel(
    db: Database,
    region: Region,
    *,
    at: datetime,
    is_dry_run: bool = False,
    lowers: bool = False,
    progress: Callable[[Relabelled], None] | None = None,
) -> Relabelled:
    """One pass over everybody, as the role `relabel`."""
    aside = Aside(seconds_max=ASIDE_SECONDS_MAX)
    try:
        return await _relabel(db, region, aside, at=at, is_dry_run=is_dry_run, lowers=lowers, progress=progress)
    finally:
        await aside.close()


async def _relabel(
    db: Database,
    region: Region,
    aside: Aside,
    *,
    at: datetime,
    is_dry_run: bool,
    lowers: bool,
    progress: Callable[[Relabelled], None] | None,
) -> Relabelled:
    done = Relabelled(lists=lists_of(region.sensitive_codes), is_dry_run=is_dry_run, lowers=lowers)
    after = labelling.FIRST_KEY
    if not is_dry_run:
        at, after = await labelling.begin(db, done.lists, lowers=lowers, at=at)
    raised: Counter[tuple[str, str]] = Counter()
    lowered: Counter[tuple[str, str]] = Counter()
    while keys := await labelling.keys_after(db, after, KEYS_AT_ONCE):
        for after in keys:
            found = await _of_one(
                db, region, after, at=at, is_dry_run=is_dry_run, lowers=lowers, done=done, aside=aside
            )
            for each in found:
                raised.update((each.kept.heading.name, word) for word in words_of(each.raised))
                lowered.update((each.kept.heading.name, word) for word in words_of(each.lowered))
        done.raised, done.lowered = _counted(raised), _counted(lowered)
        if not is_dry_run:
            await labelling.note(db, at, up_to=after, counts=_words(done), finished_at=None)
        if progress:
            progress(done)
    if not is_dry_run:
        await labelling.note(db, at, up_to=after, counts=_words(done), finished_at=at)
    return done


async def _of_one(
    db: Database,
    region: Region,
    patient_key: int,
    *,
    at: datetime,
    is_dry_run: bool,
    lowers: bool,
    done: Relabelled,
    aside: Aside,
) -> Sequence[labelling.Difference]:
    async with db.transaction() as connection:
        await rewrite.hold(connection, patient_key)  # No fold moves a statement between two reads of it.
        gone = await rewrite.find_withdrawn(connection, patient_key)
        kept = gone.left(await rewrite.read_all(connection, patient_key))
        try:
            messages = await withdrawn.find_messages(connection, {each.original for each in kept})
        except dictionary.UnknownDictionary:
            await dictionary.load(connection)
            messages = await withdrawn.find_messages(connection, {each.original for each in kept})
        originals = [(message.reference, _original(message)) for message in messages]
        found = list(labelling.differences(kept, await labelling.said_today(originals, region, aside), region))
        if not is_dry_run:
            done.said_again += await labelling.say_again(connection, found, lowers=lowers, at=at)
    done.people += 1
    done.statements += len(kept)
    return found


def _original(message: withdrawn.Message) -> Original:
    return Original(
        source=message.source,
        content=message.content,
        received_at=message.received_at,
        control_id=message.control_id,
        format=msgspec.convert(message.format, Literal["hl7v2", "fhir", "document"]),
    )


def _words(done: Relabelled) -> str:
    return msgspec.json.encode(done).decode()


def _counted(counter: Counter[tuple[str, str]]) -> tuple[Counted, ...]:
    return tuple(
        Counted(heading=heading, label=label, count=count) for (heading, label), count in sorted(counter.items())
    )


async def keep_relabelled(chosen: Settings, region: Region, *, clock: Callable[[], datetime]) -> None:
    """Until cancelled: a pass whenever something was labelled by other lists than these. It raises, and lowers nothing.

    Where the working process may not become the role that does it, the operator is told which command does."""
    while True:
        try:
            async with database.connect(chosen, "relabel") as db:
                if await labelling.is_due(db, region.sensitive_codes):
                    done = await relabel(db, region, at=clock())
                    logs.say(logs.Line.RELABELLED, people=done.people, count=done.said_again)
        except database.DatabaseRefused:
            logs.say(logs.Line.RELABEL_REFUSED)
        except (database.DatabaseLost, OSError):
            logs.say(logs.Line.DATABASE_LOST)
        except (dictionary.Unreadable, asyncpg.PostgresError) as error:
            logs.say(logs.Line.RELABEL_FAILED, kind=type(error).__name__)
        await asyncio.sleep(REST_SECONDS)
