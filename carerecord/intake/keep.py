"""One batch in one transaction: whose each message is, the originals with their outcomes, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING

import msgspec

from carerecord.intake import store
from carerecord.intake.values import Heard, Kept
from carerecord.model import OriginalReference, Outcome
from carerecord.patient_index import Claim, Identified, Undecided, identify
from carerecord.record import append

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

NUMBERS_AT_ONCE = 512


class _SentBefore(Exception):
    """Some of a batch were kept before: it is taken back, and those are answered from the first."""


class Keeper:
    def __init__(self, db: Database, *, random_key: Callable[[], int]) -> None:
        self._db = db
        self._random_key = random_key
        self._numbers: list[int] = []

    async def keep(self, batch: Sequence[Heard]) -> list[Kept]:
        """What became of each, in order, committed. A message that is there already is answered from there."""
        firsts = {heard.key: heard for heard in batch}  # Within a batch too, a message sent twice is one.
        new = list(firsts.values())
        became: dict[tuple[str, str, bytes], Kept] = {}
        while len(became) < len(new):
            try:
                became |= await self._keep_new([heard for heard in new if heard.key not in became])
            except _SentBefore:
                # Resending is rare, so it is not looked for before but noticed by its key.
                async with self._db.connection() as connection:
                    became |= await store.find_first(connection, new)
        answered: set[tuple[str, str, bytes]] = set()
        answers = []
        for heard in batch:
            kept = became[heard.key]
            answers.append(_as_repeat(kept) if heard.key in answered else kept)
            answered.add(heard.key)
        return answers

    async def _keep_new(self, batch: Sequence[Heard]) -> dict[tuple[str, str, bytes], Kept]:
        if not batch:
            return {}
        references = await self._references(batch)
        async with self._db.transaction() as connection:
            kept = await attribute(connection, list(zip(batch, references, strict=True)), random_key=self._random_key)
            new = await store.keep_originals(connection, list(zip(batch, kept, strict=True)))
            if len(new) < len(batch):
                raise _SentBefore
            await append_statements(connection, list(zip(batch, kept, strict=True)))
        return {heard.key: one for heard, one in zip(batch, kept, strict=True)}

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
    open_ones = [(heard, reference) for heard, reference in batch if heard.outcome is None]
    answers = await identify(
        connection, [_claim(heard, reference) for heard, reference in open_ones], random_key=random_key
    )
    identified = {reference: answer for (_, reference), answer in zip(open_ones, answers, strict=True)}
    return [_kept(heard, reference, identified.get(reference)) for heard, reference in batch]


async def append_statements(connection: Connection, batch: Sequence[tuple[Heard, Kept]]) -> None:
    await append.append(
        connection,
        [
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
        ],
    )


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
    if isinstance(answer, Identified):
        return Kept(
            reference=reference,
            outcome=Outcome.RECORDED,
            problems=heard.problems,
            patient_key=answer.patient_key,
            identity_key=answer.identity_key,
        )
    if isinstance(answer, Undecided):
        return Kept(reference=reference, outcome=answer.outcome, problems=(answer.problem, *heard.problems))
    assert heard.outcome is not None
    return Kept(reference=reference, outcome=heard.outcome, problems=heard.problems)


def _as_repeat(kept: Kept) -> Kept:
    return Kept(
        reference=kept.reference,
        outcome=kept.outcome,
        problems=kept.problems,
        patient_key=kept.patient_key,
        identity_key=kept.identity_key,
        is_repeat=True,
    )
