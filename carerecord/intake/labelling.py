"""By which lists statements were labelled, and the saying again of those that today's lists label otherwise.

Labels are set when something comes in (decision 0023) and lists change. What comes out of an original today is compared
with what is kept of it; a statement whose label differs is said again under its original, with its new label, at the
moment of the pass: nothing is overwritten, and whoever saw it saw it under the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from carerecord.intake.aside import Aside, goes_aside
from carerecord.intake.reading import Lists, read
from carerecord.intake.store import QUERIES
from carerecord.model import Original, OriginalReference, Reading, Statement, StoredStatement
from carerecord.organisations import Region
from carerecord.record import append
from carerecord.record.chunk import version
from carerecord.sensitivity import Label, labelled, labelling

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

# What a source marks and what the person seals is theirs: no list of ours takes it away.
FIRST_KEY: Final = -(2**63)
NEVER_LOWERED: Final = int(Label.SENSITIVE | Label.SEALED | Label.DISSENT | Label.THIRD_PARTY)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One statement that today's lists label otherwise."""

    kept: StoredStatement
    statement: Statement
    raised: int
    lowered: int

    def bits(self, *, lowers: bool) -> int:
        raised = self.kept.sensitivity | self.raised
        return raised & ~self.lowered if lowers else raised


async def note_lists(db: Database, lists: Lists, *, at: datetime) -> None:
    """That what comes in from now on is labelled by these."""
    await db.execute(QUERIES["note_lists"], at, labelling(lists))


async def is_due(db: Database, lists: Lists) -> bool:
    """Whether anything was labelled by other lists, and by no pass with these since."""
    return bool(await db.fetchval(QUERIES["is_labelled_otherwise"], labelling(lists)))


async def begin(db: Database, lists: str, *, lowers: bool, at: datetime) -> tuple[datetime, int]:
    """A pass, or one that was broken off: its moment, and the key that was done last."""
    row = await db.fetchrow(QUERIES["begin_pass"], at, lists, lowers)
    assert row is not None
    return row["at"], FIRST_KEY if row["up_to"] is None else row["up_to"]


async def note(db: Database, pass_at: datetime, *, up_to: int, counts: str, finished_at: datetime | None) -> None:
    await db.execute(QUERIES["note_pass"], pass_at, up_to, finished_at, counts)


async def keys_after(db: Database, after: int, limit: int) -> list[int]:
    """The next keys under which anything is kept."""
    return [row["patient_key"] for row in await db.fetch(QUERIES["list_keys_after"], after, limit)]


Said = tuple[OriginalReference, str, str]


async def said_today(
    originals: Iterable[tuple[OriginalReference, Original]], region: Region, aside: Aside
) -> dict[Said, Statement]:
    """What comes out of originals today, labelled by today's lists."""
    today: dict[Said, Statement] = {}
    for reference, original in originals:
        for statement in await _said_by(original, region, aside):
            today[reference, statement.local_id, version(statement.body)] = statement
    return today


def differences(
    kept: Iterable[StoredStatement], today: Mapping[Said, Statement], region: Region
) -> Iterator[Difference]:
    """Of what is kept of one key, that which is labelled otherwise today. Pure."""
    last: dict[Said, StoredStatement] = {}
    for each in kept:
        key = (each.original, each.local_id, each.version)
        if key not in last or each.received_at > last[key].received_at:
            last[key] = each
    for key, each in last.items():
        fresh = today.get(key)
        statement = fresh or _by_itself(each, region)
        raised = statement.sensitivity & ~each.sensitivity
        # What its message does not say as it is read today, may have been labelled by what stood beside it.
        lowered = each.sensitivity & ~statement.sensitivity & ~NEVER_LOWERED if fresh else 0
        if raised or lowered:
            yield Difference(kept=each, statement=statement, raised=raised, lowered=lowered)


async def say_again(connection: Connection, found: Sequence[Difference], *, lowers: bool, at: datetime) -> int:
    """Appends the differences, as at this moment; how many they were."""
    rows: dict[tuple[int, int, str, OriginalReference], list[Statement]] = {}
    for each in found:
        bits = each.bits(lowers=lowers)
        if bits != each.kept.sensitivity:
            kept = each.kept
            key = (kept.patient_key, kept.identity_key, kept.source, kept.original)
            rows.setdefault(key, []).append(msgspec.structs.replace(each.statement, sensitivity=bits))
    await append.append(
        connection,
        [
            append.LogRow(
                patient_key=patient_key,
                identity_key=identity_key,
                source=source,
                original=original,
                received_at=at,
                statements=statements,
            )
            for (patient_key, identity_key, source, original), statements in rows.items()
        ],
    )
    return sum(map(len, rows.values()))


async def _said_by(original: Original, region: Region, aside: Aside) -> Sequence[Statement]:
    source = region.find_source(original.source)
    if source is None:
        return ()
    try:
        if goes_aside(original.content):
            return (await aside.translate(original, source, lists=region.sensitive_codes)).statements
        return read(original, source=source, lists=region.sensitive_codes).statements
    except Exception:  # As at intake: one message that cannot be read must not end the pass.
        return ()


def _by_itself(kept: StoredStatement, region: Region) -> Statement:
    """What its own words give away, without its message."""
    statement = Statement(
        resource_type=kept.resource_type,
        local_id=kept.local_id,
        heading=kept.heading,
        code=None,
        happened_at=kept.happened_at,
        said_at=kept.said_at,
        standing=kept.standing,
        sensitivity=kept.sensitivity,
        body=kept.body,
    )
    source = region.find_source(kept.source)
    if source is None:
        return statement
    reading = Reading(message_type="", control_id="", statements=(statement,))
    return labelled(reading, source=source, own=region.sensitive_codes).statements[0]
