"""Launches that were verified and wait, under a code that works once and for a minute, for the browser that follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from carerecord import clock, database
from carerecord.organisations import Region
from carerecord.signin.store import Store
from carerecord.signin.switches import check_agreement, check_switches
from carerecord.signin.values import ArrivalRefusal, Launch, NewArrival

ROUTE = "launch"
SECONDS_MAX = 60
USED = "This link was used already, and it works once. Open the record again from your own system."
TOO_LATE = "This link waited longer than a minute and has ended. Open the record again from your own system."
NOT_KNOWN = "This link is not known here. Open the record again from your own system."


class Arrivals:
    def __init__(
        self,
        db: database.Database,
        *,
        region: Region | None = None,
        random_token: Callable[[], str] = clock.random_token,
    ) -> None:
        self._store = Store(db)
        self._region = region
        self._random_token = random_token

    async def keep(self, launch: Launch, *, at: datetime) -> NewArrival | None:
        """None: a launch with this jti came from this issuer before. Raises AccessCut."""
        check_agreement(self._region, launch.staff, route=ROUTE, on=at.date())
        code = self._random_token()
        expires_at = at + timedelta(seconds=SECONDS_MAX)
        cuts = await self._store.insert_arrival(
            code, launch, issuer=launch.issuer, jti=launch.jti, at=at, expires_at=expires_at
        )
        if cuts is None:
            return None
        check_switches(cuts, staff=launch.staff, route=ROUTE, issuer=launch.issuer)
        return NewArrival(code=code, expires_in=SECONDS_MAX)

    async def redeem(self, code: str, *, at: datetime) -> Launch | ArrivalRefusal:
        """The launch that waits under `code`, exactly once; else why not."""
        content = await self._store.redeem_arrival(code, at=at)
        if content is not None:
            return msgspec.json.decode(content, type=Launch)
        seen = await self._store.find_arrival(code)
        if seen is None:
            return ArrivalRefusal(rule="unknown", sentence=NOT_KNOWN)
        issuer, is_used = seen
        if is_used:
            return ArrivalRefusal(rule="used", sentence=USED, issuer=issuer)
        return ArrivalRefusal(rule="expired", sentence=TOO_LATE, issuer=issuer)
