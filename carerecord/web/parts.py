"""What assembly hands to the pages: the door out, sign-in, the region and a clock; never what lies behind them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from starlette.requests import Request

from carerecord.disclosure import Document, Found, Looking, Receipt, Refusal, ShownOriginal, Summary
from carerecord.model import Evidence, OriginalReference, Purpose, Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.signin import Cis2, NHSLogin, Sessions, Watch
from carerecord.stewardship.administration import AdministrationDesk
from carerecord.stewardship.guardian import GuardianDesk
from carerecord.stewardship.ledger import Ledger
from carerecord.stewardship.ledger_desk import LedgerDesk
from carerecord.stewardship.listed import ListedDesk
from carerecord.stewardship.notices import Notice
from carerecord.stewardship.objections import Objections
from carerecord.stewardship.own_objections import OwnObjections
from carerecord.stewardship.privacy_values import CaseFile, CaseList, NamedPerson, Record, Wanted
from carerecord.stewardship.proposals import Proposals
from carerecord.stewardship.records import RecordsDesk
from carerecord.stewardship.removal_desk import RemovalDesk
from carerecord.stewardship.safety import Safety
from carerecord.stewardship.subject_access import SubjectAccessDesk


class Door(Protocol):
    """The part of the door out that pages use."""

    async def summary(self, looking: Looking, /) -> Summary | Refusal: ...

    async def receipt(self, looking: Looking, entry_id: str, /) -> Receipt | Refusal: ...

    async def original(
        self, looking: Looking, reference: OriginalReference, /, *, of: str
    ) -> ShownOriginal | Refusal: ...

    async def document(self, looking: Looking, statement_id: str, /) -> Document | Refusal: ...

    async def find(
        self, staff: Staff, /, *, nhs_number: str, birth_date: date, route: str, session: str, at: datetime
    ) -> Found | Refusal: ...

    async def declare_emergency(
        self, looking: Looking, /, *, evidence: Evidence, until: datetime, is_rehearsal: bool
    ) -> Refusal | None: ...

    async def witness_event(
        self,
        kind: str,
        /,
        *,
        staff: Staff | None,
        route: str,
        session: str,
        at: datetime,
        patient_key: int = 0,
        evidence: Evidence | None = None,
        purpose: Purpose = Purpose.TREAT,
        detail: Mapping[str, Any] | None = None,
    ) -> Refusal | None: ...


class PrivacyDoor(Protocol):
    """The privacy desk's door."""

    async def list_cases(
        self, staff: Staff, wanted: Wanted, /, *, session: str, at: datetime
    ) -> CaseList | Refusal: ...

    async def read_case(
        self,
        staff: Staff,
        case_id: int,
        /,
        *,
        names_reader: bool = False,
        because: str = "",
        session: str,
        at: datetime,
    ) -> CaseFile | Refusal: ...

    async def name_person(
        self, staff: Staff, case_id: int, /, *, because: str, session: str, at: datetime
    ) -> NamedPerson | Refusal: ...

    async def write_note(
        self, staff: Staff, case_id: int, /, *, words: str, session: str, at: datetime
    ) -> Refusal | None: ...

    async def share(
        self, staff: Staff, case_id: int, /, *, organisation: str, session: str, at: datetime
    ) -> Refusal | None: ...

    async def close(
        self, staff: Staff, case_id: int, /, *, disposition: str, words: str, session: str, at: datetime
    ) -> Refusal | None: ...

    async def reopen(
        self, staff: Staff, case_id: int, /, *, words: str, session: str, at: datetime
    ) -> Refusal | None: ...

    async def read_record(self, staff: Staff, /, *, at: datetime) -> Record | Refusal: ...

    async def list_notices(self, staff: Staff, /, *, at: datetime) -> tuple[Notice, ...] | Refusal: ...

    async def read_notice(self, staff: Staff, reference: str, /, *, session: str, at: datetime) -> str | Refusal: ...


class Parts(Protocol):
    @property
    def door(self) -> Door: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def watch(self) -> Watch: ...

    @property
    def privacy(self) -> PrivacyDoor: ...

    @property
    def guardian(self) -> GuardianDesk: ...

    @property
    def administration(self) -> AdministrationDesk: ...

    @property
    def proposals(self) -> Proposals: ...

    @property
    def objections(self) -> Objections: ...

    @property
    def records(self) -> RecordsDesk: ...

    @property
    def subject_access(self) -> SubjectAccessDesk: ...

    @property
    def listed(self) -> ListedDesk: ...

    @property
    def removals(self) -> RemovalDesk: ...

    @property
    def safety(self) -> Safety: ...

    @property
    def cis2(self) -> Cis2 | None: ...

    @property
    def nhs_login(self) -> NHSLogin | None: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def own_objections(self) -> OwnObjections: ...

    @property
    def ledger_desk(self) -> LedgerDesk: ...

    @property
    def region(self) -> Region: ...

    @property
    def settings(self) -> Settings: ...

    def clock(self) -> datetime: ...


def of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
