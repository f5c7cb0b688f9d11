"""One batch in one commit: whose each message is, the originals with their outcomes, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING

import msgspec

from carerecord.intake import store
from carerecord.intake.values import Heard, Kept
from carerecord.model import OriginalReference, Outcome
from carerecord.organisations import Region
from carerecord.patient_index import NOTHING_REPLACED, Claim, Identified, Replaced, Undecided, identify, recognise
from carerecord.patient_index.relationships import TELLING, Involvement, involvements, newest
from carerecord.record import append

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

NUMBERS_AT_ONCE = 512


class Keeper:
    def __init__(self, db: Database, region: Region, *, random_key: Callable[[], int]) -> None:
        self._db = db
        self._region = region
        self._random_key = random_key
        self._numbers: list[int] = []

    async def keep(self, batch: Sequence[Heard]) -> list[Kept]:
        """What became of each, in order, committed. A message that is there already is answered from there."""
        keys = [heard.key for heard in batch]
        new = list(dict(zip(keys, batch, strict=True)).values())  # Within a batch too, a message sent twice is one.
        became: dict[tuple[str, str, bytes], Kept] = {}
        while len(became) < len(new):
            try:
                became |= await self._keep_new([heard for heard in new if not became or heard.key not in became])
            except store.SentBefore:
                # Resending is rare, so it is not looked for before but noticed by its key.
                async with self._db.connection() as connection:
                    became |= await store.find_first(connection, new)
        if len(new) == len(batch):
            return [became[key] for key in keys]
        answered: set[tuple[str, str, bytes]] = set()
        answers = []
        for key in keys:
            answers.append(_as_repeat(became[key]) if key in answered else became[key])
            answered.add(key)
        return answers

    async def _keep_new(self, batch: Sequence[Heard]) -> dict[tuple[str, str, bytes], Kept]:
        if not batch:
            return {}
        references = await self._references(batch)
        claims = [_claim(*pair) for pair in zip(batch, references, strict=True) if pair[0].outcome is None]
        async with self._db.connection() as connection:
            recognised = await recognise(connection, claims, random_key=self._random_key)
            if recognised.answers is not None:
                kept = _attributed(batch, references, recognised.answers)
                await self._store(
                    connection, batch, kept, newer=recognised.newer, replaced=recognised.replaced
                )  # One statement is one commit.
            else:
                async with connection.transaction():
                    answers = await identify(connection, claims, random_key=self._random_key, recognised=recognised)
                    kept = _attributed(batch, references, answers)
                    await self._store(connection, batch, kept, newer=())
        return {heard.key: one for heard, one in zip(batch, kept, strict=True)}

    async def _store(
        self,
        connection: Connection,
        batch: Sequence[Heard],
        kept: Sequence[Kept],
        *,
        newer: Sequence[tuple[object, ...]],
        replaced: Replaced = NOTHING_REPLACED,
    ) -> None:
        pairs = list(zip(batch, kept, strict=True))
        await store.keep(
            connection,
            pairs,
            newer=newer,
            replaced=replaced,
            appended=append.pack_rows(_log_rows(pairs)),
            involved=_involved(pairs, self._region),
        )

    async def _references(self, batch: Sequence[Heard]) -> list[OriginalReference]:
        if len(self._numbers) < len(batch):
            self._numbers += sorted(await store.take_numbers(self._db, NUMBERS_AT_ONCE))
        numbers, self._numbers = self._numbers[: len(batch)], self._numbers[len(batch) :]
        return [
            OriginalReference(heard.received_at.astimezone(UTC).date(), seq)
            for heard, seq in zip(batch, numbers, strict=True)
        ]


async def attribute(
    connection: Connection, batch: Sequence[tuple[Heard, OriginalReference]], *, random_key: Callable[[], int]
) -> list[Kept]:
    """Whose each message is, where the message itself has not already decided what becomes of it."""
    claims = [_claim(heard, reference) for heard, reference in batch if heard.outcome is None]
    answers = await identify(connection, claims, random_key=random_key)
    return _attributed([heard for heard, _ in batch], [reference for _, reference in batch], answers)


async def append_statements(connection: Connection, batch: Sequence[tuple[Heard, Kept]], region: Region) -> None:
    """What messages said, and who is involved by it, in the caller's transaction."""
    await append.append(connection, _log_rows(batch))
    if involved := _involved(batch, region):
        await store.involve(connection, involved)


def _attributed(
    batch: Sequence[Heard], references: Sequence[OriginalReference], answers: Sequence[Identified | Undecided]
) -> list[Kept]:
    """`answers` are for those messages, in order, that have not decided it themselves."""
    remaining = iter(answers)
    return [
        _kept(heard, reference, next(remaining) if heard.outcome is None else None)
        for heard, reference in zip(batch, references, strict=True)
    ]


def _log_rows(batch: Sequence[tuple[Heard, Kept]]) -> list[append.LogRow]:
    return [
        append.LogRow(
            patient_key=kept.patient_key,
            identity_key=kept.identity_key,
            source=heard.source,
            original=kept.reference,
            received_at=heard.received_at,
            statements=heard.statements,
        )
        for heard, kept in batch
        if kept.outcome is Outcome.RECORDED and kept.patient_key is not None and kept.identity_key is not None
    ]


def _involved(batch: Sequence[tuple[Heard, Kept]], region: Region) -> list[Involvement]:
    """What a batch says of who is involved in whose care; most messages say nothing of it."""
    found: list[Involvement] = []
    for heard, kept in batch:
        telling = [each for each in heard.statements if each.resource_type in TELLING]
        if telling and kept.outcome is Outcome.RECORDED and kept.patient_key is not None:
            assert kept.identity_key is not None
            if source := region.find_source(heard.source):
                found += involvements(telling, source, patient_key=kept.patient_key, identity_key=kept.identity_key)
    return newest(found)


def _claim(heard: Heard, reference: OriginalReference) -> Claim:
    assert heard.subject is not None
    assert heard.reading is not None
    is_copy = not heard.reading.updates_demographics
    return Claim(
        source=heard.source,
        subject=msgspec.structs.replace(heard.subject, is_copy=True) if is_copy else heard.subject,
        said_at=heard.reading.said_at or heard.received_at,
        received_at=heard.received_at,
        original=reference,
        merge=heard.reading.merge,
        updates_demographics=heard.reading.updates_demographics,
        must_be_known=heard.reading.must_be_known,
    )


def _kept(heard: Heard, reference: OriginalReference, answer: Identified | Undecided | None) -> Kept:
    outcome, problems = heard.outcome, heard.problems
    if isinstance(answer, Identified):
        outcome = Outcome.RECORDED
    elif isinstance(answer, Undecided):
        outcome, problems = answer.outcome, (answer.problem, *heard.problems)
    assert outcome is not None
    return Kept(
        reference=reference,
        outcome=outcome,
        problems=problems,
        patient_key=answer.patient_key if isinstance(answer, Identified) else None,
        identity_key=answer.identity_key if isinstance(answer, Identified) else None,
        received_at=heard.received_at,
    )


def _as_repeat(kept: Kept) -> Kept:
    return msgspec.structs.replace(kept, is_repeat=True)
