"""What assembly hands to the pages: the door out, sign-in, the region and a clock; never what lies behind them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from starlette.requests import Request

from carerecord.disclosure import Document, Found, Looking, Receipt, Refusal, ShownOriginal, Summary
from carerecord.model import OriginalReference, Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.signin import Cis2, Sessions, Watch


class Door(Protocol):
    """The part of the door out that pages use."""

    async def summary(self, looking: Looking, /) -> Summary | Refusal: ...

    async def receipt(self, looking: Looking, entry_id: str, /) -> Receipt | Refusal: ...

    async def original(self, looking: Looking, reference: OriginalReference, /) -> ShownOriginal | Refusal: ...

    async def document(self, looking: Looking, statement_id: str, /) -> Document | Refusal: ...

    async def find(
        self, staff: Staff, /, *, nhs_number: str, birth_date: date, route: str, session: str, at: datetime
    ) -> Found | Refusal: ...

    async def witness_event(
        self,
        kind: str,
        /,
        *,
        staff: Staff | None,
        route: str,
        session: str,
        at: datetime,
        patient_key: int = ...,
        detail: Mapping[str, Any] | None = ...,
    ) -> Refusal | None: ...


class Parts(Protocol):
    @property
    def door(self) -> Door: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def watch(self) -> Watch: ...

    @property
    def cis2(self) -> Cis2 | None: ...

    @property
    def region(self) -> Region: ...

    @property
    def settings(self) -> Settings: ...

    def clock(self) -> datetime: ...


def of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
