"""The list of people whose record is likely to draw the curious: the well known, and staff who ask for it.

The watch raises a look at one of them that nothing shows to be care (rule `listed`); it closes nothing to anybody. The
list says who they are to the privacy desk alone: whoever serves cannot read it, each deed connects as `steward`. An
organisation's desk sees its own entries, and is answered the same whether or not another listed the person too; the
desk that leads the region sees all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from carerecord import audit, clock, database, patient_index
from carerecord.audit.events import NOBODY
from carerecord.disclosure import sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.stewardship.desk import Desk, lacks_reason, mend
from carerecord.stewardship.notices import reference_of
from carerecord.stewardship.privacy_rules import FOR_OTHERS
from carerecord.stewardship.privacy_values import NamedPerson

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")
QUERIES = database.queries(__package__)
DESK: Final = "privacy"
LETTERS_MAX: Final = 500
DAYS_MAX: Final = 366  # a list that nobody looks through again grows; who still belongs on it is listed anew
ONLY_BY_COMMAND: Final = (
    "Here the process that serves may not read the list: ask whoever runs the record for `carerecord listed`."
)
_ZONE = ZoneInfo("Europe/London")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: by a reference, and why. Who it is about is asked for, with a reason."""

    id: int
    organisation: str  # ODS code of the desk that put them on it; "": those who run the record
    because: str
    added_by: str
    added_at: datetime
    until: datetime | None

    @property
    def reference(self) -> str:
        return reference_of(self.id)


class ListedPeople(Desk):
    """As `steward`. Each doing asks whether this role may work here, and is witnessed before it is done."""

    desks = (DESK,)
    for_others = FOR_OTHERS
    route = "desk"
    always: ClassVar = {"desk": DESK}

    @told
    async def list_people(self, staff: Staff, *, session: str, at: datetime) -> tuple[Listed, ...] | Refusal:
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, session=session, at=at, what="listed people")
        rows = await self._db.fetch(QUERIES["read_listed"], self._scope(staff), at)
        return tuple(_listed(row) for row in rows)

    @told
    async def add(
        self,
        staff: Staff,
        *,
        nhs_number: str,
        birth_date: date,
        because: str,
        until: date,
        session: str,
        at: datetime,
    ) -> Listed | Refusal:
        """The same person again changes why and until when."""
        said = " ".join(because.split())[:LETTERS_MAX]
        if refused := self._may_not(staff) or lacks_reason(said):
            return refused
        if not at.astimezone(_ZONE).date() < until <= at.astimezone(_ZONE).date() + timedelta(days=DAYS_MAX):
            return mend("Give an end date after today, within a year: who still belongs on the list is listed anew.")
        person = await patient_index.find_person(self._db, nhs_number=nhs_number, birth_date=birth_date)
        if person is None:
            sought = {"nhs_number": nhs_number, "birth_date": birth_date.isoformat()}
            await self._witness(staff, NOBODY, "searched", session=session, at=at, what="listed people", **sought)
            return sentences.nobody_found(self.region)
        await self._administer(staff, person.patient_key, "listed", session=session, at=at, because=said, until=until)
        ends = datetime.combine(until, time.max, _ZONE)
        number = await self._db.fetchval(
            QUERIES["list_person"],
            *(person.patient_key, staff.organisation, self._random_key(), said, staff.name, at, ends),
        )
        return Listed(
            id=number, organisation=staff.organisation, because=said, added_by=staff.name, added_at=at, until=ends
        )

    @told
    async def remove(self, staff: Staff, *, number: int, because: str, session: str, at: datetime) -> Refusal | None:
        said = " ".join(because.split())[:LETTERS_MAX]
        row = await self._find(staff, number, at=at)
        if isinstance(row, Refusal):
            return row
        if refused := lacks_reason(said):
            return refused
        await self._administer(staff, row["patient_key"], "unlisted", session=session, at=at, because=said)
        await self._db.execute(QUERIES["unlist_person"], row["patient_key"], number, at, staff.name, said)
        return None

    @told
    async def name_person(
        self, staff: Staff, *, number: int, because: str, session: str, at: datetime
    ) -> NamedPerson | Refusal:
        """Who an entry is about: only for a reason, and only once it is written down."""
        said = " ".join(because.split())[:LETTERS_MAX]
        row = await self._find(staff, number, at=at)
        if isinstance(row, Refusal):
            return row
        if refused := lacks_reason(said):
            return refused
        key = row["patient_key"]
        await self._witness(staff, key, session=session, at=at, what="listed person", because=said)
        return await self._name(key)

    # --- Inside -----------------------------------------------------------------------------------------------------

    def _scope(self, staff: Staff) -> str | None:
        """Whose entries: None for those of every desk."""
        return None if staff.organisation in ("", self.region.privacy_organisation) else staff.organisation

    async def _find(self, staff: Staff, number: int, *, at: datetime) -> asyncpg.Record | Refusal:
        """The same answer for an entry that is not there and for another desk's."""
        if refused := self._may_not(staff):
            return refused
        row = await self._db.fetchrow(QUERIES["find_listed"], number, at)
        if row is None or self._scope(staff) not in (None, row["organisation"]):
            return sentences.nothing_there(self.region)
        return row

    async def _administer(
        self, staff: Staff, patient_key: int, step: str, *, session: str, at: datetime, **detail: Any
    ) -> None:
        await self._witness(
            staff, patient_key, "administered", session=session, at=at, what="listed people", step=step, **detail
        )


class ListedDesk:
    """The list for the pages: each deed connects as the role that may read it, and closes that connection after it."""

    def __init__(self, region: Region, settings: Settings, *, random_key: Callable[[], int] = clock.random_key) -> None:
        self.region = region
        self._settings = settings
        self._random_key = random_key

    async def do(self, staff: Staff, doing: Callable[[ListedPeople], Awaitable[T | Refusal]]) -> T | Refusal:
        if refused := ListedPeople.may_not(staff, self.region):
            return refused
        try:
            async with self._open() as people:
                return await doing(people)
        except database.DatabaseRefused:
            return mend(ONLY_BY_COMMAND)
        except (database.DatabaseLost, audit.WitnessUnavailable, OSError):
            return sentences.unavailable(self.region)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[ListedPeople]:
        async with database.connect(self._settings, "steward") as db, audit.Writer.open(db) as writer:
            yield ListedPeople(db, writer, self.region, random_key=self._random_key)


def _listed(row: asyncpg.Record) -> Listed:
    return Listed(
        id=row["id"], organisation=row["organisation"], because=row["because"], added_by=row["added_by"],
        added_at=row["added_at"], until=row["until"],
    )  # fmt: skip
