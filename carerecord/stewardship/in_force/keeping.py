"""Whoever decides follows what two people agreed: read at the start, asked for every two seconds, shut when in doubt.

One question of the process for all its readers, as for open pages: a look costs nothing more. What cannot be confirmed
lets nobody through a legal bar and lets nothing be seen again that was hidden.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

import asyncpg
import msgspec

from carerecord import access, audit, database, logs
from carerecord.organisations import agreed as region_agreed
from carerecord.stewardship.in_force import store
from carerecord.stewardship.in_force.rules import Standing, Unreadable, standing_of

EVERY_SECONDS: Final = 2.0
ANSWER_SECONDS_MAX: Final = 2.0  # with EVERY_SECONDS less than the five within which a change must hold
FAILS = (
    database.DatabaseLost,
    database.DatabaseRefused,
    audit.WitnessUnavailable,
    asyncpg.PostgresError,
    access.PolicyDoesNotFit,
    Unreadable,
    OSError,
    TimeoutError,
)


class InForce:
    """Of one process: `base` are the policies as the files say them."""

    def __init__(
        self,
        db: database.Database,
        writer: audit.Writer,
        *,
        base: access.Policies,
        clock: Callable[[], datetime],
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self.base = base
        self.is_confirmed = False
        self._db = db
        self._writer = writer
        self._clock = clock
        self._every = every_seconds
        self._standing: Standing | None = None
        self._shut: access.Policies | None = None
        self._one_at_a_time = asyncio.Lock()

    async def load(self) -> None:
        """At the start, before anybody is served. Raises whatever stands against reading it: then nobody is."""
        await self.refresh()

    async def refresh(self) -> None:
        """Adopts what was agreed since. Raises one of FAILS."""
        async with self._one_at_a_time:
            at = self._clock()
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                standing = await self._read(at)
            if standing == self._standing and self.is_confirmed:
                return
            policies, shut = await asyncio.to_thread(self._compile, standing)
            if policies.version != access.policy_version() or not self.is_confirmed:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    await audit.note_policy(self._db, self._writer, version=policies.version, at=at)
            if policies is not access.in_force():
                access.adopt(policies)
            region_agreed.adopt(standing.region)
            if self._standing is not None and standing.number != self._standing.number:
                logs.say(logs.Line.AGREED_IN_FORCE, number=standing.number)
            self._standing, self._shut, self.is_confirmed = standing, shut, True

    async def tell(self) -> None:
        """Something was agreed in this process: it holds here at once. What fails is asked for again by `keep`."""
        try:
            await self.refresh()
        except FAILS:
            self.shut()

    def shut(self) -> None:
        """What cannot be confirmed: no route is open, no key or role that was added here counts, narrowings stay."""
        if not self.is_confirmed:
            return
        self.is_confirmed = False
        logs.say(logs.Line.AGREED_UNCONFIRMED)
        if self._shut is not None and self._shut is not access.in_force():
            access.adopt(self._shut)
        region_agreed.adopt(msgspec.structs.replace(region_agreed.agreed(), is_confirmed=False))

    async def keep(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await asyncio.sleep(self._every)
                try:
                    await self.refresh()
                    await store.note_key_uses(self._db, region_agreed.take_used())
                except FAILS:
                    self.shut()
        except asyncio.CancelledError:
            raise
        except BaseException:
            self.shut()  # Nobody follows any more.
            raise

    async def _read(self, at: datetime) -> Standing:
        held, number = self._standing, await store.read_number(self._db)
        if held is None or number != held.number:
            return standing_of(await store.read_standing(self._db), on=at.date())
        return msgspec.structs.replace(held, policies=held.policies.on(at.date()))

    def _compile(self, standing: Standing) -> tuple[access.Policies, access.Policies]:
        """As agreed; and the same with every route shut, to be at hand when nothing can be confirmed."""
        policies = access.in_force()
        if policies.agreed != standing.policies or policies.texts is not self.base.texts:
            policies = access.with_agreed(self.base, standing.policies)
        open_bars = [name for name, bar in policies.bars.bar.items() if bar.let_through.is_open]
        return policies, access.with_agreed(self.base, standing.policies.shut(open_bars)) if open_bars else policies


@contextlib.asynccontextmanager
async def following(in_force: InForce) -> AsyncIterator[InForce]:
    """Loads it, follows it while open, and leaves the process with what the files say."""
    await in_force.load()
    keeping = asyncio.create_task(in_force.keep())
    try:
        yield in_force
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        access.adopt(in_force.base)
        region_agreed.adopt(region_agreed.NOTHING)


async def read_policies_at(
    db: database.Database, base: access.Policies, *, on: datetime, at: datetime | None = None
) -> access.Policies:
    """For a command: the policies as two people left them, now or at that instant, on the day of `on`."""
    standing = standing_of(await store.read_standing(db, at=at), on=on.date())
    return await asyncio.to_thread(access.with_agreed, base, standing.policies)
