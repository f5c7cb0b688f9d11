"""The person is told of emergency access to their record: by a notice in their own ledger, some days after it.

Field report, section 4.4: told by default after a set number of days, unless a hold stands; then once it falls. In two
steps, each of which finds the other half done: the audit first, then the notice under the reference that the audit has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from carerecord import audit, database, logs
from carerecord.organisations import Region
from carerecord.stewardship import notices, telling_rules
from carerecord.stewardship.cases import Case, case_of
from carerecord.stewardship.desk import deed, keys_of
from carerecord.stewardship.ledger import read_holds
from carerecord.stewardship.ledger_values import Hold
from carerecord.stewardship.telling_rules import HeldBack, Telling

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
REST_SECONDS: Final = 60.0
AT_ONCE: Final = 200
KIND: Final = "person"
ROUTE: Final = "telling"
SENTENCE: Final = "Your record was opened with emergency access. Who, when and why stands in your list of looks."


async def keep_told(
    db: database.Database, region: Region, *, clock: Callable[[], datetime], random_key: Callable[[], int]
) -> None:
    """Tells whoever is to be told, every minute until cancelled. What fails is said and tried again."""
    while True:
        try:
            told = await tell_due(db, region, at=clock(), random_key=random_key)
            if told:
                logs.say(logs.Line.PERSONS_TOLD, count=told)
        except (database.DatabaseLost, database.DatabaseRefused, audit.WitnessUnavailable, OSError) as lost:
            logs.say(logs.Line.DATABASE_LOST, kind=type(lost).__name__)
        await asyncio.sleep(REST_SECONDS)


async def tell_due(db: database.Database, region: Region, *, at: datetime, random_key: Callable[[], int]) -> int:
    """Of each declaration that is old enough and that nothing stands against; how many persons were told now."""
    before = at - timedelta(days=region.tell_after_days)
    told, last = 0, (datetime.min.replace(tzinfo=at.tzinfo), 0)
    while rows := await db.fetch(QUERIES["emergencies_to_tell"], before, *last, AT_ONCE):
        cases = [case_of(row) for row in rows]
        free = [case for case in cases if not await _held_back(db, region, case)]
        if free:  # A witness is leased only then.
            async with audit.Writer.open(db) as writer:
                for case in free:
                    told += await _tell(db, writer, case, at=at, random_key=random_key)
        last = (cases[-1].opened_at, cases[-1].id)
    return told


async def _tell(
    db: database.Database, writer: audit.Writer, case: Case, *, at: datetime, random_key: Callable[[], int]
) -> bool:
    number = await _witnessed_before(db, case)
    if number is None:
        number = random_key()
        await writer.witness(
            deed(
                audit.Kind.NOTIFIED,
                {"name": "the record itself", "role": "system"},
                case.patient_key,
                {"what": KIND, "case": str(case.id), "reference": notices.reference_of(number)},
                route=ROUTE,
                at=at,
            )
        )
    notice = notices.Notice(
        patient_key=case.patient_key,
        id=number,
        organisation="",
        kind=KIND,
        about=about(case),
        sentence=SENTENCE,
        detail={"case": str(case.id)},
        created_at=at,
    )
    return bool(await notices.tell(db, [notice]))


async def _witnessed_before(db: database.Database, case: Case) -> int | None:
    """The number of the notice that the audit says was given, where this process ended between the two."""
    events = await audit.read_events(
        db, patient_key=case.patient_key, since=case.opened_at, kinds=[audit.Kind.NOTIFIED]
    )
    for event in events:
        if event.detail.get("what") == KIND and event.detail.get("case") == str(case.id):
            return notices.parse_reference(str(event.detail.get("reference", "")))
    return None


async def _held_back(db: database.Database, region: Region, case: Case) -> tuple[HeldBack, ...]:
    declared = None
    if case.about is not None:
        declared = await audit.find_event(db, stream=case.about[0], seq=case.about[1])
    holds, looked_into = await read_against(db, case)
    return telling_rules.held_back(declared, holds=holds, looked_into=looked_into, region=region)


async def read_against(db: database.Database, case: Case) -> tuple[list[Hold], list[Case]]:
    """What may stand against telling: holds on any key of the person or on anybody's ledger, and open cases."""
    keys = await keys_of(db, case.patient_key)
    holds = await read_holds(db, keys)
    looked_into = [case_of(row) for row in await db.fetch(QUERIES["looked_into"], keys, case.staff)]
    return holds, looked_into


async def read_telling(
    db: database.Database, region: Region, case: Case, *, declared: audit.StoredEvent | None
) -> Telling:
    """For the desk that has the case; `declared`, which it has read under a witness of its own."""
    row = await db.fetchrow(QUERIES["find_told"], case.patient_key, about(case))
    due = telling_rules.due_at(case, region)
    if row is not None:
        return Telling(due_at=due, told_at=row["created_at"], read_at=row["read_at"])
    holds, looked_into = await read_against(db, case)
    held: Sequence[HeldBack] = telling_rules.held_back(declared, holds=holds, looked_into=looked_into, region=region)
    return Telling(due_at=due, held=tuple(held))


def about(case: Case) -> str:
    return f"emergency {case.id}"
