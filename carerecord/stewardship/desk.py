"""What every door of a desk is made of: who works there, and how what is looked at and done is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from carerecord import access, audit, clock, database, patient_index
from carerecord.disclosure import sentences
from carerecord.disclosure.values import Refusal
from carerecord.model import Purpose, Staff
from carerecord.organisations import Region
from carerecord.stewardship.privacy_values import NamedPerson, named

LETTERS_MIN = 5  # of a reason


class Desk:
    """A door says at its head who works there; each of its doings asks `_may_not` and `_witness` where it is read."""

    desks: ClassVar[tuple[str, ...]] = ()  # whose roles may; none: nobody by a role
    for_others: ClassVar[str] = ""  # what every other role is told
    route: ClassVar[str]
    purpose: ClassVar[Purpose] = Purpose.PATADMIN
    always: ClassVar[Mapping[str, Any]] = {}  # what each of its events says

    def __init__(
        self,
        db: database.Database,
        writer: audit.Writer,
        region: Region,
        *,
        random_key: Callable[[], int] = clock.random_key,
    ) -> None:
        self.region = region
        self._db = db
        self._writer = writer
        self._random_key = random_key

    @classmethod
    def may_not(cls, staff: Staff, region: Region) -> Refusal | None:
        """For who asks before it connects as a role that may read more."""
        if any(access.may_work(staff.role, desk) for desk in cls.desks):
            return None
        return sentences.not_allowed(region, (cls.for_others,))

    def _may_not(self, staff: Staff) -> Refusal | None:
        return self.may_not(staff, self.region)

    async def _witness(
        self, staff: Staff, patient_key: int, kind: str = "examined", *, session: str, at: datetime, **detail: Any
    ) -> audit.Witness:
        said = {**self.always, **detail}
        return await self._writer.witness(
            deed(kind, staff, patient_key, said, route=self.route, session=session, at=at, purpose=self.purpose)
        )

    async def _name(self, patient_key: int) -> NamedPerson | Refusal:
        """Who somebody is. That it is asked, and why, was written down before."""
        try:
            return named(await patient_index.read_person(self._db, patient_key))
        except patient_index.NoSuchPerson:
            return sentences.nothing_there(self.region)


def deed(
    kind: str,
    staff: Staff | Mapping[str, Any] | None,
    patient_key: int,
    detail: Mapping[str, Any],
    *,
    route: str,
    session: str = "",
    at: datetime,
    purpose: str = Purpose.PATADMIN,
) -> audit.Event:
    """What a desk, or the record by itself, looked at or did. No policy decided it and no relationship stands behind
    it: the role does."""
    return audit.Event(
        kind=kind,
        patient_key=patient_key,
        staff=staff,
        purpose=purpose,
        evidence=None,
        decision={},
        detail=detail,
        route=route,
        session=session,
        at=at,
    )


async def keys_of(db: database.Database, patient_key: int) -> list[int]:
    """Every key that rows about this person may stand under."""
    try:
        person = await patient_index.read_person(db, patient_key)
    except patient_index.NoSuchPerson:
        return [patient_key]
    return sorted({patient_key, *person.identities.values()})


def lacks_reason(said: str) -> Refusal | None:
    if len(said) >= LETTERS_MIN:
        return None
    return sentences.reason_needed(("Say in a few words why: it is kept.",))


def mend(sentence: str) -> Refusal:
    return Refusal(kind="not-allowed", sentences=(sentence,))


def only_by_command(command: str) -> Refusal:
    return mend(f"Here the process that serves may not read so much: ask whoever runs the record for `{command}`.")
