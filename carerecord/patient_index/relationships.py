"""Who is involved in a person's care, as the region's systems say it, and for how long that counts. Pure.

What shows a legitimate relationship: a stay or visit, an appointment, a referral, a caseload, an ambulance incident, a
place in a care home. One row for each, kept as said; the windows are applied when somebody asks, so a change of them
counts at once and for what was said before. A registration is no row: it is what the demographics say now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from carerecord.formats.fhir.moments import parse_moment
from carerecord.model import EvidenceClass, Source, Standing, Statement

ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
_NAMES_ODS: Final = ODS.encode()


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How long one kind of involvement counts. Each figure has who said it, or is our judgement, named so."""

    before: timedelta  # it begins
    after: timedelta  # it ended
    unended: timedelta  # after the source last spoke of it, where nobody ever said that it ended
    because: str


_NONE = timedelta()
# The order is that in which one is named where several are there: what is happening now, before what is arranged.
WINDOWS: Mapping[EvidenceClass, Window] = {
    EvidenceClass.ENCOUNTER: Window(
        before=timedelta(days=90),
        after=timedelta(days=90),
        unended=timedelta(days=365),
        because="Field report 4.2 asks for the last n days. Judgement: a planned stay as an appointment; letters and "
        "late results of a stay are acted on for a quarter; a stay of which nothing was said for a year has ended.",
    ),
    EvidenceClass.INCIDENT: Window(
        before=timedelta(hours=1),
        after=timedelta(hours=24),
        unended=timedelta(hours=24),
        because="Field report 4.2: an ambulance incident is valid for 24 hours, from its end where that is known. "
        "Judgement: an hour for clocks that do not agree.",
    ),
    EvidenceClass.RESIDENCY: Window(
        before=_NONE,
        after=timedelta(days=14),
        unended=timedelta(days=365),
        because="Field report 4.2: resident list. Judgement: two weeks to hand over, and each home says it every year.",
    ),
    EvidenceClass.CASELOAD: Window(
        before=_NONE,
        after=timedelta(days=30),
        unended=timedelta(days=730),
        because="Field report 4.2: caseload feed. Judgement: a month to close the notes; a long episode is spoken of "
        "at least every second year.",
    ),
    EvidenceClass.APPOINTMENT: Window(
        before=timedelta(days=90),
        after=timedelta(days=14),
        unended=timedelta(days=14),
        because="Field report 4.2: from 14 days past to 90 days ahead.",
    ),
    EvidenceClass.REFERRAL: Window(
        before=_NONE,
        after=timedelta(days=30),
        unended=timedelta(days=365),
        because="Field report 4.2: a referral in the last n days. Judgement: one year, the longest that is commonly "
        "waited, or until it is completed and a month to answer it.",
    ),
}
# The source's own word, taken back: it never came about, or was never so.
NEVER: Final = frozenset((Standing.CANCELLED, Standing.ENTERED_IN_ERROR))
BEFORE_MAX: Final = max(window.before for window in WINDOWS.values())
AFTER_MAX: Final = max(window.after for window in WINDOWS.values())


class Involvement(NamedTuple):
    """One row: who cares, as what, by which item of which source, and when."""

    patient_key: int
    identity_key: int
    organisation: str  # ODS code
    kind: str  # EvidenceClass
    source: str
    local_id: str
    since: datetime
    until: datetime | None  # None: it has not ended
    standing: int
    said_at: datetime


class _Identifier(msgspec.Struct, gc=False):
    system: str = ""
    value: str = ""


class _Reference(msgspec.Struct, gc=False):
    identifier: _Identifier | None = None

    @property
    def ods(self) -> str:
        named = self.identifier
        return named.value.strip().upper() if named and named.system == ODS else ""


class _Participant(msgspec.Struct, gc=False):
    actor: _Reference | None = None


class _Period(msgspec.Struct, gc=False):
    start: str = ""
    end: str = ""


class _Times(msgspec.Struct, gc=False):
    """The members of all these resources that say when."""

    period: _Period | None = None
    start: str = ""
    end: str = ""
    requestedPeriod: tuple[_Period, ...] = ()  # noqa: N815 (FHIR's own names)


class _Organisations(msgspec.Struct, gc=False):
    """The members that say who cares: read only where an ODS code stands somewhere in the resource."""

    serviceProvider: _Reference | None = None  # noqa: N815
    managingOrganization: _Reference | tuple[_Reference, ...] | None = None  # noqa: N815
    performer: tuple[_Reference, ...] = ()
    requester: _Reference | None = None
    participant: tuple[_Participant, ...] = ()


_read_times = msgspec.json.Decoder(_Times).decode
_read_organisations = msgspec.json.Decoder(_Organisations).decode

