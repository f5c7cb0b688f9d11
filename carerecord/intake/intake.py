"""Receives messages: reads each at once, and keeps whatever has queued while the last commit ran."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from carerecord import logs
from carerecord.database import DatabaseLost
from carerecord.formats import document, fhir, hl7v2
from carerecord.intake import hear
from carerecord.intake.answering import Answering
from carerecord.intake.aside import Aside, AsideFailed, AsideTooSlow, goes_aside
from carerecord.intake.connection import find_stranger, refuse
from carerecord.intake.keep import Keeper
from carerecord.intake.pushes import Answer, Pushed, pushed, sentences
from carerecord.intake.values import Heard, Kept, Receipt, Waiting
from carerecord.model import Original, Problem, Reading, Source
from carerecord.organisations import Region
from carerecord.sensitivity import check, check_sources
from carerecord.settings import Settings

if TYPE_CHECKING:
    from carerecord.database import Database

T = TypeVar("T")

BATCH_MESSAGES_MAX = 256
BATCH_BYTES_MAX = 8 << 20
# A commit of many messages costs little more than of one: it begins when all that have arrived are read, or so many.
GATHERED_MAX = 64
QUIET_TURNS = (
    3  # in the first answers are written, in the next their senders' messages come, in the third they are read
)
GATHERING_SECONDS_MAX = 0.010
ATTEMPTS_MAX = 3

# Another process was in the way: the same batch again.
_IN_THE_WAY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)
# The message's own fault. Every other error of the database says nothing about the message, so nothing is answered.
_AT_FAULT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


class NotKept(Exception):
    """The message could not be kept and must not be acknowledged: close the connection; the sender sends it again."""


class Intake:
    """One per process. Messages of one source are kept in the order in which they were received."""

    def __init__(
        self,
        db: Database,
        region: Region,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        random_key: Callable[[], int],
        heard: Callable[[str, datetime], None] | None = None,
    ) -> None:
        """`heard` is told of every message that was kept: its source's id and when it was received."""
        self._told = heard
        self._region = region
        self._live = settings.live
        check(region.sensitive_codes)
        check_sources(region.sources)
        self._lists = region.sensitive_codes
        self._clock = clock
        self._keeper = Keeper(db, region, random_key=random_key)
        self._aside = Aside(seconds_max=settings.translate_seconds_max)
        self._lanes: dict[str, _Lane] = {}
        self._queue: deque[tuple[Heard, Waiting]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def receive(self, content: bytes, *, received_at: datetime) -> Receipt:
        """Take one message to the end or to a named refusal. Returns after the commit; NotKept if there is none."""
        return await self._answer(content, received_at, _whole)

    def acknowledge(
        self, content: bytes, *, received_at: datetime, certificate: str | None = None
    ) -> asyncio.Future[bytes]:
        """As `receive`, for who hears many: a future of the acknowledgement, without a task for each message.

        `certificate`: the subject that the connection has proven. What comes under the name of a source by a connection
        that is not its own is answered, and nothing of it is kept: as a push without a token.
        """
        if self._region.proves_connections and (named := find_stranger(content, self._region, certificate)):
            answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            answer.set_result(refuse(content, source=named, at=self._clock()))
            return answer
        return self._answer(content, received_at, _acknowledgement)

    def _answer(self, content: bytes, received_at: datetime, what: Callable[[Receipt], T]) -> asyncio.Future[T]:
        header = hl7v2.header(content)
        source = hear.find_source(self._region, header)
        original = hear.original_of(content, header, source, received_at=received_at)
        answering = Answering(
            original, header, clock=self._clock, what=what, told=None if source is hear.UNKNOWN else self._told
        )
        if not goes_aside(content) and source.id not in self._lanes:
            self._enqueue(self._hear(original, header, source), answering)
            return answering.answer
        lane = self._lanes.setdefault(source.id, _Lane())
        lane.users += 1  # Now and not when the task begins: the next message of this source must find it.
        return asyncio.ensure_future(self._answer_in_turn(original, header, source, lane, answering))

    async def _answer_in_turn(
        self, original: Original, header: hl7v2.Header | None, source: Source, lane: _Lane, answering: Answering[T]
    ) -> T:
        await self._hear_in_turn(original, header, source, lane, answering)
        return await answering.answer

    async def push(
        self, content: bytes, *, source: Source, how: str, resource_type: str, own_id: str, received_at: datetime
    ) -> Answer:
        """Take one FHIR push, or each entry of a batch as one of its own, in their order. NotKept as for a message."""
        asked = fhir.Asked(how, resource_type, own_id)
        batch = fhir.split(content) if str(asked) == "POST" else None
        if batch is None:
            return Answer(pushes=(await self._push(content, asked, source, received_at),), is_batch=False)
        waiting = []
        for entry in batch.entries:
            waiting.append(asyncio.create_task(self._push(entry, batch.asked, source, received_at)))
            await asyncio.sleep(0)  # Each is read in its turn; what else the process hears is not held up by all.
        done = await asyncio.gather(*waiting, return_exceptions=True)
        if fault := next(
            (one for one in done if isinstance(one, BaseException) and not isinstance(one, NotKept)), None
        ):
            raise fault
        return Answer(pushes=tuple(one if isinstance(one, Pushed) else None for one in done), is_batch=True)

    async def drop(self, dropped: document.Dropped, *, source: Source, received_at: datetime) -> tuple[str, ...]:
        """Take one dropped document. Returns why it was refused: no sentence if it was kept to be used."""
        original = hear.dropped_original(document.pack(dropped), source, received_at=received_at)
        _, kept = await self._take_in(original, None, source)
        return sentences(kept)

    async def _push(self, content: bytes, asked: fhir.Asked, source: Source, received_at: datetime) -> Pushed:
        heard, kept = await self._take_in(
            hear.pushed_original(content, asked, source, received_at=received_at), None, source
        )
        return pushed(heard, kept)

    async def _take_in(self, original: Original, header: hl7v2.Header | None, source: Source) -> tuple[Heard, Kept]:
        waiting: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        if not goes_aside(original.content) and source.id not in self._lanes:
            heard = self._hear(original, header, source)
            self._enqueue(heard, waiting)
        else:
            lane = self._lanes.setdefault(source.id, _Lane())
            lane.users += 1
            heard = await self._hear_in_turn(original, header, source, lane, waiting)
        kept = await waiting
        if self._told and source is not hear.UNKNOWN:
            self._told(source.id, original.received_at)
        return heard, kept

    def _hear(self, original: Original, header: hl7v2.Header | None, source: Source) -> Heard:
        reading = hear.translate(original, header, source, lists=self._lists)
        return hear.conclude(original, reading, header=header, live=self._live)

    async def _hear_in_turn(
        self, original: Original, header: hl7v2.Header | None, source: Source, lane: _Lane, waiting: Waiting
    ) -> Heard:
        try:
            async with lane.turn:  # First come, first served: a big message holds back its own source only.
                heard = await self._hear_aside(original, header, source)
                self._enqueue(heard, waiting)
        finally:
            lane.users -= 1
            if not lane.users:
                self._lanes.pop(source.id, None)
        return heard

    async def close(self) -> None:
        """Wait until whatever was received is kept, and end the process aside."""
        if self._writer:
            await asyncio.wait([self._writer])
        await self._aside.close()

    async def _hear_aside(self, original: Original, header: hl7v2.Header | None, source: Source) -> Heard:
        packed = await asyncio.to_thread(hear.pack, original.content)
        reading: Reading | Problem
        if source is hear.UNKNOWN or not goes_aside(original.content):
            reading = hear.translate(original, header, source, lists=self._lists)
        else:
            try:
                reading = await self._aside.translate(original, source, lists=self._lists)
            except (AsideFailed, AsideTooSlow) as failed:
                logs.say(logs.Line.MESSAGE_PARKED, source=source.id, kind=type(failed).__name__)
                reading = hear.CRASHED if isinstance(failed, AsideFailed) else hear.TOO_SLOW
        return hear.conclude(original, reading, header=header, packed=packed, live=self._live)

    def _enqueue(self, heard: Heard, waiting: Waiting) -> None:
        self._queue.append((heard, waiting))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        batch: list[tuple[Heard, Waiting]] = []
        try:
            while self._queue:
                await self._gather()
                batch = self._take()
                await self._settle(batch)
        finally:
            self._writer = None
            # Only a cancelled writer leaves any behind: nobody may wait for ever.
            for _, waiting in (*batch, *self._queue):
                _fail(waiting)
            self._queue.clear()

    async def _gather(self) -> None:
        """Until some turns of the loop bring no further message: those whose senders were just answered come along."""
        loop = asyncio.get_running_loop()
        until, quiet = loop.time() + GATHERING_SECONDS_MAX, 0
        while quiet < QUIET_TURNS and len(self._queue) < GATHERED_MAX and loop.time() < until:
            held = len(self._queue)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._queue) == held else 0

    def _take(self) -> list[tuple[Heard, Waiting]]:
        batch = [self._queue.popleft()]
        size = len(batch[0][0].content)
        while self._queue and len(batch) < BATCH_MESSAGES_MAX:
            size += len(self._queue[0][0].content)
            if size > BATCH_BYTES_MAX:
                break
            batch.append(self._queue.popleft())
        return batch

    async def _settle(self, batch: Sequence[tuple[Heard, Waiting]]) -> None:
        """Keep a batch; if a message in it cannot be kept, find it by halves and park it alone."""
        try:
            kept = await self._keep([heard for heard, _ in batch])
        except (DatabaseLost, OSError) as lost:
            return self._refuse(batch, lost)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not isinstance(error, _AT_FAULT):
                return self._refuse(batch, error)
            fault: Exception = error
        except Exception as error:
            fault = error
        else:
            for (_, waiting), one in zip(batch, kept, strict=True):
                if not waiting.done():  # A sender that has gone must not stop the others.
                    waiting.set_result(one)
            return None
        return await self._isolate(batch, fault)

    async def _isolate(self, batch: Sequence[tuple[Heard, Waiting]], fault: Exception) -> None:
        if len(batch) > 1:
            logs.say(logs.Line.BATCH_SPLIT, messages=len(batch), kind=type(fault).__name__)
            half = len(batch) // 2
            await self._settle(batch[:half])
            return await self._settle(batch[half:])
        ((heard, waiting),) = batch
        if heard.problems == (hear.UNKEEPABLE,):
            return self._refuse(batch, fault)
        logs.say(logs.Line.MESSAGE_PARKED, source=heard.source, kind=type(fault).__name__)
        return await self._settle([(hear.park(heard, hear.UNKEEPABLE), waiting)])

    async def _keep(self, batch: Sequence[Heard]) -> list[Kept]:
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                return await self._keeper.keep(batch)
            except _IN_THE_WAY:
                continue
        return await self._keeper.keep(batch)

    def _refuse(self, batch: Sequence[tuple[Heard, Waiting]], error: Exception) -> None:
        logs.say(logs.Line.DATABASE_LOST, kind=type(error).__name__)
        for _, waiting in batch:
            _fail(waiting)


class _Lane:
    """Messages of one source behind a big one of theirs."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.users = 0


def _whole(told: Receipt) -> Receipt:
    return told


def _acknowledgement(told: Receipt) -> bytes:
    return told.acknowledgement


def _fail(waiting: Waiting) -> None:
    if not waiting.done():
        waiting.set_exception(NotKept(NotKept.__doc__))
