"""The audit for programs of privacy offices (IHE ITI-81): decide, witness that it is read, and only then read it.

The office of the organisation that leads the region sees every event; another organisation's sees those of its own
readers. The database itself refuses to read without the witness.
"""

from __future__ import annotations

import base64
import struct
from datetime import datetime
from typing import Any, Final

import msgspec

from carerecord import access, audit, database, logs
from carerecord.audit import Kind
from carerecord.audit.audit_event import audit_event
from carerecord.audit.audit_event_search import PARAMETERS, Tokens, is_known, is_meant, kinds_of, tokens_of
from carerecord.audit.events import NOBODY, Cursor, read_events_witnessed
from carerecord.disclosure import sentences
from carerecord.disclosure.values import Refusal
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.organisations import Region

__all__ = ["PARAMETERS", "EventPage", "EventQuery", "Examining", "NotACursor", "Tokens", "is_known", "tokens_of"]

READ_AT_ONCE: Final = 200
READ_MAX: Final = 2_000  # events looked through for one page: a search for something rare is continued by its next
DESK: Final = "privacy"
_CURSOR: Final = struct.Struct(">qiq")


class NotACursor(ValueError):
    """This address of a next page is none that we gave: begin the search again."""

    def __init__(self) -> None:
        super().__init__(NotACursor.__doc__)


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the audit; `patient_key` 0: about anybody."""

    patient_key: int = NOBODY
    since: datetime | None = None
    until: datetime | None = None
    staff: str | None = None  # user id of the reader
    asked: tuple[tuple[str, Tokens], ...] = ()  # of the resource: parameters by name, each with its tokens
    count: int = 50
    after: str = ""  # a cursor of the page before


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """FHIR AuditEvents, newest first; `next` is empty on the last page."""

    events: list[dict[str, Any]]
    next: str = ""


class Examining:
    """What a privacy office's program may ask of the audit."""

    def __init__(self, db: database.Database, writer: audit.Writer, region: Region, *, public_url: str = "") -> None:
        self.region = region
        self._db = db
        self._writer = writer
        self._base = f"{public_url.rstrip('/')}/fhir" if public_url else ""

    async def events(
        self, staff: Staff, query: EventQuery, *, route: str, session: str, at: datetime
    ) -> EventPage | Refusal:
        """Raises NotACursor."""
        before = _cursor(query.after) if query.after else None
        is_allowed = access.may_work(staff.role, DESK)
        kind = Kind.EXAMINED if is_allowed else Kind.REFUSED
        asked = {
            name: value for name, value in msgspec.structs.asdict(query).items() if value and name != "patient_key"
        }
        event = audit.Event(
            kind=kind.value,
            patient_key=query.patient_key,
            staff=staff,
            purpose=Purpose.PATADMIN,
            evidence=Evidence(kind=EvidenceClass.AGREEMENT, said_by=staff.organisation),
            decision={"kind": "permit" if is_allowed else "deny", "policies": [f"desk-{DESK}"]},
            detail={"what": "audit", "asked": asked},
            route=route,
            session=session,
            at=at,
        )
        try:
            witness = await self._writer.witness(event)
            if not is_allowed:
                return sentences.not_allowed(self.region, ())
            return await self._page(staff, query, witness, before)
        except (audit.WitnessUnavailable, database.DatabaseLost, database.DatabaseRefused, OSError):
            logs.say(logs.Line.WITNESS_FAILED)
            return sentences.unavailable(self.region)

    async def _page(self, staff: Staff, query: EventQuery, witness: audit.Witness, before: Cursor | None) -> EventPage:
        """As many as were asked for of those that are meant, or as many as are among the next `READ_MAX` events."""
        meant: list[dict[str, Any]] = []
        batch = READ_AT_ONCE if query.asked else query.count + 1
        for _ in range(max(1, READ_MAX // batch)):
            found = await read_events_witnessed(
                self._db,
                witness=witness,
                since=query.since,
                until=query.until,
                kinds=kinds_of(query.asked),
                staff=query.staff,
                organisation=None if self._sees_all(staff) else staff.organisation,
                before=before,
                limit=batch,
            )
            for each in found:
                if len(meant) == query.count and before:
                    return EventPage(events=meant, next=_words(before))
                resource = audit_event(each, base=self._base, site=self.region.title)
                if is_meant(resource, query.asked):
                    meant.append(resource)
                before = Cursor(each.recorded_at, each.stream, each.seq)
            if len(found) < batch:
                return EventPage(events=meant)
        return EventPage(events=meant, next=_words(before) if before else "")

    def _sees_all(self, staff: Staff) -> bool:
        return bool(staff.organisation) and staff.organisation == self.region.privacy_organisation


def _words(last: Cursor) -> str:
    """Where the page ends: a time and a place in a stream, which say nothing of anybody."""
    micros = int(last.recorded_at.timestamp()) * 1_000_000 + last.recorded_at.microsecond
    return base64.urlsafe_b64encode(_CURSOR.pack(micros, last.stream, last.seq)).decode().rstrip("=")


def _cursor(text: str) -> Cursor:
    try:
        micros, stream, seq = _CURSOR.unpack(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return Cursor.of(micros=micros, stream=stream, seq=seq)
    except (ValueError, struct.error, OverflowError) as error:
        raise NotACursor from error