_KINDS: Final = {
    "Encounter": EvidenceClass.ENCOUNTER,
    "Appointment": EvidenceClass.APPOINTMENT,
    "ServiceRequest": EvidenceClass.REFERRAL,
    "EpisodeOfCare": EvidenceClass.CASELOAD,
    "CareTeam": EvidenceClass.CASELOAD,
}
# What a source of this kind means by the same resource.
_KINDS_OF: Final = {
    ("ambulance", "Encounter"): EvidenceClass.INCIDENT,
    ("ambulance", "EpisodeOfCare"): EvidenceClass.INCIDENT,
    ("care-home", "Encounter"): EvidenceClass.RESIDENCY,
    ("care-home", "EpisodeOfCare"): EvidenceClass.RESIDENCY,
}
TELLING: Final = frozenset(_KINDS)  # the types of resources that say who is involved
_DATED: Final = frozenset(("Encounter", "Appointment"))


def involvements(
    statements: Iterable[Statement], source: Source, *, patient_key: int, identity_key: int
) -> list[Involvement]:
    """What these statements of one message say of who is involved."""
    found: list[Involvement] = []
    for statement in statements:
        if statement.resource_type in TELLING:
            when = _when(statement, source)
            kind = _KINDS_OF.get((source.kind, statement.resource_type)) or _KINDS[statement.resource_type]
            found += [
                Involvement(
                    patient_key,
                    identity_key,
                    organisation,
                    kind.value,
                    source.id,
                    statement.local_id,
                    *when,
                    statement.standing.value,
                    statement.said_at,
                )
                for organisation in _organisations(statement, source)
            ]
    return found


def newest(rows: Sequence[Involvement]) -> list[Involvement]:
    """Each item once, as said last, in the order of keys: several messages of one commit may speak of it."""
    if len(rows) < 2:
        return list(rows)
    kept: dict[tuple[object, ...], Involvement] = {}
    for row in rows:
        key = (row.patient_key, row.organisation, row.kind, row.source, row.local_id)
        held = kept.get(key)
        if held is None or row.said_at >= held.said_at:
            kept[key] = row
    return [kept[key] for key in sorted(kept, key=str)]


class Relationship(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row as it is read again."""

    kind: EvidenceClass
    source: str
    local_id: str
    since: datetime
    until: datetime | None = None
    standing: int = Standing.CURRENT.value
    said_at: datetime


def stands(relationship: Relationship, at: datetime) -> bool:
    """Whether it shows, at this moment, that the organisation is involved."""
    window = WINDOWS.get(relationship.kind)
    if window is None or relationship.standing in NEVER or at < relationship.since - window.before:
        return False
    if relationship.until is not None:
        return at <= relationship.until + window.after
    return at <= max(relationship.since, relationship.said_at) + window.unended


def best(relationships: Iterable[Relationship], at: datetime) -> Relationship | None:
    """Of those that stand the first in the order of `WINDOWS`; of several of one kind the one said last."""
    standing = [each for each in relationships if stands(each, at)]
    return min(standing, key=lambda each: (_RANKS[each.kind], -each.said_at.timestamp(), each.local_id), default=None)


_RANKS: Final = {kind: rank for rank, kind in enumerate(WINDOWS)}


def _when(statement: Statement, source: Source) -> tuple[datetime, datetime | None]:
    try:
        times = _read_times(statement.body)
    except msgspec.DecodeError:
        times = _Times()  # What it says of when cannot be read: that it was said stands on the statement itself.
    period = times.period or next(iter(times.requestedPeriod), None) or _Period()
    since = statement.happened_at or _moment(times.start or period.start, source) or statement.said_at
    until = _end(times.end or period.end, source)
    if until is None and statement.standing is Standing.RESOLVED:
        until = max(since, statement.said_at)
    elif until is None and statement.standing is Standing.PLANNED and statement.resource_type in _DATED:
        until = since  # What was planned and of which nothing more is heard did not go on for ever.
    if until is not None and until < since:
        until = since
    return since, until


def _moment(text: str, source: Source) -> datetime | None:
    return parse_moment(text, source.timezone) if text else None


def _end(text: str, source: Source) -> datetime | None:
    """A Period includes its end: of a day, the whole day (https://hl7.org/fhir/R4/datatypes.html#Period)."""
    at = _moment(text, source)
    return at + timedelta(days=1) if at and len(text) == len("2026-11-22") else at


def _organisations(statement: Statement, source: Source) -> list[str]:
    """Who cares: the source's own organisation unless the resource names another; with a referral both sides of it."""
    own = [source.organisation] if source.organisation else []
    if _NAMES_ODS not in statement.body:
        return own
    try:
        said = _read_organisations(statement.body)
    except msgspec.DecodeError:
        return own
    managing = said.managingOrganization
    several = managing if isinstance(managing, tuple) else (managing,)
    actors = (each.actor for each in said.participant)
    named = [each.ods for each in (said.serviceProvider, *several, *said.performer, said.requester, *actors) if each]
    named = [ods for ods in dict.fromkeys(named) if ods]
    if statement.resource_type in ("ServiceRequest", "Appointment"):
        return list(dict.fromkeys((*own, *named)))
    return named or own
