"""What the API is handed by assembly: the door out, programs' tokens, region and clock; never what lies behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from starlette.requests import Request

from carerecord.disclosure import Found, Looking, Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.signin import ClientAccess, ClientRefusal, ClientToken
from carerecord.stewardship.examining import EventPage, EventQuery


class Door(Protocol):
    async def find(
        self, staff: Staff, *, nhs_number: str, birth_date: date | None, route: str, session: str, at: datetime
    ) -> Found | Refusal: ...

    async def patient(self, looking: Looking) -> bytes | Refusal: ...

    async def everything(self, looking: Looking) -> bytes | Refusal: ...

    async def witness_event(
        self,
        kind: str,
        *,
        staff: Staff | None,
        route: str,
        session: str,
        at: datetime,
        detail: Mapping[str, Any] | None = None,
    ) -> Refusal | None: ...


class Examining(Protocol):
    async def events(
        self, staff: Staff, query: EventQuery, *, route: str, session: str, at: datetime
    ) -> EventPage | Refusal: ...


class Clients(Protocol):
    async def grant(self, form: Mapping[str, str], *, at: datetime) -> ClientToken | ClientRefusal: ...

    async def find(self, token: str | None, *, at: datetime, cost: float = 1) -> ClientAccess | None: ...


class Parts(Protocol):
    @property
    def door(self) -> Door: ...

    @property
    def clients(self) -> Clients: ...

    @property
    def examining(self) -> Examining: ...

    @property
    def region(self) -> Region: ...

    @property
    def settings(self) -> Settings: ...

    def clock(self) -> datetime: ...


def of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
