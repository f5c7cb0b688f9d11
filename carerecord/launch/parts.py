"""What a launch needs of the rest of the house, as it is handed to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol, cast

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure.values import Found, Refusal
from carerecord.model import Evidence, Purpose, Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.signin import Arrivals, Sessions
from carerecord.stewardship.attestations import Attestations


class Door(Protocol):
    async def find(
        self, staff: Staff, *, nhs_number: str, birth_date: date, route: str, session: str, at: datetime
    ) -> Found | Refusal: ...

    async def witness_event(
        self,
        kind: str,
        *,
        staff: Staff,
        route: str,
        session: str,
        at: datetime,
        patient_key: int = ...,
        evidence: Evidence = ...,
        purpose: Purpose = ...,
        detail: Mapping[str, Any] | None = ...,
    ) -> Refusal | None: ...


class Pages(Protocol):
    def refusal(self, request: Request, refusal: Refusal, status: int) -> Response: ...


class Clock(Protocol):
    def __call__(self) -> datetime: ...


class Parts(Protocol):
    @property
    def door(self) -> Door: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def arrivals(self) -> Arrivals: ...
    @property
    def attestations(self) -> Attestations: ...
    @property
    def pages(self) -> Pages: ...
    @property
    def region(self) -> Region: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...


def parts_of(request: Request) -> Parts:
    return cast(Parts, request.app.state.parts)
