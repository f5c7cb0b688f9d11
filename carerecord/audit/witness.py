"""The writer: many events of one process in one commit, each linked to the one before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg

from carerecord import clock as house_clock
from carerecord import database, logs
from carerecord.audit.chain import Event, Witness, first_hash
from carerecord.audit.texts import Text
from carerecord.audit.writing import STORED, Written, link_all, write
from carerecord.database import Database, DatabaseLost, DatabaseRefused

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

Clock = Callable[[], datetime]
QUERIES = database.queries(__package__)

# Of many that wait a half goes at a time: the others are made ready, and the first are shown, while it commits.
BATCH_MIN: Final = 32
BATCH_MAX: Final = 500
COMMIT_SECONDS_MAX: Final = 10
TOLD_MAX: Final = 50_000
_LOST: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, DatabaseLost, DatabaseRefused)


class WitnessUnavailable(Exception):
    """It cannot be recorded who looks at this record, so nothing is shown: phone the organisation that holds it."""

    def __init__(self) -> None:
        super().__init__(WitnessUnavailable.__doc__)


class HeadMoved(RuntimeError):
    """The stream does not end where this writer left it: verify the audit, and find who else wrote to it."""


class _Waiting(NamedTuple):
    event: Written
    future: asyncio.Future[Witness]


class _Lease(NamedTuple):
    """A stream held by this process, for as long as the connection lives."""

    connection: Connection
    stream: int


class Writer:
    """One per process. While one batch commits the next gathers: no timer, and no wait for a writer who is alone."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._flusher: asyncio.Task[None] | None = None
        self._lease: _Lease | None = None
        self._seq = 0
        self._hash = b""
        self._month = (0, 0)
        self._told: dict[tuple[int, bytes], None] = {}  # what this stream has said in this month, the oldest first

    @classmethod
    @asynccontextmanager
    async def open(cls, db: Database, *, clock: Clock = house_clock.now) -> AsyncIterator[Writer]:
        """Leases a stream at once: a process that cannot witness does not start."""
        writer = cls(db, clock)
        try:
            await writer._take_lease()
        except _LOST as error:
            raise WitnessUnavailable from error
        try:
            yield writer
        finally:
            if writer._flusher:
                await writer._flusher
            await writer._drop_lease()

    async def witness(self, event: Event) -> Witness:
        """Durable when this returns. Raises WitnessUnavailable if it may not be: then show nothing."""
        future: asyncio.Future[Witness] = self._loop.create_future()
        self._waiting.append(_Waiting(write(event), future))
        if self._flusher is None or self._flusher.done():
            self._flusher = self._loop.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        while self._waiting:
            size = min(max(BATCH_MIN, len(self._waiting) // 2), BATCH_MAX)
            batch, self._waiting = self._waiting[:size], self._waiting[size:]
            try:
                witnesses = await self._commit([waiting.event for waiting in batch])
            except Exception as error:
                if isinstance(error, HeadMoved) and self._lease:
                    logs.say(logs.Line.WITNESS_BROKEN, stream=self._lease.stream, seq=self._seq)
                # Whether the commit took effect is not known: no witness, and the head is read again before the next.
                logs.say(logs.Line.WITNESS_FAILED, kind=type(error).__name__, count=len(batch))
                await self._drop_lease()
                _refuse(batch)
            except BaseException:
                _refuse([*batch, *self._waiting])
                self._waiting = []
                raise
            else:
                for waiting, witness in zip(batch, witnesses, strict=True):
                    if not waiting.future.done():  # A reader who went away must not stop the others' events.
                        waiting.future.set_result(witness)

    async def _commit(self, events: list[Written]) -> list[Witness]:
        if self._lease and self._lease.connection.is_closed():
            await self._drop_lease()  # Broken while nothing was under way: nobody need be refused for it.
        connection, stream = self._lease or await self._take_lease()
        recorded_at, first, last = self._clock(), self._seq + 1, self._seq + len(events)
        hashes = link_all(self._hash, events, stream=stream, seq=self._seq, recorded_at=recorded_at)
        rows = [(*event[:STORED], hash_) for event, hash_ in zip(events, hashes, strict=True)]
        texts = self._untold(events, recorded_at)
        status = await connection.execute(
            QUERIES["append_events_and_texts" if texts else "append_events"],
            *(stream, self._seq, last, self._hash, hashes[-1], recorded_at, rows),
            *((list(texts.values()),) if texts else ()),
            timeout=COMMIT_SECONDS_MAX,
        )
        if status != f"INSERT 0 {len(events)}":
            raise HeadMoved
        self._seq, self._hash = last, hashes[-1]
        if texts:
            self._told |= dict.fromkeys(texts)
        return [
            Witness(patient_key=event.patient_key, stream=stream, seq=seq, recorded_at=recorded_at)
            for seq, event in enumerate(events, first)
        ]

    def _untold(self, events: list[Written], at: datetime) -> dict[tuple[int, bytes], Text]:
        """The texts that this stream has not said yet in this month, as far as it remembers: what it forgets is
        said again, and stands there once."""
        if (at.year, at.month) != self._month:
            self._month, self._told = (at.year, at.month), {}
        while len(self._told) > TOLD_MAX:
            del self._told[next(iter(self._told))]
        told = self._told
        return {text[:2]: text for event in events for text in event.texts if text[:2] not in told}

    async def _take_lease(self) -> _Lease:
        connection = await self._db.dedicated()
        try:
            stream = await connection.fetchval(QUERIES["lease_stream"], timeout=COMMIT_SECONDS_MAX)
            if stream is None:
                raise DatabaseLost
            await connection.execute(QUERIES["wait_for_disk"], timeout=COMMIT_SECONDS_MAX)
            await connection.execute(QUERIES["begin_stream"], stream, first_hash(stream), timeout=COMMIT_SECONDS_MAX)
            # The head as committed: what this process last thought of it may be wrong in either direction.
            head = await connection.fetchrow(QUERIES["read_head"], stream, timeout=COMMIT_SECONDS_MAX)
            if head is None:
                raise DatabaseLost
        except BaseException:
            connection.terminate()
            raise
        self._seq, self._hash = head["head_seq"], head["head_hash"]
        self._told = {}
        self._lease = _Lease(connection, stream)
        return self._lease

    async def _drop_lease(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            with suppress(*_LOST):
                await lease.connection.close(timeout=2)


def _refuse(batch: list[_Waiting]) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(WitnessUnavailable())
