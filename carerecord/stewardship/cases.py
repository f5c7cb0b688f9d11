"""Cases: something that somebody has to look at, opened once for each event and rule, closed with what was found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord import database
from carerecord.model import Staff
from carerecord.organisations import Region

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)


class Disposition(StrEnum):
    """What was found. Stored: only add."""

    APPROPRIATE = "appropriate"
    INAPPROPRIATE = "inappropriate"
    INCONCLUSIVE = "inconclusive"
    TRAINING = "training"
    DUPLICATE = "duplicate"
    HAZARD = "hazard"  # of a safety problem: the record can harm so
    NO_HAZARD = "no-hazard"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk is told before it looks: never who the person is. `sentence` names no patient."""

    patient_key: int  # 0: about no one person
    id: int
    desk: str
    kind: str  # break-glass, evidence, misuse, question, safety, objection
    rule: str
    organisation: str
    staff: str = ""
    sentence: str
    detail: dict[str, Any] = {}
    about: tuple[int, int] | None = None  # stream and seq of the event in the audit
    opened_at: datetime
    due_at: datetime | None = None
    closed_at: datetime | None = None
    disposition: Disposition | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    by_name: str
    organisation: str  # name
    words: str


async def open_cases(database: Database | Connection, cases: Sequence[Case]) -> list[Case]:
    """Opens each, once for its event and rule; returns those that were not there before."""
    opened = []
    for case in cases:
        row = await database.fetchrow(
            QUERIES["open_case"],
            case.patient_key,
            case.id,
            case.desk,
            case.kind,
            case.rule,
            case.organisation,
            case.staff,
            case.sentence,
            msgspec.json.encode(case.detail).decode(),
            *(case.about or (None, None)),
            case.opened_at,
            case.due_at,
        )
        if row is not None:
            opened.append(case)
    return opened


async def list_cases(
    database: Database, *, desk: str, organisation: str | None = None, is_open: bool | None = True, limit: int = 200
) -> list[Case]:
    """The cases of a desk, newest first; of one organisation's readers where it is given."""
    rows = await database.fetch(QUERIES["list_cases"], desk, organisation, is_open, limit)
    return [case_of(row) for row in rows]


async def find_case(database: Database, case_id: int) -> Case | None:
    row = await database.fetchrow(QUERIES["find_case"], case_id)
    return case_of(row) if row else None


async def close_case(database: Database, case: Case, *, disposition: Disposition, at: datetime) -> bool:
    """False if it was closed before."""
    return bool(await database.fetchval(QUERIES["close_case"], case.patient_key, case.id, at, disposition.value))


async def add_note(database: Database | Connection, case: Case, *, staff: Staff, words: str, at: datetime) -> None:
    await database.execute(
        QUERIES["add_case_note"],
        *(case.patient_key, case.id, at, staff.user_id, staff.name, staff.organisation, words),
    )


async def read_notes(database: Database, case: Case, *, region: Region) -> tuple[Note, ...]:
    """In order of time, each under the name of its writer's organisation."""
    return tuple(
        Note(
            at=row["at"],
            by_name=row["by_name"],
            organisation=region.organisation_name(row["organisation"]),
            words=row["words"],
        )
        for row in await database.fetch(QUERIES["read_case_notes"], case.patient_key, case.id)
    )


async def reopen_case(database: Database, case: Case) -> bool:
    """False if it is open."""
    return bool(await database.fetchval(QUERIES["reopen_case"], case.patient_key, case.id))


def case_of(row: asyncpg.Record) -> Case:
    return Case(
        patient_key=row["patient_key"],
        id=row["id"],
        desk=row["desk"],
        kind=row["kind"],
        rule=row["rule"],
        organisation=row["organisation"],
        staff=row["staff"],
        sentence=row["sentence"],
        detail=msgspec.json.decode(row["detail"]),
        about=(row["about_stream"], row["about_seq"]) if row["about_stream"] is not None else None,
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        closed_at=row["closed_at"],
        disposition=Disposition(row["disposition"]) if row["disposition"] else None,
    )
